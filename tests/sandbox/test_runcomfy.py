"""What is particular to RunComfy."""

import base64
from collections.abc import Callable

import pytest
from kling26.core.hookspecs import Sandbox
from kling26.sandbox import runcomfy as module

from .conftest import Clock, RunComfyClient

URL = "https://pictures.example/heron.png"


def test_the_module_offers_its_sandbox() -> None:
    (offered,) = module.kling26_sandboxes()

    assert offered == Sandbox("runcomfy", build=module.RunComfySandbox, balance="/prod/v2")


def test_a_submit_returns_the_urls_of_the_request(runcomfy: RunComfyClient) -> None:
    body = runcomfy.submit().json()

    one = f"https://model-api.runcomfy.net/v1/requests/{body['request_id']}"
    assert body == {
        "request_id": body["request_id"],
        "status_url": f"{one}/status",
        "result_url": f"{one}/result",
        "cancel_url": f"{one}/cancel",
    }


def test_a_wrong_token_has_an_error_code(runcomfy: RunComfyClient) -> None:
    runcomfy.key = "wrong"
    answer = runcomfy.submit()

    assert (answer.status_code, answer.json()["error_code"]) == (401, 400004)


def test_a_lack_of_balance_comes_with_http_200(runcomfy: RunComfyClient) -> None:
    runcomfy.key = "broke"
    answer = runcomfy.submit()

    assert (answer.status_code, answer.json()["error_code"]) == (200, 400002)


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": None},
        {"duration": "5"},
        {"duration": 7},
        {"generate_audio": "on"},
        {"aspect_ratio": "4:3"},
        {"negative_prompt": 5},
    ],
)
def test_a_wrong_value_is_a_422_that_says_where(
    runcomfy: RunComfyClient, wrong: dict[str, object]
) -> None:
    answer = runcomfy.text_to_video(**wrong)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", *wrong]
    assert runcomfy.app.accepted == []


@pytest.mark.parametrize("extra", [{"seed": 1}, {"image_url": URL}, {"sound": True}])
def test_a_field_that_is_not_in_the_schema_is_refused(
    runcomfy: RunComfyClient, extra: dict[str, object]
) -> None:
    answer = runcomfy.text_to_video(**extra)

    assert answer.status_code == 422
    assert next(iter(extra)) in answer.json()["detail"][0]["msg"]


def test_a_picture_has_no_aspect_ratio(runcomfy: RunComfyClient) -> None:
    assert runcomfy.image_to_video(image_url=URL).status_code == 200
    assert runcomfy.image_to_video(image_url=URL, aspect_ratio="16:9").status_code == 422


@pytest.mark.parametrize("url", ["heron.png", 5, None])
def test_an_image_is_a_url(runcomfy: RunComfyClient, url: object) -> None:
    assert runcomfy.image_to_video(image_url=url).status_code == 422
    assert runcomfy.image_to_video().status_code == 422


def test_an_image_may_be_a_data_url_and_sets_the_aspect_ratio(
    runcomfy: RunComfyClient, base64_picture: Callable[..., str]
) -> None:
    runcomfy.image_to_video(image_url=f"data:image/png;base64,{base64_picture(300, 600)}")

    (task,) = runcomfy.app.accepted
    assert (task.clip.width, task.clip.height) == (160, 320)


def test_a_data_url_is_a_png_of_at_most_6_mib_and_32_megapixels(
    runcomfy: RunComfyClient, picture: Callable[..., bytes]
) -> None:
    def status(data: bytes, kind: str = "image/png") -> int:
        text = base64.b64encode(data).decode()
        return runcomfy.image_to_video(image_url=f"data:{kind};base64,{text}").status_code

    most, png = 6 * 1024 * 1024, picture()
    assert status(png) == status(png.ljust(most, b"\0")) == 200
    assert status(png.ljust(most + 1, b"\0")) == 422
    assert status(picture(8001, 4000)) == 422
    assert status(picture(300, 300, "JPEG")) == 422
    assert status(picture(300, 300, "JPEG"), "image/jpeg") == 422
    assert status(b"heron") == 422


def test_the_balance_falls_with_each_video_that_does_not_fail(runcomfy: RunComfyClient) -> None:
    runcomfy.id_of(runcomfy.text_to_video(generate_audio=False))
    runcomfy.finished("[fail]")
    body = runcomfy.get("/prod/v2/balance").json()

    assert body == {"balance_usd": 99.65, "currency": "USD"}
    runcomfy.key = "broke"
    assert runcomfy.get("/prod/v2/balance").json()["balance_usd"] == 0
    runcomfy.key = None
    assert runcomfy.get("/prod/v2/balance").status_code == 401


def test_sound_and_five_seconds_are_the_defaults(
    runcomfy: RunComfyClient,
) -> None:
    runcomfy.text_to_video()
    runcomfy.text_to_video(generate_audio=False, duration=10)

    usual, changed = (task.clip for task in runcomfy.app.accepted)
    assert (usual.sound, usual.seconds) == (True, 5)
    assert (changed.sound, changed.seconds) == (False, 10)


def test_an_unknown_model_has_an_error_code(runcomfy: RunComfyClient) -> None:
    submitted = runcomfy.post("/v1/models/kling/kling-9", {"prompt": "A heron"})
    looked_up = runcomfy.get("/v1/models/kling/kling-9")

    assert submitted.json()["error_code"] == looked_up.json()["error_code"] == 400001


def test_a_model_has_a_price(runcomfy: RunComfyClient) -> None:
    body = runcomfy.get("/v1/models/kling/kling-2-6/pro/text-to-video").json()

    assert body["model_id"] == "kling/kling-2-6/pro/text-to-video"
    assert (body["base_price_usd"], body["price_unit"]) == (0.07, "second")


def test_a_request_has_a_place_in_the_queue_only_while_queued(
    runcomfy: RunComfyClient, clock: Clock
) -> None:
    path = f"/v1/requests/{runcomfy.task()}/status"
    queued = runcomfy.get(path).json()
    clock.now += 1
    running = runcomfy.get(path).json()

    assert (queued["status"], queued["queue_position"]) == ("in_queue", 1)
    assert running["status"] == "in_progress"
    assert "queue_position" not in running
    assert "cancel_url" not in running


def test_a_status_spends_no_fault_of_the_link(
    runcomfy: RunComfyClient, fault: Callable[..., None]
) -> None:
    fault("success_without_url")
    task_id = runcomfy.finished()

    assert runcomfy.get(f"/v1/requests/{task_id}/status").json()["status"] == "completed"
    assert runcomfy.ask(task_id).json()["output"] == {}


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"generate_audio": False}, 0.35),
        ({"generate_audio": True}, 0.7),
        ({"generate_audio": True, "duration": 10}, 1.4),
    ],
)
def test_a_result_includes_its_cost_on_request(
    runcomfy: RunComfyClient, fields: dict[str, object], cost: float
) -> None:
    task_id = runcomfy.id_of(runcomfy.text_to_video(**fields))
    runcomfy.app.settle(task_id)

    result = runcomfy.get(f"/v1/requests/{task_id}/result", params={"include_cost": "true"}).json()
    assert result["cost"] == cost
    assert result["finished_at"] == "2026-09-21T14:13:20Z"
    assert "cost" not in runcomfy.ask(task_id).json()


def test_a_failed_request_has_an_error(runcomfy: RunComfyClient) -> None:
    body = runcomfy.ask(runcomfy.finished("[fail]")).json()

    assert body["status"] == "failed"
    assert body["error"]["message"] == runcomfy.app.failure
    assert "output" not in body


def test_a_request_can_be_cancelled_in_the_queue(runcomfy: RunComfyClient, clock: Clock) -> None:
    task_id = runcomfy.task()
    answer = runcomfy.post(f"/v1/requests/{task_id}/cancel")
    clock.now += 60

    assert answer.json() == {"status": "cancelled", "outcome": "cancellation_requested"}
    assert runcomfy.ask(task_id).json()["status"] == "cancelled"


def test_a_request_cannot_be_cancelled_once_it_runs(runcomfy: RunComfyClient, clock: Clock) -> None:
    task_id = runcomfy.task()
    clock.now += 1
    answer = runcomfy.post(f"/v1/requests/{task_id}/cancel")

    assert answer.json() == {"status": "in_progress", "outcome": "not_cancellable"}


def test_an_unknown_request_has_an_error_code(runcomfy: RunComfyClient) -> None:
    answers = [runcomfy.ask("1"), runcomfy.post("/v1/requests/1/cancel")]

    assert {(answer.status_code, answer.json()["error_code"]) for answer in answers} == {
        (404, 404001)
    }


def test_no_webhook_is_called(runcomfy: RunComfyClient) -> None:
    runcomfy.finished()
    (task,) = runcomfy.app.accepted

    assert runcomfy.app.callbacks == []
    assert list(runcomfy.app.calls(task)) == []
