"""What the state of a task means."""

from typing import get_args

import pytest
from kling26.core.journal.task import ACTIVE, OPEN, Task, TaskState
from kling26.core.status import Standing


def task(state: TaskState, sending: float | None = None) -> Task:
    return Task(
        id="k26-1", provider="kie", realm="live", fingerprint="f", state=state, prompt="A heron",
        sound=False, duration=5, aspect_ratio="16:9", seed=0, options={}, created=1.0, updated=1.0,
        sending=sending,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "sending", "standing"),
    [
        ("submitting", None, "unsent"),
        ("submitting", 2.0, "unclear"),
        ("unknown", None, "unclear"),
        ("unknown", 2.0, "unclear"),
        ("submitted", None, "at_provider"),
        ("succeeded", None, "made"),
        ("stored", None, "stored"),
        ("refused", None, "over"),
        ("failed", None, "over"),
        ("cancelled", None, "over"),
    ],
)
def test_every_state_has_a_standing(
    state: TaskState, sending: float | None, standing: Standing
) -> None:
    assert task(state, sending).standing == standing


@pytest.mark.parametrize("state", get_args(TaskState))
def test_what_is_open_is_active_and_not_over(state: TaskState) -> None:
    standing = task(state).standing

    assert task(state).open == (standing not in ("stored", "over"))
    assert (state in ACTIVE) == (standing != "over")
    assert set(OPEN) < set(ACTIVE)
