"""What is particular to CometAPI: a gateway, and the Kling behind it."""

from collections.abc import Callable

import pytest
from kling26.core.hookspecs import Sandbox
from kling26.sandbox import cometapi as module

from .conftest import Clock, CometAPIClient

URL = "https://pictures.example/heron.png"


def test_the_module_offers_its_sandbox() -> None:
    (offered,) = module.kling26_sandboxes()

    assert offered == Sandbox("cometapi", build=module.CometAPISandbox, balance="")


def test_a_task_is_accepted_in_the_envelope_of_kling(cometapi: CometAPIClient) -> None:
    body = cometapi.text2video(external_task_id="mine-1").json()

    assert body["code"] == 0
    assert body["data"] == {
        "task_id": "1790000000000000000",
        "task_status": "submitted",
        "task_info": {"external_task_id": "mine-1"},
        "created_at": 1_790_000_000_000,
        "updated_at": 1_790_000_000_000,
    }


def test_a_wrong_key_is_refused_by_the_gateway(cometapi: CometAPIClient) -> None:
    cometapi.key = "wrong"
    answer = cometapi.submit()

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "comet_api_error"


def test_a_lack_of_credit_is_a_429_that_waiting_does_not_cure(
    cometapi: CometAPIClient,
) -> None:
    cometapi.key = "broke"
    answer = cometapi.submit()

    assert (answer.status_code, answer.json()["code"]) == (429, 1102)


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": "h" * 501},
        {"negative_prompt": "h" * 201},
        {"duration": 5},
        {"duration": "7"},
        {"sound": True},
        {"mode": "fast"},
        {"cfg_scale": 1.5},
        {"cfg_scale": "0.5"},
        {"aspect_ratio": "4:3"},
        {"model_name": "kling-2.6"},
        {"callback_url": "here"},
    ],
)
def test_a_wrong_value_is_refused_by_kling_with_the_name_of_the_field(
    cometapi: CometAPIClient, wrong: dict[str, object]
) -> None:
    answer = cometapi.text2video(**wrong)

    assert answer.status_code == 400
    assert answer.json()["code"] == 1201
    assert answer.json()["message"].startswith(f"{next(iter(wrong))}: ")
    assert cometapi.app.accepted == []


def test_a_prompt_is_required_unless_there_is_an_image(
    cometapi: CometAPIClient,
) -> None:
    assert cometapi.post("/kling/v1/videos/text2video", {}).json()["code"] == 1201
    assert cometapi.image2video(image=URL).json()["code"] == 0
    assert cometapi.image2video(prompt="A heron").json()["code"] == 1201


def test_sound_needs_mode_pro(cometapi: CometAPIClient) -> None:
    assert cometapi.text2video(sound="on").json()["code"] == 1201
    assert cometapi.text2video(sound="on", mode="pro").json()["code"] == 0


@pytest.mark.parametrize(
    ("more", "code"),
    [({"mode": "pro"}, 0), ({"mode": "std"}, 1201), ({"mode": "pro", "sound": "on"}, 1201)],
)
def test_a_last_frame_needs_mode_pro_and_silence(
    cometapi: CometAPIClient, more: dict[str, str], code: int
) -> None:
    assert cometapi.image2video(image=URL, image_tail=URL, **more).json()["code"] == code


def test_a_task_is_found_by_either_id(cometapi: CometAPIClient) -> None:
    task_id = cometapi.id_of(cometapi.text2video(external_task_id="mine-1"))

    assert cometapi.id_of(cometapi.ask(task_id)) == task_id
    assert cometapi.id_of(cometapi.ask("mine-1")) == task_id


def test_an_external_id_is_accepted_once(cometapi: CometAPIClient) -> None:
    first = cometapi.text2video(external_task_id="mine-1")
    second = cometapi.text2video(external_task_id="mine-1")

    assert first.json()["code"] == 0
    assert (second.status_code, second.json()["code"]) == (400, 1201)
    assert len(cometapi.app.accepted) == 1


def test_an_unknown_task_is_not_found_by_kling(cometapi: CometAPIClient) -> None:
    answer = cometapi.ask("1")

    assert (answer.status_code, answer.json()["code"]) == (404, 1203)


def test_a_task_of_the_other_kind_is_not_found(cometapi: CometAPIClient) -> None:
    task_id = cometapi.id_of(cometapi.image2video(image=URL))

    assert cometapi.ask(task_id).status_code == 404
    assert cometapi.get(f"/kling/v1/videos/image2video/{task_id}").status_code == 200


def test_a_finished_task_has_one_video(cometapi: CometAPIClient) -> None:
    task_id = cometapi.id_of(cometapi.text2video(duration="10"))
    cometapi.app.settle(task_id)

    (video,) = cometapi.ask(task_id).json()["data"]["task_result"]["videos"]
    assert video["duration"] == "10.0"
    assert video["url"].startswith("https://api.cometapi.com/results/")


def test_a_failed_task_is_reported_by_a_successful_response(cometapi: CometAPIClient) -> None:
    body = cometapi.ask(cometapi.finished("[fail]")).json()

    assert (body["code"], body["data"]["task_status"]) == (0, "failed")
    assert body["data"]["task_status_msg"] == cometapi.app.failure
    assert body["data"]["task_result"] == {}


def test_an_expired_link_is_renewed_by_a_status_request(
    cometapi: CometAPIClient, fault: Callable[..., None], clock: Clock
) -> None:
    fault("expired_link")
    task_id = cometapi.finished()
    first, second = (str(cometapi.url_of(cometapi.ask(task_id))) for _ in range(2))

    assert cometapi.get(first).status_code == 403
    assert cometapi.get(second).status_code == 200
    clock.now += 24 * 60 * 60
    assert cometapi.get(second).status_code == 403
    assert cometapi.url_of(cometapi.ask(task_id)) not in (first, second)


def test_a_picture_in_base64_decides_the_shape(
    cometapi: CometAPIClient, base64_picture: Callable[..., str]
) -> None:
    cometapi.image2video(image=base64_picture(600, 300), aspect_ratio="9:16")

    (task,) = cometapi.app.accepted
    assert (task.clip.width, task.clip.height) == (320, 160)


def test_a_picture_elsewhere_gives_the_usual_shape(cometapi: CometAPIClient) -> None:
    cometapi.image2video(image=URL, aspect_ratio="9:16")

    (task,) = cometapi.app.accepted
    assert (task.clip.width, task.clip.height) == (320, 180)


def test_base64_comes_without_a_prefix(
    cometapi: CometAPIClient, base64_picture: Callable[..., str]
) -> None:
    answer = cometapi.image2video(image=f"data:image/png;base64,{base64_picture()}")

    assert answer.json()["code"] == 1201
    assert "prefix" in answer.json()["message"]


@pytest.mark.parametrize("image", ["heron.png", "aGVyb24="])
def test_what_is_no_picture_is_refused(cometapi: CometAPIClient, image: str) -> None:
    assert cometapi.image2video(image=image).json()["code"] == 1201


def test_a_picture_over_ten_megabytes_is_refused(
    cometapi: CometAPIClient,
    base64_picture: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_IMAGE", 100)

    assert "10 MB" in cometapi.image2video(image=base64_picture()).json()["message"]


def test_a_small_picture_is_accepted_and_fails(
    cometapi: CometAPIClient, base64_picture: Callable[..., str]
) -> None:
    task_id = cometapi.id_of(cometapi.image2video(image=base64_picture(400, 299)))
    cometapi.app.settle(task_id)
    data = cometapi.get(f"/kling/v1/videos/image2video/{task_id}").json()["data"]

    assert (data["task_status"], data["task_status_msg"]) == ("failed", "Image pixel is invalid")


def test_a_last_frame_obeys_the_rules_of_the_first(
    cometapi: CometAPIClient, base64_picture: Callable[..., str]
) -> None:
    def refused(tail: str) -> str:
        answer = cometapi.image2video(image=URL, image_tail=tail, mode="pro").json()
        return str(answer["message"]) if answer["code"] else ""

    assert refused(base64_picture()) == refused(URL) == ""
    assert "prefix" in refused(f"data:image/png;base64,{base64_picture()}")
    assert "neither a URL nor" in refused("aGVyb24=")
    task_id = cometapi.id_of(
        cometapi.image2video(image=URL, image_tail=base64_picture(400, 299), mode="pro")
    )
    cometapi.app.settle(task_id)
    data = cometapi.get(f"/kling/v1/videos/image2video/{task_id}").json()["data"]
    assert data["task_status_msg"] == "Image pixel is invalid"


def test_the_balance_is_asked_for_with_the_key_in_the_query_alone(
    cometapi: CometAPIClient,
) -> None:
    cometapi.text2video(mode="pro", sound="on", duration="10")
    cometapi.text2video()
    cometapi.finished("[fail]")
    with_header = cometapi.get("/user/quota?key=key-1")
    cometapi.key = None
    left, none, wrong = (
        cometapi.get(f"/user/quota{query}") for query in ("?key=key-1", "", "?key=wrong")
    )

    assert left.json() == {
        "username": "sandbox",
        "total_quota": 98.39,
        "total_used_quota": 1.61,
        "request_count": 3,
        "keys": [{"name": "sandbox", "remain_quota": -1, "used_quota": 1.61}],
    }
    assert [each.status_code for each in (with_header, none, wrong)] == [401, 401, 401]
    assert cometapi.get("/user/quota?key=broke").json()["total_quota"] == 0


def test_a_key_in_a_query_is_never_kept(cometapi: CometAPIClient) -> None:
    cometapi.get("/user/quota?key=key-1&day=2")

    assert cometapi.app.requests[0].query == "key=…&day=2"
    assert "key-1" not in repr(cometapi.app.requests)


def test_every_change_of_state_calls_the_webhook(cometapi: CometAPIClient, clock: Clock) -> None:
    cometapi.text2video(callback_url="https://hooks.example/1")
    counts = []
    for _ in range(4):
        counts.append(len(cometapi.app.callbacks))
        clock.now += 1

    assert counts == [1, 2, 2, 3]
    bodies = [body for _, body in cometapi.app.callbacks]
    assert [body["task_status"] for body in bodies] == ["submitted", "processing", "succeed"]
    assert cometapi.get(bodies[2]["task_result"]["videos"][0]["url"]).is_success  # type: ignore[index]
