"""Prompts that come from stdin, and prompts that begin with a dash."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kling26.cli import streams
from kling26.cli.commands import app
from kling26.cli.line import FLAGS, arranged
from kling26.cli.stdin import read_prompt
from kling26.core.errors import UsageError


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    return user_of(tmp_path_factory.mktemp("user"))


def prompt_of(user: Any, *line: str, stdin: str = "") -> str:
    """The prompt that was recorded for a command, which makes a video in the sandbox."""
    ran = user.call("generate", *line, "--json", "--timeout", "1", stdin=stdin)
    assert ran.status in (0, 5), ran.err
    listed = user.call("tasks", ran.object["task"]).out.splitlines()
    return str(listed[2]).strip()


# -- from stdin ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stdin", "line"),
    [
        ("A red fox\n", ("-", "--sandbox")),
        ("\ufeffA red fox\r\n", ("--sandbox", "-")),
        ("A red fox", ("--sandbox", "--", "-")),
        ("A red fox\n\n", ("--sandbox", "--sound", "-", "--seed", "0")),
    ],
    ids=["first", "BOM and CRLF", "after --", "between options"],
)
def test_a_dash_reads_the_prompt_from_stdin(user: Any, stdin: str, line: Any) -> None:
    assert prompt_of(user, *line, stdin=stdin) == "A red fox"


def test_a_prompt_from_stdin_asks_for_the_same_video_as_one_in_the_line(user: Any) -> None:
    line = ("--sandbox", "--json", "--timeout", "1")
    tasks = [
        user.call("generate", "A goose\nand a crow", *line).object["task"],
        user.call("generate", "-", *line, stdin="A goose\r\nand a crow  \r\n").object["task"],
    ]

    assert len(set(tasks)) == 1


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        ("", "The prompt on stdin is empty."),
        ("\ufeff \r\n\n", "The prompt on stdin is empty."),
        ("A caf\udce9", "The prompt on stdin is not UTF-8 text."),
        ("\udcff\udcfeA\x00", "The prompt on stdin is not UTF-8 text."),
        ("x" * 1_000_001, "The prompt on stdin is longer than 1000 kB."),
    ],
    ids=["nothing", "blanks", "Latin-1", "UTF-16", "too much"],
)
def test_what_is_no_prompt_is_refused_in_a_sentence(user: Any, stdin: str, said: str) -> None:
    before = user.rows()
    ran = user.call("generate", "-", "--sandbox", stdin=stdin)

    assert (ran.status, ran.said, user.rows()) == (2, said, before)


@contextmanager
def stdin_is(file: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, os.fdopen(file) as stream:
        patch.setattr(sys, "stdin", stream)
        yield


def test_a_pipe_is_read_to_its_end() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, "Ein Füchslein\n".encode())
    os.close(theirs)

    with stdin_is(ours):
        assert read_prompt(60) == "Ein Füchslein"


def test_a_pipe_that_does_not_end_is_not_waited_for_longer_than_the_time_out() -> None:
    ours, theirs = os.pipe()
    with stdin_is(ours):
        with pytest.raises(UsageError, match=r"^Time ran out before .* Nothing was sent\.$"):
            read_prompt(0.05)
        os.close(theirs)


def test_a_terminal_is_told_that_it_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    os.write(ours, b"A red fox\n\x04")

    with stdin_is(theirs):
        assert read_prompt(60) == "A red fox"
    os.close(ours)
    assert "end it with Ctrl-D" in capsys.readouterr().err


def test_a_closed_stdin_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "missing", {"stdin"})

    with pytest.raises(UsageError, match="which is closed"):
        read_prompt(60)


# -- with a dash at its beginning ----------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        ("--", "-5 degrees", "--sandbox"),
        ("--sandbox", "--", "-5 degrees"),
        ("--sandbox", "--", "-5 degrees", "--seed=0", "--sound"),
        ("-5 degrees", "--sandbox"),
        ("--sandbox", "-5 degrees", "--provider", "kie"),
    ],
    ids=" ".join,
)
def test_a_prompt_may_begin_with_a_dash(user: Any, line: tuple[str, ...]) -> None:
    assert prompt_of(user, *line) == "-5 degrees"


def test_options_after_the_prompt_count_also_for_what_is_printed(user: Any) -> None:
    ran = user.call("generate", "--", "--", "--provider", "kei", "--json")

    assert ran.object["error"] == ran.said == 'There is no provider "kei"; did you mean "kie"?'


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tasks -- k26-1 --json", "tasks -- k26-1 --json"),
        ("generate x --output -", "generate x --output -"),
        ("generate x -o", "generate x -o"),
        ("generate -o -- x --sound", "generate --sound -o -- x"),
        ("--verbose generate - --sound", "--verbose generate --sound -- -"),
        ("", ""),
    ],
)
def test_only_the_prompt_of_generate_is_moved(line: str, words: str) -> None:
    assert arranged(line.split()) == words.split()


def test_the_options_without_a_value_are_those_of_the_command() -> None:
    arguments = app["generate"].assemble_argument_collection()
    flags = {name for argument in arguments if argument.hint is bool for name in argument.names}
    twins = {f"--no-{name.removeprefix('--')}" for name in flags}  # Left out by the app.
    flags -= twins

    assert flags | {"--verbose"} == set(FLAGS)
