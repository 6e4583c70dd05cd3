"""
Cassettes: exchanges with a provider, played to the real runner. A plug-in of pytest.

::

    # conftest.py
    pytest_plugins = ["kling26.testing.plugin"]

    # test_acme.py
    @pytest.mark.cassette("acme/text_to_video")
    def test_acme_makes_a_video(replay):
        video = replay.generate(VideoRequest("A red fox"), "acme")

        assert video.file.exists()

plays ``cassettes/acme/text_to_video.yaml``, in no time and without a network. The runner has to ask
for every exchange of it, and its bodies are compared as JSON text: 1, 5.0 or "on" do not pass for
true or 5. The tasks have the ids k26-0000000000000000, k26-0000000000000001 and so on.

The folder ``cassettes`` is the nearest one upwards from the test's file, so that each of several
plug-ins in one repository has its own: the search ends at a pyproject.toml, and at the latest at
pytest's rootdir. The ini option ``cassettes`` names another folder, from the rootdir.

``pytest --record test_acme.py``, with the provider's key in the environment, records them anew
from the live API, which costs what the videos cost. What the marker says with ``key="…"`` is sent
as the key; a case that cannot be had at will says so with ``written="needs an empty account"`` and
is left as it is.

The video itself is not in a cassette: each download is given the same short one. A multipart form
plays only with a boundary of its own, since httpx makes one up.
"""

import asyncio
import copy
import json
import os
import re
import shutil
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import vcr  # type: ignore[import-untyped]
import yaml  # type: ignore[import-untyped]
from attrs import define, field, frozen
from vcr.errors import (  # type: ignore[import-untyped]
    CannotOverwriteExistingCassetteException,
)
from vcr.request import Request  # type: ignore[import-untyped]
from vcr.serialize import deserialize, serialize  # type: ignore[import-untyped]

from ..core.errors import UnknownProvider
from ..core.journal.task import new_task_id
from ..core.plugins import discover, load_providers
from ..core.provider import Provider
from ..core.request import VideoRequest
from ..core.runner.results import Video
from ..core.runner.runner import Runner
from ..core.settings import Settings, address_variables
from . import clock
from .cassettes import addresses, dump
from .scrubbing import REQUEST_HEADERS, RESPONSE_HEADERS, Scrubber, allowed, parsed, task_id

T = TypeVar("T")

#: The key that cassettes are played with.
TEST_KEY = "test-key"

_MATCH_ON = ("method", "scheme", "host", "port", "path", "query", "json_text")
#: The end of a cassette's source: when it was recorded or written.
_DATE = re.compile(r"^  source: .*(\d{4}-\d\d-\d\d)$", re.MULTILINE)
_ENVIRON = pytest.StashKey[dict[str, str]]()
_PASSED = pytest.StashKey[bool]()


# -- how vcrpy keeps files -----------------------------------------------------------------------


@frozen
class _Serializer:
    source: str

    def serialize(self, cassette: dict[str, Any]) -> str:
        return dump(self.source, cassette["interactions"])

    def deserialize(self, text: str) -> Any:
        return yaml.safe_load(text)


class _Persister:
    """Files in UTF-8, whatever the machine's own encoding is."""

    @staticmethod
    def load_cassette(path: str, serializer: Any) -> Any:
        file = Path(path)
        if not file.is_file():
            raise vcr.persisters.filesystem.CassetteNotFoundError
        return deserialize(file.read_text("utf-8"), serializer)

    @staticmethod
    def save_cassette(path: str, cassette: dict[str, Any], serializer: Any) -> None:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(serialize(cassette, serializer), "utf-8")


# -- what is compared, and what is kept --------------------------------------------------------


def json_text(one: Any, other: Any) -> None:
    """A matcher: equal as sorted JSON text, which tells true from 1 and 5 from 5.0 and "5"."""
    first, second = _canonical(one.body), _canonical(other.body)
    assert first == second, f"{first} is not {second}"


def _canonical(body: bytes | str | None) -> str:
    text = (body or "") if isinstance(body, str | None) else body.decode("utf-8", "replace")
    value = parsed(text)
    return text if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


@frozen
class _Keeper:
    """Brings requests and answers into the form in which a cassette keeps them."""

    scrubber: Scrubber

    def request(self, request: Any) -> Any:
        headers = allowed(dict(request.headers.items()), REQUEST_HEADERS)
        body, uri = self.scrubber.body(request.body), self.scrubber.uri(_by_name(request))
        return Request(request.method, uri, body, headers)

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        kept = copy.deepcopy(response)
        kept["headers"] = allowed(response["headers"], RESPONSE_HEADERS)
        kept["body"] = {"string": _bytes(self.scrubber.body(response["body"]["string"]))}
        return kept


def _by_name(request: Any) -> str:
    """Where a request is meant for: `pin` puts an address in the place of the host's name."""
    parts = urlsplit(str(request.uri))
    host = str(request.headers.get("host", parts.netloc))
    return urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


# -- the stage ---------------------------------------------------------------------------------


class _Network(httpx.AsyncBaseTransport):
    """The way to the API, which vcrpy watches; every download gets the same short video."""

    def __init__(self) -> None:
        self._api = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # The runner asks an API for JSON; only a download takes whatever there is.
        if request.headers["accept"] == "*/*":
            headers = {"content-length": str(len(clip()))}
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(clip()))
        request.headers["accept-encoding"] = "identity"
        return await self._api.handle_async_request(request)

    async def aclose(self) -> None:
        await self._api.aclose()


@lru_cache
def clip() -> bytes:
    """A second of a grey video, as MP4."""
    import av

    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    return file.getvalue()


@define
class Replay:
    """
    The runner over a cassette: in virtual time, or in real time while it is being recorded.

    `settings` have a home folder of the test's own and a key for each provider.
    """

    settings: Settings
    recording: bool
    #: The requests and answers of the cassette, as vcrpy keeps them.
    cassette: Any = field(repr=False)

    def generate(
        self,
        request: VideoRequest,
        provider: str,
        options: Mapping[str, object] | None = None,
        **more: Any,
    ) -> Video:
        """`Runner.generate`, from beginning to end."""
        return self.run(lambda runner: runner.generate(request, provider, options, **more))

    def run(self, work: Callable[[Runner], Coroutine[Any, Any, T]]) -> T:
        """Anything that a runner does."""

        async def whole() -> T:
            async with Runner(self.settings, transport=_Network()) as runner:
                return await work(runner)

        if self.recording:
            return asyncio.run(whole())
        try:
            return clock.run(whole())
        except CannotOverwriteExistingCassetteException as missed:
            pytest.fail(_not_there(missed), pytrace=False)


def _not_there(missed: Any) -> str:
    """Which exchange a cassette lacks, and in what the nearest one that it has differs."""
    asked = missed.failed_request
    text = f"The cassette has no answer left to {asked.method} {asked.uri}"
    for found, _, failures in missed.cassette.find_requests_with_most_matches(asked)[:1]:
        ways = "; ".join(f"{name}: {difference}" for name, difference in failures)
        text += f"\nThe nearest is {found.method} {found.uri}, which differs in {ways or 'nothing'}"
    return f"{text}\nRecord it anew with pytest --record, or write down what is missing."


@pytest.fixture
def replay(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replay]:
    """The runner over the cassette that the test's marker names."""
    mark = request.node.get_closest_marker("cassette")
    if mark is None:
        pytest.fail('replay needs a cassette: @pytest.mark.cassette("provider/case")')
    recording = bool(request.config.getoption("--record"))
    if recording and "written" in mark.kwargs:
        pytest.skip(f"{mark.args[0]} stays as it is: {mark.kwargs['written']}")
    cassette = _Cassette(mark, request.config, request.path)
    environ = cassette.environ(recording) | {"KLING26_HOME": str(tmp_path / "home")}
    tasks = _Tasks(recording)
    monkeypatch.setattr("kling26.core.runner.order.new_task_id", tasks.new_id)
    if not recording:
        monkeypatch.setattr(clock.VirtualLoop, "getaddrinfo", _somewhere)
    if not (recording or cassette.path.is_file()):
        pytest.fail(
            f"There is no cassette {cassette.path}. Record it with pytest --record, or write it "
            "from the documents (kling26.testing.cassettes).",
            pytrace=False,
        )
    file = tmp_path / "recording.yaml" if recording else cassette.path
    with cassette.open(file, environ, recording, tasks.ids) as tape:
        yield Replay(Settings(environ), recording, tape)
    if not request.node.stash.get(_PASSED, False):
        return
    if recording:
        cassette.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, cassette.path)
    else:
        assert tape.all_played, f"{cassette.path} has exchanges that nobody asked for."


async def _somewhere(_: object, host: str, port: int, **__: object) -> list[Any]:
    """Every name has the same public address; what is sent there never leaves."""
    return [(None, None, 0, "", ("93.184.215.14", port))]


@frozen
class _Tasks:
    """Our own ids of the tasks: new ones while recording, and otherwise those of the cassette."""

    recording: bool
    ids: list[str] = field(factory=list)

    def new_id(self) -> str:
        self.ids.append(new_task_id() if self.recording else task_id(len(self.ids)))
        return self.ids[-1]


@frozen
class _Cassette:
    """A cassette as a test's marker names it."""

    mark: pytest.Mark
    config: pytest.Config
    test: Path

    @property
    def path(self) -> Path:
        return folder(self.config, self.test) / f"{self.mark.args[0]}.yaml"

    @property
    def provider(self) -> Provider:
        name = self.mark.args[0].partition("/")[0]
        try:
            return load_providers(discover())[name]
        except UnknownProvider as error:
            pytest.fail(
                f'{error} Its plug-in has to be installed: pip install -e ".[test]"', pytrace=False
            )

    def environ(self, recording: bool) -> dict[str, str]:
        """The provider's key and, while recording, its addresses."""
        known = self.config.stash[_ENVIRON] if recording else {}
        variable = self.provider.key_variable
        key = self.mark.kwargs.get("key") or known.get(variable) or ("" if recording else TEST_KEY)
        if not key:
            pytest.fail(f"To record {self.mark.args[0]}, set {variable}.")
        moved = address_variables(self.provider).values()
        return {variable: key} | {name: known[name] for name in moved if name in known}

    def open(
        self, file: Path, environ: Mapping[str, str], recording: bool, tasks: Sequence[str]
    ) -> Any:
        settled = Settings(environ).settle(self.provider)
        usual = addresses(self.provider)
        own = {now: usual[name] for name, now in addresses(settled).items()}
        variable = self.provider.key_variable
        known = self.config.stash[_ENVIRON].get(variable, "")
        secrets = [environ[variable], known] if recording else []
        keeper = _Keeper(Scrubber(secrets, own, tasks))
        today = datetime.now(UTC).date().isoformat()
        recorder = vcr.VCR(
            record_mode="all" if recording else "none",
            serializer="reviewable",
            match_on=_MATCH_ON,
            decode_compressed_response=True,
            before_record_request=keeper.request,
            before_record_response=keeper.response,
        )
        recorder.register_serializer(
            "reviewable", _Serializer(f"recorded from {settled.base_url} on {today}")
        )
        recorder.register_matcher("json_text", json_text)
        recorder.register_persister(_Persister)
        return recorder.use_cassette(str(file))


# -- pytest ------------------------------------------------------------------------------------


def folder(config: pytest.Config, test: Path) -> Path:
    """Where the cassettes of a test's file are, or would be."""
    if named := config.getini("cassettes"):
        return config.rootpath / str(named)
    for place in (test, *test.parents):
        if not place.is_relative_to(config.rootpath):
            break
        if (place / "cassettes").is_dir() or (place / "pyproject.toml").is_file():
            return place / "cassettes"
    return config.rootpath / "cassettes"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "cassettes",
        'The folder of the cassettes, from the rootdir; by default the nearest "cassettes" '
        "upwards from a test's file.",
        default="",
    )
    parser.getgroup("kling26").addoption(
        "--record",
        action="store_true",
        help="Record the cassettes of these tests from the live APIs, which charge for it.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "cassette(name, key=None, written=None): what `replay` plays; the key to record it with; "
        "why it is never recorded",
    )
    config.stash[_ENVIRON] = dict(os.environ)


def pytest_report_header(config: pytest.Config) -> list[str]:
    here = config.invocation_params.dir
    tests = [os.path.abspath(here / name.partition("::")[0]) for name in config.args]
    folders = {folder(config, Path(test)) for test in tests}
    texts = [path.read_text("utf-8") for each in folders for path in each.rglob("*.yaml")]
    dates = sorted(found[1] for text in texts if (found := _DATE.search(text)))
    return [f"cassettes: {len(texts)}, the oldest of {dates[0]}"] if dates else []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report
