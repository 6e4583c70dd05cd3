"""What is particular to kie.ai."""

import json
from collections.abc import Callable

import pytest
from kling26.core.hookspecs import Sandbox
from kling26.sandbox import kie as module

from .conftest import Clock, KieClient

I2V = "kling-2.6/image-to-video"
URL = "https://pictures.example/heron.png"


def test_the_module_offers_its_sandbox() -> None:
    assert module.kling26_sandboxes() == [Sandbox("kie", build=module.KieSandbox, uploads="")]


def test_a_task_is_accepted_in_the_envelope_of_kie(kie: KieClient) -> None:
    answer = kie.submit()

    assert answer.json() == {
        "code": 200,
        "msg": "success",
        "data": {"taskId": "task_kling-2.6_1790000000000"},
    }


def test_a_request_is_kept_as_it_arrived(kie: KieClient) -> None:
    kie.submit()
    kie.ask("task_1")
    submitted, asked = kie.app.requests

    assert (submitted.method, submitted.path) == ("POST", "/api/v1/jobs/createTask")
    assert submitted.json == kie.app.accepted[0].body
    assert (asked.method, asked.query) == ("GET", "taskId=task_1")


def test_a_key_with_wrong_in_it_is_refused_in_the_envelope_of_kie(kie: KieClient) -> None:
    kie.key = "wrong"
    answer = kie.submit()

    assert answer.status_code == 200
    assert answer.json()["code"] == 401


def test_a_key_without_credit_is_a_code_402(kie: KieClient) -> None:
    kie.key = "broke"

    assert kie.submit().json()["code"] == 402


@pytest.mark.parametrize("field", ["prompt", "sound", "aspect_ratio", "duration"])
def test_a_missing_field_is_a_code_500(kie: KieClient, field: str) -> None:
    answer = kie.create(**{field: None})

    assert answer.status_code == 200
    assert answer.json() == {"code": 500, "msg": "This field is required", "data": None}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": "h" * 2501},
        {"prompt": 5},
        {"sound": "on"},
        {"sound": 1},
        {"duration": 5},
        {"duration": "7"},
        {"aspect_ratio": "4:3"},
    ],
)
def test_a_wrong_value_is_a_code_422_that_names_the_field(
    kie: KieClient, wrong: dict[str, object]
) -> None:
    answer = kie.create(**wrong)

    assert answer.status_code == 200
    assert answer.json()["code"] == 422
    assert answer.json()["msg"].startswith(f"input.{next(iter(wrong))}: ")
    assert kie.app.accepted == []


def test_the_longest_prompt_is_taken(kie: KieClient) -> None:
    assert kie.create(prompt="h" * 2500).json()["code"] == 200


@pytest.mark.parametrize("body", [{"model": "kling-9"}, {"model": 26}, [], None])
def test_a_body_without_a_known_model_is_refused(kie: KieClient, body: object) -> None:
    assert kie.post("/api/v1/jobs/createTask", body).json()["code"] == 422


def test_a_body_without_a_model_lacks_a_field(kie: KieClient) -> None:
    assert kie.post("/api/v1/jobs/createTask", {}).json()["code"] == 500


def test_an_unknown_field_is_ignored(kie: KieClient) -> None:
    assert kie.create(mode="pro").json()["code"] == 200


@pytest.mark.parametrize("urls", [[], [URL, URL], URL, ["heron.png"], [5]])
def test_an_image_is_exactly_one_url_in_a_list(kie: KieClient, urls: object) -> None:
    assert kie.create(I2V, image_urls=urls).json()["code"] == 422
    assert kie.create(I2V, image_urls=[URL]).json()["code"] == 200


def test_a_picture_without_aspect_ratio_is_enough(kie: KieClient) -> None:
    assert kie.create(I2V, image_urls=[URL], aspect_ratio=None).json()["code"] == 200
    assert kie.create(I2V).json()["code"] == 500


def test_the_prompt_beside_a_picture_is_shorter(kie: KieClient) -> None:
    assert kie.create(I2V, image_urls=[URL], prompt="h" * 1001).json()["code"] == 422


def test_a_running_task_repeats_its_parameters_and_has_no_result(
    kie: KieClient, clock: Clock
) -> None:
    task_id = kie.task()
    clock.now += 1.5
    data = kie.ask(task_id).json()["data"]

    assert json.loads(data["param"])["input"]["duration"] == "5"
    assert data["state"] == "generating"
    assert data["resultJson"] is data["failCode"] is data["completeTime"] is None
    assert data["createTime"] == 1_790_000_000_000
    assert data["updateTime"] == 1_790_000_001_500


def test_a_task_is_waiting_and_then_queuing(kie: KieClient, clock: Clock) -> None:
    task_id = kie.task()
    clock.now += 0.6

    assert kie.state_of(kie.ask(task_id)) == "queuing"


@pytest.mark.parametrize(
    ("sound", "duration", "credits"), [(False, "5", 55), (True, "5", 110), (True, "10", 220)]
)
def test_a_finished_task_reports_its_price(
    kie: KieClient, sound: bool, duration: str, credits: int
) -> None:
    task_id = kie.id_of(kie.create(sound=sound, duration=duration))
    kie.app.settle(task_id)

    assert kie.ask(task_id).json()["data"]["creditsConsumed"] == credits
    assert kie.get("/api/v1/chat/credit").json() == {
        "code": 200,
        "msg": "success",
        "data": 10_000 - credits,
    }


def test_a_failed_task_says_why_and_costs_nothing(kie: KieClient) -> None:
    data = kie.ask(kie.finished("[fail]")).json()["data"]

    assert (data["state"], data["failCode"]) == ("fail", "500")
    assert "creditsConsumed" not in data
    assert data["failMsg"] == kie.app.failure
    assert kie.get("/api/v1/chat/credit").json()["data"] == 10_000


def test_an_unknown_task_is_a_code_422_without_data(kie: KieClient) -> None:
    answer = kie.ask("task_1")

    assert answer.status_code == 200
    assert answer.json() == {"code": 422, "msg": "recordInfo is null", "data": None}


def test_a_status_request_must_name_a_task(kie: KieClient) -> None:
    assert kie.get("/api/v1/jobs/recordInfo").json()["code"] == 400


def test_twenty_tasks_in_ten_seconds_are_taken_and_no_more(kie: KieClient, clock: Clock) -> None:
    codes = [kie.submit().json()["code"] for _ in range(21)]
    refused = kie.submit()
    clock.now += 10

    assert codes == [200] * 20 + [429]
    assert refused.status_code == 429
    assert kie.submit().json()["code"] == 200
    assert len(kie.app.accepted) == 21


def test_the_limit_counts_for_each_account(kie: KieClient) -> None:
    for _ in range(20):
        kie.submit()
    kie.key = "key-2"

    assert kie.submit().status_code == 200


def test_maintenance_is_a_code_455(kie: KieClient, fault: Callable[..., None]) -> None:
    fault("maintenance")
    answer = kie.submit()

    assert (answer.status_code, answer.json()["code"]) == (455, 455)


def test_an_expired_link_is_repeated_until_it_is_renewed(
    kie: KieClient, fault: Callable[..., None], clock: Clock
) -> None:
    fault("expired_link")
    task_id = kie.finished()
    links = [kie.url_of(kie.ask(task_id)) for _ in range(2)]
    assert links[0] == links[1]
    assert kie.get(str(links[0])).status_code == 403

    fresh = kie.post("/api/v1/common/download-url", {"url": links[0]}).json()["data"]
    assert kie.get(fresh).status_code == 200
    clock.now += 20 * 60
    assert kie.get(fresh).status_code == 403


@pytest.mark.parametrize(
    "body", [{"url": URL}, {"url": "https://api.kie.ai/results/0/no.mp4"}, {"url": 5}, {}, []]
)
def test_only_a_result_of_ours_can_be_renewed(kie: KieClient, body: object) -> None:
    assert kie.post("/api/v1/common/download-url", body).json()["code"] == 422


def test_a_finished_task_calls_its_webhook(kie: KieClient) -> None:
    task_id = kie.id_of(kie.create(callBackUrl="https://hooks.example/1"))
    assert kie.app.callbacks == []
    kie.app.settle(task_id)

    ((url, body),) = kie.app.callbacks
    assert url == "https://hooks.example/1"
    assert body["code"] == 200
    data = body["data"]
    assert isinstance(data, dict)
    assert data["state"] == "success"
    assert kie.get(json.loads(data["resultJson"])["resultUrls"][0]).status_code == 200


def test_a_failed_task_calls_its_webhook_with_a_code_501(kie: KieClient) -> None:
    hook = "https://hooks.example/1"
    kie.app.settle(kie.id_of(kie.create(prompt="[fail]", callBackUrl=hook)))

    ((_, body),) = kie.app.callbacks
    assert body["code"] == 501


def test_a_webhook_must_be_a_url(kie: KieClient) -> None:
    assert kie.create(callBackUrl="here").json()["code"] == 422
