"""Bad input is one sentence and exit 2; nothing is sent, and nothing is in the journal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

#: What the command line says itself.
OURS: dict[tuple[str, ...], str] = {
    ("x", "--duration", "five"): '--duration must be a whole number; got "five".',
    ("x", "--seed", "1.5"): '--seed must be a whole number; got "1.5".',
    ("x", "--option", "mode"): '--option must be NAME=VALUE; got "mode".',
    ("x", "--option", "aspect-ratio=1:1"): (
        "Every provider has aspect_ratio; use --aspect-ratio instead."
    ),
    ("x", "--provider", "cometapi", "--option", "mode=pro", "--option", "mode=std"): (
        "--option mode is given twice."
    ),
    ("x", "--image", "picture.png", "--aspect-ratio", "16:9"): (
        "--aspect-ratio cannot be combined with --image: the image sets it. Leave one of them out."
    ),
    ("x", "--image", ""): "--image is empty; give it a value, or leave it out.",
    ("x", "--callback-url", " "): "--callback-url is empty; give it a value, or leave it out.",
    ("x", "--timeout", "0"): (
        '--timeout must be more than 0 and at most 30d; got "0".'
    ),
    ("x", "--timeout", "31d"): (
        '--timeout must be more than 0 and at most 30d; got "31d".'
    ),
    ("x", "--timeout", "soon"): (
        "--timeout must be a length of time such as 90 (seconds), 45m or 1h30m, in w, d, h, m and "
        's, each once and in this order; got "soon".'
    ),
    ("--", "fox", "extra"): (
        'kling26 generate takes one prompt, and "extra" is left over; put quotes around the whole '
        "prompt."
    ),
    ("\udcff",): "The prompt is not valid UTF-8.",
    ("x", "--verbos"): 'kling26 generate has no option "--verbos"; did you mean "--verbose"?',
    (): "kling26 generate needs a prompt; see: kling26 generate --help",
    ("A", "red", "fox"): (
        'kling26 generate takes one prompt, and "red" is left over; put quotes around the whole '
        "prompt."
    ),
    ("x", "--durations", "5"): (
        'kling26 generate has no option "--durations"; did you mean "--duration"?'
    ),
    ("x", "-x"): 'kling26 generate has no option "-x"; see: kling26 generate --help',
    ("x", "-", "--sandbox"): (
        'kling26 generate takes one prompt, and "-" is left over; put quotes around the whole '
        "prompt."
    ),
    ("x", "-o", "-"): "-o needs a value; see: kling26 generate --help",
    ("x", "--sound=loud"): '--sound takes no value; got "loud".',
    ("x", "--option", "prompt=y"): "Give the prompt by itself, not as an --option.",
    ("x", "--output"): "--output needs a value; see: kling26 generate --help",
    ("x", "--seed", "1", "--seed", "2"): "--seed is given twice.",
    ("x", "--image", "picture.png", "--output", "./picture.png"): (
        "--output names the very file of --image, which the video would replace."
    ),
    ("x", "--image", "whole.jpg", "--end-image", "picture.png", "-o", "picture.png"): (
        "--output names the very file of --end-image, which the video would replace."
    ),
    ("x", "--end-image", ""): "--end-image is empty; give it a value, or leave it out.",
}  # fmt: skip
#: What core says, and what has to be in it.
OF_CORE: dict[tuple[str, ...], tuple[str, ...]] = {
    ("x", "--provider", "kei"): ('There is no provider "kei"; did you mean "kie"?',),
    ("x", "--provider", "acme"): ('"acme"', "kie, apikley, cometapi and runcomfy"),
    ("x", "--option", "sond=1"): ('kie.ai has no option "sond"; did you mean "sound"?',),
    ("x", "--provider", "cometapi", "--option", "negativeprompt=a hat"): (
        'CometAPI has no option "negativeprompt"; did you mean "negative_prompt"?',
    ),
    ("x", "--provider", "cometapi", "--option", "mode=prp"): (
        'CometAPI: mode must be std or pro; got "prp"; did you mean "pro"?',
    ),
    ("x", "--aspect-ratio", "16x9"): ('got "16x9"; did you mean "16:9"?',),
    ("a" * 812, "--provider", "cometapi"): ("CometAPI", "500 characters", "812"),
    (" ",): ("kie.ai", "prompt", "empty"),
    ("x", "--duration", "7"): ("kie.ai", "duration", "5 or 10", "7"),
    ("x", "--aspect-ratio", "4:3"): ("kie.ai", "aspect_ratio", "16:9, 9:16 or 1:1", "4:3"),
    ("x", "--seed", "-1"): ("kie.ai", "seed", "18446744073709551615", "-1"),
    ("x", "--option", "mode=pro"): ("kie.ai", '"mode"', "none of its own"),
    ("x", "--provider", "cometapi", "--option", "sharpness=9"): (
        "CometAPI", '"sharpness"', "mode, negative_prompt, cfg_scale and camera_control",
    ),
    ("x", "--image", "nowhere.png"): ('"nowhere.png"', "No such file or directory"),
    ("x", "--image", "notes.txt"): ("kie.ai", "JPEG, PNG or WEBP", "image"),
    ("x", "--image", "picture.gif"): ("kie.ai", "JPEG, PNG or WEBP", "GIF"),
    ("x", "--image", "half.jpg"): ("kie.ai", "whole picture", "damaged or incomplete"),
    ("x", "--image", "large.png"): ("kie.ai", "10 MB", "11"),
    ("x", "--provider", "runcomfy", "--image", "half.jpg"): ("RunComfy", "PNG", "JPEG"),
    ("x", "--provider", "runcomfy", "--callback-url", "https://me.example/done"): (
        "RunComfy", "callback_url", "leave it out",
    ),
    ("x", "--image", "whole.jpg", "--end-image", "picture.png"): (
        "kie.ai", "end_image is not supported",
    ),
    ("x", "--provider", "cometapi", "--image", "whole.jpg", "--end-image", "picture.png"): (
        "CometAPI", "end_image requires mode pro",
    ),
    ("x", "--provider", "auto", "--image", "whole.jpg", "--end-image", "picture.png"): (
        "No provider takes this request.", "kie.ai: ", "Apikley: ", "CometAPI: ", "RunComfy: ",
    ),
    ("x", "--callback-url", "me"): ("callback_url", "https://", '"me"'),
    ("x", "--output", "nowhere/fox.mp4"): ("{folder}/nowhere/fox.mp4", "no such folder"),
    ("x", "--output", "nowhere/"): ("{folder}/nowhere", "it names a folder; give a file"),
    ("x", "--output", "x" * 300): ("File name too long",),
    ("x", "--output", "/dev/null"): ('"/dev/null"', "it is a device"),
    ("x", "--output", "home/journal.sqlite3"): ("kling26 keeps its own files there",),
}  # fmt: skip
OTHERS: dict[tuple[str, ...], str] = {
    ("genrate", "x"): 'kling26 has no command "genrate"; did you mean "generate"?',
    ("sing",): 'kling26 has no command "sing"; see: kling26 --help',
    ("gen", "x"): 'kling26 has no command "gen"; did you mean "generate"?',
    ("--sandbox", "generate", "x"): '"--sandbox" has to come after a command; see: kling26 --help',
    ("--verson",): 'kling26 has no option "--verson"; did you mean "--version"?',
    ("generate", "--", "-x", "--sede=1"): (
        'kling26 generate has no option "--sede"; did you mean "--seed"?'
    ),
    ("keys", "unset", "kie", "abcdef"): (
        "kling26 keys unset takes nothing but the name of a provider."
    ),
    ("keys", "set"): "kling26 keys set needs the name of a provider; see: kling26 keys set --help",
    ("keys", "sett", "kie"): 'kling26 keys has no command "sett"; did you mean "set"?',
    ("keys", "show", "kei"): 'There is no such provider; did you mean "kie"?',
    ("keys", "set", "sk-0123456789"): (
        "There is no such provider. Installed: kie, apikley, cometapi and runcomfy."
    ),
    ("providers", "Comet"): 'There is no provider "Comet"; did you mean "cometapi"?',
    ("balance", "run-comfy"): 'There is no provider "run-comfy"; did you mean "runcomfy"?',
    ("tasks", "--provider", "kei"): 'There is no provider "kei"; did you mean "kie"?',
    ("tasks", "--provider", "auto"): (
        '--provider must be who made the video; "auto" is any of them.'
    ),
    ("balance", "auto"): '"auto" is any of the providers; name one of them.',
    ("tasks", "--limit", "0"): "--limit must be at least 1; got 0.",
    ("tasks", "--since", "monday"): (
        "--since must be a length of time such as 30d, 12h or 1h30m, in w, d, h, m and s, each "
        'once and in this order; got "monday".'
    ),
    ("completion", "fsh"): 'SHELL must be bash, zsh or fish; got "fsh"; did you mean "fish"?',
    ("completion",): "kling26 completion needs the name of a shell; see: kling26 completion --help",
    ("cancel",): "kling26 cancel needs a task; see: kling26 cancel --help",
    ("tasks", "k26-0"): 'The journal has no task "k26-0". kling26 tasks lists them.',
    ("cancel", "k26-0"): 'The journal has no task "k26-0". kling26 tasks lists them.',
    ("cancel", "k26-0", "k26-1"): 'kling26 cancel takes one task; "k26-1" is left over.',
    ("adopt", "k26-0"): (
        "kling26 adopt needs the task's id on the provider's page; see: kling26 adopt --help"
    ),
    ("prune",): "kling26 prune needs --older-than; see: kling26 prune --help",
    ("tasks", "--limit", "few"): '--limit must be a whole number; got "few".',
    ("resume", "k26-0"): 'The journal has no task "k26-0". kling26 tasks lists them.',
    ("sandbox", "serve", "--port", "99999"): "--port must be between 0 and 65535; got 99999.",
}


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any, trap: Any) -> Any:
    """Somebody whose requests would all end in the trap."""
    folder = tmp_path_factory.mktemp("user")
    Image.new("RGB", (300, 300), "teal").save(folder / "picture.png")
    Image.new("RGB", (300, 300), "teal").save(folder / "picture.gif")
    Image.effect_noise((300, 300), 99).save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "large.png").write_bytes((folder / "picture.png").read_bytes().ljust(11_000_000))
    (folder / "notes.txt").write_text("No picture.")
    return user_of(folder, **trap.addresses())


@pytest.fixture
def refused(user: Any, trap: Any) -> Callable[..., Any]:
    """What becomes of a bad command line, which sends nothing and leaves no row behind."""

    def run(*line: str) -> Any:
        ran = user.call(*line)
        assert (ran.status, trap.caught, user.rows()) == (2, 0, 0)
        assert not (user.home / "images").exists()
        return ran

    return run


def spelled(line: tuple[str, ...]) -> str:
    return " ".join(line)[:60] or "nothing"


@pytest.mark.parametrize("line", OURS, ids=spelled)
def test_a_line_that_makes_no_sense_is_refused_in_one_sentence(
    refused: Any, line: tuple[str, ...]
) -> None:
    ran = refused("generate", *line, "--json")

    assert ran.said == ran.object["error"] == OURS[line]
    assert ran.object["task"] is ran.object["state"] is ran.object["file"] is None


@pytest.mark.parametrize("line", OF_CORE, ids=spelled)
def test_a_video_that_cannot_be_made_is_refused_in_one_sentence(
    refused: Any, user: Any, line: tuple[str, ...]
) -> None:
    ran = refused("generate", *line, "--json")

    assert refused("generate", *line, "--json", "--dry-run") == ran
    said = " ".join(ran.err.split())  # Several providers have a line each.
    assert said == ran.object["error"]
    for words in OF_CORE[line]:
        assert words.format(folder=user.folder) in said
    assert ran.object["task"] is ran.object["state"] is ran.object["file"] is None


@pytest.mark.parametrize("line", OTHERS, ids=spelled)
def test_another_command_that_makes_no_sense_is_refused_in_one_sentence(
    refused: Any, line: tuple[str, ...]
) -> None:
    ran = refused(*line)

    assert (ran.said, ran.out) == (OTHERS[line], "")


def test_a_program_of_its_own_refuses_alike(user: Any, trap: Any) -> None:
    ran = user.run("generate", "x", "--timeout", "soon", "--json")

    assert ran.said == ran.object["error"] == OURS["x", "--timeout", "soon"]
    assert (ran.status, trap.caught, user.rows()) == (2, 0, 0)


def test_a_missing_key_is_reported_with_the_variables_and_the_command(user: Any, trap: Any) -> None:
    ran = user.call("generate", "x", "--provider", "runcomfy", RUNCOMFY_TOKEN=None)

    assert ran.said == (
        "RunComfy needs an API key. Set RUNCOMFY_TOKEN or RUNCOMFY_API_TOKEN, or run: kling26 keys "
        "set runcomfy (keys: https://www.runcomfy.com/profile)"
    )
    assert (ran.status, ran.out, user.rows(), trap.caught) == (2, "", 0, 0)


def test_a_fault_that_is_none_is_reported_with_the_one_that_was_meant(user: Any) -> None:
    ran = user.call("generate", "x", "--sandbox", KLING26_SANDBOX_FAULTS="cut-downlaod")

    assert ran.said == (
        'KLING26_SANDBOX_FAULTS: There is no fault "cut-downlaod"; did you mean "cut_download"?'
    )
    assert (ran.status, user.rows()) == (2, 0)


def test_a_setting_that_makes_no_sense_is_reported(user: Any, trap: Any) -> None:
    ran = user.call("generate", "x", KLING26_SANDBOX="perhaps")

    assert ran.said == 'KLING26_SANDBOX must be 1 or 0; got "perhaps".'
    assert (ran.status, trap.caught) == (2, 0)


def test_a_journal_that_cannot_be_opened_means_that_nothing_is_sent(
    user_of: Any, trap: Any, tmp_path: Path
) -> None:
    (tmp_path / "journal.sqlite3").write_text("No journal, but a text that is long enough. " * 9)
    journal = f"sqlite:///{tmp_path}/journal.sqlite3"
    ran = user_of(tmp_path, **trap.addresses(), KLING26_JOURNAL=journal).call("generate", "x")

    assert "is damaged" in ran.said
    assert ran.said.endswith("Nothing was sent.")
    assert (ran.status, trap.caught) == (2, 0)
