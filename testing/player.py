"""The part of the pytest plug-in that plays and records cassettes: options, marker, `replay`."""

import os
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pytest

from ..core.runner import order
from ..core.settings import Settings
from .clock import VirtualLoop
from .deck import Deck, deck_for, stays
from .marker import MarkedCassette, Mode, TaskIds, folder_of
from .reading import BadCassette
from .replay import Replay
from .sources import told_age
from .tape import Recording

_ENVIRON = pytest.StashKey[Mapping[str, str]]()
_DECK = pytest.StashKey[Deck]()
_PROBLEM = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "cassettes",
        'The folder of the cassettes, relative to the rootdir; by default the nearest "cassettes" '
        "upwards from a test's file.",
        default="",
    )
    parser.addini(
        "cassettes_max_age",
        "How many days old a cassette may be; by default, any number.",
        default="",
    )
    group = parser.getgroup("kling26")
    group.addoption(
        "--record",
        action="store_true",
        help="Record the cassettes of these tests from the live APIs, which charge for it.",
    )
    group.addoption(
        "--record-emulator",
        action="store_true",
        help="Have the cassettes of these tests played by the emulators, which costs nothing.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "cassette(name, key=None, written=None, fault=None, max_age=None): what `replay` plays; "
        "the key to record it with; why it is never recorded; what goes wrong in the emulator; how "
        "many days old it may be",
    )
    config.stash[_ENVIRON] = dict(os.environ)  # Before any fixture takes the keys away.
    if config.getoption("--record") and config.getoption("--record-emulator"):
        raise pytest.UsageError("Cassettes are recorded from live APIs or from emulators: choose.")
    max_age(config)


def max_age(config: pytest.Config) -> int | None:
    """How many days old any cassette may be; raises `pytest.UsageError` if that is no number."""
    text = str(config.getini("cassettes_max_age")).strip()
    if not text:
        return None
    if not text.isdecimal():
        raise pytest.UsageError(f'cassettes_max_age must be a number of days; got "{text}".')
    return int(text)


def pytest_report_header(config: pytest.Config) -> list[str]:
    here = config.invocation_params.dir
    tests = [os.path.abspath(here / name.partition("::")[0]) for name in config.args]
    age = told_age({folder_of(config, Path(test)) for test in tests}, max_age(config))
    return [age] if age else []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test, rather than its fixture, for whatever is wrong with its cassette."""
    if _PROBLEM in item.stash:
        pytest.fail(item.stash[_PROBLEM], pytrace=False)
    yield
    deck = item.stash.get(_DECK, None)
    if deck is not None and (problem := deck.finish()):
        pytest.fail(problem, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave out what the runner has logged of a request that was not the next one."""
    report = yield
    deck = item.stash.get(_DECK, None)
    if report.failed and deck is not None and deck.tape.mismatch:
        report.sections = [each for each in report.sections if "log" not in each[0]]
    return report


@pytest.fixture
def replay(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replay]:
    """The real runner against the cassette that the test's marker names."""
    stash = request.node.stash
    for key in (_DECK, _PROBLEM):  # Of an earlier attempt at the same test.
        if key in stash:
            del stash[key]
    try:
        cassette = _marked(request)
        reason = stays(cassette)
        if reason is not None:
            pytest.skip(f"{cassette.name} stays as it is: {reason}")
        environ = cassette.environ() | {"KLING26_HOME": str(tmp_path / "home")}
        ids = TaskIds(cassette.mode == "record")
        deck = deck_for(cassette, environ, ids.made, max_age(request.config))
    except BadCassette as error:
        stash[_PROBLEM] = str(error)
        yield Replay(Settings({}), False, Recording(), problem=str(error))
        return
    monkeypatch.setattr(order, "new_task_id", ids.new)
    if cassette.mode != "record":
        monkeypatch.setattr(VirtualLoop, "getaddrinfo", _somewhere)
    with deck:
        stash[_DECK] = deck
        recording = cassette.mode != "play"
        name = cassette.provider().name
        settings = Settings(environ)
        yield Replay(settings, recording, deck.tape, emulated=deck.emulated, provider=name)


def _marked(request: pytest.FixtureRequest) -> MarkedCassette:
    """The cassette of a test; raises `BadCassette` if there is none."""
    mark = request.node.get_closest_marker("cassette")
    if mark is None:
        raise BadCassette('replay needs a cassette: @pytest.mark.cassette("provider/case")')
    config = request.config
    mode: Mode = "play"
    if config.getoption("--record"):
        mode = "record"
    elif config.getoption("--record-emulator"):
        mode = "emulate"
    return MarkedCassette(mark, folder_of(config, request.path), config.stash[_ENVIRON], mode)


async def _somewhere(
    _: object, host: str, port: int, **__: object
) -> list[tuple[None, None, int, str, tuple[str, int]]]:
    """Every name has the same public IP address; what is sent there never leaves."""
    return [(None, None, 0, "", ("93.184.215.14", port))]
