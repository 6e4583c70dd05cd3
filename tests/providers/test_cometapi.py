"""CometAPI: what is sent, what is made of its answers, and its cassettes."""

import json
import logging
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import httpx
import pytest
from kling26.core import (
    Balance,
    ImageFile,
    ImageRefused,
    KeyRejected,
    NoSuchTask,
    OptionRefused,
    OutOfCredit,
    Provider,
    Refused,
    Status,
    TaskFailed,
    Ticket,
    TryLater,
    Unavailable,
    UnexpectedReply,
    VideoRequest,
)
from kling26.core.validation import validate
from kling26.providers.cometapi import CometAPIOptions
from PIL import Image

PROMPT = "A lighthouse blinks in the fog"
IMAGE = "https://pictures.example/lighthouse.png"
VIDEO = "https://results.example/lighthouse.mp4"
TASK = "890000000000000001"
TEXT = Ticket(TASK, {"action": "text2video"})
PICTURE = Ticket(TASK, {"action": "image2video"})
URL = "https://api.cometapi.com/kling/v1/videos"


@pytest.fixture
def provider(providers: Mapping[str, Provider]) -> Provider:
    return providers["cometapi"]


def answer(**data: object) -> dict[str, object]:
    return {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": {"task_id": TASK} | data}


SUBMITTED = answer(task_status="submitted", task_info={}, created_at=1, updated_at=1)


# -- requests ---------------------------------------------------------------------------------


def test_text_to_video_with_sound(provider: Provider, talk: Any, as_json: Any) -> None:
    request = VideoRequest(PROMPT, sound=True, duration=10, aspect_ratio="1:1", task="k26-1")

    ticket = talk(provider.submit(request, CometAPIOptions(mode="pro")), SUBMITTED)

    assert ticket == TEXT
    assert talk.line == f"POST {URL}/text2video"
    assert talk.sent == as_json(
        {
            "model_name": "kling-v2-6",
            "prompt": PROMPT,
            "aspect_ratio": "1:1",
            "duration": "10",
            "mode": "pro",
            "sound": "on",
            "external_task_id": "k26-1",
        }
    )


def test_text_to_video_with_everything(provider: Provider, talk: Any, as_json: Any) -> None:
    camera = {"type": "simple", "config": {"horizontal": 2.5, "zoom": None}}
    options = CometAPIOptions(negative_prompt="rain", cfg_scale=0.7, camera_control=camera)
    request = VideoRequest(PROMPT, callback_url="https://me.example/hook", task="k26-1", seed=9)

    talk(provider.submit(request, options), SUBMITTED)

    assert talk.sent == as_json(
        {
            "model_name": "kling-v2-6",
            "prompt": PROMPT,
            "negative_prompt": "rain",
            "cfg_scale": 0.7,
            "camera_control": camera,
            "aspect_ratio": "16:9",
            "duration": "5",
            "mode": "std",
            "sound": "off",
            "callback_url": "https://me.example/hook",
            "external_task_id": "k26-1",
        }
    )


def test_image_to_video_by_address(provider: Provider, talk: Any, as_json: Any) -> None:
    request = VideoRequest(PROMPT, image=IMAGE, aspect_ratio="9:16", task="k26-1")

    ticket = talk(provider.submit(request, CometAPIOptions()), SUBMITTED)

    assert ticket == PICTURE
    assert talk.line == f"POST {URL}/image2video"
    assert talk.sent == as_json(
        {
            "model_name": "kling-v2-6",
            "image": IMAGE,
            "prompt": PROMPT,
            "duration": "5",
            "mode": "std",
            "sound": "off",
            "external_task_id": "k26-1",
        }
    )


def test_image_to_video_with_everything(
    provider: Provider, talk: Any, as_json: Any, picture: ImageFile
) -> None:
    """The picture goes as base64 without the "data:" prefix; the shape is the picture's."""
    options = CometAPIOptions(mode="pro", negative_prompt="rain", cfg_scale=0.0)
    hook = "https://me.example/hook"
    request = VideoRequest(PROMPT, image=picture, sound=True, duration=10, callback_url=hook)

    talk(provider.submit(request, options), SUBMITTED)

    assert talk.sent == as_json(
        {
            "model_name": "kling-v2-6",
            "image": picture.base64(),
            "prompt": PROMPT,
            "negative_prompt": "rain",
            "cfg_scale": 0.0,
            "duration": "10",
            "mode": "pro",
            "sound": "on",
            "callback_url": hook,
        }
    )


@pytest.mark.parametrize("image", [IMAGE, None])
def test_the_last_frame_is_the_images_tail(
    provider: Provider, talk: Any, as_json: Any, picture: ImageFile, image: str | None
) -> None:
    """As a URL, or as base64 without the "data:" prefix, like the first."""
    request = VideoRequest(PROMPT, picture, duration=10, end_image=image or picture)
    options = validate(provider, request, {"mode": "pro"})

    ticket = talk(provider.submit(request, options), SUBMITTED)

    assert ticket == PICTURE
    assert talk.sent == as_json(
        {
            "model_name": "kling-v2-6",
            "image": picture.base64(),
            "image_tail": image or picture.base64(),
            "prompt": PROMPT,
            "duration": "10",
            "mode": "pro",
            "sound": "off",
        }
    )


@pytest.mark.parametrize("ticket", [TEXT, PICTURE])
def test_a_task_is_asked_for_where_it_was_made(
    provider: Provider, talk: Any, ticket: Ticket
) -> None:
    talk(provider.poll(ticket), answer(task_status="processing", task_result={}))

    assert talk.line == f"GET {URL}/{ticket.data['action']}/{TASK}"


def test_an_odd_task_id_stays_one_part_of_the_path(provider: Provider, talk: Any) -> None:
    talk(provider.poll(Ticket("../a b?c", TEXT.data)), answer(task_status="submitted"))

    assert talk.line == f"GET {URL}/text2video/..%2Fa%20b%3Fc"


def test_pictures_need_no_upload_and_nothing_can_be_cancelled(provider: Provider) -> None:
    assert [flow for flow in ("upload", "cancel", "renew", "find") if provider.can(flow)] == [
        "find"
    ]


# -- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state"),
    [("submitted", "queued"), ("processing", "running"), ("rendering", "running")],
)
@pytest.mark.parametrize("result", [{}, None, {"videos": None}])
def test_a_task_on_its_way(
    provider: Provider, talk: Any, said: str, state: str, result: object
) -> None:
    status = talk(provider.poll(TEXT), answer(task_status=said, task_result=result))

    assert status == Status(state, task_id=TASK)  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["succeed", "succeeded"])
def test_the_video_is_the_first_with_an_address(provider: Provider, talk: Any, said: str) -> None:
    """`message` is about the query: only the state of the task counts."""
    videos = [{"id": "1"}, {"id": "2", "url": VIDEO, "duration": "5.1"}]
    reply = answer(task_status=said, task_status_msg="", task_result={"videos": videos})

    assert talk(provider.poll(TEXT), reply) == Status("succeeded", url=VIDEO, task_id=TASK)


@pytest.mark.parametrize("result", [{}, None, {"videos": []}, {"videos": [{"url": None}]}])
def test_a_success_may_come_before_its_video(provider: Provider, talk: Any, result: object) -> None:
    reply = answer(task_status="succeed", task_result=result)

    assert talk(provider.poll(TEXT), reply) == Status("succeeded", task_id=TASK)


def test_a_failed_task_comes_under_code_0_and_success(provider: Provider, talk: Any) -> None:
    reply = answer(task_status="failed", task_status_msg="The image is too small", task_result={})

    assert talk(provider.poll(PICTURE), reply) == Status(
        "failed", reason="The image is too small", task_id=TASK
    )


def test_an_unknown_state_is_still_running_and_is_logged(
    provider: Provider, talk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "kling26"):
        status = talk(provider.poll(TEXT), answer(task_status="polishing" * 100))

    assert status.state == "running"
    (message,) = caplog.messages
    assert "'polishing" in message
    assert len(message) < 120


@pytest.mark.parametrize("code", [0, "success"])
def test_other_editions_wrap_the_task_once_more(
    provider: Provider, talk: Any, code: object
) -> None:
    inner = {"task_id": TASK, "task_status": "processing"}
    reply = {"code": code, "message": "", "data": {"status": "IN_PROGRESS", "data": inner}}

    assert talk(provider.poll(TEXT), reply).state == "running"


DONE = {"task_id": TASK, "task_status": "succeed", "task_result": {"videos": [{"url": VIDEO}]}}


@pytest.mark.parametrize(
    "reply",
    [
        DONE,
        {"data": DONE},
        {"data": [DONE]},
        {"code": "0", "data": DONE},
        {"code": "SUCCESS", "data": DONE},
        {"code": 1201, "message": "odd", "data": DONE},
        {"code": "success", "data": {"task_id": TASK, "status": "SUCCESS", "data": DONE}},
        {"code": "success", "data": {"task_id": TASK, "status": "succeeded", "url": VIDEO}},
        {"code": 0, "data": json.dumps(DONE)},
        {"code": 0, "data": DONE | {"task_status": "SUCCEED"}},
        {"code": 0, "data": DONE | {"task_status": "polished"}},
        {"code": 0, "data": DONE | {"task_status": None}},
    ],
)
def test_a_finished_task_is_read_in_any_wrapping(
    provider: Provider, talk: Any, reply: object
) -> None:
    assert talk(provider.poll(TEXT), reply) == Status("succeeded", url=VIDEO, task_id=TASK)


@pytest.mark.parametrize(
    "result",
    [
        {"videos": [{"url": f" {VIDEO}\n"}]},
        {"videos": [{"watermark_url": "https://results.example/marked.mp4", "url": VIDEO}]},
        {"videos": {"url": VIDEO}},
        {"videos": [VIDEO]},
        {"videos": VIDEO},
        {"video": VIDEO},
        {"images": [{"url": "https://results.example/still.png"}], "videos": [{"url": VIDEO}]},
        json.dumps({"videos": [{"url": VIDEO}]}),
        [{"url": VIDEO}],
    ],
)
def test_the_video_is_found_in_a_result_of_another_form(
    provider: Provider, talk: Any, result: object
) -> None:
    reply = answer(task_status="succeed", task_result=result)

    assert talk(provider.poll(TEXT), reply).url == VIDEO


def test_a_failed_task_is_one_whatever_code_is_next_to_it(provider: Provider, talk: Any) -> None:
    data = {"task_id": TASK, "task_status": "FAILED", "task_status_msg": "Too small"}

    status = talk(provider.poll(TEXT), {"code": 1301, "message": "no", "data": data}, status=400)

    assert status == Status("failed", reason="Too small", task_id=TASK)


def test_a_status_of_the_gateways_error_is_not_the_tasks(provider: Provider, talk: Any) -> None:
    with pytest.raises(KeyRejected):
        talk(provider.poll(TEXT), {"error": "No such key", "status": "failed"}, status=401)


# -- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "http", "error"),
    [
        (1000, 401, KeyRejected),
        (1001, 401, KeyRejected),
        (1002, 401, KeyRejected),
        (1003, 401, KeyRejected),
        (1004, 401, KeyRejected),
        (1100, 429, Refused),
        (1101, 429, OutOfCredit),
        (1102, 429, OutOfCredit),
        (1103, 403, Refused),
        (1200, 400, Refused),
        (1201, 400, Refused),
        (1202, 404, Refused),
        (1203, 404, Refused),
        (1300, 400, Refused),
        (1301, 400, Refused),
        (1302, 429, TryLater),
        (1303, 429, TryLater),
        (1304, 429, Refused),
    ],
)
@pytest.mark.parametrize("in_200", [False, True])
def test_klings_own_code_says_more_than_the_http_status(
    provider: Provider, talk: Any, code: int, http: int, error: type[Exception], in_200: bool
) -> None:
    """An empty account and a blocked address come as HTTP 429, and waiting will not help."""
    reply = {"code": code, "message": "parallel task over resource pack limit", "request_id": "r"}

    with pytest.raises(error, match="parallel task over resource pack limit") as caught:
        talk(
            provider.submit(VideoRequest(PROMPT), CometAPIOptions()),
            reply,
            status=200 if in_200 else http,
        )

    assert type(caught.value) is error
    assert caught.value.code == str(code)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("http", "code", "error"),
    [
        (400, "invalid_request", Refused),
        (401, "", KeyRejected),
        (402, "insufficient_quota", OutOfCredit),
        (403, None, Refused),
        (429, "", TryLater),
        (429, 1102, OutOfCredit),
        (200, "invalid_request", Refused),
    ],
)
def test_the_gateway_refuses_in_a_form_of_its_own(
    provider: Provider, talk: Any, http: int, code: object, error: type[Exception]
) -> None:
    no = {"message": "invalid token (request id: 2026)", "type": "comet_api_error", "code": code}

    with pytest.raises(error, match="invalid token") as caught:
        talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), {"error": no}, status=http)

    assert type(caught.value) is error


@pytest.mark.parametrize("error", ["invalid token", {"message": None}, {"type": "x"}, ["no"]])
def test_whatever_form_the_gateways_error_has_it_is_a_refusal(
    provider: Provider, talk: Any, error: object
) -> None:
    with pytest.raises(Refused):
        talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), {"error": error}, status=400)


@pytest.mark.parametrize("error", [None, "", {}])
def test_an_empty_error_is_none(provider: Provider, talk: Any, error: object) -> None:
    reply = SUBMITTED | {"error": error}

    assert talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), reply) == TEXT


@pytest.mark.parametrize(
    ("reply", "http"),
    [
        ({"code": 1203, "message": "no such resource"}, 404),
        ({"code": 1201, "message": "task not found"}, 400),
        ({"error": {"message": "task not found", "code": "task_not_exist"}}, 404),
    ],
)
def test_no_such_task(provider: Provider, talk: Any, reply: object, http: int) -> None:
    with pytest.raises(NoSuchTask, match="does not know the task"):
        talk(provider.poll(TEXT), reply, status=http)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>Moved</html>", "not JSON"),
        (b"{}", "reply.code is neither 0 nor an error code"),
        (b'{"code": "fine"}', "reply.code is neither 0 nor an error code"),
        (b'{"code": false}', "reply.code is neither 0"),
        (b'{"code": 0.0}', "reply.code is neither 0"),
        (b'{"code": 0}', "reply.data.task_id is missing"),
        (b'{"code": "0", "data": {}}', "reply.data.task_id is missing"),
        (b'{"code": 0, "data": {"task_id": 5.0}}', "reply.data.task_id is missing"),
        (b'{"code": 0, "data": {"task_id": true}}', "reply.data.task_id is missing"),
        (b'{"code": 0, "data": {"task_id": " "}}', "reply.data.task_id is missing"),
    ],
)
def test_an_unclear_answer_to_a_submit_is_never_a_refusal(
    provider: Provider, talk: Any, body: bytes, problem: str
) -> None:
    with pytest.raises(UnexpectedReply) as caught:
        talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), body)

    assert problem in str(caught.value)


def test_a_redirect_to_a_page_is_unclear(provider: Provider, talk: Any) -> None:
    moved = httpx.Response(301, headers={"location": "/"}, content=b"<html>")

    with pytest.raises(UnexpectedReply, match="HTTP 301"):
        talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), moved)


def test_code_0_under_an_http_error_is_unclear(provider: Provider, talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match="code 0 under an HTTP error"):
        talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), {"code": 0}, status=400)


@pytest.mark.parametrize("task_id", [8900001, "8900001", " 8900001 "])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda task: task,
        lambda task: {"data": task},
        lambda task: {"data": {"data": task}},
        lambda task: {"code": 0, "data": task},
        lambda task: {"code": "0", "data": task},
        lambda task: {"code": "success", "data": task},
        lambda task: {"code": 200, "data": task},
        lambda task: {"code": False, "data": task},
        lambda task: {"code": 5002, "message": "Time-out", "data": task},
        lambda task: {"code": 0, "data": json.dumps(task)},
    ],
)
def test_whoever_gives_an_id_has_accepted_the_task(
    provider: Provider, talk: Any, wrap: Callable[[object], object], task_id: object
) -> None:
    reply = wrap({"task_id": task_id, "task_status": "submitted"})

    ticket = talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), reply)

    assert ticket == Ticket("8900001", {"action": "text2video"})


@pytest.mark.parametrize(
    "no",
    [
        {"code": 1201, "message": "No."},
        {"code": "1303", "message": "parallel task over resource pack limit"},
        {"code": 0, "error": "No."},
    ],
)
@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize("wrap", [lambda task: task, lambda task: {"data": task}])
def test_an_id_next_to_a_no_is_a_task_all_the_same(
    provider: Provider,
    talk: Any,
    no: dict[str, object],
    status: int,
    wrap: Callable[[dict[str, object]], dict[str, object]],
) -> None:
    reply = no | wrap({"task_id": TASK})

    ticket = talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), reply, status=status)

    assert ticket == TEXT


def test_klings_request_id_is_not_the_id_of_a_task(provider: Provider, talk: Any) -> None:
    reply = {"code": 1303, "message": "parallel task over resource pack limit", "request_id": TASK}

    with pytest.raises(TryLater):
        talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), reply, status=429)


@pytest.mark.parametrize(
    "words",
    [
        "external_task_id must be unique",
        "external_task_id: a task with this id already exists",
        "Duplicate externalTaskId",
    ],
)
def test_that_our_own_id_is_taken_does_not_say_that_nothing_was(
    provider: Provider, talk: Any, words: str
) -> None:
    with pytest.raises(UnexpectedReply, match="our own id is taken") as caught:
        talk(
            provider.submit(VideoRequest(PROMPT), CometAPIOptions()),
            {"code": 1200, "message": words},
            status=400,
        )

    assert words in str(caught.value)


def test_a_bad_id_of_our_own_is_a_refusal(provider: Provider, talk: Any) -> None:
    with pytest.raises(Refused, match="is too long"):
        talk(
            provider.submit(VideoRequest(PROMPT), CometAPIOptions()),
            {"code": 1201, "message": "external_task_id is too long"},
            status=400,
        )


@pytest.mark.parametrize("code", [5000, 5001, 5002])
def test_trouble_at_kling_does_not_say_that_nothing_was_taken(
    provider: Provider, talk: Any, code: int
) -> None:
    with pytest.raises(Unavailable):
        talk(provider.submit(VideoRequest(PROMPT), CometAPIOptions()), {"code": code})


def test_a_poll_without_a_state_is_unclear(provider: Provider, talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match=r"reply\.data\.task_status is missing"):
        talk(provider.poll(TEXT), answer())


# -- a lost answer ----------------------------------------------------------------------------


@pytest.mark.parametrize(("image", "ticket"), [(None, TEXT), (IMAGE, PICTURE)])
def test_a_lost_task_is_found_by_our_own_id(
    provider: Provider, talk: Any, image: str | None, ticket: Ticket
) -> None:
    request = VideoRequest(PROMPT, image=image, task="k26-1")

    assert talk(provider.find(request), SUBMITTED) == ticket
    assert talk.line == f"GET {URL}/{ticket.data['action']}/k26-1"


@pytest.mark.parametrize("theirs", ["k26-2", 5])
def test_the_id_of_another_task_is_never_taken_for_ours(
    provider: Provider, talk: Any, theirs: object
) -> None:
    reply = answer(task_status="submitted", task_info={"external_task_id": theirs})

    with pytest.raises(UnexpectedReply, match="task_info is about another task"):
        talk(provider.find(VideoRequest(PROMPT, task="k26-1")), reply)


def test_what_never_arrived_is_not_found(provider: Provider, talk: Any) -> None:
    reply = {"code": 1203, "message": "no such task"}

    assert talk(provider.find(VideoRequest(PROMPT, task="k26-1")), reply, status=404) is None


def test_trouble_while_looking_is_not_taken_for_nothing(provider: Provider, talk: Any) -> None:
    """Else the video would be asked for, and paid for, once more."""
    with pytest.raises(TryLater):
        talk(
            provider.find(VideoRequest(PROMPT, task="k26-1")),
            {"code": 1302, "message": "too fast"},
            status=429,
        )


@pytest.mark.parametrize(("image", "action"), [(None, "text2video"), (IMAGE, "image2video")])
@pytest.mark.parametrize(
    ("fragment", "found"),
    [
        ('{"code":0,"request_id":"r","data":{"task_id":"8900001","task_sta', "8900001"),
        ('{"code":0,"data":{"task_info":{"external_task_id":"k26-1"},"task_', None),
        ('{"code":0,"data":{"task_id":8900001,"task_sta', "8900001"),
        ('{"code":0,"data":{"task_id":"89000', None),
        ('{"code":0,"data":{"task_id":89000', None),
    ],
)
def test_a_task_id_is_saved_from_what_arrived(
    provider: Provider, fragment: str, found: str | None, image: str | None, action: str
) -> None:
    ticket = provider.recover_ticket(fragment, VideoRequest(PROMPT, image=image))

    assert ticket == (found and Ticket(found, {"action": action}))


@pytest.mark.parametrize(("image", "action"), [(None, "text2video"), (IMAGE, "image2video")])
def test_a_task_can_be_asked_about_by_its_id(
    provider: Provider, image: str | None, action: str
) -> None:
    """As by the user who found it on CometAPI's page."""
    ticket = provider.ticket("8900001", VideoRequest(PROMPT, image=image))

    asked = next(provider.poll(ticket))

    assert asked.url.path == f"/kling/v1/videos/{action}/8900001"


# -- callbacks --------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("said", "more", "status"),
    [
        ("submitted", {}, Status("queued", task_id=TASK)),
        ("processing", {}, Status("running", task_id=TASK)),
        (
            "succeed",
            {"task_result": {"images": [], "videos": [{"id": "1", "url": VIDEO, "duration": "5"}]}},
            Status("succeeded", url=VIDEO, task_id=TASK),
        ),
        (
            "failed",
            {"task_status_msg": "Too dark"},
            Status("failed", reason="Too dark", task_id=TASK),
        ),
    ],
)
def test_a_callback_is_the_bare_task(
    provider: Provider, said: str, more: dict[str, object], status: Status, wrapped: bool
) -> None:
    task = {"task_id": TASK, "task_status": said, "created_at": 1, "updated_at": 2} | more
    body = {"code": 0, "message": "SUCCEED", "data": task} if wrapped else task

    assert provider.read_callback(json.dumps(body)) == status


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"task_id": "1"}', '{"task_status": "failed"}'])
def test_anything_else_is_not_a_callback(provider: Provider, body: str) -> None:
    with pytest.raises(UnexpectedReply, match="This is not a callback from CometAPI"):
        provider.read_callback(body)


# -- before anything is sent --------------------------------------------------------------------


def test_sound_needs_mode_pro(provider: Provider) -> None:
    validate(provider, VideoRequest(PROMPT, sound=True), {"mode": "pro"})

    with pytest.raises(
        OptionRefused, match="CometAPI: sound requires mode pro; set mode to pro"
    ) as caught:
        validate(provider, VideoRequest(PROMPT, sound=True), {})

    assert caught.value.option == "mode"


@pytest.mark.parametrize(
    ("sound", "mode", "option", "says"),
    [
        (False, "std", "mode", "end_image requires mode pro; set mode to pro, or leave end_image"),
        (True, "pro", "sound", "end_image does not go with sound; turn sound off, or leave end_im"),
        (True, "std", "sound", "end_image does not go with sound"),
    ],
)
def test_a_last_frame_needs_mode_pro_and_silence(
    provider: Provider, sound: bool, mode: str, option: str, says: str
) -> None:
    validate(provider, VideoRequest(PROMPT, IMAGE, end_image=IMAGE), {"mode": "pro"})

    with pytest.raises(OptionRefused, match=f"CometAPI: {says}") as caught:
        validate(provider, VideoRequest(PROMPT, IMAGE, sound, end_image=IMAGE), {"mode": mode})

    assert caught.value.option == option


def test_a_last_frame_needs_a_first_and_obeys_the_same_rules(provider: Provider) -> None:
    file = BytesIO()
    Image.new("L", (400, 299)).save(file, "PNG")
    small = VideoRequest(PROMPT, IMAGE, end_image=file.getvalue())

    with pytest.raises(ImageRefused, match="end_image needs an image to start from"):
        validate(provider, VideoRequest(PROMPT, end_image=IMAGE), {"mode": "pro"})
    with pytest.raises(ImageRefused, match="end_image must be at least 300 x 300 pixels"):
        validate(provider, small, {"mode": "pro"})


# -- money --------------------------------------------------------------------------------------

QUOTA = "https://query.cometapi.com/user/quota"
LEFT = {
    "username": "heron",
    "total_quota": 2105.23,
    "total_used_quota": 21.06,
    "request_count": 1221,
    "keys": [{"name": "mine", "remain_quota": -1, "used_quota": 0}],
}
#: As a key may be, and as it may not be, in a URL.
KEY = "sk-+/=&%#recognisable"


@pytest.mark.parametrize(
    ("mode", "sound", "duration", "price"),
    [
        ("std", False, 5, 0.21),
        ("std", False, 10, 0.42),
        ("pro", False, 5, 0.35),
        ("pro", False, 10, 0.7),
        ("pro", True, 5, 0.7),
        ("pro", True, 10, 1.4),
        ("std", True, 5, None),
    ],
)
def test_the_list_price(
    provider: Provider, mode: Any, sound: bool, duration: int, price: float | None
) -> None:
    request = VideoRequest(PROMPT, sound=sound, duration=duration)

    assert provider.price(request, CometAPIOptions(mode=mode)) == price


@pytest.mark.parametrize(
    ("told", "left"), [(2105.23, 2105.23), (0, 0.0), (-0.5, -0.5), ("12.5", 12.5)]
)
def test_the_balance_is_what_is_left_in_spite_of_its_name(
    provider: Provider, talk: Any, told: object, left: float
) -> None:
    assert talk(provider.balance(), LEFT | {"total_quota": told}) == left
    assert talk.line == f"GET {QUOTA}"


@pytest.mark.parametrize(
    "reply",
    [
        *(LEFT | {"total_quota": value} for value in (None, True, "", "much", [1], {}, 10**400)),
        {},
        [LEFT],
        {"data": LEFT},
        b"null",
        b"<html></html>",
        b'{"total_quota": Infinity}',
    ],
)
def test_a_balance_that_is_no_number_is_told(provider: Provider, talk: Any, reply: object) -> None:
    with pytest.raises(UnexpectedReply, match=r"CometAPI sent an unexpected reply \(HTTP 200: "):
        talk(provider.balance(), reply)


@pytest.mark.parametrize(
    ("status", "reply", "kind", "words"),
    [
        (401, {"error": {"message": "invalid token"}}, KeyRejected, "invalid token"),
        (401, {"message": "invalid token"}, KeyRejected, "invalid token"),
        (401, {"error": "invalid token"}, KeyRejected, "invalid token"),
        (404, {"error": {}}, Refused, "no reason given"),
        (200, {"error": {"message": "not today"}}, Refused, "not today"),
        (404, b"<html></html>", UnexpectedReply, "not JSON"),
    ],
)
def test_a_balance_that_is_refused_is_told(
    provider: Provider, talk: Any, status: int, reply: object, kind: type, words: str
) -> None:
    with pytest.raises(kind, match=words):
        talk(provider.balance(), reply, status=status)


@pytest.mark.parametrize("base", [None, "http://127.0.0.1:8026/cometapi"])
def test_only_the_question_for_the_balance_has_the_key_in_its_query(
    provider: Provider, base: str | None
) -> None:
    """Also where a server for tests is in place of both hosts."""
    if base is not None:
        provider = provider.at({"base_url": base, "balance_url": base})
    balance = next(provider.balance())
    submit = next(provider.submit(VideoRequest(PROMPT), CometAPIOptions()))
    poll = next(provider.poll(TEXT))
    for request in (balance, submit, poll):
        provider.sign(request, KEY)

    assert balance.url.params.multi_items() == [("key", KEY)]
    assert "authorization" not in balance.headers
    for request in (submit, poll):
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.url.query == b""


def test_the_camera_is_for_text_to_video(provider: Provider) -> None:
    camera = {"camera_control": '{"type": "simple"}'}
    validate(provider, VideoRequest(PROMPT), camera)

    with pytest.raises(OptionRefused, match="camera_control is for text to video only"):
        validate(provider, VideoRequest(PROMPT, image=IMAGE), camera)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("mode", "fast", "std or pro"),
        ("cfg_scale", "1.1", "between 0 and 1; got 1.1."),
        ("cfg_scale", "-0.1", "between 0 and 1; got -0.1."),
        ("cfg_scale", True, "between 0 and 1; got True."),
        ("cfg_scale", "NaN", "between 0 and 1; got nan."),
        ("negative_prompt", "x" * 201, "at most 200 characters long; got 201."),
        ("camera_control", "[1]", "a JSON object"),
        ("camera_control", '{"zoom": NaN}', "a JSON object"),
        ("camera_control", {"zoom": object()}, "a JSON object"),
    ],
)
def test_each_option_has_its_bounds(
    provider: Provider, option: str, value: object, allowed: str
) -> None:
    with pytest.raises(OptionRefused) as caught:
        validate(provider, VideoRequest(PROMPT), {option: value})

    assert str(caught.value).startswith(f"CometAPI: {option} must be {allowed}")
    assert caught.value.option == option


@pytest.mark.parametrize("image", [None, IMAGE])
def test_a_long_prompt_is_refused_with_both_numbers(provider: Provider, image: str | None) -> None:
    validate(provider, VideoRequest("x" * 500, image=image), None)

    with pytest.raises(OptionRefused, match=r"at most 500 characters long for .* got 501\."):
        validate(provider, VideoRequest("x" * 501, image=image), None)


def test_a_picture_has_300_pixels_each_way(provider: Provider, picture: ImageFile) -> None:
    validate(provider, VideoRequest(PROMPT, image=picture), None)
    file = BytesIO()
    Image.new("L", (400, 299)).save(file, "PNG")

    with pytest.raises(ImageRefused, match="at least 300 x 300 pixels; got 400 x 299"):
        validate(provider, VideoRequest(PROMPT, image=file.getvalue()), None)


# -- cassettes --------------------------------------------------------------------------------


@pytest.mark.cassette("cometapi/text_to_video_with_sound")
def test_a_video_with_sound(replay: Any) -> None:
    request = VideoRequest("A heron lands on a frozen pond, ice cracks", sound=True)

    video = replay.generate(request, "cometapi", {"mode": "pro", "negative_prompt": "people"})

    assert video.file.stat().st_size > 0
    assert video.url.startswith("https://")


@pytest.mark.cassette("cometapi/image_to_video")
def test_a_video_from_a_picture(replay: Any, picture: ImageFile) -> None:
    request = VideoRequest("Fog rolls over the grey sea", image=picture, duration=10)

    assert replay.generate(request, "cometapi").file.stat().st_size > 0


@pytest.mark.cassette("cometapi/end_image", written="it needs a picture that is public")
def test_a_video_that_ends_with_a_picture(replay: Any, picture: ImageFile) -> None:
    request = VideoRequest(
        "Fog rolls over the grey sea", "https://pictures.example/sea.jpg", end_image=picture
    )

    assert replay.generate(request, "cometapi", {"mode": "pro"}).file.stat().st_size > 0


@pytest.mark.cassette("cometapi/balance")
def test_what_is_left(replay: Any) -> None:
    left = replay.run(lambda runner: runner.balance("cometapi"))

    assert left == Balance(0.0, "USD", 0.0)


@pytest.mark.cassette("cometapi/refused_key", key="not-a-key")
def test_a_key_that_is_refused(replay: Any) -> None:
    with pytest.raises(KeyRejected, match="CometAPI does not accept the key"):
        replay.generate(VideoRequest("A heron lands on a frozen pond, ice cracks"), "cometapi")


@pytest.mark.cassette("cometapi/refused_credit", written="it needs an empty account")
def test_an_account_that_is_empty(replay: Any) -> None:
    """HTTP 429, and yet nothing to wait for."""
    with pytest.raises(OutOfCredit, match="too little credit") as caught:
        replay.generate(VideoRequest("A heron lands on a frozen pond, ice cracks"), "cometapi")

    assert caught.value.code == "1102"


@pytest.mark.cassette("cometapi/refused_input", written="what is refused is up to the service")
def test_a_prompt_that_is_refused(replay: Any) -> None:
    with pytest.raises(Refused, match="risk control"):
        replay.generate(VideoRequest("A heron lands on a frozen pond, ice cracks"), "cometapi")


@pytest.mark.cassette("cometapi/failed_task", written="tasks do not fail at will")
def test_a_task_that_fails(replay: Any, picture: ImageFile) -> None:
    with pytest.raises(TaskFailed, match="Image pixel is invalid"):
        replay.generate(VideoRequest("Fog rolls over the grey sea", image=picture), "cometapi")
