"""What the command line says of itself."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kling26.core.options import options_of
from kling26.core.request import VideoRequest
from kling26.sandbox import FAULTS


def words(text: str) -> str:
    """A help text without the boxes and line ends of its layout."""
    return " ".join(re.sub(r"[╭╮╰╯│─•]", " ", text).split())


def commands(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := re.match(r"  ([a-z][a-z-]+)  ", line):
            yield found[1]


def test_all_commands_are_listed(user: Any) -> None:
    ran = user.call("--help")

    assert (ran.status, ran.err) == (0, "")
    assert set(commands(ran.out)) == {
        "generate", "batch", "providers", "tasks", "resume", "adopt", "resubmit", "cancel", "keys",
        "prune", "balance", "plugins", "sandbox", "completion", "new-provider",
    }  # fmt: skip
    assert user.call().out == ran.out


def test_the_shared_options_are_explained_in_the_words_of_their_fields(user: Any) -> None:
    text = words(user.call("generate", "--help").out)

    for info in options_of(VideoRequest):
        assert words(info.help) in text
    assert "--duration 5|10" in text
    assert "--aspect-ratio 16:9|9:16|1:1" in text
    assert "[default: 16:9]" in text
    assert "[default: 1h]" in text


@pytest.mark.parametrize(
    "line",
    [
        ("providers",), ("tasks",), ("resume",), ("adopt",), ("resubmit",), ("cancel",),
        ("prune",), ("balance",), ("plugins",), ("keys",), ("keys", "set"), ("keys", "unset"),
        ("keys", "show"), ("sandbox",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_has_a_help(user: Any, line: tuple[str, ...]) -> None:
    ran = user.call(*line, "--help")

    assert (ran.status, ran.err) == (0, "")
    assert words(ran.out).startswith(f"Usage: kling26 {' '.join(line)}")


@pytest.mark.parametrize(
    "line",
    [
        (), ("generate",), ("tasks",), ("resume",), ("adopt",), ("resubmit",), ("cancel",),
        ("prune",), ("providers",), ("balance",), ("plugins",), ("keys",), ("keys", "set"),
        ("keys", "show"), ("keys", "unset"), ("sandbox",), ("sandbox", "serve"),
        ("new-provider",), ("completion",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_help_fits_in_80_columns_and_has_an_example(user: Any, line: tuple[str, ...]) -> None:
    lines = user.call(*line, "--help", COLUMNS="80").out.splitlines()

    assert max(map(len, lines)) <= 80
    example = [each for each in lines if each.startswith("Example: ")]
    assert len(example) == bool(line)
    assert all("kling26 " in each for each in example)


def test_the_commands_fit_on_a_screen_in_groups(user: Any) -> None:
    lines = user.call("--help", COLUMNS="80").out.splitlines()

    assert len(lines) < 24
    assert [each for each in lines if re.fullmatch("[A-Z][a-z]+:", each)] == [
        "Videos:", "Providers:", "Tools:",
    ]  # fmt: skip


def test_the_options_of_a_video_are_in_groups(user: Any) -> None:
    lines = user.call("generate", "--help", COLUMNS="80").out.splitlines()

    assert [each for each in lines if re.fullmatch("[A-Z][a-z ]+:", each)] == [
        "Making a video:", "Provider:", "Running:", "Output:",
    ]  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete(user: Any, shell: str) -> None:
    ran = user.call("completion", shell)

    assert (ran.status, ran.err) == (0, "")
    assert "kling26" in ran.out
    assert all(
        word in ran.out for word in ("generate", "resubmit", "aspect-ratio", "serve", "verbose")
    )


BASH = """
. ./script
for line in "generate tasks --du" "generate x --duration " "keys set --verb" "generate --image p"
do
  read -ra COMP_WORDS <<< "kling26 $line"
  [[ $line == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
  _kling26
  echo "${COMPREPLY[*]}"
done
complete -p kling26
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_options_their_values_and_files(user: Any) -> None:
    (user.folder / "script").write_text(user.call("completion", "bash").out)
    ran = subprocess.run(["bash", "-c", BASH], cwd=user.folder, capture_output=True, text=True)

    *completed, files, command = ran.stdout.splitlines()
    assert completed == ["--duration", "5 10", "--verbose"]
    assert files == ""  # So that bash offers files instead:
    assert "-o default" in command


def test_the_help_of_the_server_lists_every_fault(user: Any) -> None:
    text = words(user.call("sandbox", "serve", "--help").out)

    for name, sentence in FAULTS.items():
        assert words(f"{name}: {sentence}") in text


def test_the_version_is_printed(user: Any) -> None:
    ran = user.call("--version")

    assert user.call("-V") == ran
    assert re.fullmatch(r"kling26 \d+\.\d+\.\d+\n", ran.out)
    assert ran.status == 0


def test_an_installation_that_lacks_something_says_so(user: Any, tmp_path: Path) -> None:
    (tmp_path / "cyclopts.py").write_text("raise ImportError('cyclopts is not what it was')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    ran = user.run("tasks", PYTHONPATH=path)

    assert ran.said == (
        "kling26 cannot start: cyclopts is not what it was. Use --verbose to see where."
    )
    assert ran.status == 1
