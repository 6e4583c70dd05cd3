"""
Write the cassettes from what the providers document: python tests/write_cassettes.py

No account was at hand, so no exchange in them has happened; each says in `metadata.source` which
page it follows. Both sides are written down here, independent of the code that they test. A
cassette that was recorded since (pytest --record) is left alone.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from kling26.testing.cassettes import Exchange, dump, exchange, load

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "cassettes"
WRITTEN = "2026-11-21"

HERON = "A heron lands on a frozen pond, ice cracks"
SEA = "Fog rolls over the grey sea"
PICTURE = (Path(__file__).parent / "grey.png").read_bytes()
NAME = f"{hashlib.sha256(PICTURE).hexdigest()[:24]}.png"
BASE64 = base64.b64encode(PICTURE).decode()


# -- kie.ai and Apikley -------------------------------------------------------------------------


def create_task(
    provider: str, api: str, upload: str, files: str, words: str, nothing: str | None
) -> Iterator[tuple[str, str, list[Exchange]]]:
    """
    The cases of one provider; `words` is what recordInfo calls the text of its envelope, and
    `nothing` how it spells what is not there.
    """
    pages = {
        "kie": "https://docs.kie.ai/market/kling/{}-to-video",
        "apikley": "https://docs.apikley.ru/kling-api/Kling-2.6-{}-to-video",
    }[provider]
    text_page, image_page = pages.format("text"), pages.format("image")
    status_page = {
        "kie": "https://docs.kie.ai/market/common/get-task-detail",
        "apikley": "https://docs.apikley.ru/market/common/get-task-detail",
    }[provider]
    submit = f"POST {api}/api/v1/jobs/createTask"
    task = "task_kling-2.6_1790000000000"

    def shown(heron: bool, **fields: object) -> Exchange:
        model = "kling-2.6/text-to-video" if heron else "kling-2.6/image-to-video"
        usual: dict[str, object] = {
            "taskId": task, "model": model, "state": "waiting", "param": "{}",
            "resultJson": nothing, "failCode": nothing, "failMsg": nothing,
            "createTime": 1790000000000, "updateTime": 1790000005000, "completeTime": None,
        }  # fmt: skip
        answer = {"code": 200, words: "success", "data": usual | fields}
        return exchange(f"GET {api}/api/v1/jobs/recordInfo?taskId={task}", None, answer)

    def done(heron: bool, video: str, credits: int) -> Exchange:
        result = json.dumps({"resultUrls": [f"{files}/f/{video}.mp4"]})
        return shown(
            heron, state="success", resultJson=result, creditsConsumed=credits,
            costTime=95000, completeTime=1790000095000,
        )  # fmt: skip

    def heron(sound: bool) -> dict[str, object]:
        wishes = {"prompt": HERON, "sound": sound, "aspect_ratio": "16:9", "duration": "5"}
        return {"model": "kling-2.6/text-to-video", "input": wishes}

    taken = {"code": 200, "msg": "success", "data": {"taskId": task}}
    yield "text_to_video_with_sound", text_page, [
        exchange(submit, heron(sound=True), taken),
        shown(True, state="waiting"),
        shown(True, state="queuing"),
        shown(True, state="generating"),
        done(True, "heron", 110),
    ]  # fmt: skip
    uploaded = f"https://tempfile.{'redpandaai.co/kieai/0' if provider == 'kie' else 'apikley.ru'}"
    upload_answer = {
        "success": True, "code": 200, "msg": "File uploaded successfully",
        "data": {
            "fileName": NAME, "filePath": f"kling26/{NAME}", "fileSize": len(PICTURE),
            "downloadUrl": f"{uploaded}/kling26/{NAME}", "mimeType": "image/png",
        },
    }  # fmt: skip
    upload_body = {
        "base64Data": f"data:image/png;base64,{BASE64}", "uploadPath": "kling26", "fileName": NAME
    }  # fmt: skip
    sea = {
        "prompt": SEA, "image_urls": [f"{uploaded}/kling26/{NAME}"],
        "sound": False, "duration": "10",
    }  # fmt: skip
    yield "image_to_video", image_page, [
        exchange(f"POST {upload}/api/file-base64-upload", upload_body, upload_answer),
        exchange(submit, {"model": "kling-2.6/image-to-video", "input": sea}, taken),
        shown(False, state="generating"),
        done(False, "sea", 110),
    ]  # fmt: skip
    for case, code, words_of_it in (
        ("refused_key", 401, "You do not have access permissions"),
        ("refused_credit", 402, "Credits insufficient"),
        ("refused_input", 422, "The prompt was not accepted"),
    ):
        no = {"code": code, "msg": words_of_it, "data": None}
        yield case, text_page, [exchange(submit, heron(sound=False), no)]
    reason = "internal error, please try again later."
    yield "failed_task", status_page, [
        exchange(submit, heron(sound=False), taken),
        shown(True, state="generating"),
        shown(True, state="fail", failCode="500", failMsg=reason, completeTime=1790000060000),
    ]  # fmt: skip


# -- CometAPI ----------------------------------------------------------------------------------


def cometapi() -> Iterator[tuple[str, str, list[Exchange]]]:
    pages = "https://apidoc.cometapi.com/api/video/kling"
    api = "https://api.cometapi.com/kling/v1/videos"
    own, task = "k26-0000000000000000", "890000000000000001"
    request_id = "c0ffee00-0000-4000-8000-000000000001"

    def answer(**data: object) -> dict[str, object]:
        usual = {
            "task_id": task, "task_info": {"external_task_id": own}, "task_result": {},
            "created_at": 1790000000000, "updated_at": 1790000005000,
        }  # fmt: skip
        said = "SUCCEED"  # of the question, not of the task
        return {"code": 0, "message": said, "request_id": request_id, "data": usual | data}

    def shown(action: str, **data: object) -> Exchange:
        return exchange(f"GET {api}/{action}/{task}", None, answer(**data))

    def done(action: str, seconds: str) -> Exchange:
        video = {"id": "890000000000000002", "duration": seconds}
        video["url"] = f"https://videos.kling.example/{action}.mp4"
        return shown(
            action, task_status="succeed", task_status_msg="", task_result={"videos": [video]}
        )

    heron: dict[str, object] = {
        "model_name": "kling-v2-6", "prompt": HERON, "aspect_ratio": "16:9", "duration": "5",
        "mode": "std", "sound": "off", "external_task_id": own,
    }  # fmt: skip
    sea = {
        "model_name": "kling-v2-6", "prompt": SEA, "image": BASE64, "duration": "10",
        "mode": "std", "sound": "off", "external_task_id": own,
    }  # fmt: skip
    text2video, image2video = f"POST {api}/text2video", f"POST {api}/image2video"
    submitted = answer(task_status="submitted")
    with_sound = heron | {"sound": "on", "mode": "pro", "negative_prompt": "people"}
    yield "text_to_video_with_sound", f"{pages}/text-to-video", [
        exchange(text2video, with_sound, submitted),
        shown("text2video", task_status="submitted"),
        shown("text2video", task_status="processing"),
        done("text2video", "5.1"),
    ]  # fmt: skip
    yield "image_to_video", f"{pages}/image-to-video", [
        exchange(image2video, sea, submitted),
        shown("image2video", task_status="processing"),
        done("image2video", "10.1"),
    ]  # fmt: skip
    errors = "https://apidoc.cometapi.com/errors/error-codes-handling"
    no: dict[str, object] = {
        "error": {
            "message": f"invalid token (request id: {request_id})",
            "type": "comet_api_error", "code": "",
        }
    }  # fmt: skip
    yield "refused_key", errors, [exchange(text2video, heron, no, status=401)]
    for case, code, status, words in (
        ("refused_credit", 1102, 429, "Account balance not enough"),
        ("refused_input", 1301, 400, "Failure to pass the risk control system"),
    ):
        no = {"code": code, "message": words, "request_id": request_id}
        yield case, KLING, [exchange(text2video, heron, no, status=status)]
    reason = "Image pixel is invalid"
    yield "failed_task", f"{pages}/individual-queries", [
        exchange(image2video, sea | {"duration": "5"}, submitted),
        shown("image2video", task_status="failed", task_status_msg=reason),
    ]  # fmt: skip


#: The table of Kling's own codes, which pass through CometAPI.
KLING = "https://app.klingai.com/global/dev/document-api/apiReference/commonInfo"


# -- RunComfy ----------------------------------------------------------------------------------


def runcomfy() -> Iterator[tuple[str, str, list[Exchange]]]:
    api = "https://model-api.runcomfy.net/v1"
    pages = "https://www.runcomfy.com/models/kling/kling-2-6/pro"
    queue = "https://docs.runcomfy.com/model-apis/async-queue-endpoints"
    errors = "https://docs.runcomfy.com/model-apis/error-codes"
    request = "8a1f0000-0000-4000-8000-000000000001"
    own = f"{api}/requests/{request}"

    def shown(**fields: object) -> Exchange:
        answer = {"request_id": request, "created_at": "2026-11-21T10:00:00Z"} | fields
        return exchange(f"GET {own}/result?include_cost=true", None, answer)

    def done(video: str, cost: float) -> Exchange:
        return shown(
            status="completed", finished_at="2026-11-21T10:01:31Z", cost=cost,
            output={"video": f"https://playgrounds-storage-public.runcomfy.net/out/{video}.mp4"},
        )  # fmt: skip

    heron: dict[str, object] = {
        "prompt": HERON, "duration": 5, "aspect_ratio": "16:9", "generate_audio": False,
        "negative_prompt": "blur, distort, and low quality",
    }  # fmt: skip
    sea = {
        "prompt": SEA, "image_url": "https://pictures.example/sea.webp", "duration": 10,
        "generate_audio": False, "negative_prompt": "blur, distort, and low quality",
    }  # fmt: skip
    text_to_video = f"POST {api}/models/kling/kling-2-6/pro/text-to-video"
    image_to_video = f"POST {api}/models/kling/kling-2-6/pro/image-to-video"
    taken = {
        "request_id": request, "status_url": f"{own}/status", "result_url": f"{own}/result",
        "cancel_url": f"{own}/cancel",
    }  # fmt: skip
    with_sound = heron | {"generate_audio": True, "negative_prompt": "people"}
    yield "text_to_video_with_sound", f"{pages}/text-to-video", [
        exchange(text_to_video, with_sound, taken),
        shown(status="in_queue", queue_position=2),
        shown(status="in_progress"),
        done("heron", 0.7),
    ]  # fmt: skip
    yield "image_to_video", f"{pages}/image-to-video", [
        exchange(image_to_video, sea, taken),
        shown(status="in_progress"),
        done("sea", 0.7),
    ]  # fmt: skip
    for case, code, status, words in (
        ("refused_key", 400004, 401, "The token is missing or has expired"),
        # RunComfy signals some errors under HTTP 200.
        ("refused_credit", 400002, 200, "Insufficient balance to run this operation"),
    ):
        no = {"error_code": code, "error_message": words}
        yield case, errors, [exchange(text_to_video, heron, no, status=status)]
    no = {"message": "The input did not match the model's schema"}
    yield "refused_input", queue, [exchange(text_to_video, heron, no, status=422)]
    policy = {"type": "ContentPolicy", "message": "The prompt was rejected"}
    yield "failed_task", queue, [
        exchange(text_to_video, heron, taken),
        shown(status="in_progress"),
        shown(status="failed", error=policy),
    ]  # fmt: skip


# -- files -------------------------------------------------------------------------------------


def documented() -> dict[str, tuple[str, Sequence[Exchange]]]:
    """Every case, as "provider/case": the page that it follows, and its exchanges."""
    kie = create_task(
        "kie", "https://api.kie.ai", "https://kieai.redpandaai.co",
        "https://tempfile.aiquickdraw.com", "msg", None,
    )  # fmt: skip
    apikley = create_task(
        "apikley", "https://api.apikley.ru", "https://api.apikley.ru/file-upload",
        "https://tempfile.apikley.ru", "message", "",
    )  # fmt: skip
    providers = {"kie": kie, "apikley": apikley, "cometapi": cometapi(), "runcomfy": runcomfy()}
    return {
        f"{provider}/{case}": (page, exchanges)
        for provider, cases in providers.items()
        for case, page, exchanges in cases
    }


def written() -> dict[str, str]:
    """The text of every cassette."""
    return {
        name: dump(f"written from {page} on {WRITTEN}", exchanges)
        for name, (page, exchanges) in documented().items()
    }


def main() -> None:
    for name, content in written().items():
        path = FOLDER / f"{name}.yaml"
        if path.exists() and load(path)["metadata"]["source"].startswith("recorded"):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")


if __name__ == "__main__":
    main()
