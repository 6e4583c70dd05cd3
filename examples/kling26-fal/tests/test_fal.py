"""fal.ai: what every provider has to pass, exchanges with the API, and the wheel."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from kling26.core import KeyRejected, OutOfCredit, Refused, TaskFailed, Ticket, VideoRequest
from kling26.testing import ProviderTests, Replay, cassette, check_wheel
from kling26_fal import Fal, kling26_sandboxes

FROST = VideoRequest("Frost ferns grow across a window pane, ice creaks")
SOUND = VideoRequest(FROST.prompt, sound=True)
SNOW = VideoRequest("Snow falls behind the pane", Path(__file__).with_name("grey.png"), duration=10)
DONE, WAITS = {"status": "COMPLETED"}, {"status": "IN_QUEUE"}
ASKED, LATE = {"status": "CANCELLATION_REQUESTED"}, {"status": "ALREADY_COMPLETED"}
WHY = {"detail": [{"msg": "Not allowed", "type": "policy"}]}


class TestFal(ProviderTests):
    provider = Fal()
    sandbox = kling26_sandboxes()[0]
    texts = ("duration",)


@pytest.mark.parametrize(("error", "request_"), [
    cassette("fal/text_to_video_with_sound", None, SOUND),
    cassette("fal/image_to_video", None, SNOW),
    cassette("fal/refused_key", KeyRejected, FROST, key="not-a-key"),
    cassette("fal/refused_credit", OutOfCredit, FROST, written="it needs an empty account"),
    cassette("fal/refused_input", Refused, FROST, written="what is refused is up to the service"),
    cassette("fal/failed_task", TaskFailed, FROST, written="tasks do not fail at will"),
    cassette("fal/failed_result", TaskFailed, FROST, written="tasks do not fail at will"),
])  # fmt: skip
def test_an_exchange(replay: Replay, error: Any, request_: VideoRequest) -> None:
    options = {"negative_prompt": "people", "cfg_scale": 0.7} if request_.sound else {}
    with pytest.raises(error) if error else nullcontext():
        assert replay.generate(request_, "fal", options).file.stat().st_size > 0


@pytest.mark.parametrize(("flow", "replies", "found"), [
    ("poll", [DONE, httpx.Response(500, json=WHY)], "failed"),
    ("poll", [DONE, httpx.Response(400, json={"detail": "Request is in progress"})], "running"),
    ("poll", [DONE | {"error": "Gone", "error_type": "client_cancelled"}], "cancelled"),
    ("cancel", [WAITS, ASKED, WAITS], True), ("cancel", [WAITS, ASKED, DONE | WHY], True),
    ("cancel", [WAITS, ASKED, DONE], False), ("cancel", [WAITS, httpx.Response(400, json=LATE)], 0),
    ("cancel", [{"status": "IN_PROGRESS"}], False),
])  # fmt: skip
def test_what_an_answer_means(talk: Any, flow: str, replies: list[object], found: object) -> None:
    value = talk(getattr(Fal(), flow)(Ticket("r-1")), *replies)
    assert getattr(value, "state", value) == found


def test_the_wheel_has_all_that_it_needs() -> None:
    check_wheel(Path(__file__).parents[1])
