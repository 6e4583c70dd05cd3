"""The stage: the real runner against an emulator."""

from pathlib import Path

import attrs
import pytest
from kling26.core import OutcomeUnknown, Provider, VideoRequest
from kling26.providers.kie import Kie
from kling26.sandbox.kie import KieSandbox
from kling26.testing import Stage
from kling26.testing.stage import RequestFields

from ..shapes.kling26_shapes import PROVIDERS, emulator


def test_every_field_of_a_request_can_be_given() -> None:
    fields = {each.name for each in attrs.fields(VideoRequest)}

    assert {*RequestFields.__annotations__} == fields - {"prompt", "task"}


def test_fields_and_options_reach_the_provider(tmp_path: Path) -> None:
    with Stage(tmp_path, Kie(), KieSandbox) as stage:
        stage.generate("A red fox", duration=10, sound=True)

        (task,) = stage.emulator.accepted
        assert (task.clip.prompt, task.clip.seconds, task.clip.sound) == ("A red fox", 10, True)
        assert stage.progress[-1].phase == "stored"


def test_a_fault_shows_as_often_as_it_was_ordered(tmp_path: Path) -> None:
    with Stage(tmp_path, Kie(), KieSandbox) as stage:
        stage.fault("rate_limit", times=2, retry_after=7)
        began = stage.clock()
        stage.generate()

        assert stage.conditions.faults == []
        assert stage.clock() - began > 2 * 7
        assert stage.paid == 1


def test_a_runner_takes_over_from_one_that_crashed(tmp_path: Path) -> None:
    """One that was never closed, whose process is gone for all others."""
    with Stage(tmp_path, Kie(), KieSandbox) as stage:
        stage.fault("reset_after_accept")
        with pytest.raises(OutcomeUnknown):
            stage.run(stage.make(stage.runner()))

        assert stage.task().state == "unknown"
        with pytest.raises(OutcomeUnknown):
            stage.generate()
        assert stage.paid == 1


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda each: str(each.name))
def test_a_plain_request_is_one_that_the_provider_takes(provider: Provider, tmp_path: Path) -> None:
    with Stage(tmp_path, provider, emulator(provider)) as stage:
        stage.generate()

        (task,) = stage.emulator.accepted
        assert task.clip.seconds in provider.limits.durations
