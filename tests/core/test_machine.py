"""What a machine lacks is said in a sentence, and is neither a bug nor the fault of a folder."""

import errno
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kling26.core.home import advise
from kling26.core.machine import lack
from kling26.core.runner import background


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "x"), "may not open any more files"),
        (OSError(errno.ENFILE, "x"), "cannot open any more files"),
        (OSError(errno.ENOMEM, "x"), "not enough memory"),
        (MemoryError(), "not enough memory"),
        (ImportError("a.so: failed to map segment from shared object"), "not enough memory"),
        (RuntimeError("can't start new thread"), "may not start any more threads"),
    ],
)
def test_it_is_told_also_from_the_error_that_came_of_it(error: Exception, said: str) -> None:
    outer = ValueError("something else")
    outer.__cause__ = error

    assert said in str(lack(error))
    assert lack(outer) == lack(error)


def test_other_errors_say_nothing_of_the_machine() -> None:
    for error in (OSError(errno.EACCES, "x"), RuntimeError("x"), ImportError("x"), OSError("x")):
        assert lack(error) is None


def test_a_folder_is_not_to_be_changed_for_it() -> None:
    said = advise("Videos cannot be stored", OSError(errno.EMFILE, "Too many open files"))

    assert said.startswith("Videos cannot be stored. This program may not open any more files")
    assert "KLING26_HOME" not in said


def test_work_that_no_loop_can_be_started_for_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    async def work() -> None: ...

    monkeypatch.setattr(background, "_loop", None)
    monkeypatch.setattr(background, "check_files", full)
    left = work()

    with pytest.raises(OSError, match="Too many open files"):
        background.start(left)
    assert inspect.getcoroutinestate(left) == inspect.CORO_CLOSED


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_command_that_may_open_too_few_files_says_so(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from kling26.cli import main;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6));"
        "sys.argv = ['kling26', 'generate', 'A fox', '--sandbox']; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "KLING26_HOME": str(tmp_path / "home")}, check=False,
    )  # fmt: skip

    assert ran.stderr == "This program may not open any more files (see ulimit -n).\n"
    assert (ran.returncode, ran.stdout) == (2, "")
