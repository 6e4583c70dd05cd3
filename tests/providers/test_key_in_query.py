"""The one key that travels in a URL is never shown: CometAPI's, which asks for the balance."""

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from attrs import field, frozen
from kling26.core import Balance, Kling26Error, Runner
from kling26.core.settings import Settings

#: As no key is, so that each way of escaping it differs.
KEY = "sk-+/=&%#recognisable"
SPELLED = (KEY, quote(KEY), quote(KEY, safe=""), quote(KEY, safe="").replace("%2F", "%2f"))
LEFT = {"username": "heron", "total_quota": 2105.23, "total_used_quota": 21.06}


@frozen
class Reply:
    """What a server answers: HTTP status, body, and where else it sends whoever asks."""

    status: int
    body: str = ""
    location: str | None = None


@frozen
class Asked:
    """A server, and what it was asked."""

    url: str
    paths: list[str] = field(factory=list)
    authorised: list[bool] = field(factory=list)


@contextmanager
def answering(reply: Reply) -> Iterator[Asked]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.paths.append(self.path)
            asked.authorised.append("authorization" in self.headers)
            self.send_response(reply.status)
            if reply.location is not None:
                self.send_header("Location", reply.location)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, ExitStack() as ending:
        asked = Asked(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        ending.callback(server.shutdown)
        yield asked


@pytest.fixture
def ask(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Callable[[str], object]:
    """Asks for the balance at a URL, and logs everything; an error is returned."""
    caplog.set_level(logging.DEBUG)

    async def balance(url: str) -> object:
        home = {"KLING26_HOME": str(tmp_path / "home"), "COMETAPI_KEY": KEY}
        async with Runner(settings=Settings({**home, "COMETAPI_BALANCE_URL": url})) as runner:
            try:
                return await runner.balance("cometapi")
            except Kling26Error as error:
                return error

    return lambda url: asyncio.run(balance(url))


def everything(value: object) -> str:
    """All that can be seen of a value or an error."""
    if not isinstance(value, Kling26Error):
        return repr(value)
    reply = getattr(value, "reply", None)
    held = "" if reply is None else f"{vars(reply)} {reply.text} {reply.headers}"
    return f"{vars(value)} {held} {''.join(traceback.format_exception(value))}"


def test_it_is_in_the_query_and_nowhere_else(ask: Callable[[str], object]) -> None:
    with answering(Reply(200, json.dumps(LEFT))) as server:
        left = ask(server.url)

    assert left == Balance(2105.23, "USD", 2105.23)
    (path,) = server.paths
    assert urlsplit(path).path == "/user/quota"
    assert parse_qs(urlsplit(path).query) == {"key": [KEY]}
    assert server.authorised == [False]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, json.dumps(LEFT)),
        Reply(200, json.dumps(LEFT | {"total_quota": KEY})),
        Reply(401, json.dumps({"error": {"message": f"{KEY} is not known"}})),
        Reply(302, location=f"https://query.cometapi.com/user/quota/?key={SPELLED[3]}"),
        Reply(200, f"<html><title>/user/quota?key={SPELLED[2]}</title></html>"),
        Reply(404, f"{SPELLED[3]} is not here"),
    ],
)
def test_no_log_and_no_error_shows_it(
    ask: Callable[[str], object], caplog: pytest.LogCaptureFixture, reply: Reply
) -> None:
    """Not even a log of the libraries below."""
    with answering(reply) as server:
        came = ask(server.url)

    assert server.paths
    assert "/user/quota?key=[key]" in caplog.text
    assert "receive_response_headers" in caplog.text
    assert [each for each in SPELLED if each in caplog.text + everything(came)] == []


def test_no_error_shows_it_if_nobody_answers(
    ask: Callable[[str], object], caplog: pytest.LogCaptureFixture
) -> None:
    came = ask("http://127.0.0.1:9")

    assert str(came).startswith("CometAPI cannot be reached")
    assert [each for each in SPELLED if each in caplog.text + everything(came)] == []
