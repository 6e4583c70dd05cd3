"""What a plug-in prints, raises or changes while it is loaded disturbs nobody."""

import json
import locale
import logging
import os
import signal
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kling26.core import host
from kling26.core.installed import PlugIn
from kling26.core.isolation import isolated
from kling26.core.plugins import Registry, load_providers

BUILT_IN = ["kie", "apikley", "cometapi", "runcomfy"]

RAISED = {
    "class PanicException(BaseException): ...\nraise PanicException('unwrap on None')": (
        "PanicException: unwrap on None"
    ),
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "raise SystemExit(3)": "SystemExit: 3",
    "import asyncio; raise asyncio.CancelledError('no')": "CancelledError: no",
    "class Odd(Exception):\n    def __str__(self): raise SystemExit\nraise Odd": "Odd",
}

Load = Callable[[str], Registry]


@pytest.fixture
def load() -> Load:
    """The providers, with a plug-in that runs this source when it is loaded."""

    def load(source: str) -> Registry:
        return load_providers([PlugIn("acme", "acme", lambda: exec(source, {}))])  # noqa: S102

    return load


@pytest.fixture
def heeded() -> Iterator[None]:
    """Ctrl-C interrupts, as it does not in a background job of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("source", RAISED, ids=RAISED.values())
def test_whatever_a_plug_in_raises_it_is_skipped_and_named(load: Load, source: str) -> None:
    registry = load(source)

    assert list(registry.providers) == BUILT_IN
    assert [each.reason for each in registry.problems] == [RAISED[source]]


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(
    "source",
    [
        "signal.raise_signal(signal.SIGINT)",
        "try: signal.raise_signal(signal.SIGINT)\nexcept BaseException: pass",
        "try: signal.raise_signal(signal.SIGINT)\nexcept BaseException: raise ImportError",
    ],
    ids=["left alone", "swallowed", "renamed"],
)
def test_a_real_interrupt_is_none_of_a_plug_ins_business(load: Load, source: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(f"import signal\n{source}")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


PRINTS = """
import logging, os, subprocess, sys
print("one")
sys.stdout.write("two")
sys.stdout.buffer.write(b"three")
os.write(1, b"four")
subprocess.run([sys.executable, "-S", "-c", "print('five')"], check=True)
logging.basicConfig(stream=sys.stdout, force=True)
logging.warning("six")
handler = logging.StreamHandler(sys.stdout)
logging.getLogger("acme").addHandler(handler)
"""


def test_what_a_plug_in_prints_goes_to_stderr(
    load: Load, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    load(PRINTS)
    print("The result.")
    logging.getLogger("acme").warning("seven")

    out, err = capfd.readouterr()
    assert out == "The result.\n"
    for word in ("one", "two", "three", "four", "five", "WARNING:root:six", "seven"):
        assert word in err
    logging.getLogger("acme").handlers.clear()


def test_other_threads_print_where_they_always_do(capsys: pytest.CaptureFixture[str]) -> None:
    with isolated():
        print("A plug-in.")
        other = threading.Thread(target=print, args=["A result."])
        other.start()
        other.join()

    assert capsys.readouterr() == ("A result.\n", "A plug-in.\n")


def test_a_key_that_it_prints_is_not_shown(
    load: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "sk-secret-1234567890")
    load(
        "import os, sys\n"
        "key = os.environ.pop('KIE_API_KEY')\n"
        "print('the key is', key)\n"
        "for letter in key: print(letter, end='', flush=True)\n"
        "print('', 'y' * 990 + key, sep='\\n', file=sys.stderr)\n"
        "sys.stdout.write(key)"
    )

    out, err = capsys.readouterr()
    assert not out
    assert "the key is [key]" in err
    assert err.endswith("[key]")
    assert "sk-s" not in err


def test_of_what_never_ends_the_beginning_is_shown(
    load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    load("for number in range(5000): print(number)")
    assert capsys.readouterr().err == (
        "".join(f"{number}\n" for number in range(100))
        + "Only the first 100 lines of this are shown.\n"
    )

    load("print('x' * 1_000_000)\nfor _ in range(5000): print('x' * 100, end='')\nprint()")
    assert len(capsys.readouterr().err) < 3000


TAKES = """
import os, signal, sys
sys.path[:] = ["/acme"]
for name in ("json", "kling26.core.provider"):
    del sys.modules[name]
sys.modules["logging"] = sys.modules["kling26_acme_part"] = os
signal.setitimer(signal.ITIMER_REAL, 600)
sys.excepthook = None
sys.setrecursionlimit(5000)
os.umask(0o777)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no alarms.")
def test_what_a_plug_in_takes_away_is_there_again(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, hook, depth = list(sys.path), sys.excepthook, sys.getrecursionlimit()
    mask, alarm = os.umask(0o022), signal.setitimer(signal.ITIMER_REAL, 0)
    load(TAKES)

    assert signal.setitimer(signal.ITIMER_REAL, *alarm)[0] == 0
    assert os.umask(mask) == 0o022
    assert sys.path == [*before, "/acme"]
    assert sys.modules["json"] is json
    assert sys.modules["logging"] is logging
    assert "kling26.core.provider" in sys.modules
    assert sys.modules.pop("kling26_acme_part") is os
    assert (sys.excepthook, sys.getrecursionlimit()) == (hook, depth)


def state() -> tuple[object, ...]:
    root, ours = logging.getLogger(), logging.getLogger("kling26")
    return (
        sys.stdin, sys.stdout, sys.stderr, signal.getsignal(signal.SIGTERM),
        signal.getsignal(signal.SIGINT), Path.cwd(), list(warnings.filters),
        locale.setlocale(locale.LC_ALL), list(root.handlers), root.level, list(ours.handlers),
        ours.level, ours.disabled, ours.isEnabledFor(logging.WARNING),
        logging.getLogger("kling26.providers").disabled, logging.getLogger("httpx").disabled,
    )  # fmt: skip


CHANGES = """
import io, locale, logging, logging.config, os, signal, sys, warnings
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, "latin-1")
sys.stderr.detach()
sys.stderr, sys.stdin = sys.stdout, None
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
os.chdir("/")
warnings.simplefilter("ignore")
locale.setlocale(locale.LC_ALL, "C")
logging.config.dictConfig({"version": 1})
logging.basicConfig(level=1, force=True)
logging.disable()
"""


def test_what_a_plug_in_changes_is_put_back(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    before = state()
    load(CHANGES)
    assert state() == before

    load("import sys\nsys.stdout.close()\nsys.stderr.close()")
    print("The result.")
    assert capsys.readouterr().out == "The result.\n"


def test_the_working_folder_may_be_deleted(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gone").mkdir()
    load("import os\nos.chdir('gone')\nos.rmdir(os.getcwd())")

    assert Path.cwd() == tmp_path


def test_streams_may_be_missing(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `pythonw`."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    registry = load("import sys\nprint(1)\nprint(2, file=sys.stderr)\nsys.stdout.isatty()\n1 / 0")

    assert [each.reason for each in registry.problems] == ["ZeroDivisionError: division by zero"]


WAITS = """
import logging, threading
class Heard(logging.Handler):
    def emit(self, record): said.append(record.getMessage()); heard.set()
said, heard = [], threading.Event()
logging.getLogger("kling26").addHandler(Heard())
assert heard.wait(60)
raise LookupError(said)
"""


def test_a_plug_in_that_takes_long_is_named(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_LONG", 0.01)
    (problem,) = load(WAITS).problems

    assert 'Loading the plug-in "acme:acme" takes unusually long.' in problem.reason


def test_so_is_a_hook_that_takes_long(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_LONG", 0.01)
    source = (
        "from kling26.core import hookimpl\n"
        "class Plug:\n"
        "    @hookimpl\n"
        "    def kling26_providers(self):\n" + textwrap.indent(WAITS, "        ")
    )
    found: dict[str, object] = {}

    def plug_in() -> object:
        exec(source, found)  # noqa: S102
        return found["Plug"]()  # type: ignore[operator]

    (problem,) = load_providers([PlugIn("acme", "acme", plug_in)]).problems

    assert 'kling26_providers of the plug-in "acme:acme" takes unusually long.' in problem.reason


def test_what_it_sets_in_the_environment_or_replaces_is_as_before(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "k-12345678")
    monkeypatch.delenv("KIE_BASE_URL", raising=False)
    before = dict(os.environ), print, json.dumps

    load(
        "import builtins, json, os\n"
        "os.environ['KIE_BASE_URL'] = 'https://evil.invalid'\n"
        "os.environ['PATH'] = '/evil'\n"
        "del os.environ['KIE_API_KEY']\n"
        "builtins.print = json.dumps = len"
    )

    assert (dict(os.environ), print, json.dumps) == before


@pytest.mark.parametrize("variable", ["KIE_API_KEY", "RUNCOMFY_TOKEN", "AWS_SECRET_ACCESS_KEY"])
def test_a_key_that_it_quotes_is_not_shown(
    load: Load, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, " k-12345678\n")

    registry = load(f"import os; raise ValueError(os.environ['{variable}'])")

    assert [each.reason for each in registry.problems] == ["ValueError: [key]"]
