"""The part of the pytest plug-in that plays and records cassettes: options, marker, `replay`."""

import os
import shutil
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pytest

from ..core.runner import order
from ..core.settings import Settings
from .clock import VirtualLoop
from .marker import MarkedCassette, TaskIds, age_of, folder_of
from .replay import Replay

_ENVIRON = pytest.StashKey[Mapping[str, str]]()
_PASSED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "cassettes",
        'The folder of the cassettes, relative to the rootdir; by default the nearest "cassettes" '
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
    config.stash[_ENVIRON] = dict(os.environ)  # Before any fixture takes the keys away.


def pytest_report_header(config: pytest.Config) -> list[str]:
    here = config.invocation_params.dir
    tests = [os.path.abspath(here / name.partition("::")[0]) for name in config.args]
    age = age_of({folder_of(config, Path(test)) for test in tests})
    return [age] if age else []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report


@pytest.fixture
def replay(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replay]:
    """The real runner against the cassette that the test's marker names."""
    cassette = _marked(request)
    environ = cassette.environ() | {"KLING26_HOME": str(tmp_path / "home")}
    ids = TaskIds(cassette.recording)
    monkeypatch.setattr(order, "new_task_id", ids.new)
    if not cassette.recording:
        monkeypatch.setattr(VirtualLoop, "getaddrinfo", _somewhere)
        if not cassette.path.is_file():
            pytest.fail(
                f"There is no cassette {cassette.path}. Record it with pytest --record, or write "
                "it from the documents (kling26.testing.cassettes).",
                pytrace=False,
            )
    file = tmp_path / "recording.yaml" if cassette.recording else cassette.path
    with cassette.open(file, environ, ids.made) as tape:
        yield Replay(Settings(environ), cassette.recording, tape)
    if not request.node.stash.get(_PASSED, False):
        return
    if cassette.recording:
        cassette.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, cassette.path)
    elif not tape.all_played:
        pytest.fail(f"{cassette.path} has exchanges that the test did not ask for.", pytrace=False)


def _marked(request: pytest.FixtureRequest) -> MarkedCassette:
    """The cassette of a test; fails a test without one, skips one that is never recorded."""
    mark = request.node.get_closest_marker("cassette")
    if mark is None:
        pytest.fail('replay needs a cassette: @pytest.mark.cassette("provider/case")')
    config = request.config
    recording = bool(config.getoption("--record"))
    if recording and "written" in mark.kwargs:
        pytest.skip(f"{mark.args[0]} stays as it is: {mark.kwargs['written']}")
    folder = folder_of(config, request.path)
    return MarkedCassette(mark, folder, config.stash[_ENVIRON], recording)


async def _somewhere(
    _: object, host: str, port: int, **__: object
) -> list[tuple[None, None, int, str, tuple[str, int]]]:
    """Every name has the same public IP address; what is sent there never leaves."""
    return [(None, None, 0, "", ("93.184.215.14", port))]
