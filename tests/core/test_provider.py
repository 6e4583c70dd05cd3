"""What every provider has from its base class."""

from collections.abc import Mapping

import httpx
import pytest
from kling26.core import Flow, Provider, Status, Ticket, UnexpectedReply, VideoRequest


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
    assert acme.recover_ticket('{"id": "1"}', VideoRequest("x")) is None
    acme.check(VideoRequest("x"), None)


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

    assert isinstance(error, UnexpectedReply)
    assert str(error).startswith("Acme Video answered in an unknown form (HTTP 500: odd). ")
    assert "\x1b" not in str(error)
    assert len(str(error)) < 250


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
