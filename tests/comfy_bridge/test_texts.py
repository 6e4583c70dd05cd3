"""What the node says: of errors, of how a task stands, and of how far it is."""

from datetime import datetime
from typing import Any, get_args

import pytest
from attrs import evolve
from kling26.comfy_bridge import texts
from kling26.comfy_bridge.error_texts import error_text
from kling26.comfy_bridge.words import words
from kling26.core import (
    Kling26Error,
    MissingKey,
    NotDelivered,
    OptionRefused,
    OutcomeUnknown,
    OutOfCredit,
    PaymentForbidden,
    Progress,
    TaskFailed,
    TryLater,
)
from kling26.core.errors import BudgetExceeded, ImageRefused, JournalBusy, KeyRejected, Remedy
from kling26.core.plugins import Registry
from kling26.core.status import Standing

from .conftest import row

ENGLISH = words()
GET = "Run again with the same inputs to get it."
KEY = (
    "Enter a key under Settings → Kling 2.6 (keys: https://kie.ai/api-key), or set KIE_API_KEY "
    "before you start ComfyUI."
)
LOGS = "https://kie.ai/logs"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (MissingKey("No"), f"{KEY} To try the node without a key, turn sandbox on."),
        (KeyRejected("No"), KEY),
        (OutOfCredit("No"), "Top up your account at kie.ai and run again."),
        (TryLater("No"), "Run again later."),
        (JournalBusy("No"), "Run again."),
        (NotDelivered("No"), GET),
        (NotDelivered("No", remedy=Remedy("set_key")), f"{KEY} {GET}"),
        (
            NotDelivered("No", remedy=Remedy("resume", page=LOGS)),
            f"Check {LOGS}, or run again with the same inputs to look for it.",
        ),
    ],
    ids=str,
)
def test_an_error_comes_with_what_helps_in_comfyui(
    registry: Registry, error: Kling26Error, advice: str
) -> None:
    assert error_text(ENGLISH, error, registry["kie"]) == f"No. {advice}"


def test_a_rejected_key_from_the_environment_has_to_be_changed_there(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "rejected")

    assert error_text(ENGLISH, KeyRejected("No"), registry["kie"]) == (
        "No. Set KIE_API_KEY to another key (keys: https://kie.ai/api-key) and restart ComfyUI."
    )


@pytest.mark.parametrize("error", [TaskFailed("No"), OptionRefused("No", option="seed")], ids=repr)
def test_an_error_that_says_it_all_stays_as_it_is(registry: Registry, error: Any) -> None:
    assert error_text(ENGLISH, error, registry["kie"]) == "No"


def test_what_is_said_of_an_unknown_task_is_true_for_each_provider(registry: Registry) -> None:
    said = {}
    for name, provider in registry.providers.items():
        lost = OutcomeUnknown("Lost.", remedy=Remedy("resubmit", page=provider.tasks_page))
        said[name] = error_text(ENGLISH, lost, provider)

    look = (
        "If it is there, give its id in the Kling 2.6 panel; if it is not, submit it again there."
    )
    assert said == {
        "kie": f"Lost. Look for it on https://kie.ai/logs. {look}",
        "apikley": f"Lost. Look for it on https://app.apikley.ru. {look}",
        "cometapi": (
            "Lost. Run again with the same inputs to look for it at no cost; another seed makes a "
            "new video."
        ),
        "runcomfy": f"Lost. Look for it on https://www.runcomfy.com/generations. {look}",
    }
    lost = OutcomeUnknown("Lost.", remedy=Remedy("resubmit"))
    assert (
        error_text(ENGLISH, lost, registry["kie"])
        == f"Lost. Look for it in your account at kie.ai. {look}"
    )


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        (
            {},
            ("Nothing was paid. To raise that limit, change the budget in the Kling 2.6 panel."),
        ),
        (
            {"KLING26_MAX_TASKS_PER_HOUR": "30"},
            (
                "Nothing was paid. That limit is set in the environment: to raise it, change "
                'KLING26_MAX_TASKS_PER_HOUR ("none" is no limit) and restart ComfyUI.'
            ),
        ),
    ],
    ids=["default", "environment"],
)
def test_a_budget_that_is_used_up_says_where_it_is_raised(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, environment: Any, advice: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    error = BudgetExceeded("It is used up.", setting="max_tasks_per_hour")

    assert error_text(ENGLISH, error, registry["kie"]) == f"It is used up. {advice}"


def test_a_plug_in_that_forbids_a_payment_has_the_last_word(registry: Registry) -> None:
    error = PaymentForbidden("Not on Sundays.", provider="kie")

    assert error_text(ENGLISH, error, registry["kie"]) == "Not on Sundays."


def test_an_image_that_can_only_be_given_by_its_url_is_told_the_way(registry: Registry) -> None:
    """The image to start from, that is: the end image has no such input."""
    urls = registry["kie"].at({})
    urls.limits = evolve(urls.limits, image_formats=())
    start, end = (ImageRefused("No.", option=name) for name in ("image", "end_image"))

    assert error_text(ENGLISH, start, urls) == (
        "No. Put the image on a public https:// page and enter its URL as image_url."
    )
    assert [error_text(ENGLISH, end, urls), error_text(ENGLISH, start, registry["kie"])] == [
        "No.",
        "No.",
    ]


def test_the_variable_that_has_the_rejected_key_is_named(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Two(type(registry["kie"])):  # type: ignore[misc]
        other_key_variables = ("KIE_TOKEN",)

    monkeypatch.setenv("KIE_TOKEN", "rejected")

    assert "Set KIE_TOKEN to another key" in error_text(ENGLISH, KeyRejected("No"), Two())


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OutOfCredit("No."), "No."),
        (KeyRejected("No."), "No."),
        (NotDelivered("No."), f"No. {GET}"),
        (OutcomeUnknown("No."), "No. Change the seed and run again to rehearse another one."),
        (JournalBusy("No."), "No. Run again."),
    ],
    ids=repr,
)
def test_a_rehearsal_asks_for_no_money_and_no_key(
    registry: Registry, error: Kling26Error, says: str
) -> None:
    assert error_text(ENGLISH, error, registry["kie"], rehearsal=True) == says


STANDINGS: dict[Standing, tuple[str, dict[str, Any], str]] = {
    "unsent": ("submitting", {}, (
        "The request has not been accepted yet. Run again with the same inputs to send it."
    )),
    "unclear": ("submitting", {"sending": 1.0}, (
        "The video may have been paid for. Run again with the same inputs to find out."
    )),
    "at_provider": ("submitted", {}, f"The video is paid for and still being made. {GET}"),
    "made": ("succeeded", {}, f"The video is paid for and finished. {GET}"),
    "stored": ("stored", {}, f"The video is here already. {GET}"),
    "over": ("refused", {}, "The task has ended without a video."),
}  # fmt: skip


@pytest.mark.parametrize("standing", get_args(Standing))
def test_after_cancel_it_is_said_how_the_task_stands(standing: Standing) -> None:
    state, more, text = STANDINGS[standing]
    task = row(state, **more)

    assert task.standing == standing
    assert texts.stopped(ENGLISH, "kie.ai", task) == f"kie.ai · stopped waiting. {text}"


@pytest.mark.parametrize("standing", get_args(Standing))
def test_of_a_rehearsal_nothing_is_said_to_be_paid(standing: Standing) -> None:
    state, more, _ = STANDINGS[standing]
    said = texts.stopped(ENGLISH, "kie.ai", row(state, **{**more, "realm": "sandbox"}))

    assert "paid" not in said + texts.stopped_waiting(ENGLISH, "kie.ai", rehearsal=True)
    assert said.startswith("kie.ai · stopped waiting. The ")


@pytest.mark.parametrize(
    ("standing", "sandbox", "text"),
    [
        ("stored", False, "paid on 2026-05-04 03:02 as k1, so this costs nothing"),
        ("made", True, "rehearsed on 2026-05-04 03:02 as k1, so this costs nothing"),
        ("unsent", False, "requested on 2026-05-04 03:02 as k1, so this continues it"),
    ],
)
def test_an_equal_request_says_what_it_finds(standing: Standing, sandbox: bool, text: str) -> None:
    since = datetime(2026, 5, 4, 3, 2).astimezone().timestamp()
    found = Progress("k1", "kie", "found", since=since, standing=standing, sandbox=sandbox)

    assert texts.found_text(ENGLISH, found) == f"{text}; another seed makes a new one"


@pytest.mark.parametrize(
    ("progress", "elapsed", "text"),
    [
        (None, None, "kie.ai · starting"),
        (Progress("a", "kie", "uploading"), None, "kie.ai · uploading the image"),
        (Progress("a", "kie", "queued", 1.0, position=3), 2.0, "kie.ai · queued, 3 ahead · 2 s"),
        (Progress("a", "kie", "running", 1.0), 12.4, "kie.ai · generating · 12 s"),
        (Progress("a", "kie", "running", 1.0, expected=9.0), 12.4, "kie.ai · generating · 12 s"),
        (
            Progress("a", "kie", "running", 1.0, expected=60.0, message="It stumbled."),
            12.4,
            "kie.ai · generating · 12 s of about 60 s · It stumbled.",
        ),
        (
            Progress("a", "kie", "downloading", done=1_500_000, total=8_000_000),
            70.0,
            "kie.ai · downloading · 1.5 of 8.0 MB",
        ),
        (
            Progress("a", "kie", "downloading", done=1_500_000),
            None,
            "kie.ai · downloading · 1.5 MB",
        ),
        (Progress("a", "kie", "stored", 70.0), 70.0, "kie.ai · done"),
    ],
)
def test_a_line_says_how_far_it_is(progress: Any, elapsed: Any, text: str) -> None:
    assert texts.line(ENGLISH, "kie.ai", progress, elapsed, None) == text
