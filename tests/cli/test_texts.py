"""What is said of tasks and errors: the sentence, and the command that helps."""

import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from kling26.cli import interrupts, keys, progress_texts, texts
from kling26.cli.work import Interrupted
from kling26.core import (
    KeyRejected,
    Kling26Error,
    MissingKey,
    NotDelivered,
    OptionRefused,
    OutcomeUnknown,
    OutOfCredit,
    StillRunning,
    TaskFailed,
    Ticket,
    TryLater,
    UnknownTask,
    Video,
)
from kling26.core.errors import JournalBusy, JournalError, Remedy
from kling26.core.journal.task import Task
from kling26.core.plugins import load_providers
from kling26.core.progress import Progress
from kling26.core.status import Standing

PROVIDERS = load_providers().providers
SINCE = datetime(1970, 1, 1, 0, 10).astimezone().timestamp()
LOGS = "https://kie.ai/logs"
SET_KEY = "Set KIE_API_KEY, or run: kling26 keys set kie (keys: https://kie.ai/api-key)"


def task(state: str, **more: Any) -> Task:
    facts: dict[str, Any] = {
        "id": "k26-1", "provider": "kie", "realm": "live", "fingerprint": "", "state": state,
        "prompt": "A fox\x1b[31m", "sound": False, "duration": 5, "aspect_ratio": "16:9",
        "seed": 0, "options": {}, "created": 0.0, "updated": 0.0,
    }  # fmt: skip
    return Task(**facts | more)


STATES: dict[Standing, Task] = {
    "unsent": task("submitting"),
    "unclear": task("submitting", sending=1.0),
    "at_provider": task("submitted", ticket=Ticket("abc")),
    "made": task("succeeded", ticket=Ticket("abc")),
    "stored": task("stored", file="/nowhere/k26-1.mp4"),
    "over": task("cancelled"),
}
UNSENT = "kling26 resume k26-1 sends it; kling26 cancel k26-1 drops it."


def test_every_standing_has_its_words() -> None:
    assert list(STATES) == list(get_args(Standing))
    assert {standing: each.standing for standing, each in STATES.items()} == {
        standing: standing for standing in STATES
    }


@pytest.mark.parametrize(
    ("standing", "text"),
    [
        ("unsent", f"The request has not been accepted yet. {UNSENT}"),
        ("unclear", (
            "kie.ai had not answered yet, so the video may have been paid for. "
            "Find out with: kling26 resume k26-1"
        )),
        ("at_provider", (
            "The video is paid for and being made at kie.ai as abc. "
            "Fetch it with: kling26 resume k26-1"
        )),
        ("made", (
            "The video is paid for and finished at kie.ai, but not here yet. "
            "Fetch it with: kling26 resume k26-1"
        )),
        ("stored", "The stored video is gone. Fetch it again with: kling26 resume k26-1"),
        ("over", ""),
    ],
)  # fmt: skip
def test_a_task_is_described_by_its_standing(standing: Standing, text: str) -> None:
    assert texts.task_text(STATES[standing], PROVIDERS["kie"]) == text


def test_a_video_that_is_here_is_described_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "fox.mp4").touch()
    here = task("stored", file=str(tmp_path / "fox.mp4"))

    assert texts.task_text(here, PROVIDERS["kie"]) == str(tmp_path / "fox.mp4")


def test_an_output_that_is_still_owed_is_mentioned(tmp_path: Path) -> None:
    (tmp_path / "fox.mp4").touch()
    owed = task("stored", file=str(tmp_path / "fox.mp4"), owed=True)

    assert texts.task_text(owed, PROVIDERS["kie"]) == (
        f"{tmp_path / 'fox.mp4'}. Its --output is still to be written: kling26 resume k26-1"
    )


def test_a_failed_task_gives_its_reason_alone() -> None:
    failed = task("failed", error="It could not be made", remedy=Remedy("top_up"))

    assert texts.task_text(failed, PROVIDERS["kie"]) == "It could not be made"


def test_an_open_task_with_an_error_says_how_to_go_on() -> None:
    broken = task("succeeded", error="The download broke off", remedy=Remedy("resume"))

    assert texts.task_text(broken, PROVIDERS["kie"]) == (
        "The download broke off. Fetch it with: kling26 resume k26-1"
    )


@pytest.mark.parametrize(
    ("standing", "text"),
    [
        ("unsent", f"Interrupted. The request has not been accepted yet. {UNSENT}"),
        ("at_provider", (
            "Interrupted. The video is paid for and being made at kie.ai as abc. "
            "Fetch it with: kling26 resume k26-1"
        )),
        ("stored", "Interrupted. The video is here: /nowhere/k26-1.mp4"),
        ("over", "Interrupted. The task has ended without a video."),
    ],
)  # fmt: skip
def test_an_interrupt_says_how_the_task_stands(standing: Standing, text: str) -> None:
    assert interrupts.interrupt_text([STATES[standing]], PROVIDERS) == text


def test_an_interrupt_of_several_tasks_names_those_that_are_open() -> None:
    several = [STATES["made"], task("stored", id="k26-2"), task("submitted", id="k26-3")]

    assert interrupts.interrupt_text(several, PROVIDERS) == (
        "Interrupted. Continue with: kling26 resume k26-1 k26-3"
    )
    assert interrupts.interrupt_text(several[1:2] * 2, PROVIDERS) == "Interrupted."


def test_a_task_of_a_plug_in_that_is_gone_is_described_all_the_same() -> None:
    gone = task("submitted", provider="acme", ticket=Ticket("abc"))
    lost = task("unknown", provider="acme", error="No answer came.", remedy=Remedy("resubmit"))

    assert texts.task_text(gone, None) == (
        "The video is paid for and being made at acme as abc. Fetch it with: kling26 resume k26-1"
    )
    assert texts.task_text(lost, None) == (
        "No answer came. Check your account at acme. If the video is there, "
        "fetch it by its id: kling26 adopt k26-1 ID. If it is not, submit it again with: "
        "kling26 resubmit k26-1"
    )


# -- remedies ----------------------------------------------------------------------------------


def of(error: Kling26Error, row: Task | None = None, provider: str = "kie") -> str:
    """What is said of an error that is about `row`, or about a task whose row is not known."""
    error.about(task="k26-1", provider=provider)
    return texts.error_text(error, row, PROVIDERS.get(provider))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MissingKey("kie.ai needs an API key."), f"kie.ai needs an API key. {SET_KEY}"),
        (OutOfCredit("Too little credit"), "Too little credit. Top up the account and try again."),
        (TryLater("It is busy."), "It is busy. Try again later."),
        (OptionRefused("Seed must be positive.", option="seed"), "Seed must be positive."),
        (TaskFailed("It is too dark. (code 7)"), "It is too dark. (code 7)"),
        (UnknownTask('No task "k26-0".'), 'No task "k26-0". kling26 tasks lists them.'),
        (JournalBusy("It is busy. Nothing was sent."), "It is busy. Nothing was sent. Try again."),
        (JournalError("It is damaged."), "It is damaged."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_comes_with_what_helps(error: Kling26Error, text: str) -> None:
    assert of(error) == text


@pytest.mark.parametrize(
    ("remedy", "text"),
    [
        (Remedy("resume"), "Fetch it with: kling26 resume k26-1"),
        (Remedy("wait"), "Fetch it with: kling26 resume k26-1"),
        (Remedy("set_key"), f"{SET_KEY}. Fetch it with: kling26 resume k26-1"),
        (
            Remedy("resume", page=LOGS),
            f"Check {LOGS}, or try again with: kling26 resume k26-1",
        ),
        (
            Remedy("resubmit", page=LOGS),
            (
                f"Check {LOGS}. If the video is there, "
                "fetch it by its id: kling26 adopt k26-1 ID. If it is not, submit it again with: "
                "kling26 resubmit k26-1"
            ),
        ),
        (
            Remedy("resubmit"),
            (
                "Check your account at kie.ai. If the video is there, "
                "fetch it by its id: kling26 adopt k26-1 ID. If it is not, submit it again with: "
                "kling26 resubmit k26-1"
            ),
        ),
    ],
    ids=str,
)
def test_what_is_paid_for_always_says_how_to_go_on(remedy: Remedy, text: str) -> None:
    assert of(NotDelivered("Not here yet", remedy=remedy)) == f"Not here yet. {text}"
    open_task = STATES["at_provider"]
    assert of(NotDelivered("Not here yet", remedy=remedy), open_task) == f"Not here yet. {text}"


def test_a_provider_that_can_be_asked_for_a_lost_task_is_asked_first() -> None:
    assert of(OutcomeUnknown("No answer came."), provider="cometapi") == (
        "No answer came. kling26 resume k26-1 looks for it again at no cost. If the video "
        "is there, fetch it by its id: kling26 adopt k26-1 ID. If it is not, submit it again with: "
        "kling26 resubmit k26-1"
    )


@pytest.mark.parametrize(
    ("error", "standing", "text"),
    [
        (TryLater("Time ran out."), "unsent", f"Time ran out. {UNSENT}"),
        (StillRunning("Time ran out."), "unclear",
         "Time ran out. Find out with: kling26 resume k26-1"),
        (NotDelivered("It could not be written to fox.mp4: no such folder"), "stored",
         ("It could not be written to fox.mp4: no such folder. "
         "Try again with: kling26 resume k26-1")),
    ],
)  # fmt: skip
def test_what_to_do_hangs_on_how_the_task_stands(
    error: Kling26Error, standing: Standing, text: str
) -> None:
    assert of(error, STATES[standing]) == text


def test_a_rejected_key_is_reported_with_what_is_known() -> None:
    known = Remedy("set_key", variable="ACME_KEY", page="https://acme.example/keys")

    assert of(Kling26Error("No.", remedy=known), provider="acme") == (
        "No. Set ACME_KEY, or run: kling26 keys set acme (keys: https://acme.example/keys)"
    )
    assert of(Kling26Error("No.", remedy=Remedy("set_key")), provider="acme") == (
        "No. Run: kling26 keys set acme"
    )


def test_a_rejected_key_from_the_environment_has_to_be_changed_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "rejected")
    known = Remedy("set_key", variable="KIE_API_KEY", page="https://kie.ai/api-key")

    assert of(KeyRejected("No.", remedy=known)) == (
        "No. Set KIE_API_KEY to another key (keys: https://kie.ai/api-key)"
    )


def test_a_task_that_cannot_be_cancelled_says_how_to_go_on() -> None:
    lost = task("unknown", remedy=Remedy("resubmit", page=LOGS))
    goes_on = SimpleNamespace(task=STATES["at_provider"], cancelled=False, message="It goes on.")
    unknown = SimpleNamespace(task=lost, cancelled=False, message="There is nothing to cancel.")
    over = SimpleNamespace(task=STATES["over"], cancelled=True, message="It is cancelled.")
    said = [texts.cancellation_text(each, PROVIDERS["kie"]) for each in (goes_on, unknown, over)]  # type: ignore[arg-type]

    assert said == [
        "It goes on. Fetch it with: kling26 resume k26-1",
        (
            f"There is nothing to cancel. Check {LOGS}. If the video is there, "
            "fetch it by its id: kling26 adopt k26-1 ID. If it is not, submit it again with: "
            "kling26 resubmit k26-1"
        ),
        "It is cancelled.",
    ]


@pytest.mark.parametrize(
    ("standing", "sandbox", "text"),
    [
        ("stored", False, "Paid on 2026-05-04 03:02 as k26-1, so this costs nothing"),
        ("at_provider", True, "Rehearsed on 2026-05-04 03:02 as k26-1, so this costs nothing"),
        ("unclear", False, "Requested on 2026-05-04 03:02 as k26-1, so this continues it"),
    ],
)
def test_an_equal_request_says_what_it_finds(standing: Standing, sandbox: bool, text: str) -> None:
    since = datetime(2026, 5, 4, 3, 2).astimezone().timestamp()
    found = Progress("k26-1", "kie", "found", since=since, standing=standing, sandbox=sandbox)

    assert progress_texts.found_text(found) == f"{text}; another --seed makes a new video."


def made(**more: Any) -> Video:
    facts: dict[str, Any] = {
        "task": "k26-1", "provider": "kie", "task_id": "abc", "url": None, "file": Path("f.mp4"),
        "cost": 55.0, "cost_unit": "credits", "reused": False, "paid": 2000.0,
    }  # fmt: skip
    return Video(**facts | more)


@pytest.mark.parametrize(
    ("video", "text"),
    [
        (made(), "Made by kie.ai in 1:12 for 55 credits (k26-1)."),
        (made(cost=None), "Made by kie.ai in 1:12 (k26-1)."),
        (made(cost=0.35, cost_unit=None), "Made by kie.ai in 1:12 for 0.35 (k26-1)."),
        (made(sandbox=True), "Rehearsed with kie.ai's emulator in 1:12 (k26-1)."),
        # It was requested before, but only this command has paid for it.
        (made(reused=True), "Made by kie.ai in 1:12 for 55 credits (k26-1)."),
    ],
)
def test_a_video_says_who_made_it_how_fast_and_for_what(video: Video, text: str) -> None:
    assert progress_texts.made_text(video, PROVIDERS["kie"], 72.4) == text


@pytest.mark.parametrize(
    ("video", "text"),
    [
        (made(paid=SINCE), "Made by kie.ai on 1970-01-01 00:10; this time it cost nothing (k26-1)"),
        (made(paid=SINCE, sandbox=True), "Rehearsed with kie.ai's emulator on 1970-01-01 00:10"),
    ],
)
def test_only_a_video_that_was_here_before_costs_nothing(video: Video, text: str) -> None:
    said = progress_texts.made_text(video, PROVIDERS["kie"], None, here_before=True)

    assert said.startswith(text)


def test_a_video_that_is_fetched_for_the_first_time_has_cost_what_it_costs() -> None:
    video = made(paid=SINCE, cost_usd=0.275)

    assert progress_texts.made_text(video, PROVIDERS["kie"], None) == (
        "Made by kie.ai for 55 credits, worth 0.275 USD (k26-1)."
    )
    assert progress_texts.made_among(video) == "k26-1: here, for 55 credits, worth 0.275 USD"
    assert progress_texts.made_among(video, here_before=True) == "k26-1: here already"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (["generate", "A fox"], "Interrupted. Nothing was sent."),
        (["--verbose", "generate", "A fox"], "Interrupted. Nothing was sent."),
        (["keys", "set", "kie"], "Interrupted."),
        (["resume"], "Interrupted."),
        ([], "Interrupted."),
    ],
)
def test_an_early_interrupt_says_no_more_than_is_true(line: list[str], text: str) -> None:
    assert interrupts.interrupted_early(line) == text


@pytest.mark.parametrize("terminal", [True, False])
def test_an_interrupt_while_a_key_is_typed_says_that_none_was_stored(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    stdin = SimpleNamespace(isatty=lambda: terminal, readline=interrupt)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(keys, "getpass", interrupt)

    with pytest.raises(Interrupted, match=r"^Interrupted\. No key was stored\.$"):
        keys._read(PROVIDERS["kie"])
