"""What is sent, as exact JSON, and what is made of each answer."""

import json
from typing import Any

import httpx
import pytest
from kling26.core import (
    ImageFile,
    KeyRejected,
    NoSuchTask,
    OptionRefused,
    OutOfCredit,
    Refused,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    UnexpectedReply,
    VideoRequest,
)
from kling26_fal import Fal, FalOptions

FROST = "Frost ferns grow across a window pane"
PICTURE = "https://pictures.example/pane.png"
ID = "3f6c0000-0000-4000-8000-000000000001"
ONE = f"https://queue.fal.run/fal-ai/kling-video/requests/{ID}"
URLS = {"status_url": f"{ONE}/status", "response_url": ONE, "cancel_url": f"{ONE}/cancel"}
TAKEN = {"request_id": ID, "gateway_request_id": ID, **URLS}
TICKET = Ticket(ID, URLS)
DONE = {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 92.1}}
VIDEO = {"video": {"url": "https://v3b.fal.media/files/b/pane.mp4", "content_type": "video/mp4"}}
DETAIL = {"detail": [{"loc": ["body", "prompt"], "msg": "Not allowed", "type": "policy"}]}

fal = Fal()


def text(**fields: object) -> str:
    return json.dumps(fields, sort_keys=True)


# -- requests ----------------------------------------------------------------------------------


def test_text_to_video_with_everything(talk: Any) -> None:
    request = VideoRequest(FROST, sound=True, duration=10, aspect_ratio="1:1", seed=4)

    ticket = talk(fal.submit(request, FalOptions("people", 0.7)), TAKEN)

    assert ticket == TICKET
    assert talk.lines == ["POST https://queue.fal.run/fal-ai/kling-video/v2.6/pro/text-to-video"]
    assert talk.sent == text(
        prompt=FROST,
        duration="10",
        aspect_ratio="1:1",
        negative_prompt="people",
        generate_audio=True,
        cfg_scale=0.7,
    )


def test_silence_is_said_because_sound_is_their_default_and_costs_double(talk: Any) -> None:
    talk(fal.submit(VideoRequest(FROST), FalOptions()), TAKEN)

    assert talk.sent == text(
        prompt=FROST,
        duration="5",
        aspect_ratio="16:9",
        negative_prompt="blur, distort, and low quality",
        generate_audio=False,
    )


def test_image_to_video_says_the_picture_and_no_shape(talk: Any) -> None:
    talk(fal.submit(VideoRequest(FROST, image=PICTURE, aspect_ratio="9:16"), FalOptions()), TAKEN)

    assert talk.lines == ["POST https://queue.fal.run/fal-ai/kling-video/v2.6/pro/image-to-video"]
    assert talk.sent == text(
        prompt=FROST,
        start_image_url=PICTURE,
        duration="5",
        negative_prompt="blur, distort, and low quality",
        generate_audio=False,
    )


def test_a_last_frame_goes_beside_the_first(talk: Any) -> None:
    end = "https://pictures.example/thaw.png"

    talk(fal.submit(VideoRequest(FROST, image=PICTURE, end_image=end), FalOptions()), TAKEN)

    sent = json.loads(talk.sent)
    assert (sent["start_image_url"], sent["end_image_url"]) == (PICTURE, end)


def test_a_last_frame_is_silent() -> None:
    request = VideoRequest(FROST, image=PICTURE, sound=True, end_image=PICTURE)

    with pytest.raises(OptionRefused, match=r"fal\.ai: end_image does not go with sound; turn"):
        fal.check(request, FalOptions())


def test_the_webhook_goes_into_the_url(talk: Any) -> None:
    request = VideoRequest(FROST, callback_url="https://me.example/done?n=1&m=2")

    talk(fal.submit(request, FalOptions()), TAKEN)

    assert talk.requests[0].url.params.multi_items() == [
        ("fal_webhook", "https://me.example/done?n=1&m=2")
    ]
    assert "webhook" not in talk.sent


def test_the_key_goes_behind_the_word_key() -> None:
    request = httpx.Request("GET", ONE)

    fal.sign(request, "id:secret")

    assert request.headers["Authorization"] == "Key id:secret"


def test_cfg_scale_beside_an_image_is_refused() -> None:
    with pytest.raises(OptionRefused, match="text to video only"):
        fal.check(VideoRequest(FROST, image=PICTURE), FalOptions(cfg_scale=0.5))

    fal.check(VideoRequest(FROST, image=PICTURE), FalOptions())
    fal.check(VideoRequest(FROST), FalOptions(cfg_scale=0.5))


@pytest.mark.parametrize(
    ("duration", "sound", "price"),
    [(5, False, 0.35), (5, True, 0.7), (10, False, 0.7), (10, True, 1.4)],
)
def test_the_list_price(duration: Any, sound: bool, price: float) -> None:
    assert fal.price(VideoRequest(FROST, duration=duration, sound=sound), FalOptions()) == price


# -- URLs --------------------------------------------------------------------------------------


def test_the_urls_that_came_are_followed(talk: Any) -> None:
    moved = Ticket(
        ID, {"status_url": "https://queue.fal.run/new/way", "response_url": f"{ONE}?v=2"}
    )

    talk(fal.poll(moved), DONE, VIDEO)

    assert talk.lines == ["GET https://queue.fal.run/new/way", f"GET {ONE}?v=2"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/status",
        "https://queue.fal.run.evil.example/status",
        "https://queue.fal.run@evil.example/status",
        "http://queue.fal.run/status",
        "",
    ],
)
def test_other_hosts_are_not(talk: Any, url: str) -> None:
    ticket = Ticket(ID, {"status_url": url, "response_url": url})

    talk(fal.poll(ticket), DONE, VIDEO)

    assert talk.lines == [f"GET {ONE}/status", f"GET {ONE}"]


def test_an_id_alone_is_enough(talk: Any) -> None:
    assert talk(fal.poll(Ticket("a/../b?")), {"status": "IN_PROGRESS"}) == Status("running")
    assert talk.lines == [
        "GET https://queue.fal.run/fal-ai/kling-video/requests/a%2F..%2Fb%3F/status"
    ]


def test_a_moved_api_is_asked_where_it_is_now(talk: Any) -> None:
    moved = fal.at({"base_url": "http://127.0.0.1:8026/fal"})

    talk(moved.poll(TICKET), {"status": "IN_PROGRESS"})

    assert talk.lines == [f"GET http://127.0.0.1:8026/fal/fal-ai/kling-video/requests/{ID}/status"]


# -- states ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"status": "IN_QUEUE", "queue_position": 3}, Status("queued", position=3)),
        ({"status": "IN_QUEUE", "queue_position": "3"}, Status("queued")),
        ({"status": "IN_PROGRESS", "logs": []}, Status("running")),
        ({"status": " in_queue "}, Status("queued")),
        ({"status": "MODERATING"}, Status("running")),
        (
            DONE | {"error": "The runner went away", "error_type": "runner_disconnected"},
            Status("failed", code="runner_disconnected", reason="The runner went away"),
        ),
        (DONE | {"error_type": "request_timeout"}, Status("failed", code="request_timeout")),
    ],
)
def test_a_state_before_the_result(talk: Any, answer: object, status: Status) -> None:
    assert talk(fal.poll(TICKET), answer) == status
    assert talk.lines == [f"GET {ONE}/status"]


def test_the_result_is_asked_for_once_there_is_one(talk: Any) -> None:
    status = talk(fal.poll(TICKET), DONE, VIDEO)

    assert status == Status("succeeded", url=VIDEO["video"]["url"])
    assert talk.lines == [f"GET {ONE}/status", f"GET {ONE}"]


@pytest.mark.parametrize(
    "result", [{}, {"video": None}, {"video": {"url": ""}}, {"video": {"url": 7}}]
)
def test_a_result_without_a_link_is_a_success_without_one(talk: Any, result: object) -> None:
    assert talk(fal.poll(TICKET), DONE, result) == Status("succeeded")


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (DETAIL, Status("failed", code="policy", reason="Not allowed")),
        ({"detail": "No"}, Status("failed", reason="No")),
        (
            {"detail": "No", "error_type": "bad_request"},
            Status("failed", code="bad_request", reason="No"),
        ),
        ({"detail": "Request is still in progress"}, Status("running")),
    ],
)
def test_a_result_that_is_an_error_is_a_failure(talk: Any, result: Any, status: Status) -> None:
    refusal = httpx.Response(422, json=result)

    assert talk(fal.poll(TICKET), DONE, refusal) == status


@pytest.mark.parametrize(
    ("code", "body", "status"),
    [
        (500, DETAIL, Status("failed", code="policy", reason="Not allowed")),
        (
            503,
            {"detail": "Runner disconnected", "error_type": "runner_disconnected"},
            Status("failed", code="runner_disconnected", reason="Runner disconnected"),
        ),
        (
            500,
            {"detail": {"message": "Oops"}, "error_type": "internal_error"},
            Status("failed", code="internal_error", reason="Oops"),
        ),
        (
            499,
            {"detail": "Taken back", "error_type": "client_cancelled"},
            Status("cancelled", code="client_cancelled", reason="Taken back"),
        ),
    ],
)
def test_a_task_that_failed_may_be_told_by_http_500(
    talk: Any, code: int, body: object, status: Status
) -> None:
    assert talk(fal.poll(TICKET), DONE, httpx.Response(code, json=body)) == status


def test_the_type_of_an_error_may_stand_in_a_header_alone(talk: Any) -> None:
    headers = {"X-Fal-Error-Type": "request_timeout"}
    reply = httpx.Response(504, json={"detail": "Timed out"}, headers=headers)

    assert talk(fal.poll(TICKET), DONE, reply) == Status(
        "failed", code="request_timeout", reason="Timed out"
    )


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500, json={"detail": "Oops"}),
        httpx.Response(503, json={}),
    ],
)
def test_trouble_that_says_nothing_of_the_task_ends_nothing(
    talk: Any, reply: httpx.Response
) -> None:
    with pytest.raises(Unavailable):
        talk(fal.poll(TICKET), DONE, reply)


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (401, {"detail": "Bad key"}, KeyRejected),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, OutOfCredit),
        (404, {"detail": "Unknown"}, NoSuchTask),
        (409, {"detail": "Not yet"}, Refused),
        (422, {}, UnexpectedReply),
        (422, {"detail": []}, UnexpectedReply),
        (200, {"detail": "Internal server error"}, UnexpectedReply),
    ],
)
def test_a_result_that_says_nothing_of_the_video_ends_nothing(
    talk: Any, code: int, body: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        talk(fal.poll(TICKET), DONE, httpx.Response(code, json=body))


def test_a_state_is_never_missing(talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match=r"status is missing"):
        talk(fal.poll(TICKET), {})


@pytest.mark.parametrize("wrap", [lambda url: url, lambda url: [url], lambda url: [{"url": url}]])
def test_the_video_is_found_in_a_result_of_another_form(talk: Any, wrap: Any) -> None:
    url = VIDEO["video"]["url"]

    status = talk(fal.poll(TICKET), {"status": "Completed"}, {"video": wrap(f" {url}")})

    assert status == Status("succeeded", url=url)


def test_an_id_may_be_a_number(talk: Any) -> None:
    ticket = talk(
        fal.submit(VideoRequest(FROST), FalOptions()), {"request_id": 1234567890123456789}
    )

    assert ticket == Ticket("1234567890123456789")


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, {"detail": "Authentication is required"}, KeyRejected, "does not accept the key"),
        (403, {"detail": "Not allowed"}, KeyRejected, "Not allowed"),
        (402, {"detail": "Payment required"}, OutOfCredit, "Payment required"),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, OutOfCredit, "balance"),
        (403, {"detail": "User is locked. Reason: Admin lock."}, Refused, "Admin lock"),
        (404, {"detail": "Application not found"}, Refused, "not found"),
        (422, DETAIL, Refused, "Not allowed"),
        (400, {"detail": "Odd", "error_type": "bad_request"}, Refused, "bad_request"),
        (429, {"detail": "Too many"}, TryLater, "Too many"),
        (400, {}, UnexpectedReply, "without a reason"),
        (200, {}, UnexpectedReply, "request_id is missing"),
        (200, {"request_id": 7.5}, UnexpectedReply, "request_id is missing"),
    ],
)
def test_a_no_to_a_submit(
    talk: Any, status: int, body: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        talk(fal.submit(VideoRequest(FROST), FalOptions()), body, status=status)

    assert type(caught.value) is error


@pytest.mark.parametrize("status", [401, 422, 429])
def test_an_id_next_to_a_no_is_a_task_all_the_same(talk: Any, status: int) -> None:
    body = {"detail": "Too many", "request_id": "r-1"}

    ticket = talk(fal.submit(VideoRequest(FROST), FalOptions()), body, status=status)

    assert ticket == Ticket("r-1")


# -- uploads -----------------------------------------------------------------------------------

PLACE = {"upload_url": "https://store.example/a?sig=1", "file_url": "https://v3.fal.media/a.png"}


def test_an_upload_asks_for_a_place_and_puts_the_bytes_there(talk: Any) -> None:
    image = ImageFile(b"\x89PNG")

    url = talk(fal.upload(image), PLACE, httpx.Response(200))

    first, second = talk.requests
    assert url == PLACE["file_url"]
    assert talk.lines == [
        "POST https://rest.fal.ai/storage/upload/initiate?storage_type=gcs",
        "PUT https://store.example/a?sig=1",
    ]
    assert json.loads(first.content) == {"file_name": image.name, "content_type": image.mime_type}
    assert second.content == image.data
    assert second.headers["Content-Type"] == image.mime_type


@pytest.mark.parametrize(
    "place",
    [
        {},
        PLACE | {"upload_url": "file:///etc/passwd"},
        PLACE | {"file_url": "/a.png"},
    ],
)
def test_a_place_that_is_not_a_safe_url_gets_nothing(talk: Any, place: object) -> None:
    with pytest.raises(UnexpectedReply, match="expected a URL"):
        talk(fal.upload(ImageFile(b"x")), place)


def test_a_store_that_refuses_is_told(talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match="did not take the picture"):
        talk(fal.upload(ImageFile(b"x")), PLACE, httpx.Response(307))


# -- cancelling --------------------------------------------------------------------------------

WAITS = {"status": "IN_QUEUE", "queue_position": 1}
WORKS = {"status": "IN_PROGRESS"}
ASKED = {"status": "CANCELLATION_REQUESTED"}
GONE = httpx.Response(404, json={"detail": "Unknown"})


@pytest.mark.parametrize(
    ("after", "cancelled"),
    [
        ({"status": "CANCELLED"}, True),
        (DONE | {"error": "Taken back"}, True),
        (DONE | {"error_type": "client_cancelled"}, True),
        (DONE, False),
        ({"status": "MODERATING"}, False),
    ],
)
def test_what_became_of_a_request_to_cancel_is_looked_at(
    talk: Any, after: object, cancelled: bool
) -> None:
    assert talk(fal.cancel(TICKET), WAITS, ASKED, after) is cancelled


@pytest.mark.parametrize(
    ("answers", "cancelled"),
    [
        ([WORKS], False),
        ([DONE], False),
        ([WAITS, {"status": "OK"}], True),
        ([WAITS, httpx.Response(202, json=ASKED), WAITS], True),
        ([WAITS, httpx.Response(202, json=ASKED), GONE], True),
        ([WAITS, httpx.Response(202, json=ASKED), WORKS], False),
        ([WAITS, httpx.Response(202, json=ASKED), DONE], False),
        ([WAITS, httpx.Response(400, json={"status": "ALREADY_COMPLETED"})], False),
    ],
)
def test_only_what_certainly_left_the_queue_is_cancelled(
    talk: Any, answers: list[object], cancelled: bool
) -> None:
    assert talk(fal.cancel(TICKET), *answers) is cancelled
    assert [line for line in talk.lines if not line.startswith("GET")] == (
        [f"PUT {ONE}/cancel"] if len(answers) > 1 else []
    )


# -- callbacks ---------------------------------------------------------------------------------

CALL = {"request_id": ID, "gateway_request_id": ID}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (
            CALL | {"status": "OK", "payload": VIDEO},
            Status("succeeded", url=VIDEO["video"]["url"], task_id=ID),
        ),
        (
            CALL | {"status": "ERROR", "error": "Invalid status code: 422", "payload": DETAIL},
            Status("failed", code="policy", reason="Not allowed", task_id=ID),
        ),
        (
            CALL | {"status": "ERROR", "error": "Lost", "payload": None},
            Status("failed", reason="Lost", task_id=ID),
        ),
        (
            {"request_id": 7, "status": "ok", "payload": VIDEO},
            Status("succeeded", url=VIDEO["video"]["url"], task_id="7"),
        ),
    ],
)
def test_a_callback(body: object, status: Status) -> None:
    assert fal.read_callback(json.dumps(body)) == status


@pytest.mark.parametrize("call", [{"status": "OK"}, CALL, CALL | {"status": "MAYBE"}])
def test_what_says_nothing_of_a_task_is_no_callback(call: object) -> None:
    with pytest.raises(UnexpectedReply, match=r"not a callback from fal\.ai"):
        fal.read_callback(json.dumps(call))


# -- half answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fragment", "ticket"),
    [
        (f'{{"request_id": "{ID}", "status_u', Ticket(ID)),
        (f'{{"status_url": "{ONE}/status"', Ticket(ID)),
        (f'{{"response_url": "{ONE}", "x', Ticket(ID)),
        ('{"request_id": 7, "status_u', Ticket("7")),
        ('{"request_id": 7', None),
        ("<html>", None),
    ],
)
def test_the_id_is_found_wherever_it_stands(fragment: str, ticket: Ticket | None) -> None:
    assert fal.recover_ticket(fragment, VideoRequest(FROST)) == ticket
