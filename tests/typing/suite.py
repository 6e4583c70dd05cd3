"""A suite as a third party would write it; `mypy --strict` reads it, nothing runs."""

from typing import assert_type

from kling26.core import Status, Ticket, VideoRequest
from kling26.core.runner.results import Video
from kling26.providers.kie import Kie
from kling26.sandbox import Emulator
from kling26.sandbox.kie import KieSandbox
from kling26.testing import Conversation, ProviderTests, Replay, Stages


class TestKie(ProviderTests):
    provider = Kie()
    sandbox = KieSandbox
    texts = ("duration",)


def test_by_hand(talk: Conversation) -> None:
    assert_type(talk(Kie().poll(Ticket("v1")), {"code": 200}), Status)


def test_on_a_stage(stage: Stages) -> None:
    on_stage = stage(Kie(), KieSandbox)
    on_stage.fault("rate_limit", times=2, retry_after=7)
    on_stage.fault("no_such_fault")  # type: ignore[arg-type]

    assert_type(on_stage.generate("A red fox", duration=10, sound=True), Video)
    on_stage.generate(aspect_ratio=4 / 3)  # type: ignore[arg-type]
    assert_type(on_stage.emulator, Emulator)
    assert_type(on_stage.paid, int)


def test_replayed(replay: Replay) -> None:
    assert_type(replay.generate(VideoRequest("A red fox"), "kie"), Video)
