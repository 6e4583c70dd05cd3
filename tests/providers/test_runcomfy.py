"""RunComfy: what is sent, what is made of its answers, and its cassettes."""

import json
import logging
from collections.abc import Mapping
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
    Price,
    Provider,
    Refused,
    Status,
    TaskFailed,
    Ticket,
    TryLater,
    UnexpectedReply,
    VideoRequest,
)
from kling26.core.validation import validate
from kling26.providers.runcomfy import RunComfyOptions
from PIL import Image

HERON = "A heron lands on a frozen pond, ice cracks"
SEA = "Fog rolls over the grey sea"
IMAGE = "https://pictures.example/sea.webp"
VIDEO = "https://results.example/out/heron.mp4"
ID = "8a1f0000-0000-4000-8000-000000000001"
TICKET = Ticket(ID)
URL = "https://model-api.runcomfy.net/v1"
TAKEN = {
    "request_id": ID,
    "status_url": f"{URL}/requests/{ID}/status",
    "result_url": f"{URL}/requests/{ID}/result",
    "cancel_url": f"{URL}/requests/{ID}/cancel",
}


@pytest.fixture
def provider(providers: Mapping[str, Provider]) -> Provider:
    return providers["runcomfy"]


# -- requests ---------------------------------------------------------------------------------


def test_text_to_video_with_everything(provider: Provider, talk: Any, as_json: Any) -> None:
    request = VideoRequest(HERON, sound=True, duration=10, aspect_ratio="9:16", seed=3)

    ticket = talk(provider.submit(request, RunComfyOptions(negative_prompt="people")), TAKEN)

    assert ticket == TICKET
    assert talk.line == f"POST {URL}/models/kling/kling-2-6/pro/text-to-video"
    assert talk.sent == as_json(
        {
            "prompt": HERON,
            "duration": 10,
            "aspect_ratio": "9:16",
            "negative_prompt": "people",
            "generate_audio": True,
        }
    )


def test_the_defaults_are_said_too(provider: Provider, talk: Any, as_json: Any) -> None:
    """Left out, sound would be on there, and paid for."""
    talk(provider.submit(VideoRequest(HERON), RunComfyOptions()), TAKEN)

    assert talk.sent == as_json(
        {
            "prompt": HERON,
            "duration": 5,
            "aspect_ratio": "16:9",
            "negative_prompt": "blur, distort, and low quality",
            "generate_audio": False,
        }
    )


def test_image_to_video_says_the_picture_and_no_shape(
    provider: Provider, talk: Any, as_json: Any
) -> None:
    request = VideoRequest(SEA, image=IMAGE, aspect_ratio="1:1")

    talk(provider.submit(request, RunComfyOptions()), TAKEN)

    assert talk.line == f"POST {URL}/models/kling/kling-2-6/pro/image-to-video"
    assert talk.sent == as_json(
        {
            "prompt": SEA,
            "image_url": IMAGE,
            "duration": 5,
            "negative_prompt": "blur, distort, and low quality",
            "generate_audio": False,
        }
    )


def test_one_question_returns_state_video_and_cost(provider: Provider, talk: Any) -> None:
    talk(provider.poll(TICKET), {"request_id": ID, "status": "in_queue"})

    assert talk.line == f"GET {URL}/requests/{ID}/result?include_cost=true"


def test_an_odd_request_id_stays_one_part_of_the_path(provider: Provider, talk: Any) -> None:
    talk(provider.poll(Ticket("../a b?c")), {"status": "in_queue"})

    assert talk.line == f"GET {URL}/requests/..%2Fa%20b%3Fc/result?include_cost=true"


# -- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("in_queue", "queued"),
        ("pending", "queued"),
        ("waiting", "queued"),
        ("in_progress", "running"),
        ("starting", "running"),
        ("processing", "running"),
        ("cancelled", "cancelled"),
        ("canceled", "cancelled"),
    ],
)
def test_a_task_without_a_video(provider: Provider, talk: Any, said: str, state: str) -> None:
    status = talk(provider.poll(TICKET), {"request_id": ID, "status": said, "output": None})

    assert status == Status(state, task_id=ID)  # type: ignore[arg-type]


@pytest.mark.parametrize(("told", "position"), [(2, 2), (0, 0), ("2", None), (None, None)])
def test_the_place_in_the_queue_is_read_where_there_is_one(
    provider: Provider, talk: Any, told: object, position: int | None
) -> None:
    status = talk(provider.poll(TICKET), {"status": "in_queue", "queue_position": told})

    assert (status.state, status.position) == ("queued", position)


@pytest.mark.parametrize("said", ["completed", "succeeded"])
@pytest.mark.parametrize(
    ("output", "url"),
    [
        ({"video": VIDEO}, VIDEO),
        ({"videos": [VIDEO]}, VIDEO),
        ({"video": "", "videos": [None, VIDEO]}, VIDEO),
        ({"image": "https://results.example/still.png"}, None),
        ({"videos": "one"}, None),
        ({"video": {"url": VIDEO}}, VIDEO),
        ({"video": [VIDEO]}, VIDEO),
        ({"videos": [{"url": VIDEO}]}, VIDEO),
        ({"videos": {"url": f" {VIDEO} "}}, VIDEO),
        ({"thumbnail": "https://results.example/1.webp", "file": VIDEO}, VIDEO),
        ([VIDEO], VIDEO),
        ([{"url": VIDEO}], VIDEO),
        (VIDEO, VIDEO),
        ({}, None),
        (None, None),
    ],
)
def test_the_video_is_in_the_output(
    provider: Provider, talk: Any, said: str, output: object, url: str | None
) -> None:
    status = talk(provider.poll(TICKET), {"request_id": ID, "status": said, "output": output})

    assert status == Status("succeeded", url=url, task_id=ID)


@pytest.mark.parametrize(
    ("told", "cost"), [(0.35, 0.35), (1, 1.0), ("0.35", 0.35), ("free", None), (None, None)]
)
def test_what_it_cost_never_stands_in_its_way(
    provider: Provider, talk: Any, told: object, cost: float | None
) -> None:
    reply = {"status": "completed", "output": {"video": VIDEO}, "cost": told}
    status = talk(provider.poll(TICKET), reply)

    assert (status.url, status.cost) == (VIDEO, cost)


@pytest.mark.parametrize(
    ("told", "reason", "code"),
    [
        ({"error": {"type": "Policy", "message": "Rejected"}}, "Rejected", "Policy"),
        ({"error": {"type": "Policy"}}, "Policy", "Policy"),
        ({"error": "Rejected"}, "Rejected", None),
        ({"error": None}, None, None),
        ({"error_code": 400002, "error_message": "No balance"}, "No balance", "400002"),
    ],
)
def test_a_failed_task_says_why(
    provider: Provider, talk: Any, told: dict[str, object], reason: str | None, code: str | None
) -> None:
    """An error's code in the result is about the task: the question itself was answered."""
    reply = {"request_id": ID, "status": "failed", **told}

    assert talk(provider.poll(TICKET), reply) == Status(
        "failed", reason=reason, code=code, task_id=ID
    )


def test_an_unknown_state_is_still_running_and_is_logged(
    provider: Provider, talk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "kling26"):
        status = talk(provider.poll(TICKET), {"status": "polishing"})

    assert status.state == "running"
    assert caplog.messages == [
        "RunComfy reported the unknown state 'polishing'; it is treated as still running."
    ]


@pytest.mark.parametrize("said", ["COMPLETED", " Completed ", "polished", None, 7])
def test_what_has_a_video_is_done_however_its_state_is_spelled(
    provider: Provider, talk: Any, said: object
) -> None:
    reply = {"request_id": ID, "status": said, "output": {"video": VIDEO}}

    assert talk(provider.poll(TICKET), reply) == Status("succeeded", url=VIDEO, task_id=ID)


@pytest.mark.parametrize("status", ["", " ", 7, None])
def test_a_state_that_is_no_text_is_unclear(provider: Provider, talk: Any, status: object) -> None:
    with pytest.raises(UnexpectedReply, match=r"reply\.status is missing"):
        talk(provider.poll(TICKET), {"request_id": ID, "status": status})


@pytest.mark.parametrize("told", [1234567890123456789, " 1234567890123456789 "])
def test_an_id_may_be_a_number(provider: Provider, talk: Any, told: object) -> None:
    ticket = talk(provider.submit(VideoRequest(HERON), RunComfyOptions()), {"request_id": told})
    status = talk(provider.poll(ticket), {"request_id": told, "status": "in_queue"})

    assert ticket == Ticket("1234567890123456789")
    assert status.task_id == ticket.task_id


# -- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("spelt", [int, str])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400001, Refused),
        (400002, OutOfCredit),
        (400004, KeyRejected),
        (403001, Refused),
        (404001, Refused),
    ],
)
def test_an_error_code_is_a_refusal_under_http_200_too(
    provider: Provider, talk: Any, code: int, error: type[Exception], status: int, spelt: Any
) -> None:
    reply = {"error_code": spelt(code), "error_message": "It is not possible"}

    with pytest.raises(error, match="It is not possible") as caught:
        talk(provider.submit(VideoRequest(HERON), RunComfyOptions()), reply, status=status)

    assert type(caught.value) is error
    assert caught.value.code == str(code)  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [200, 400, 401, 422, 429])
@pytest.mark.parametrize("no", [{"error_code": 400002}, {"error": "No."}, {"detail": "No."}, {}])
def test_an_id_next_to_a_no_is_a_task_all_the_same(
    provider: Provider, talk: Any, no: dict[str, object], status: int
) -> None:
    reply = {**no, "request_id": TICKET.task_id}

    ticket = talk(provider.submit(VideoRequest(HERON), RunComfyOptions()), reply, status=status)

    assert ticket == TICKET


def test_an_id_within_an_error_is_not_the_tasks(provider: Provider, talk: Any) -> None:
    reply = {"error": {"message": "Too many requests", "request_id": "for-support"}}

    with pytest.raises(TryLater):
        talk(provider.submit(VideoRequest(HERON), RunComfyOptions()), reply, status=429)


@pytest.mark.parametrize("name", ["error_message", "message", "error", "detail"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, KeyRejected),
        (402, OutOfCredit),
        (403, KeyRejected),
        (404, Refused),
        (422, Refused),
        (429, TryLater),
    ],
)
def test_an_http_error_is_a_refusal_under_any_name_of_its_text(
    provider: Provider, talk: Any, status: int, error: type[Exception], name: str
) -> None:
    with pytest.raises(error, match="It is not possible") as caught:
        talk(
            provider.submit(VideoRequest(HERON), RunComfyOptions()),
            {name: "It is not possible"},
            status=status,
        )

    assert type(caught.value) is error


def test_a_list_of_what_is_wrong_with_the_fields_is_a_refusal(
    provider: Provider, talk: Any
) -> None:
    wrong = {"loc": ["body", "duration"], "msg": "value is not a valid integer"}

    with pytest.raises(Refused, match="value is not a valid integer"):
        talk(
            provider.submit(VideoRequest(HERON), RunComfyOptions()), {"detail": [wrong]}, status=422
        )


@pytest.mark.parametrize(
    "reply", [{"error_code": 404001, "error_message": "Expired"}, {"detail": "x"}]
)
def test_no_such_task(provider: Provider, talk: Any, reply: object) -> None:
    with pytest.raises(NoSuchTask, match="does not know the task"):
        talk(provider.poll(TICKET), reply, status=404)


def test_error_code_0_is_no_error(provider: Provider, talk: Any) -> None:
    reply = TAKEN | {"error_code": 0}

    assert talk(provider.submit(VideoRequest(HERON), RunComfyOptions()), reply) == TICKET


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, b"<html>", "not JSON"),
        (200, b"{}", "reply.request_id is missing"),
        (200, b'{"request_id": ""}', "reply.request_id is missing"),
        (200, b'{"request_id": 5.0}', "reply.request_id is missing"),
        (200, b'{"request_id": true}', "reply.request_id is missing"),
        (422, b"{}", "an HTTP error without a reason"),
    ],
)
def test_an_unclear_answer_to_a_submit_is_never_a_refusal(
    provider: Provider, talk: Any, status: int, body: bytes, problem: str
) -> None:
    with pytest.raises(UnexpectedReply) as caught:
        talk(provider.submit(VideoRequest(HERON), RunComfyOptions()), body, status=status)

    assert problem in str(caught.value)


def test_a_poll_without_a_state_is_unclear(provider: Provider, talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match=r"reply\.status is missing"):
        talk(provider.poll(TICKET), {"request_id": ID})


# -- cancelling -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "cancelled"),
    [
        ({"status": "cancelled", "outcome": "cancellation_requested"}, True),
        ({"status": "canceled"}, True),
        ({"status": "in_progress", "outcome": "not_cancellable"}, False),
    ],
)
def test_cancelling_says_whether_it_happened(
    provider: Provider, talk: Any, reply: object, cancelled: bool
) -> None:
    assert talk(provider.cancel(TICKET), reply) is cancelled
    assert talk.line == f"POST {URL}/requests/{ID}/cancel"


@pytest.mark.parametrize(("said", "cancelled"), [("cancelled", True), ("in_progress", False)])
def test_an_unclear_cancel_is_asked_about(
    provider: Provider, talk: Any, said: str, cancelled: bool
) -> None:
    requested = {"status": "in_queue", "outcome": "cancellation_requested"}

    assert talk(provider.cancel(TICKET), requested, {"status": said}) is cancelled
    assert str(talk.requests[1].url) == f"{URL}/requests/{ID}/status"


def test_nothing_is_uploaded_found_or_renewed(provider: Provider) -> None:
    flows = ("upload", "cancel", "find", "renew")

    assert [flow for flow in flows if provider.can(flow)] == ["cancel"]


@pytest.mark.parametrize(
    ("fragment", "found"),
    [
        ('{"request_id":"8a1f","status_url":"https://mod', "8a1f"),
        ('{"request_id":81,"status_url":"https://mod', "81"),
        ('{"request_id":"8a', None),
        ('{"request_id":81', None),
    ],
)
def test_a_request_id_is_saved_from_what_arrived(
    provider: Provider, fragment: str, found: str | None
) -> None:
    assert provider.recover_ticket(fragment, VideoRequest(HERON)) == (found and Ticket(found))


# -- before anything is sent --------------------------------------------------------------------


def test_a_webhook_is_refused_for_there_is_none(provider: Provider) -> None:
    with pytest.raises(OptionRefused, match="RunComfy: callback_url is not supported") as caught:
        validate(provider, VideoRequest(HERON, callback_url="https://me.example/hook"), None)

    assert caught.value.option == "callback_url"


def picture_of(width: int, height: int, kind: str = "PNG") -> ImageFile:
    file = BytesIO()
    Image.new("1", (width, height)).save(file, kind)
    return ImageFile(file.getvalue())


def test_a_file_goes_as_a_data_uri(provider: Provider, talk: Any, picture: ImageFile) -> None:
    request = VideoRequest(SEA, image=picture)
    options = validate(provider, request, None)

    talk(provider.submit(request, options), TAKEN)

    assert json.loads(talk.sent)["image_url"] == f"data:image/png;base64,{picture.base64()}"


def test_only_png_files_are_known_to_be_accepted(provider: Provider) -> None:
    with pytest.raises(ImageRefused, match="RunComfy: image must be PNG; got JPEG"):
        validate(provider, VideoRequest(SEA, image=picture_of(300, 300, "JPEG")), None)


def test_a_file_has_at_most_32_million_pixels(provider: Provider) -> None:
    validate(provider, VideoRequest(SEA, image=picture_of(8000, 4000)), None)

    with pytest.raises(ImageRefused, match=r"at most 32 million pixels; got 8001 x 4000\."):
        validate(provider, VideoRequest(SEA, image=picture_of(8001, 4000)), None)


def test_a_file_has_at_most_6_mib(provider: Provider, picture: ImageFile) -> None:
    """What follows the end of a PNG is no part of the picture."""
    most = 6 * 1024 * 1024
    validate(provider, VideoRequest(SEA, image=picture.data.ljust(most, b"\0")), None)

    with pytest.raises(ImageRefused, match=r"at most 6 MiB; got 6\.3 MB"):
        validate(provider, VideoRequest(SEA, image=picture.data.ljust(most + 1, b"\0")), None)


def test_there_is_no_last_frame(provider: Provider) -> None:
    with pytest.raises(ImageRefused, match="end_image is not supported"):
        validate(provider, VideoRequest(SEA, IMAGE, end_image=IMAGE), None)


# -- money --------------------------------------------------------------------------------------

MODEL = {
    "model_id": "kling/kling-2-6/pro/text-to-video",
    "base_price_usd": 0.07,
    "price_unit": "second",
    "pricing_note": "",
}


@pytest.mark.parametrize(
    ("request_", "kind", "told", "price"),
    [
        (VideoRequest(HERON), "text", {}, 0.35),
        (VideoRequest(HERON, duration=10), "text", {}, 0.7),
        (VideoRequest(SEA, IMAGE, duration=10), "image", {}, 0.7),
        (VideoRequest(HERON, duration=10), "text", {"price_unit": "output"}, 0.07),
        (VideoRequest(HERON), "text", {"base_price_usd": 1}, 5.0),
        (VideoRequest(HERON, sound=True), "text", {}, 0.35),
        (VideoRequest(HERON, sound=True), "text", {"pricing_note": "Audio costs extra."}, None),
        (VideoRequest(HERON), "text", {"pricing_note": "Audio costs extra."}, 0.35),
    ],
)
def test_the_price_of_the_model_is_asked_for(
    provider: Provider,
    talk: Any,
    request_: VideoRequest,
    kind: str,
    told: dict[str, object],
    price: float | None,
) -> None:
    assert talk(provider.quote(request_, RunComfyOptions()), MODEL | told) == price
    assert talk.line == f"GET {URL}/models/kling/kling-2-6/pro/{kind}-to-video"


@pytest.mark.parametrize(
    "reply",
    [
        *(
            MODEL | {"base_price_usd": value}
            for value in (None, 0, -0.07, True, "0.07", [0.07], {"usd": 0.07}, 10**400, 1e300, 21)
        ),
        *(MODEL | {"price_unit": value} for value in (None, "", "minute", 5, ["second"], {})),
        {},
        {"data": MODEL},
        [MODEL],
        b"null",
        b"<html>Just a moment</html>",
        b"",
        httpx.Response(401, json=MODEL),
        httpx.Response(404, json={"error_code": 404001}),
        httpx.Response(302, json=MODEL, headers={"location": "https://www.runcomfy.com"}),
    ],
)
def test_anything_else_is_no_price_and_no_error(
    provider: Provider, talk: Any, reply: object
) -> None:
    assert talk(provider.quote(VideoRequest(HERON), RunComfyOptions()), reply) is None


@pytest.mark.parametrize("told", [12.3, 0, -0.5, "12.3"])
def test_the_balance_is_in_usd(provider: Provider, talk: Any, told: object) -> None:
    reply = {"balance_usd": told, "currency": "USD"}

    assert talk(provider.balance(), reply) == float(str(told))
    assert talk.line == "GET https://api.runcomfy.net/prod/v2/balance"


@pytest.mark.parametrize(
    "reply",
    [
        *({"balance_usd": value} for value in (None, True, "", "much", [1], {"usd": 1}, 10**400)),
        {},
        [],
        b"<html></html>",
        b'{"balance_usd": NaN}',
    ],
)
def test_a_balance_that_is_no_number_is_told(provider: Provider, talk: Any, reply: object) -> None:
    with pytest.raises(UnexpectedReply, match=r"RunComfy sent an unexpected reply \(HTTP 200: "):
        talk(provider.balance(), reply)


def test_a_token_that_is_not_known_has_no_balance(provider: Provider, talk: Any) -> None:
    no = {"error_code": 400004, "error_message": "The token has expired"}

    with pytest.raises(KeyRejected, match="The token has expired"):
        talk(provider.balance(), no, status=401)


def test_the_token_may_be_in_either_variable(provider: Provider) -> None:
    assert provider.key_variables == ("RUNCOMFY_TOKEN", "RUNCOMFY_API_TOKEN")


def test_an_image_without_encryption_is_refused(provider: Provider) -> None:
    validate(provider, VideoRequest(SEA, image=IMAGE), None)

    with pytest.raises(ImageRefused, match="image must be a public https:// URL"):
        validate(provider, VideoRequest(SEA, image="http://pictures.example/sea.webp"), None)


def test_no_limit_of_the_prompt_is_documented(provider: Provider) -> None:
    validate(provider, VideoRequest("x" * 10_000), None)


@pytest.mark.parametrize("option", ["mode", "cfg_scale", "generate_audio"])
def test_what_it_does_not_take_is_refused_by_name(provider: Provider, option: str) -> None:
    with pytest.raises(OptionRefused) as caught:
        validate(provider, VideoRequest(HERON), {option: "x"})

    assert str(caught.value) == f'RunComfy has no option "{option}"; it has negative_prompt.'


# -- cassettes --------------------------------------------------------------------------------


@pytest.mark.cassette("runcomfy/text_to_video_with_sound")
def test_a_video_with_sound(replay: Any) -> None:
    options = {"negative_prompt": "people"}
    video = replay.generate(VideoRequest(HERON, sound=True), "runcomfy", options)

    assert video.file.stat().st_size > 0
    assert video.url.startswith("https://")
    assert video.cost > 0


@pytest.mark.cassette("runcomfy/image_to_video", written="it needs a picture that is public")
def test_a_video_from_a_picture(replay: Any) -> None:
    video = replay.generate(VideoRequest(SEA, image=IMAGE, duration=10), "runcomfy")

    assert video.file.stat().st_size > 0


@pytest.mark.cassette("runcomfy/local_picture")
def test_a_video_from_a_file(replay: Any, picture: ImageFile) -> None:
    video = replay.generate(VideoRequest(SEA, image=picture, duration=10), "runcomfy")

    assert video.file.stat().st_size > 0


@pytest.mark.cassette("runcomfy/dry_run")
def test_what_a_video_would_cost(replay: Any) -> None:
    said = replay.run(lambda runner: runner.preview(VideoRequest(HERON), "runcomfy"))

    assert said.price == Price(0.35, "USD", 0.35, "quote")
    assert said.balance == Balance(0.0, "USD", 0.0)


@pytest.mark.cassette("runcomfy/balance")
def test_what_is_left(replay: Any) -> None:
    left = replay.run(lambda runner: runner.balance("runcomfy"))

    assert left == Balance(0.0, "USD", 0.0)


@pytest.mark.cassette("runcomfy/refused_key", key="not-a-key")
def test_a_key_that_is_refused(replay: Any) -> None:
    with pytest.raises(KeyRejected, match="RunComfy does not accept the key"):
        replay.generate(VideoRequest(HERON), "runcomfy")


@pytest.mark.cassette("runcomfy/refused_credit", written="it needs an empty account")
def test_an_account_that_is_empty(replay: Any) -> None:
    with pytest.raises(OutOfCredit, match="Insufficient balance") as caught:
        replay.generate(VideoRequest(HERON), "runcomfy")

    assert caught.value.code == "400002"


@pytest.mark.cassette("runcomfy/refused_input", written="what is refused is up to the service")
def test_an_input_that_is_refused(replay: Any) -> None:
    with pytest.raises(Refused, match="did not match the model's schema"):
        replay.generate(VideoRequest(HERON), "runcomfy")


@pytest.mark.cassette("runcomfy/failed_task", written="tasks do not fail at will")
def test_a_task_that_fails(replay: Any) -> None:
    with pytest.raises(TaskFailed, match="The prompt was rejected") as caught:
        replay.generate(VideoRequest(HERON), "runcomfy")

    assert caught.value.code == "ContentPolicy"
