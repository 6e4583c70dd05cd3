"""What is said when a proxy or a certificate keeps a request from leaving, from real sockets."""

import asyncio
import socket
import ssl
import threading
from contextlib import closing, suppress

import httpx
import pytest
from kling26.core.errors import NetworkSettingsError
from kling26.core.http.exchange import Answer, NotSent, exchange
from kling26.core.http.outbound import Network, Outbound
from kling26.core.http.pool import make_client

API = "https://api.kie.ai/"


class Proxy:
    """Something on a port of this machine: it answers as told, or is silent if told nothing."""

    def __init__(self, *answers: bytes | None) -> None:
        self.asked: list[bytes] = []
        self._answers = answers
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with closing(self._listening), suppress(OSError):
            for answer in self._answers:
                connection, _ = self._listening.accept()
                self.asked.append(connection.recv(65_536))
                with closing(connection):
                    connection.settimeout(30)
                    connection.sendall(answer or b"")
                    if answer is None:
                        connection.recv(1)  # Until the other end gives up.


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def posted(*urls: str, timeout: float = 30.0, network: Network | None = None) -> Answer:
    """The answer to the last of these, each of which is asked for over the same clients."""

    async def work() -> Answer:
        outbound = Outbound(network or Network(), keep_alive=False)
        async with make_client(outbound) as client:
            *others, last = [httpx.Request("POST", url) for url in urls]
            for request in others:
                with suppress(NotSent):
                    await exchange(client, request, timeout)
            return await exchange(client, last, timeout)

    return asyncio.run(work())


def complaint(url: str = API, timeout: float = 30.0) -> str:
    with pytest.raises(NetworkSettingsError) as error:
        posted(url, timeout=timeout)
    return str(error.value)


def status(line: bytes) -> bytes:
    return b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\n\r\n"


WRONG = [
    ("http", status(b"407 Proxy Authentication Required"), "refuses to connect to api.kie.ai: 407"),
    ("http", status(b"403 Forbidden"), "refuses to connect to api.kie.ai: 403 Forbidden"),
    ("http", status(b"501 Unsupported method"), "refuses to connect to api.kie.ai: 501"),
    ("http", b"SSH-2.0-OpenSSH_9.6\r\n", "nothing answers as an HTTP proxy does"),
    ("http", b"", "nothing answers as an HTTP proxy does"),
    ("http", b"HTTP/1.1 200 OK\r\n\r\n", "through which api.kie.ai cannot be reached"),
    ("https", status(b"400 Bad Request"), "no https:// proxy (TLS failed: wrong version number)"),
    ("socks5", status(b"400 Bad Request"), "nothing answers as a SOCKS 5 proxy does"),
    ("socks5", b"", "nothing answers as a SOCKS 5 proxy does"),
    ("socks5", b"\x05\xff", "refuses to connect to api.kie.ai"),
]


@pytest.mark.parametrize(("scheme", "answer", "problem"), WRONG)
def test_a_proxy_that_lets_nothing_through_is_named(
    scheme: str, answer: bytes, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Proxy(answer).port
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:secret@127.0.0.1:{port}")

    said = complaint()

    assert said.startswith(f'HTTPS_PROXY is "{scheme}://…@127.0.0.1:{port}", ')
    assert problem in said
    assert "Set HTTPS_PROXY to " in said
    assert "secret" not in said


def test_a_proxy_that_wants_a_password_says_how_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = Proxy(status(b"407 Proxy Authentication Required")).port
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")

    assert "Set HTTPS_PROXY to http://NAME:PASSWORD@HOST:PORT" in complaint()


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")

    assert complaint() == (
        'https_proxy is "http://127.0.0.1:1", where no proxy can be reached (Connection refused). '
        "Set https_proxy to http://HOST:PORT, or unset it."
    )


def test_a_proxy_that_never_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{Proxy(None).port}")

    assert "nothing answers as an HTTP proxy does (it took too long)" in complaint(timeout=0.2)


def test_a_proxy_of_plain_http_that_wants_a_password_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = Proxy(status(b"407 Proxy Authentication Required")).port
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")

    assert "HTTP_PROXY to http://NAME:PASSWORD@HOST:PORT" in complaint("http://cdn.example/1.mp4")


def test_an_outage_behind_the_proxy_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    port = Proxy(status(b"503 Service Unavailable")).port
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")

    with pytest.raises(NotSent) as error:
        posted(API)
    assert str(error.value) == (
        f'the proxy "http://127.0.0.1:{port}" of HTTPS_PROXY answered: 503 Service Unavailable'
    )


def test_a_proxy_that_has_worked_before_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy(status(b"200 OK"), b"")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")

    with pytest.raises(NotSent, match=r'^the proxy "http://127\.0\.0\.1:\d+" of ALL_PROXY: '):
        posted("http://cdn.example/", API)


def test_a_paid_request_that_a_proxy_may_have_passed_on_is_not_unsent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{Proxy(b'').port}")

    answer = posted("http://127.0.0.1:9/createTask")

    assert (answer.began, answer.problem) == (False, "the connection broke")


def test_a_request_to_a_checked_address_asks_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY counted for its host name."""
    from kling26.core.http.addresses import pin

    server = Proxy(status(b"200 OK"))
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    request = httpx.Request("GET", f"http://cdn.example:{server.port}/1.mp4")
    pin(request, "127.0.0.1")

    async def work() -> httpx.Response:
        async with make_client(Outbound(Network(), keep_alive=False)) as client:
            return await client.send(request)

    assert asyncio.run(work()).status_code == 200
    assert b"\r\nHost: cdn.example:" in server.asked[0]


class Untrusting(Outbound):
    """A way on which the server's certificate is not trusted."""

    def _make_connection(self, proxy: object) -> httpx.AsyncHTTPTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
            cause.verify_code, cause.verify_message = 10, "certificate has expired"
            raise httpx.ConnectError("certificate verify failed") from cause

        return httpx.MockTransport(answer)  # type: ignore[return-value]


def test_a_certificate_that_is_not_trusted_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/own.pem")

    async def work() -> None:
        async with make_client(Untrusting(Network(), keep_alive=False)) as client:
            await client.post(API)

    with pytest.raises(NetworkSettingsError) as error:
        asyncio.run(work())
    assert str(error.value) == (
        "The certificate of api.kie.ai is not trusted: certificate has expired. Check the clock "
        'of this machine. If your network inspects TLS, set SSL_CERT_FILE, which is "/etc/own.pem" '
        "now, to a PEM file with its certificates."
    )
