"""Every test: no network, no keys, a home folder of its own; and what several suites share."""

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from kling26.core import ImageFile, Provider, problems, refusals
from kling26.core.hosts import is_loopback
from kling26.core.plugins import load_providers
from kling26.core.vetting import own_variables
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.util import LRUCache, immutabledict

pytest_plugins = ["kling26.testing.plugin", "pytester"]

hypothesis.settings.register_profile(
    "kling26", derandomize=True, deadline=None, max_examples=60, database=None
)
hypothesis.settings.load_profile("kling26")

#: A grey PNG of 300 x 300 pixels, the least that CometAPI takes; it is in the cassettes.
PICTURE = (Path(__file__).parent / "grey.png").read_bytes()


#: The tests that need a ComfyUI to start.
E2E = Path(__file__).parent / "e2e"


def pytest_configure(config: pytest.Config) -> None:
    """Whoever asks for the tests in ComfyUI is told what they lack."""
    marks, paths = config.option.markexpr, [Path(arg.split("::")[0]) for arg in config.args]
    asked = any(E2E in (path.absolute(), *path.absolute().parents) for path in paths)
    if (asked or re.search(r"(?<!not )\be2e\b", marks)) and (lacking := lacking_for_e2e()):
        raise pytest.UsageError(lacking)


def pytest_report_header() -> str | None:
    lacking = lacking_for_e2e()
    return f"e2e: left out. {lacking}" if lacking else None


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if collection_path == E2E and lacking_for_e2e() else None


def lacking_for_e2e() -> str | None:
    """What the tests in ComfyUI lack, in words."""
    path = os.environ.get("COMFYUI_PATH")
    if not path:
        return "The tests in ComfyUI need COMFYUI_PATH, the folder of a ComfyUI to start."
    if not (Path(path) / "main.py").is_file():
        return f"COMFYUI_PATH is {path}, and no main.py is there."
    missing = [name for name in ("websockets", "playwright") if find_spec(name) is None]
    return f"The tests in ComfyUI need {' and '.join(missing)}." if missing else None


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: many tests wait, for a program or for the disk."""
    return (os.cpu_count() or 1) + 2


class NetworkUse(Exception):
    """A test tried to leave this machine."""


@cache
def variables() -> frozenset[str]:
    """The variables of the built-in providers."""
    providers = load_providers().providers.values()
    return frozenset(name for provider in providers for name in own_variables(provider))


@pytest.fixture(scope="session", autouse=True)
def _shared_statements() -> Iterator[None]:
    """Every journal has an engine of its own, which would compile the same statements again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDialect, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(SQLiteDialect, "__hash__", lambda one: hash(type(one)))
        shared = immutabledict(compiled_cache=LRUCache(500))
        patch.setattr(sa.Engine, "_execution_options", shared)
        yield


@pytest.fixture(autouse=True)
def _unmeasured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What a `no_cover` test starts is not measured, either.

    Those tests only repeat, with other data and in other orders, what others cover; measuring them
    would take a third of the suite's time.
    """
    if request.node.get_closest_marker("no_cover"):
        for name in list(os.environ):
            if name.startswith("COV"):
                monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user who runs the tests: no keys, no settings, no journal."""
    for name in list(os.environ):
        if name.startswith("KLING26_") or name in variables():
            monkeypatch.delenv(name)
    monkeypatch.setenv("KLING26_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _own_log() -> None:
    """What was logged once in this process is news to each test."""
    problems.log_once.cache_clear()
    refusals._log_unknown.cache_clear()


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine can be reached, but for cassettes that are being recorded."""
    if request.config.getoption("--record") and "replay" in request.fixturenames:
        return

    def guard(reach: Callable[..., Any], host_of: Callable[..., object]) -> Callable[..., Any]:
        def guarded(*args: Any, **more: Any) -> Any:
            host = host_of(*args)
            if isinstance(host, str) and not is_loopback(host):
                raise NetworkUse(f"A test tried to reach {host}.")
            return reach(*args, **more)

        return guarded

    def peer(_: socket.socket, address: object) -> object:
        return address[0] if isinstance(address, tuple) else None

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guard(getattr(socket.socket, name), peer))
    monkeypatch.setattr(socket, "getaddrinfo", guard(socket.getaddrinfo, lambda host, *_: host))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home folder of this test, which is not made yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def picture() -> ImageFile:
    return ImageFile(PICTURE)


@pytest.fixture(scope="session")
def providers() -> Mapping[str, Provider]:
    """The built-in providers, by name."""
    return load_providers().providers


@pytest.fixture(scope="session")
def as_json() -> Callable[[object], str]:
    """Sorted JSON text: true is not 1 there, and 5 is neither 5.0 nor "5"."""
    return lambda value: json.dumps(value, sort_keys=True)
