"""Progress on a terminal: one live line on stderr, and nothing but the path on stdout."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest

pytestmark = pytest.mark.no_cover

pty = pytest.importorskip("pty")

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    return user_of(tmp_path_factory.mktemp("user"))


def on_a_terminal(user: Any, *line: str, **environ: str) -> tuple[int, str, str]:
    """The exit status, stdout (which is a pipe) and what the terminal of stderr was sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kling26.cli", *line],
        cwd=user.folder,
        env=user.environ | {"TERM": "xterm-256color", "COLUMNS": "100"} | environ,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, encoding="utf-8",
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += (piece := os.read(ours, 65536))
        except OSError:  # Linux tells the end of a terminal so.
            break
        if not piece:
            break
    out, _ = process.communicate()
    os.close(ours)
    return process.returncode, out, shown.decode()


def test_a_live_line_shows_what_goes_on_and_vanishes(user: Any) -> None:
    status, out, shown = on_a_terminal(user, "generate", "A fox", "--sandbox")

    assert (status, out.count("\n")) == (0, 1)
    assert out.endswith(".mp4\n")
    plain = COLOUR.sub("", shown)
    assert "Queued  0:0" in plain
    assert "Generating  0:0" in plain
    assert "\x1b[2K" in shown  # The line is wiped, and written anew in its place.
    (named,) = [line for line in plain.splitlines() if "k26-" in line]
    assert "Rehearsed with kie.ai's emulator in 0:0" in named

    status, _, shown = on_a_terminal(user, "generate", "A fox", "--sandbox")
    assert status == 0
    assert "Rehearsed on " in COLOUR.sub("", shown)


def test_no_color_and_dumb_terminals_are_respected(user: Any) -> None:
    line = ("generate", "A heron", "--sandbox", "--timeout", "1.5")
    _, _, shown = on_a_terminal(user, *line, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)

    line = ("generate", "A moth", "--sandbox", "--timeout", "1.5")
    _, _, shown = on_a_terminal(user, *line, TERM="dumb")
    assert "\x1b" not in shown
    assert ": submitting to kie" in shown


def test_a_key_is_typed_without_echo(user: Any) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kling26.cli", "keys", "set", "kie"],
        cwd=user.folder, env=user.environ, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
        encoding="utf-8",
        start_new_session=True,  # Away from the terminal of whoever runs the tests.
    )  # fmt: skip
    shown = b""
    while b": " not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, b"sk-typed-unseen\n")
    out, _ = process.communicate()
    os.close(theirs)
    with suppress(OSError):
        shown += os.read(ours, 1024)
    os.close(ours)

    assert process.returncode == 0
    assert shown.decode().strip().startswith("API key for kie.ai (https://kie.ai/api-key):")
    assert b"sk-typed" not in shown
    assert "sk-typed-unseen" in (user.home / "keys.toml").read_text()
    assert "stored in" in out
