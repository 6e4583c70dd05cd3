"""fal.ai's own client gets along with the emulator, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import fal_client
import httpx
import pytest
from fal_client import Completed, FalClientHTTPError, InProgress, Queued, SyncClient
from kling26.sandbox import Conditions, Server, build_site
from kling26_fal import kling26_sandboxes
from kling26_fal_sandbox import REJECT_WORD

MODEL = "fal-ai/kling-video/v2.6/pro/text-to-video"
WAX = {"prompt": "Wax runs down a candle", "duration": "10", "generate_audio": False}
PICTURE = Path(__file__).with_name("grey.png").read_bytes()


class Clock:
    """What is said of a task moves the time on, so that a test waits for nothing."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, event: object) -> None:
        self.now += 10.0


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def client(clock: Clock) -> Iterator[SyncClient]:
    """The client, which goes to the emulator in place of https://queue.fal.run."""
    site = build_site(kling26_sandboxes(), Conditions(clock=clock, queued=5.0, running=10.0))
    client = SyncClient(key="any")
    with Server(site) as server, pytest.MonkeyPatch.context() as patch:
        # Its host can be chosen by an environment variable, but only with https.
        patch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{server.url}/fal/")
        patch.setattr(fal_client.client, "REST_URL", f"{server.url}/fal")
        yield client
        client._client.close()  # It offers no way to close it.


def test_a_task_is_followed_to_its_result(client: SyncClient, clock: Clock) -> None:
    handle = client.submit(MODEL, WAX, webhook_url="https://me.example/wax")
    events = []
    for event in handle.iter_events(with_logs=True, interval=0):
        events.append(event)
        clock.pass_by(event)

    assert events[0] == Queued(position=0)
    assert events[1] == InProgress(logs=[])
    assert isinstance(events[2], Completed)
    assert (events[2].logs, events[2].error) == ([], None)
    video = handle.get(interval=0)["video"]
    with httpx.Client() as browser:
        assert len(browser.get(video["url"]).content) == video["file_size"]


def test_it_subscribes(client: SyncClient, clock: Clock) -> None:
    result = client.subscribe(MODEL, WAX, interval=0, on_queue_update=clock.pass_by)

    assert result["video"]["content_type"] == "video/mp4"


def test_a_picture_is_stored_and_animated(client: SyncClient, clock: Clock) -> None:
    url = client.upload(PICTURE, "image/png", file_name="grey.png", repository="fal")
    model = MODEL.replace("text", "image")
    wax = {"prompt": WAX["prompt"], "start_image_url": url}

    assert client.subscribe(model, wax, interval=0, on_queue_update=clock.pass_by)["video"]


def test_what_waits_is_cancelled_and_what_has_ended_is_not(
    client: SyncClient, clock: Clock
) -> None:
    handle, other = client.submit(MODEL, WAX), client.submit(MODEL, WAX)
    handle.cancel()
    clock.pass_by(handle)
    clock.pass_by(handle)

    with pytest.raises(FalClientHTTPError) as gone:
        handle.status()
    with pytest.raises(FalClientHTTPError) as late:
        other.cancel()
    assert (gone.value.status_code, late.value.status_code) == (404, 400)


@pytest.mark.parametrize(
    ("key", "change", "status", "words"),
    [
        ("wrong", {}, 401, "key"),
        ("broke", {}, 403, "Exhausted balance"),
        ("any", {"duration": "7"}, 422, "duration"),
    ],
)
def test_refusals(
    client: SyncClient, key: str, change: dict[str, str], status: int, words: str
) -> None:
    headers = {"Authorization": f"Key {key}"}

    with pytest.raises(FalClientHTTPError, match=words) as refused:
        client.submit(MODEL, WAX | change, headers=headers)

    assert refused.value.status_code == status


def test_a_result_may_be_an_error(client: SyncClient, clock: Clock) -> None:
    wax = WAX | {"prompt": f"Wax {REJECT_WORD}"}

    with pytest.raises(FalClientHTTPError, match="content_policy_violation"):
        client.subscribe(MODEL, wax, interval=0, on_queue_update=clock.pass_by)
