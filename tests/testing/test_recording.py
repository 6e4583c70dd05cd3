"""Recording cassettes: what is kept, and that it plays."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from kling26.core.plugins import load_providers, load_sandboxes
from kling26.sandbox import Conditions, Server, build_site, environment
from kling26.testing import run
from kling26.testing.cassettes import dump, exchange, file, load, problems

from .author import ACME, ACME_TESTS, PICTURE, TESTS, copy_of, project_of, tape


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    return project_of(pytester)


# -- what is kept -----------------------------------------------------------------------------

KEY = "live-key-0123456789"
KIE = load_sandboxes()["kie"]
LEAKS = (
    KEY, "session-cookie", "acct-77", "528618", "me@example.org", "2510330", "sig-abc",
    "python-httpx", "127.0.0.1", "localhost",
)  # fmt: skip


class Indiscreet:
    """The emulators behind a front that says as much as live services do."""

    def __init__(self, site: Any) -> None:
        self._site = site

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start: dict[str, Any] = {}

        async def tell(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body = message["body"]
            if body.startswith(b"{"):
                body = self._told(json.loads(body))
            headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            headers += [
                (b"content-length", str(len(body)).encode()),
                (b"set-cookie", b"session-cookie=1; Path=/"),
                (b"x-account-id", b"acct-77"),
            ]
            await send(start | {"headers": headers})
            await send(message | {"body": body})

        await self._site(scope, receive, tell)

    def _told(self, reply: Any) -> bytes:
        reply |= {"userId": 528618, "email": "me@example.org", "seen": f"Bearer {KEY}"}
        if isinstance(data := reply.get("data"), dict):
            data["remainedCredits"] = 2510330
            data["filePath"] = "kieai/528618/images/first.png"
            if result := json.loads(data.get("resultJson") or "null"):
                signed = [f"{url}?Expires=1&Signature=sig-abc" for url in result["resultUrls"]]
                data["resultJson"] = json.dumps({"resultUrls": signed, "owner": "acct-77"})
        return json.dumps(reply).encode()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A live kie.ai, as far as a client can tell, and a key for it."""
    conditions = Conditions(queued=0.0, running=0.0, keys={KEY})
    site = build_site([KIE], conditions)
    with Server(Indiscreet(site)) as server:
        monkeypatch.setenv("KIE_API_KEY", KEY)
        for name, value in environment(KIE, server.url).items():
            # Two hosts, as the live service has.
            host = "localhost" if "UPLOAD" in name else "127.0.0.1"
            monkeypatch.setenv(name, value.replace("127.0.0.1", host))
        yield server


def test_a_recording_keeps_no_secret_and_plays_without_the_service(
    project: pytest.Pytester, live: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(TESTS)

    project.runpytest_inprocess("--record").assert_outcomes(passed=3, skipped=1)

    paths = sorted((project.path / "tapes" / "kie").iterdir())
    assert [path.name for path in paths] == ["heron.yaml", "sea.yaml", "wrong.yaml"]
    for path in paths:
        cassette = load(path)
        exchanges = path.read_text("utf-8").partition("interactions:")[2]
        assert [leak for leak in LEAKS if leak in exchanges] == []
        assert list(problems(cassette, load_providers()["kie"])) == []
        assert cassette["metadata"]["source"].startswith(f"recorded from {live.url}/kie on 20")
    heron = load(paths[0])["interactions"]
    sea = load(paths[1])["interactions"]
    assert heron[0]["request"]["uri"] == "https://api.kie.ai/api/v1/jobs/createTask"
    assert sea[0]["request"]["uri"] == "https://kieai.redpandaai.co/api/file-base64-upload"
    assert json.loads(heron[0]["request"]["body"])["input"]["sound"] is True

    for name in ("KIE_API_KEY", *environment(KIE, live.url)):
        monkeypatch.delenv(name)

    result = project.runpytest_inprocess("-k", "not empty")
    result.assert_outcomes(passed=3, deselected=1)


def test_a_recording_that_fails_leaves_the_old_cassette(
    project: pytest.Pytester, live: Server
) -> None:
    project.makepyfile(TESTS.replace("st_size > 0", "st_size < 0"))
    tape(project, "kie/heron").write_text(copy_of("kie/text_to_video_with_sound"), "utf-8")

    project.runpytest_inprocess("--record", "-k", "heron").assert_outcomes(failed=1)

    assert tape(project, "kie/heron").read_text("utf-8") == copy_of("kie/text_to_video_with_sound")


# -- own ids and foreign stores ---------------------------------------------------------------

PUBLIC = "93.184.215.14"


@pytest.fixture
def acme(project: pytest.Pytester) -> pytest.Pytester:
    """The project of a plug-in that is installed, with an account."""
    project.makepyfile(kling26_acme_store=ACME, test_acme=ACME_TESTS)
    info = project.mkdir("kling26_acme_store-1.dist-info")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kling26-acme-store\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[kling26]\nacme = kling26_acme_store\n")
    project.syspathinsert()
    return project


class AcmeService:
    """The service and its store, which share an IP address and are told apart by name."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.owns: set[str] = set()

    async def __call__(self, _: object, request: httpx.Request) -> httpx.Response:
        name = request.headers["host"]
        self.heard.append((request.url.host, name))
        if name == "store.example":
            right = (request.url.query, request.content) == (b"place=sig-abc", PICTURE)
            return httpx.Response(200 if right else 403, request=request, stream=stream(b""))
        return httpx.Response(
            200, request=request, stream=stream(json.dumps(self._told(request)).encode())
        )

    def _told(self, request: httpx.Request) -> dict[str, str]:
        if request.url.path == "/v1/uploads":
            return {
                "put": "https://store.example/528618/grey.png?place=sig-abc",
                "url": "https://files.example/528618/grey.png?place=sig-abc",
            }
        if request.method == "GET":
            return {"url": f"https://files.example/{request.url.params['own']}.mp4?place=sig-abc"}
        own = json.loads(request.content)["own"]
        assert own not in self.owns, "An own id is unique to the account, in any recording."
        self.owns.add(own)
        return {"own": own}


def stream(content: bytes) -> httpx.ByteStream:
    return httpx.ByteStream(content)


def test_own_ids_and_urls_agree_on_replay_as_they_did_live(
    acme: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is reached at the IP address that was checked, and recorded under its name."""
    service = AcmeService()
    with monkeypatch.context() as live:
        live.setenv("ACME_API_KEY", KEY)
        live.setattr("vcr.patch._HttpxAsyncHttpTransport_handle_async_request", service_of(service))
        live.setattr(asyncio, "run", run)  # Nothing here goes over a socket.
        live.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (PUBLIC, 443))])
        acme.runpytest_inprocess("--record").assert_outcomes(passed=1)

    assert (PUBLIC, "store.example") in service.heard
    assert not any(own.startswith("k26-000000") for own in service.owns)
    path = acme.path / "tapes" / "acme" / "two.yaml"
    assert lines(load(path)) == [
        "POST https://api.acme.example/v1/uploads",
        "PUT https://store.example/0/grey.png",
        "POST https://api.acme.example/v1/videos",
        "GET https://api.acme.example/v1/videos?own=k26-0000000000000000",
        "POST https://api.acme.example/v1/videos",
        "GET https://api.acme.example/v1/videos?own=k26-0000000000000001",
    ]
    text = path.read_text("utf-8")
    assert [leak for leak in (KEY, "sig-abc", "528618", PUBLIC) if leak in text] == []
    assert set(re.findall("k26-[0-9a-f]{16}", text)) == {f"k26-{n:016}" for n in range(2)}

    acme.runpytest_inprocess().assert_outcomes(passed=1)


def service_of(service: AcmeService) -> Any:
    async def handle(transport: object, request: httpx.Request) -> httpx.Response:
        return await service(transport, request)

    return handle


def lines(cassette: dict[str, Any]) -> list[str]:
    requests = [each["request"] for each in cassette["interactions"]]
    return [f"{each['method']} {each['uri']}" for each in requests]


# -- what is written from documents -----------------------------------------------------------


def test_a_cassette_that_is_written_from_documents_plays(acme: pytest.Pytester) -> None:
    api, store = "https://api.acme.example/v1", "https://store.example/grey.png"
    own, other = "k26-0000000000000000", "k26-0000000000000001"
    first = {"prompt": "One", "picture": store, "own": own}
    second = {"prompt": "Two", "picture": None, "own": other}
    exchanges = [
        exchange(f"POST {api}/uploads", None, {"put": store, "url": store}),
        exchange(f"PUT {store}", PICTURE, None, content_type="image/png"),
        exchange(f"POST {api}/videos", first, {"own": own}),
        exchange(f"GET {api}/videos?own={own}", None, {"url": "https://files.example/1.mp4"}),
        exchange(f"POST {api}/videos", second, None, 429, retry_after=7),
        exchange(f"POST {api}/videos", second, {"own": other}, 201),
        exchange(f"GET {api}/videos?own={other}", None, {"url": "https://files.example/2.mp4"}),
    ]
    path = tape(acme, "acme/two")
    path.write_text(
        dump("written from https://docs.acme.example on 2026-11-21", exchanges), "utf-8"
    )

    acme.runpytest_inprocess().assert_outcomes(passed=1)

    put, refused, taken = (load(path)["interactions"][number] for number in (1, 4, 5))
    assert put["request"]["headers"]["content-type"] == ["image/png"]
    assert (put["request"]["body"], put["response"]["body"]) == (PICTURE, {"string": ""})
    assert refused["response"]["headers"] == {"retry-after": ["7"]}
    assert taken["response"]["status"] == {"code": 201, "message": "Created"}
    assert taken["request"]["body"].startswith('{\n  "prompt": "Two"')


#: The store takes a form, and httpx makes up another boundary each time.
FORM = """
        form = {"file": ("grey.png", image.data, "image/png")}
        reply = yield httpx.Request("POST", place["put"], data={"purpose": "frame"}, files=form)
"""


def test_a_form_plays_although_its_boundary_is_random(acme: pytest.Pytester) -> None:
    plugin = acme.path / "kling26_acme_store.py"
    start, end = ACME.index("        kind = {"), ACME.index("        assert reply.status_code")
    plugin.write_text(ACME[:start] + FORM.lstrip("\n") + ACME[end:], "utf-8")
    api, store = "https://api.acme.example/v1", "https://store.example/grey.png"
    form = {"purpose": "frame", "file": file("grey.png", PICTURE, "image/png")}
    exchanges = [
        exchange(f"POST {api}/uploads", None, {"put": store, "url": store}),
        exchange(f"POST {store}", form, None, content_type="multipart/form-data"),
    ]
    for own, prompt, picture in (("0" * 16, "One", store), (f"{1:016}", "Two", None)):
        sent = {"prompt": prompt, "picture": picture, "own": f"k26-{own}"}
        done = {"url": f"https://files.example/{prompt}.mp4"}
        exchanges += [
            exchange(f"POST {api}/videos", sent, {"own": f"k26-{own}"}),
            exchange(f"GET {api}/videos?own=k26-{own}", None, done),
        ]
    text = dump("written from https://docs.acme.example on 2026-11-21", exchanges)
    path = tape(acme, "acme/two")

    path.write_text(text, "utf-8")
    acme.runpytest_inprocess().assert_outcomes(passed=1)

    path.write_text(text.replace("value: frame", "value: picture"), "utf-8")
    result = acme.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['body.purpose: asked "frame", the cassette has "picture"'])
