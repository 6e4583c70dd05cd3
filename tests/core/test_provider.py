"""What every provider has from its base class."""

from collections.abc import Mapping

import httpx
import pytest
from attrs import frozen
from kling26.core import (
    Flow,
    ImageRefused,
    OptionRefused,
    Provider,
    Status,
    Ticket,
    UnexpectedReply,
    VideoRequest,
)


@frozen
class Part:
    url: str


class Acme(Provider):
    """The least that a plug-in can be."""

    name = "acme"
    title = "Acme Video"
    key_variable = "ACME_API_KEY"
    base_url = "https://api.acme.example"

    def submit(self, request: VideoRequest, options: object) -> Flow[Ticket]:
        reply = yield httpx.Request("POST", f"{self.base_url}/videos")
        return Ticket(reply.json()["id"])

    def poll(self, ticket: Ticket) -> Flow[Status]:
        yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
        return Status("running")


def test_the_least_provider_can_do_no_more() -> None:
    acme = Acme()
    flows = ("upload", "cancel", "find", "renew", "balance")

    assert not any(acme.can(flow) for flow in flows)
    assert acme.price(VideoRequest("x"), None) is None
    assert acme.ticket("1", VideoRequest("x")) == Ticket("1")
    assert acme.recover_ticket('{"id": "1"}', VideoRequest("x")) is None
    acme.check(VideoRequest("x"), None)


def test_a_plug_in_may_pass_on_an_id_that_is_a_number() -> None:
    acme = Acme()
    flow = acme.submit(VideoRequest("x"), None)
    next(flow)

    with pytest.raises(StopIteration) as ended:
        flow.send(httpx.Response(200, json={"id": 1234567890123456789}))

    assert ended.value.value == Ticket("1234567890123456789")


def test_a_provider_without_its_flows_cannot_be_made() -> None:
    class Half(Acme):
        poll = Provider.poll

    with pytest.raises(TypeError, match="abstract"):
        Half()  # type: ignore[abstract]


def test_requests_are_signed_as_bearer() -> None:
    request = httpx.Request("GET", "https://api.acme.example")
    Acme().sign(request, "k-1")

    assert request.headers["Authorization"] == "Bearer k-1"


def test_a_moved_provider_is_another_one() -> None:
    acme = Acme()
    moved = acme.at({"base_url": "https://elsewhere.example/acme/"})

    assert moved.base_url == "https://elsewhere.example/acme"
    assert acme.base_url == "https://api.acme.example"


def test_an_unexpected_reply_is_quoted_in_short() -> None:
    error = Acme().unexpected(httpx.Response(500, content=b"\xff\x1b[2J" + b"x" * 900), "odd")

    assert str(error).startswith("Acme Video sent an unexpected reply (HTTP 500: odd). ")
    assert "\x1b" not in str(error)
    assert len(str(error)) < 250


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"<html>\x1b[31m\r\n  Bad   gateway" + b"!" * 500, "not JSON). It sent a web page."),
        (b"", "not JSON). It sent nothing."),
        (b'{"url": 7}', "expected a string, got an integer @ reply.url)."),
    ],
)
def test_a_reply_that_cannot_be_read_says_why(content: bytes, text: str) -> None:
    with pytest.raises(UnexpectedReply) as caught:
        Acme().read(httpx.Response(502, content=content), Part)

    assert str(caught.value) == f"Acme Video sent an unexpected reply (HTTP 502: {text}"
    assert caught.value.provider == "acme"


def test_a_part_of_a_reply_says_where_it_stands() -> None:
    reply = httpx.Response(200, json={"data": {"url": 7}})

    with pytest.raises(UnexpectedReply, match=r"got an integer @ reply\.data\.url"):
        Acme().read_part(reply, reply.json()["data"], Part, "reply.data")


@pytest.mark.parametrize("url", [None, "", "files/first.png", "file:///etc/passwd"])
def test_a_url_in_a_reply_is_one_of_the_web(url: str | None) -> None:
    reply, good = httpx.Response(200), "https://files.example/first.png"

    assert Acme().read_url(reply, good, "reply.url") == good
    with pytest.raises(UnexpectedReply, match=r"expected a URL @ reply\.url"):
        Acme().read_url(reply, url, "reply.url")


def test_a_call_to_the_webhook_is_read_like_a_reply() -> None:
    assert Acme().read_call(b'{"url": "https://x", "new": 1}', Part).url == "https://x"
    with pytest.raises(UnexpectedReply) as caught:
        Acme().read_call("{}", Part)

    assert str(caught.value) == ("This is not a callback from Acme Video: missing @ callback.url.")


def test_what_is_not_a_callback_is_said_on_one_line() -> None:
    error = Acme().invalid_callback(ValueError("\x1bnot\nJSON"))

    assert str(error) == "This is not a callback from Acme Video: not JSON."


@pytest.mark.parametrize(("option", "kind"), [("mode", OptionRefused), ("image", ImageRefused)])
def test_an_option_is_refused_by_name(option: str, kind: type[Exception]) -> None:
    error = Acme().option_refused(option, "sound requires mode pro; leave it off.")

    assert (type(error), str(error)) == (kind, "Acme Video: sound requires mode pro; leave it off.")
    assert (error.option, error.provider) == (option, "acme")


def test_every_built_in_provider_says_where_keys_and_tasks_are(
    providers: Mapping[str, Provider],
) -> None:
    for provider in providers.values():
        assert str(provider.key_page).startswith("https://")
        assert str(provider.tasks_page).startswith("https://")
        assert provider.base_url.startswith("https://")


@pytest.mark.parametrize(
    ("state", "ended"),
    [("queued", False), ("running", False), ("succeeded", True), ("failed", True),
     ("cancelled", True)],
)  # fmt: skip
def test_a_status_says_whether_the_provider_is_done(state: str, ended: bool) -> None:
    assert Status(state).ended is ended  # type: ignore[arg-type]
