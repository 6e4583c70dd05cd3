"""What a provider makes of replies with the helpers of `Provider`."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from attrs import frozen
from kling26.core import (
    Flow,
    ImageFile,
    KeyRejected,
    NoSuchTask,
    OutOfCredit,
    Provider,
    ProviderError,
    Refused,
    StandardWebhooks,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    UnexpectedReply,
    VideoRequest,
    cfg_scale_option,
    form_request,
    image_text,
    negative_prompt_option,
    without_none,
)
from kling26.core.options import options_of
from kling26.core.refusals import find_error
from kling26.testing import Conversation

FOX = VideoRequest("A red fox")
VIDEO = "https://videos.example/fox.mp4"


class Acme(Provider):
    """The helpers, with a state or two."""

    name = "acme"
    title = "Acme"
    key_variable = "ACME_API_KEY"
    base_url = "https://api.acme.example"
    task_id_name = "id"
    states = {
        "waiting": "queued",
        "working": "running",
        "done": "succeeded",
        "stopped": "cancelled",
    }
    task_id_pattern = r"/videos/(\w+)"
    key_scheme = "Key"
    errors = {
        re.compile("(?i)balance"): OutOfCredit,
        **Provider.errors,
        1302: TryLater,
        "no_funds": OutOfCredit,
    }

    def submit(self, request: VideoRequest, options: object) -> Flow[Ticket]:
        raise NotImplementedError

    def poll(self, ticket: Ticket) -> Flow[Status]:
        raise NotImplementedError

    def about(self, body: dict[str, Any], status: int | None = 200) -> Status:
        """What a reply says of a task; of a call to the webhook, without an HTTP status."""
        reply = None if status is None else httpx.Response(status, json=body)
        return self.status(
            body.get("state"),
            reply,
            url=body.get("video"),
            cost=body.get("cost"),
            reason=body.get("error"),
            position=body.get("position"),
            task_id=body.get("id"),
        )


class Enveloped(Acme):
    """One that answers with a code, even under HTTP 200."""

    success_codes = (0,)


acme = Acme()


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


def submitted(body: object, status: int = 200, provider: Acme = acme) -> Ticket:
    return provider.read_ticket(httpx.Response(status, json=body), FOX)


# -- URLs and bodies ---------------------------------------------------------------------------


def test_ids_and_values_of_the_query_are_quoted_and_paths_are_not() -> None:
    url = acme.url("v1/videos", "../a?b", "result", cost="true", hook="https://me.example/?a=1&b")

    assert url == (
        "https://api.acme.example/v1/videos/..%2Fa%3Fb/result"
        "?cost=true&hook=https%3A%2F%2Fme.example%2F%3Fa%3D1%26b"
    )
    assert acme.url("v1/videos", hook=None) == "https://api.acme.example/v1/videos"


def test_only_none_is_left_out_of_a_body() -> None:
    assert without_none(a=None, b=False, c=0, d="") == {"b": False, "c": 0, "d": ""}


def test_equal_forms_are_equal_bytes() -> None:
    image = ImageFile(b"\x89PNG and the rest")
    one, same = (form_request("https://a.example", {"file": image, "to": "ä"}) for _ in range(2))
    other = form_request("https://a.example", {"file": image, "to": "b"})

    assert one.read() == same.read()
    assert one.headers == same.headers
    assert other.headers["content-type"] != one.headers["content-type"]
    assert image.data in one.content
    assert f'filename="{image.name}"'.encode() in one.content
    assert "\r\n\r\nä\r\n".encode() in one.content


def test_an_image_goes_into_json_as_a_url_or_as_base64() -> None:
    image = ImageFile(b"x")

    assert image_text(image) == "data:application/octet-stream;base64,eA=="
    assert image_text(image, ImageFile.base64) == "eA=="
    assert image_text(VIDEO) == VIDEO
    assert image_text(None) is None


def test_an_image_is_put_where_the_service_has_signed_for_it(talk: Conversation) -> None:
    image = ImageFile(b"x")

    talk(acme.put_image("https://store.example/a?sig=1", image), b"")

    assert (talk.line, talk.request.content) == ("PUT https://store.example/a?sig=1", b"x")
    with pytest.raises(UnexpectedReply, match="did not take the image"):
        talk(acme.put_image("https://store.example/a?sig=1", image), b"", status=307)


@pytest.mark.parametrize(
    "url", ["https://evil.example/1", "https://api.acme.example.evil.example/1", "", None]
)
def test_only_a_url_of_the_api_is_followed(url: str | None) -> None:
    assert acme.own_url(url, "usual") == "usual"
    assert acme.own_url("https://api.acme.example/1?v=2", "") == "https://api.acme.example/1?v=2"


# -- submits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 400, 402, 429])
@pytest.mark.parametrize("body", [{"id": "v1"}, {"data": {"id": " v1 "}}, {"data": [{"id": "v1"}]}])
def test_whoever_gives_an_id_has_a_task(body: object, status: int) -> None:
    assert submitted(body, status) == Ticket("v1")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": "Unknown key"}, KeyRejected),
        (403, {"detail": "Not yours"}, KeyRejected),
        (402, {"message": "Empty"}, OutOfCredit),
        (429, {"message": "Slow down"}, TryLater),
        (400, {"error": {"message": "No.", "code": "no_funds"}}, OutOfCredit),
        (400, {"code": 1302, "msg": "Busy"}, TryLater),
        (400, {"code": "1302", "msg": "Busy"}, TryLater),
        (403, {"detail": "Locked: no balance"}, OutOfCredit),
        (404, {"detail": "No such model"}, Refused),
        (422, {"detail": [{"msg": "Too long", "type": "value_error"}]}, Refused),
        (400, {"errors": [{"title": "Too long"}]}, Refused),
    ],
)
def test_a_clear_no_says_what_it_means(
    status: int, body: object, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as caught:
        submitted(body, status)

    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("status", "body", "provider"),
    [
        (200, {}, acme),
        (200, {"error": "Internal"}, acme),
        (302, {"message": "Elsewhere"}, acme),
        (400, {}, acme),
        (408, {"message": "Too slow"}, acme),
        (409, {"message": "It exists"}, acme),
        (400, {"code": 500, "message": "Internal"}, acme),
        (200, {"code": 502, "message": "Internal"}, Enveloped()),
        (200, {"code": 7, "message": "Odd"}, Enveloped()),
        (200, {"code": 0}, Enveloped()),
        (200, {"message": "Fine?"}, Enveloped()),
        (400, {"code": 0, "message": "Fine"}, Enveloped()),
        (400, {"message": "From the gateway"}, Enveloped()),
    ],
)
def test_what_is_not_clear_is_never_called_refused(
    status: int, body: object, provider: Acme
) -> None:
    with pytest.raises((UnexpectedReply, Unavailable)):
        submitted(body, status, provider)


def test_a_code_counts_under_http_200_where_success_has_one() -> None:
    with pytest.raises(TryLater, match=r"Busy \(code 1302\)"):
        submitted({"code": 1302, "message": "Busy"}, provider=Enveloped())
    with pytest.raises(Refused, match="Too long"):
        submitted({"code": 422, "message": "Too long"}, provider=Enveloped())


def test_what_a_ticket_needs_later_is_kept_with_its_id() -> None:
    body = {"data": {"id": "v1", "status_url": "https://api.acme.example/v1", "other": 7}}
    reply = httpx.Response(200, json=body)

    ticket = acme.read_ticket(reply, FOX, keep=("status_url", "other", "absent"))

    assert ticket == Ticket("v1", {"status_url": "https://api.acme.example/v1"})
    assert acme.read_ticket(httpx.Response(200, json={"task": "v2"}), FOX, "v2") == Ticket("v2")


@pytest.mark.parametrize(
    ("fragment", "ticket"),
    [
        ('{"id": "v1", "url": "https://api.acme.example/videos/v2', Ticket("v1")),
        ('{"url": "https://api.acme.example/videos/v2", "i', Ticket("v2")),
        ('{"url": "https://api.acme.ex', None),
    ],
)
def test_a_ticket_is_in_half_an_answer(fragment: str, ticket: Ticket | None) -> None:
    assert acme.recover_ticket(fragment, FOX) == ticket


def test_the_key_follows_the_scheme() -> None:
    request = httpx.Request("GET", acme.base_url)

    acme.sign(request, "secret")

    assert request.headers["Authorization"] == "Key secret"


# -- tasks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"state": "Waiting", "position": 3}, Status("queued", position=3)),
        ({"state": "working", "error": "none", "cost": 1}, Status("running")),
        ({"state": "polishing"}, Status("running")),
        ({"state": "CANCELED"}, Status("cancelled")),
        ({"state": "Running"}, Status("running")),
        ({"state": "polishing", "video": [VIDEO]}, Status("succeeded", url=VIDEO)),
        (
            {"state": "done", "video": f" {VIDEO}", "cost": "0.5", "error": "success"},
            Status("succeeded", url=VIDEO, cost=0.5),
        ),
        ({"video": VIDEO}, Status("succeeded", url=VIDEO)),
        ({"state": "done", "video": 7}, Status("succeeded")),
        ({"state": "failed", "error": "No cats"}, Status("failed", reason="No cats")),
        (
            {"state": "failed", "error": {"code": 7, "message": "No cats"}, "cost": 0.1},
            Status("failed", code="7", reason="No cats", cost=0.1),
        ),
        ({"state": "failed"}, Status("failed")),
        (
            {"state": "failed", "error": {"type": "stopped", "msg": "By hand"}},
            Status("cancelled", code="stopped", reason="By hand"),
        ),
    ],
)
def test_a_task_is_in_the_state_that_its_reply_says(body: Any, status: Status) -> None:
    assert acme.about(body) == status


@pytest.mark.parametrize("code", [400, 401, 404])
def test_a_task_says_by_its_id_and_state_that_it_failed_whatever_the_status(code: int) -> None:
    body = {"id": "v1", "state": "failed", "error": "No cats"}

    assert acme.about(body, code) == Status("failed", reason="No cats", task_id="v1")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": "Unknown"}, NoSuchTask),
        (401, {"error": "Unknown key", "state": "failed"}, KeyRejected),
        (401, {"error": "Unknown key", "video": "https://docs.acme.example"}, KeyRejected),
        (429, {"error": "Slow down", "id": "v1"}, TryLater),
        (400, {}, UnexpectedReply),
        (200, {}, UnexpectedReply),
        (200, {"state": " "}, UnexpectedReply),
        (200, {"state": 7}, UnexpectedReply),
    ],
)
def test_a_reply_that_is_about_something_else_ends_nothing(
    status: int, body: Any, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind):
        acme.about(body, status)


def test_a_call_to_the_webhook_names_its_task() -> None:
    body = {"id": 7, "state": "failed", "error": "No cats"}

    assert acme.about(body, None) == Status("failed", reason="No cats", task_id="7")
    for odd in ({"state": "done"}, {"id": "v1"}, {"id": "v1", "state": ""}):
        with pytest.raises(UnexpectedReply, match="not a callback from Acme"):
            acme.about(odd, None)


def test_a_video_is_not_lost_because_its_answer_lacks_a_code() -> None:
    body = {"state": "done", "video": VIDEO}

    assert Enveloped().about(body) == Status("succeeded", url=VIDEO)
    with pytest.raises(UnexpectedReply, match="there is no code"):
        Enveloped().about({"state": "odd"})


@pytest.mark.parametrize(
    ("status", "body", "headers", "failure"),
    [
        (422, {"detail": "No cats"}, {}, Status("failed", reason="No cats")),
        (500, {"detail": "No"}, {"X-Error-Code": "x"}, Status("failed", code="x", reason="No")),
        (499, {"code": "stopped"}, {}, Status("cancelled", code="stopped")),
        (401, {"detail": "Unknown key"}, {}, None),
        (404, {"detail": "Unknown"}, {}, None),
        (500, {"detail": "Oops"}, {}, None),
        (503, {"code": 503, "message": "Maintenance"}, {}, None),
        (503, {"type": "about:blank", "title": "Maintenance"}, {}, None),
        (400, {"code": "no_funds", "message": "Empty"}, {}, None),
        (400, {}, {}, None),
    ],
)
def test_an_error_may_be_the_failure_of_a_task(
    talk: Conversation, status: int, body: object, headers: dict[str, str], failure: Status | None
) -> None:
    request = httpx.Request("GET", acme.url("v1"))
    reply = talk(acme.any_status(request), httpx.Response(status, json=body, headers=headers))

    assert acme.failure(reply) == failure


def test_other_trouble_of_500_and_above_passes(talk: Conversation) -> None:
    reply = talk(acme.any_status(httpx.Request("GET", acme.url("v1"))), {}, status=503)

    with pytest.raises(Unavailable):
        acme.raise_for_error(reply, asking=True)
    with pytest.raises(Unavailable):
        talk(acme.any_status(httpx.Request("GET", acme.url("v1"))), Unavailable("It broke."))


# -- other replies -----------------------------------------------------------------------------


def test_a_missing_task_is_one_only_where_a_task_was_asked_about() -> None:
    reply = httpx.Response(404, json={"message": "Not found"})

    with pytest.raises(NoSuchTask):
        acme.raise_for_error(reply, asking=True)
    with pytest.raises(Refused):
        acme.raise_for_error(reply)


def test_a_balance_is_a_number() -> None:
    reply = httpx.Response(200, json={"left": "12.5"})

    assert acme.read_number(reply, "12.5", "reply.left") == 12.5
    with pytest.raises(UnexpectedReply, match=r"expected a number @ reply\.left"):
        acme.read_number(reply, None, "reply.left")


def test_a_usual_option_is_like_any_other() -> None:
    @frozen
    class Options:
        negative_prompt: str = negative_prompt_option("rain", max_length=200)
        cfg_scale: float | None = cfg_scale_option()

    negative, scale = options_of(Options)
    assert (negative.label, negative.default, negative.allowed()) == (
        "Negative prompt", "rain", "up to 200 characters"
    )  # fmt: skip
    assert (scale.default, scale.allowed()) == (None, "0 to 1")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"error": "No"}, ("No", None)),
        ({"error": {"message": "No", "type": "policy"}, "code": 7}, ("No", "policy")),
        ({"code": 7, "msg": "No"}, ("No", "7")),
        ({"detail": {"message": "No"}, "error_type": "late"}, ("No", "late")),
        ({"detail": ["No"]}, ("No", None)),
        ({"detail": "No", "title": "Unprocessable", "status": 422}, ("No", None)),
        ({"error": {"type": "about:blank", "title": "Bad", "detail": "No"}}, ("No", None)),
        ({"errors": [{"type": "https://acme.example/e/1", "title": "No"}]}, ("No", None)),
        ({"type": "about:blank", "title": "No"}, ("No", None)),
        ({"error": None, "detail": [], "message": {}}, (None, None)),
    ],
)
def test_words_and_code_are_where_services_usually_put_them(answer: object, found: object) -> None:
    assert find_error(answer) == found


# -- signed calls ------------------------------------------------------------------------------

SECRET = "whsec_Y29uZm9ybWFuY2Utc2VjcmV0LW9mLWtsaW5nMjY="


def signed(body: bytes, minutes: float = 0, secret: str = SECRET) -> dict[str, str]:
    from standardwebhooks import Webhook

    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    signature = Webhook(secret).sign("m1", moment, body.decode())
    at = str(int(moment.timestamp()))
    return {"Webhook-Id": "m1", "Webhook-Timestamp": at, "Webhook-Signature": signature}


def test_a_signed_call_is_genuine_for_a_few_minutes() -> None:
    body = json.dumps({"id": "v1"}).encode()

    assert StandardWebhooks().verify_callback(body, signed(body), SECRET)
    for minutes in (-6, 6):
        assert not StandardWebhooks().verify_callback(body, signed(body, minutes), SECRET)
    assert not StandardWebhooks().verify_callback(body + b" ", signed(body), SECRET)
    assert not StandardWebhooks().verify_callback(b"\xff", signed(body), SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "no base64", "é", "whsec_AAAA"])
def test_no_other_secret_does(secret: str) -> None:
    assert not StandardWebhooks().verify_callback(b"{}", signed(b"{}"), secret)


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Timestamp": "soon"},
        {"Webhook-Timestamp": "nan"},
        {"Webhook-Timestamp": "1e400"},
        {"Webhook-Signature": "v1"},
        {"Webhook-Signature": "v1,é"},
        {"Webhook-Id": "m2"},
    ],
)
def test_a_changed_header_does_not(change: dict[str, str]) -> None:
    assert not StandardWebhooks().verify_callback(b"{}", signed(b"{}") | change, SECRET)


def test_the_example_that_kling_publishes_is_genuine(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the moment it was signed."""
    sent = 1781080794

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(sent, tz=UTC)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Clock)
    signature = "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="
    headers = {"webhook-id": "9876543210", "webhook-timestamp": f"{sent}"}
    body = (
        b'{"id":"1234567890","status":"succeeded","message":"",'
        b'"create_time":1781080778802,"update_time":1781080794151}'
    )
    secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
    verify = StandardWebhooks().verify_callback

    assert verify(body, headers | {"webhook-signature": f"v1,AAAA {signature}"}, secret)
    assert not verify(body, headers | {"webhook-signature": "v1,AAAA"}, secret)
