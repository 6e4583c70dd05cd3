"""
Write the cassettes from what the providers document: python tests/write_cassettes.py

No account was at hand, so no exchange in them has happened; each says in `metadata.source` which
page it follows. Both sides are written down here, independent of the code that they test. A
cassette that was recorded since (pytest --record) is left alone.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen
from kling26.testing.cassettes import Exchange, dump, exchange, load

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "cassettes"
WRITTEN = "2026-11-21"
#: When the cases were written that came later.
LATER = {"cometapi/end_image": "2026-11-27", "cometapi/balance": "2026-11-27"}
LATER |= {
    f"runcomfy/{case}": "2026-11-27"
    for case in (
        "text_to_video_with_sound", "image_to_video", "local_picture", "refused_key",
        "refused_credit", "refused_input", "failed_task", "dry_run", "balance",
    )
}  # fmt: skip

HERON = "A heron lands on a frozen pond, ice cracks"
SEA = "Fog rolls over the grey sea"
PICTURE = (Path(__file__).parent / "grey.png").read_bytes()
NAME = f"{hashlib.sha256(PICTURE).hexdigest()[:24]}.png"
BASE64 = base64.b64encode(PICTURE).decode()

#: Its name, the page that it follows, and its exchanges.
Case = tuple[str, str, list[Exchange]]


# -- kie.ai and Apikley -------------------------------------------------------------------------

#: The id of a task.
CREATED = "task_kling-2.6_1790000000000"


@frozen
class CreateTask:
    """
    The API that kie.ai and Apikley share.

    `url`, `upload` and `files` are where it is, where pictures go, and where results are; `stored`
    is the URL under which it keeps pictures. `pages` and `status_page` document it. `message` is
    what recordInfo calls the text of its envelope, and `nothing` how it spells what is not there.
    """

    url: str
    upload: str
    files: str
    stored: str
    pages: str
    status_page: str
    message: str
    nothing: str | None

    def cases(self) -> Iterator[Case]:
        yield "text_to_video_with_sound", self.pages.format("text"), [
            self.submit(self.heron(sound=True), self.taken()),
            self.shown(True, state="waiting"),
            self.shown(True, state="queuing"),
            self.shown(True, state="generating"),
            self.done(True, "heron", 110),
        ]  # fmt: skip
        picture = f"{self.stored}/kling26/{NAME}"
        wishes = {"prompt": SEA, "image_urls": [picture], "sound": False, "duration": "10"}
        yield "image_to_video", self.pages.format("image"), [
            self.uploaded(picture),
            self.submit({"model": "kling-2.6/image-to-video", "input": wishes}, self.taken()),
            self.shown(False, state="generating"),
            self.done(False, "sea", 110),
        ]  # fmt: skip
        for case, code, message in (
            ("refused_key", 401, "You do not have access permissions"),
            ("refused_credit", 402, "Credits insufficient"),
            ("refused_input", 422, "The prompt was not accepted"),
        ):
            no = {"code": code, "msg": message, "data": None}
            yield case, self.pages.format("text"), [self.submit(self.heron(sound=False), no)]
        reason = "internal error, please try again later."
        yield "failed_task", self.status_page, [
            self.submit(self.heron(sound=False), self.taken()),
            self.shown(True, state="generating"),
            self.shown(
                True, state="fail", failCode="500", failMsg=reason, completeTime=1790000060000
            ),
        ]  # fmt: skip

    def heron(self, sound: bool) -> dict[str, object]:
        wishes = {"prompt": HERON, "sound": sound, "aspect_ratio": "16:9", "duration": "5"}
        return {"model": "kling-2.6/text-to-video", "input": wishes}

    def taken(self) -> dict[str, object]:
        return {"code": 200, "msg": "success", "data": {"taskId": CREATED}}

    def submit(self, body: object, reply: object) -> Exchange:
        return exchange(f"POST {self.url}/api/v1/jobs/createTask", body, reply)

    def uploaded(self, picture: str) -> Exchange:
        sent = {
            "base64Data": f"data:image/png;base64,{BASE64}", "uploadPath": "kling26",
            "fileName": NAME,
        }  # fmt: skip
        reply = {
            "success": True, "code": 200, "msg": "File uploaded successfully",
            "data": {
                "fileName": NAME, "filePath": f"kling26/{NAME}", "fileSize": len(PICTURE),
                "downloadUrl": picture, "mimeType": "image/png",
            },
        }  # fmt: skip
        return exchange(f"POST {self.upload}/api/file-base64-upload", sent, reply)

    def shown(self, heron: bool, **fields: object) -> Exchange:
        model = "kling-2.6/text-to-video" if heron else "kling-2.6/image-to-video"
        usual: dict[str, object] = {
            "taskId": CREATED, "model": model, "state": "waiting", "param": "{}",
            "resultJson": self.nothing, "failCode": self.nothing, "failMsg": self.nothing,
            "createTime": 1790000000000, "updateTime": 1790000005000, "completeTime": None,
        }  # fmt: skip
        reply = {"code": 200, self.message: "success", "data": usual | fields}
        return exchange(f"GET {self.url}/api/v1/jobs/recordInfo?taskId={CREATED}", None, reply)

    def done(self, heron: bool, video: str, credits: int) -> Exchange:
        result = json.dumps({"resultUrls": [f"{self.files}/f/{video}.mp4"]})
        return self.shown(
            heron, state="success", resultJson=result, creditsConsumed=credits,
            costTime=95000, completeTime=1790000095000,
        )  # fmt: skip


KIE = CreateTask(
    url="https://api.kie.ai",
    upload="https://kieai.redpandaai.co",
    files="https://tempfile.aiquickdraw.com",
    stored="https://tempfile.redpandaai.co/kieai/0",
    pages="https://docs.kie.ai/market/kling/{}-to-video",
    status_page="https://docs.kie.ai/market/common/get-task-detail",
    message="msg",
    nothing=None,
)
APIKLEY = CreateTask(
    url="https://api.apikley.ru",
    upload="https://api.apikley.ru/file-upload",
    files="https://tempfile.apikley.ru",
    stored="https://tempfile.apikley.ru",
    pages="https://docs.apikley.ru/kling-api/Kling-2.6-{}-to-video",
    status_page="https://docs.apikley.ru/market/common/get-task-detail",
    message="message",
    nothing="",
)


# -- CometAPI ----------------------------------------------------------------------------------


class CometAPI:
    url = "https://api.cometapi.com/kling/v1/videos"
    pages = "https://apidoc.cometapi.com/api/video/kling"
    errors = "https://apidoc.cometapi.com/errors/error-codes-handling"
    #: The table of Kling's own codes, which pass through CometAPI.
    kling = "https://app.klingai.com/global/dev/document-api/apiReference/commonInfo"

    own, task = "k26-0000000000000000", "890000000000000001"
    request_id = "c0ffee00-0000-4000-8000-000000000001"
    heron: Mapping[str, object] = {
        "model_name": "kling-v2-6", "prompt": HERON, "aspect_ratio": "16:9", "duration": "5",
        "mode": "std", "sound": "off", "external_task_id": own,
    }  # fmt: skip
    sea: Mapping[str, object] = {
        "model_name": "kling-v2-6", "prompt": SEA, "image": BASE64, "duration": "10",
        "mode": "std", "sound": "off", "external_task_id": own,
    }  # fmt: skip

    to_a_picture: Mapping[str, object] = {
        "model_name": "kling-v2-6", "prompt": SEA, "image": "https://pictures.example/sea.jpg",
        "image_tail": BASE64, "duration": "5", "mode": "pro", "sound": "off",
        "external_task_id": own,
    }  # fmt: skip

    def cases(self) -> Iterator[Case]:
        with_sound = {**self.heron, "sound": "on", "mode": "pro", "negative_prompt": "people"}
        submitted = self.reply(task_status="submitted")
        yield "text_to_video_with_sound", f"{self.pages}/text-to-video", [
            self.submit("text2video", with_sound, submitted),
            self.shown("text2video", task_status="submitted"),
            self.shown("text2video", task_status="processing"),
            self.done("text2video", "5.1"),
        ]  # fmt: skip
        yield "image_to_video", f"{self.pages}/image-to-video", [
            self.submit("image2video", self.sea, submitted),
            self.shown("image2video", task_status="processing"),
            self.done("image2video", "10.1"),
        ]  # fmt: skip
        yield "end_image", f"{self.pages}/image-to-video", [
            self.submit("image2video", self.to_a_picture, submitted),
            self.shown("image2video", task_status="processing"),
            self.done("image2video", "5.1"),
        ]  # fmt: skip
        # The numbers are scrubbed, as in a recording.
        left = {
            "username": "scrubbed", "total_quota": 0, "total_used_quota": 0, "request_count": 1221,
            "keys": [{"name": "scrubbed", "remain_quota": 0, "used_quota": 0}],
        }  # fmt: skip
        yield (
            "balance",
            "https://apidoc.cometapi.com/tools/balance-api",
            [exchange("GET https://query.cometapi.com/user/quota?key=scrubbed", None, left)],
        )
        yield from self.refusals()
        reason = "Image pixel is invalid"
        yield "failed_task", f"{self.pages}/individual-queries", [
            self.submit("image2video", {**self.sea, "duration": "5"}, submitted),
            self.shown("image2video", task_status="failed", task_status_msg=reason),
        ]  # fmt: skip

    def refusals(self) -> Iterator[Case]:
        message = f"invalid token (request id: {self.request_id})"
        no: dict[str, object] = {
            "error": {"message": message, "type": "comet_api_error", "code": ""}
        }
        yield "refused_key", self.errors, [self.submit("text2video", self.heron, no, 401)]
        for case, code, status, message in (
            ("refused_credit", 1102, 429, "Account balance not enough"),
            ("refused_input", 1301, 400, "Failure to pass the risk control system"),
        ):
            no = {"code": code, "message": message, "request_id": self.request_id}
            yield case, self.kling, [self.submit("text2video", self.heron, no, status)]

    def reply(self, **data: object) -> dict[str, object]:
        usual = {
            "task_id": self.task, "task_info": {"external_task_id": self.own}, "task_result": {},
            "created_at": 1790000000000, "updated_at": 1790000005000,
        }  # fmt: skip
        message = "SUCCEED"  # of the question, not of the task
        return {
            "code": 0, "message": message, "request_id": self.request_id, "data": usual | data
        }  # fmt: skip

    def submit(self, action: str, body: object, reply: object, status: int = 200) -> Exchange:
        return exchange(f"POST {self.url}/{action}", body, reply, status=status)

    def shown(self, action: str, **data: object) -> Exchange:
        return exchange(f"GET {self.url}/{action}/{self.task}", None, self.reply(**data))

    def done(self, action: str, seconds: str) -> Exchange:
        video = {"id": "890000000000000002", "duration": seconds}
        video["url"] = f"https://videos.kling.example/{action}.mp4"
        return self.shown(
            action, task_status="succeed", task_status_msg="", task_result={"videos": [video]}
        )


# -- RunComfy ----------------------------------------------------------------------------------


class RunComfy:
    url = "https://model-api.runcomfy.net/v1"
    pages = "https://www.runcomfy.com/models/kling/kling-2-6/pro"
    queue = "https://docs.runcomfy.com/model-apis/async-queue-endpoints"
    errors = "https://docs.runcomfy.com/model-apis/error-codes"
    #: RunComfy's own clients.
    nodes = "https://github.com/runcomfy-com/comfyui-runcomfy-partner-nodes"
    command = "https://github.com/runcomfy-com/runcomfy-cli"

    request = "8a1f0000-0000-4000-8000-000000000001"
    heron: Mapping[str, object] = {
        "prompt": HERON, "duration": 5, "aspect_ratio": "16:9", "generate_audio": False,
        "negative_prompt": "blur, distort, and low quality",
    }  # fmt: skip
    sea: Mapping[str, object] = {
        "prompt": SEA, "image_url": "https://pictures.example/sea.webp", "duration": 10,
        "generate_audio": False, "negative_prompt": "blur, distort, and low quality",
    }  # fmt: skip

    def cases(self) -> Iterator[Case]:
        with_sound = {**self.heron, "generate_audio": True, "negative_prompt": "people"}
        yield "text_to_video_with_sound", f"{self.pages}/text-to-video", [
            self.price("text-to-video"),
            self.submit("text-to-video", with_sound, self.taken()),
            self.shown(status="in_queue", queue_position=2),
            self.shown(status="in_progress"),
            self.done("heron", 0.7),
        ]  # fmt: skip
        yield "image_to_video", f"{self.pages}/image-to-video", [
            self.price("image-to-video"),
            self.submit("image-to-video", self.sea, self.taken()),
            self.shown(status="in_progress"),
            self.done("sea", 0.7),
        ]  # fmt: skip
        picture = {**self.sea, "image_url": f"data:image/png;base64,{BASE64}"}
        yield "local_picture", self.nodes, [
            self.price("image-to-video"),
            self.submit("image-to-video", picture, self.taken()),
            self.done("sea", 0.7),
        ]  # fmt: skip
        # What is left is scrubbed, as in a recording.
        left = {"balance_usd": 0, "currency": "USD"}
        balance = exchange("GET https://api.runcomfy.net/prod/v2/balance", None, left)
        yield "dry_run", self.nodes, [self.price("text-to-video"), balance]
        yield "balance", self.command, [balance]
        yield from self.refusals()
        policy = {"type": "ContentPolicy", "message": "The prompt was rejected"}
        yield "failed_task", self.queue, [
            self.price("text-to-video"),
            self.submit("text-to-video", self.heron, self.taken()),
            self.shown(status="in_progress"),
            self.shown(status="failed", error=policy),
        ]  # fmt: skip

    def refusals(self) -> Iterator[Case]:
        for case, code, status, message in (
            ("refused_key", 400004, 401, "The token is missing or has expired"),
            # RunComfy signals some errors under HTTP 200.
            ("refused_credit", 400002, 200, "Insufficient balance to run this operation"),
        ):
            no = {"error_code": code, "error_message": message}
            asked = self.price("text-to-video", *((no, status) if status == 401 else ()))
            submitted = self.submit("text-to-video", self.heron, no, status)
            yield case, self.errors, [asked, submitted]
        mismatch = {"message": "The input did not match the model's schema"}
        refused = self.submit("text-to-video", self.heron, mismatch, 422)
        yield "refused_input", self.queue, [self.price("text-to-video"), refused]

    def price(self, model: str, no: object = None, status: int = 200) -> Exchange:
        """What a model costs, or the refusal to tell; no figure is published for these models."""
        name = f"kling/kling-2-6/pro/{model}"
        told = {
            "model_id": name, "display_name": "Kling 2.6 Pro", "categories": [model],
            "base_price_usd": 0.07, "price_unit": "second", "pricing_note": "",
        }  # fmt: skip
        return exchange(f"GET {self.url}/models/{name}", None, no or told, status=status)

    def taken(self) -> dict[str, object]:
        own = f"{self.url}/requests/{self.request}"
        return {
            "request_id": self.request, "status_url": f"{own}/status",
            "result_url": f"{own}/result", "cancel_url": f"{own}/cancel",
        }  # fmt: skip

    def submit(self, model: str, body: object, reply: object, status: int = 200) -> Exchange:
        line = f"POST {self.url}/models/kling/kling-2-6/pro/{model}"
        return exchange(line, body, reply, status=status)

    def shown(self, **fields: object) -> Exchange:
        reply = {"request_id": self.request, "created_at": "2026-11-21T10:00:00Z"} | fields
        line = f"GET {self.url}/requests/{self.request}/result?include_cost=true"
        return exchange(line, None, reply)

    def done(self, video: str, cost: float) -> Exchange:
        return self.shown(
            status="completed", finished_at="2026-11-21T10:01:31Z", cost=cost,
            output={"video": f"https://playgrounds-storage-public.runcomfy.net/out/{video}.mp4"},
        )  # fmt: skip


# -- files -------------------------------------------------------------------------------------


def documented() -> dict[str, tuple[str, Sequence[Exchange]]]:
    """Every case, as "provider/case": the page that it follows, and its exchanges."""
    providers = {
        "kie": KIE.cases(),
        "apikley": APIKLEY.cases(),
        "cometapi": CometAPI().cases(),
        "runcomfy": RunComfy().cases(),
    }
    return {
        f"{provider}/{case}": (page, exchanges)
        for provider, cases in providers.items()
        for case, page, exchanges in cases
    }


def written() -> dict[str, str]:
    """The text of every cassette."""
    return {
        name: dump(f"written from {page} on {LATER.get(name, WRITTEN)}", exchanges)
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
