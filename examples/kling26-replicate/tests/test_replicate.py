"""Replicate: the tests that every provider has to pass, exchanges with the API, and the wheel."""

from pathlib import Path

import httpx
import pytest
from kling26.core import KeyRejected, OutOfCredit, Ticket, TryLater, VideoRequest
from kling26.testing import PICTURE, Conversation, ProviderTests, Replay, check_wheel
from kling26_replicate import ReplicateProvider
from kling26_replicate_sandbox import ReplicateSandbox

OTTER = VideoRequest("An otter turns over in a slow green river", sound=True)


class TestReplicate(ProviderTests):
    provider = ReplicateProvider()
    sandbox = ReplicateSandbox


@pytest.mark.cassette("replicate/text_to_video")
def test_text_to_video(replay: Replay) -> None:
    assert replay.generate(OTTER, "replicate", {"negative_prompt": "people"}).file.exists()


@pytest.mark.cassette("replicate/image_to_video")
def test_image_to_video(replay: Replay) -> None:
    assert replay.generate(VideoRequest("Ripples", PICTURE, duration=10), "replicate").file.exists()


@pytest.mark.cassette("replicate/refused_key", key="not-a-key")
def test_a_key_that_is_refused(replay: Replay) -> None:
    with pytest.raises(KeyRejected, match="Replicate does not accept the key"):
        replay.generate(OTTER, "replicate")


@pytest.mark.cassette("replicate/no_credit", fault="no_credit")
def test_an_empty_account(replay: Replay) -> None:
    with pytest.raises(OutOfCredit, match=r"to run this model\. Nothing was paid\.$"):
        replay.generate(OTTER, "replicate")


def test_replicate_says_how_long_to_wait(talk: Conversation) -> None:
    slow = httpx.Response(429, json={"detail": "Throttled."}, headers={"Retry-After": "7"})
    with pytest.raises(TryLater) as caught:
        talk(ReplicateProvider().poll(Ticket("p1")), slow)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("began", [None, "2026-11-20T10:00:00Z"])
def test_cancel_is_true_only_if_nothing_began(talk: Conversation, began: str | None) -> None:
    end = {"id": "p1", "status": "canceled", "started_at": began}
    flow = ReplicateProvider().cancel(Ticket("p1"))
    assert talk(flow, {"id": "p1", "status": "starting"}, end, end) is (began is None)


def test_the_wheel_has_all_that_it_needs() -> None:
    check_wheel(Path(__file__).parents[1])
