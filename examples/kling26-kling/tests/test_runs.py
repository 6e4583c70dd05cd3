"""Whole runs: the real runner over the emulator, in virtual time."""

from pathlib import Path
from typing import Any

import pytest
from kling26.core.runner.video import check_video
from kling26.testing import Stage
from kling26_kling import Kling, kling26_sandboxes

PICTURE = str(Path(__file__).with_name("grey.png"))
KILN = "Sparks rise from a pottery kiln at dusk"


@pytest.fixture
def kling(stage: Any) -> Stage:
    on_stage: Stage = stage(Kling(), kling26_sandboxes()[0])
    return on_stage


def test_text_to_video(kling: Stage, tmp_path: Path) -> None:
    video = kling.generate(KILN, output=tmp_path / "kiln.mp4")

    check_video(tmp_path / "kiln.mp4")
    (task,) = kling.emulator.accepted
    assert (video.task_id, video.cost) == (task.id, 1.5)
    assert task.external_id == video.task
    assert list(dict.fromkeys(step.phase for step in kling.progress)) == [
        "submitting", "queued", "running", "downloading", "stored"
    ]  # fmt: skip


def test_sound_at_1080p(kling: Stage) -> None:
    kling.generate("A potter hums", sound=True, duration=10, options={"resolution": "1080p"})

    (task,) = kling.emulator.accepted
    assert (task.model, task.clip.seconds, task.clip.sound) == ("1080p", 10, True)


def test_a_picture_travels_inside_the_submit(kling: Stage) -> None:
    kling.generate("The clay turns", image=PICTURE)

    (task,) = kling.emulator.accepted
    assert (task.clip.width, task.clip.height) == (320, 320)


def test_the_webhook_is_called_at_each_state(kling: Stage) -> None:
    hook = "https://me.example/done"
    kling.generate("A kiln cools", callback_url=hook)

    calls = kling.emulator.callbacks
    assert [(url, body["status"]) for url, body in calls] == [
        (hook, "submitted"), (hook, "processing"), (hook, "succeeded")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [
        "error_before_accept", "error_after_accept", "reset_before_accept", "reset_after_accept",
        "cut_body_with_id", "cut_body_without_id", "html_page", "slow", "maintenance",
    ],
)  # fmt: skip
def test_a_twice_lost_answer_is_found_under_our_own_id(kling: Stage, fault: str) -> None:
    kling.fault(fault, times=2)

    kling.generate(KILN)

    assert kling.paid == 1
