"""Bad input is one sentence and exit 2; nothing is sent, and nothing is in the journal."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

GENERATE: dict[tuple[str, ...], str] = {
    ("x", "--provider", "kei"): (
        'There is no provider "kei". Installed: kie, apikley, cometapi and runcomfy.'
    ),
    ("a" * 812, "--provider", "cometapi"): (
        "CometAPI: prompt must be at most 500 characters long for text to video; got 812."
    ),
    (" ",): "kie.ai: prompt must not be empty.",
    ("x", "--duration", "7"): "kie.ai: duration must be 5 or 10; got 7.",
    ("x", "--duration", "five"): '--duration takes a whole number; this one is "five".',
    ("x", "--aspect-ratio", "4:3"): (
        'kie.ai: aspect_ratio must be 16:9, 9:16 or 1:1; got "4:3".'
    ),
    ("x", "--seed", "-1"): "kie.ai: seed must be between 0 and 18446744073709551615; got -1.",
    ("x", "--option", "mode=pro"): 'kie.ai has no option "mode"; it has none of its own.',
    ("x", "--provider", "cometapi", "--option", "sharpness=9"): (
        'CometAPI has no option "sharpness"; it has mode, negative_prompt, cfg_scale and '
        "camera_control."
    ),
    ("x", "--option", "mode"): '--option takes NAME=VALUE; this one is "mode".',
    ("x", "--option", "aspect-ratio=1:1"): (
        "Every provider has aspect_ratio: give it as --aspect-ratio."
    ),
    ("x", "--provider", "cometapi", "--option", "mode=pro", "--option", "mode=std"): (
        "--option mode is given twice."
    ),
    ("x", "--image", "picture.png", "--aspect-ratio", "16:9"): (
        "--aspect-ratio does not go with --image: the picture sets the shape. Leave one out."
    ),
    ("x", "--image", "nowhere.png"): (
        'The image "nowhere.png" cannot be read: No such file or directory.'
    ),
    ("x", "--image", "notes.txt"): (
        "kie.ai: image must be JPEG, PNG or WEBP; this file cannot be read as an image."
    ),
    ("x", "--image", "picture.gif"): (
        "kie.ai: image must be JPEG, PNG or WEBP; got GIF."
    ),
    ("x", "--image", "large.png"): "kie.ai: image must be at most 10 MB; got 11 MB.",
    ("x", "--image", ""): "--image is empty; fill it in or leave it out.",
    ("x", "--provider", "runcomfy", "--image", "picture.png"): (
        "RunComfy: image must be a public https:// URL; files are not accepted."
    ),
    ("x", "--provider", "runcomfy", "--callback-url", "https://me.example/done"): (
        "RunComfy: callback_url is not supported; leave it out."
    ),
    ("x", "--callback-url", "me"): (
        'kie.ai: callback_url must be an https:// URL; got "me".'
    ),
    ("x", "--output", "nowhere/fox.mp4"): (
        'The video cannot be written to "{folder}/nowhere/fox.mp4": there is no such folder.'
    ),
    ("x", "--timeout", "0"): (
        '--timeout takes seconds, more than 0 and up to 2592000; this one is "0".'
    ),
    ("x", "--timeout", "soon"): '--timeout takes a number; this one is "soon".',
    (): "kling26 generate needs a prompt; see: kling26 generate --help",
    ("A", "red", "fox"): (
        'kling26 generate takes one prompt, and "red" is left over; put quotes around the whole '
        "prompt."
    ),
    ("x", "--durations", "5"): (
        'kling26 generate has no option "--durations"; did you mean "--duration"?'
    ),
    ("- a fox", "--sandbox"): (
        'A prompt that begins with a dash comes last, after a "--" of its own.'
    ),
    ("x", "--sound=loud"): '--sound takes no value; this one is "loud".',
    ("x", "--output"): "--output needs a value; see: kling26 generate --help",
    ("x", "--seed", "1", "--seed", "2"): "--seed is given twice.",
}  # fmt: skip
OTHERS: dict[tuple[str, ...], str] = {
    ("genrate", "x"): 'kling26 has no command "genrate"; did you mean "generate"?',
    ("sing",): 'kling26 has no command "sing"; see: kling26 --help',
    ("--sing",): 'kling26 has no option "--sing"; see: kling26 --help',
    ("keys", "sett", "kie"): 'kling26 keys has no command "sett"; did you mean "set"?',
    ("keys", "show", "kei"): (
        "There is no such provider. Installed: kie, apikley, cometapi and runcomfy."
    ),
    ("providers", "kei"): (
        'There is no provider "kei". Installed: kie, apikley, cometapi and runcomfy.'
    ),
    ("cancel",): "kling26 cancel needs a task; see: kling26 cancel --help",
    ("cancel", "k26-0"): 'The journal has no task "k26-0"; see: kling26 tasks',
    ("cancel", "k26-0", "k26-1"): 'kling26 cancel does not know what to do with "k26-1".',
    ("resume", "k26-0"): 'The journal has no task "k26-0"; see: kling26 tasks',
    ("sandbox", "serve", "--port", "99999"): "--port must be between 0 and 65535; got 99999.",
}


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any, trap: Any) -> Any:
    """Somebody whose requests would all end in the trap."""
    folder = tmp_path_factory.mktemp("user")
    Image.new("RGB", (300, 300), "teal").save(folder / "picture.png")
    Image.new("RGB", (300, 300), "teal").save(folder / "picture.gif")
    (folder / "large.png").write_bytes((folder / "picture.png").read_bytes().ljust(11_000_000))
    (folder / "notes.txt").write_text("No picture.")
    return user_of(folder, **trap.addresses())


@pytest.fixture(scope="module")
def refusals(user: Any) -> Iterator[dict[tuple[str, ...], Any]]:
    """Every bad command line and what came of it; several at a time, for they are many."""
    lines = [("generate", *line, "--json") for line in GENERATE] + list(OTHERS)
    with ThreadPoolExecutor(4) as pool:
        ran = {line: pool.submit(user.run, *line) for line in lines}
        yield {line: future.result() for line, future in ran.items()}


@pytest.mark.parametrize("line", GENERATE, ids=lambda line: " ".join(line)[:60] or "nothing")
def test_a_video_that_cannot_be_made_is_refused_in_one_sentence(
    refusals: Any, user: Any, line: tuple[str, ...]
) -> None:
    ran = refusals["generate", *line, "--json"]

    assert ran.said == GENERATE[line].format(folder=user.folder)
    assert ran.status == 2
    assert ran.object["error"] == ran.said
    assert ran.object["task"] is ran.object["state"] is ran.object["file"] is None


@pytest.mark.parametrize("line", OTHERS, ids=" ".join)
def test_a_command_that_makes_no_sense_is_refused_in_one_sentence(
    refusals: Any, line: tuple[str, ...]
) -> None:
    ran = refusals[line]

    assert (ran.said, ran.status, ran.out) == (OTHERS[line], 2, "")


def test_nothing_was_sent_and_nothing_is_in_the_journal(
    refusals: Any, user: Any, trap: Any
) -> None:
    assert refusals
    assert trap.caught == 0
    assert user.rows() == 0
    assert not (user.home / "images").exists()


def test_a_missing_key_is_told_with_the_variable_and_the_command(user: Any, trap: Any) -> None:
    ran = user.run("generate", "x", "--provider", "runcomfy", RUNCOMFY_TOKEN=None)

    assert ran.said == (
        "RunComfy needs an API key: set RUNCOMFY_TOKEN, or run: kling26 keys set runcomfy "
        "(keys: https://www.runcomfy.com/profile)"
    )
    assert (ran.status, ran.out, user.rows(), trap.caught) == (2, "", 0, 0)


def test_a_setting_that_makes_no_sense_is_told(user: Any, trap: Any) -> None:
    ran = user.run("generate", "x", KLING26_SANDBOX="perhaps")

    assert ran.said == 'KLING26_SANDBOX is "perhaps"; set it to 1 or 0.'
    assert (ran.status, trap.caught) == (2, 0)


def test_a_journal_that_cannot_be_opened_means_that_nothing_is_sent(
    user_of: Any, trap: Any, tmp_path: Path
) -> None:
    (tmp_path / "journal.sqlite3").write_text("No journal, but a text that is long enough. " * 9)
    journal = f"sqlite:///{tmp_path}/journal.sqlite3"
    ran = user_of(tmp_path, **trap.addresses(), KLING26_JOURNAL=journal).run("generate", "x")

    assert "is damaged or no journal at all; without it nothing is sent." in ran.said
    assert (ran.status, trap.caught) == (2, 0)
