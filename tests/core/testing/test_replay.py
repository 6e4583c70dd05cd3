"""Cassettes: what is compared, what is played, and what is kept of a recording."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import frozen
from kling26.core import VideoRequest
from kling26.core.registry import load_sandboxes
from kling26.core.testing import run
from kling26.core.testing.cassettes import clip, json_text, load, problems
from kling26.core.video import check_video
from kling26.sandbox import Conditions, Server, addresses, build_site
from vcr.errors import CannotOverwriteExistingCassetteException

HERON = "A heron lands on a frozen pond, ice cracks"


@frozen
class Sent:
    body: bytes | str | None


# -- what is compared -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": 1, "b": [true]}', b'{"b":[true],"a":1}'),
        (b'{"a": "\xc3\xbc"}', rb'{"a": "\u00fc"}'),
        ('{"a": 5}', b'{\n  "a": 5\n}'),
        (b"", None),
        (b"plain", "plain"),
    ],
)
def test_spacing_and_order_do_not_matter(one: Any, other: Any) -> None:
    json_text(Sent(one), Sent(other))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("true", "1"), ("true", '"on"'), ("true", '"true"'), ("5", "5.0"), ("5", '"5"'),
     ("0", "false"), ("null", '""'), ("[1, 2]", "[2, 1]"), ('{"a": 1}', "{}")],
)  # fmt: skip
def test_types_do(right: str, wrong: str) -> None:
    with pytest.raises(AssertionError, match="is not"):
        json_text(Sent(f'{{"sound": {right}}}'), Sent(f'{{"sound": {wrong}}}'))


@pytest.mark.cassette("kie/text_to_video_with_sound")
def test_a_wrong_type_finds_no_answer(replay: Any) -> None:
    """Through vcrpy, as the runner asks: only the very types of the cassette are answered."""
    url = "https://api.kie.ai/api/v1/jobs/createTask"

    async def send(**wrong: object) -> None:
        wishes = {"prompt": HERON, "sound": True, "aspect_ratio": "16:9", "duration": "5"} | wrong
        body = {"model": "kling-2.6/text-to-video", "input": wishes}
        async with httpx.AsyncClient() as client:
            await client.post(url, json=body)

    for wrong in ({"sound": 1}, {"sound": "on"}, {"sound": "true"}, {"duration": 5},
                  {"duration": 5.0}, {"duration": "10"}, {"extra": None}):  # fmt: skip
        with pytest.raises(CannotOverwriteExistingCassetteException, match="json_text"):
            run(send(**wrong))

    assert replay.generate(VideoRequest(HERON, sound=True), "kie").file.exists()


def test_every_download_is_a_video_that_plays(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip())

    check_video(tmp_path / "clip.mp4")


# -- what is played ---------------------------------------------------------------------------

TESTS = f'''
import pytest
from kling26.core import VideoRequest

@pytest.mark.cassette("kie/heron")
def test_heron(replay):
    video = replay.generate(VideoRequest("{HERON}", sound=True), "kie")

    assert video.file.stat().st_size > 0
    assert "key" not in repr(video)

@pytest.mark.cassette("kie/sea")
def test_sea(replay, picture):
    video = replay.generate(VideoRequest("Fog rolls over the sea", image=picture), "kie")

    assert video.file.stat().st_size > 0

@pytest.mark.cassette("kie/empty", written="it needs an empty account")
def test_empty(replay):
    raise AssertionError("never recorded")

@pytest.mark.cassette("kie/wrong", key="wrong-key")
def test_wrong(replay):
    with pytest.raises(Exception, match="does not accept the key"):
        replay.generate(VideoRequest("{HERON}"), "kie")
'''


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """The project of a plug-in's author."""
    pytester.makeini("[pytest]\ncassettes = tapes")
    pytester.makeconftest(
        f"""
        import pytest

        pytest_plugins = ["kling26.core.testing.cassettes"]

        @pytest.fixture
        def picture():
            return {(Path(__file__).parents[2] / "grey.png").read_bytes()!r}
        """
    )
    return pytester


def tape(project: pytest.Pytester, name: str) -> Path:
    path = project.path / "tapes" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def copy_of(case: str) -> str:
    return (Path(__file__).parents[3] / "cassettes" / f"{case}.yaml").read_text("utf-8")


def test_a_missing_recording_fails_and_phones_nobody(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CannotOverwriteExistingCassetteException*doesn't exist*"])


def test_an_exchange_that_nobody_asked_for_fails(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    whole = copy_of("kie/text_to_video_with_sound")
    interactions = whole.partition("interactions:\n")[2].partition("version: 1")[0]
    tape(project, "kie/heron").write_text(whole.replace(interactions, interactions * 2), "utf-8")

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*heron.yaml has exchanges that nobody asked for."])


def test_the_header_tells_the_age_of_the_cassettes(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    text = copy_of("kie/text_to_video_with_sound")
    tape(project, "kie/heron").write_text(text, "utf-8")
    tape(project, "kie/old").write_text(text.replace("on 2026-11-21", "on 2025-01-02"), "utf-8")

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["cassettes: 2, the oldest of 2025-01-02"])


def test_a_test_without_a_cassette_is_told_so(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(replay): pass")

    result = project.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*replay needs a cassette: @pytest.mark.cassette(*"])


def test_recording_needs_a_key(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)

    result = project.runpytest_inprocess("--record", "-k", "heron")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*To record kie/heron, set KIE_API_KEY."])


# -- what is kept -----------------------------------------------------------------------------

KEY = "live-key-0123456789"
LEAKS = (
    KEY, "session-cookie", "acct-77", "528618", "me@example.org", "2510330", "Signature", "sig-abc",
    "python-httpx", "127.0.0.1", "localhost",
)  # fmt: skip


class Indiscreet:
    """The emulators behind a front that tells what live services tell."""

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
    conditions = Conditions(queued=0.2, running=0.3, keys={KEY})
    site = build_site([load_sandboxes()["kie"]], conditions)
    with Server(Indiscreet(site)) as server:
        monkeypatch.setenv("KIE_API_KEY", KEY)
        for name, value in addresses("kie", server.url).items():
            # Two addresses, as the live service has.
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
        assert list(problems(cassette)) == []
        assert cassette["metadata"]["source"].startswith(f"recorded from {live.url}/kie on 20")
    heron = load(paths[0])["interactions"]
    sea = load(paths[1])["interactions"]
    assert heron[0]["request"]["uri"] == "https://api.kie.ai/api/v1/jobs/createTask"
    assert sea[0]["request"]["uri"] == "https://kieai.redpandaai.co/api/file-base64-upload"
    assert json.loads(heron[0]["request"]["body"])["input"]["sound"] is True

    for name in ("KIE_API_KEY", *addresses("kie", live.url)):
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
