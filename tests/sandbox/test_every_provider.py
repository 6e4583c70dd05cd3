"""What is true of every emulator: keys, states, links, and each fault as a client sees it."""

import asyncio
from collections.abc import Callable
from typing import get_args

import httpx
import pytest
from kling26.sandbox import FAULTS, Conditions, Fault, FaultName

from .conftest import Client, Clock

pytestmark = pytest.mark.no_cover

AddFault = Callable[..., None]


def test_a_submitted_task_is_accepted_once_with_its_body(client: Client) -> None:
    task_id = client.task("A heron")

    (task,) = client.app.accepted
    assert task.id == task_id
    assert "A heron" in str(task.body)


def test_every_task_has_an_id_of_its_own_even_in_one_moment(client: Client) -> None:
    assert len({client.task() for _ in range(5)}) == 5


def test_a_task_waits_then_works_then_is_done(client: Client, clock: Clock) -> None:
    task_id = client.task()
    states = []
    for seconds in (0.0, 1.0, 2.0):
        clock.now += seconds
        states.append(client.state_of(client.ask(task_id)))

    assert states in (
        ["waiting", "generating", "success"],
        ["submitted", "processing", "succeed"],
        ["in_queue", "in_progress", "completed"],
    )


def test_a_finished_task_has_a_link_to_a_video(client: Client) -> None:
    answer = client.get(client.link())

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.content[4:8] == b"ftyp"


def test_a_link_needs_no_key(client: Client) -> None:
    url = client.link()
    client.key = None

    assert client.get(url).status_code == 200


def test_there_is_no_video_before_the_task_is_done(client: Client) -> None:
    assert client.get(f"/results/0/{client.task()}.mp4").status_code == 404


@pytest.mark.parametrize("path", ["/results/7/{}.mp4", "/results/0/another{}.mp4"])
def test_a_link_that_was_never_given_leads_nowhere(client: Client, path: str) -> None:
    assert client.get(path.format(client.finished())).status_code == 404


def test_a_path_that_nobody_serves_is_not_found(client: Client) -> None:
    assert client.get("/nowhere").status_code == 404


@pytest.mark.parametrize("key", ["a-wrong-key", "", None])
def test_a_wrong_or_missing_key_makes_no_task(client: Client, key: str | None) -> None:
    client.key = key
    answer = client.submit()

    assert client.app.accepted == []
    assert "401" in answer.text or answer.status_code == 401


def test_only_the_listed_keys_are_known_if_there_is_a_list(
    client: Client, conditions: Conditions
) -> None:
    conditions.keys = {"key-2"}
    client.submit()
    assert client.app.accepted == []

    client.key = "key-2"
    client.submit()
    assert len(client.app.accepted) == 1


def test_a_key_is_seen_but_never_kept(client: Client) -> None:
    client.submit()

    (request,) = client.app.requests
    assert request.authorised
    assert request.method == "POST"
    assert "key-1" not in repr(client.app.requests) + repr(client.app.accepted)


def test_a_key_without_credit_makes_no_task(client: Client) -> None:
    client.key = "broke"
    client.submit()

    assert client.app.accepted == []


def test_a_body_that_is_no_json_makes_no_task(client: Client) -> None:
    client.submit()
    path = client.app.requests[0].path
    client.request("POST", path, content=b"{")

    assert len(client.app.accepted) == 1


def test_a_prompt_with_fail_in_it_makes_a_task_that_fails(client: Client) -> None:
    answer = client.ask(client.finished("A heron [fail]"))

    assert client.state_of(answer) in ("fail", "failed")
    assert client.app.failure in answer.text


def test_a_prompt_may_contain_a_lone_surrogate(client: Client) -> None:
    path = client.app.requests[0].path if client.submit() else ""
    body = client.app.requests[0].body.replace(b"heron", b"\\ud83d")
    answer = client.request("POST", path, content=body)

    assert client.get(client.url_of(client.ask(_settled(client, answer))) or "").is_success


def _settled(client: Client, answer: httpx.Response) -> str:
    task_id = client.id_of(answer)
    client.app.settle(task_id)
    return task_id


def test_an_unknown_task_cannot_be_settled(client: Client) -> None:
    with pytest.raises(KeyError):
        client.app.settle("nothing")


def test_a_link_expires_after_a_day(client: Client, clock: Clock) -> None:
    url = client.link()
    clock.now += 24 * 60 * 60

    assert client.get(url).status_code == 403


# Faults at submit


@pytest.mark.parametrize(
    "name", ["rate_limit", "rate_limit_in_body", "maintenance", "no_credit", "error_before_accept"]
)
def test_a_refused_submit_creates_no_task(client: Client, fault: AddFault, name: FaultName) -> None:
    fault(name, retry_after=7)
    answer = client.submit()

    assert client.app.accepted == []
    assert answer.headers["retry-after"] == "7"
    assert client.submit().is_success, "a fault shows once"


def test_a_rate_limit_is_http_429(client: Client, fault: AddFault) -> None:
    fault("rate_limit", times=2)

    assert [client.submit().status_code for _ in range(3)] == [429, 429, 200]


def test_a_rate_limit_in_the_body_is_http_200(client: Client, fault: AddFault) -> None:
    fault("rate_limit_in_body")

    assert client.submit().status_code == 200
    assert client.app.accepted == []


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize(("name", "tasks"), [("error_before_accept", 0), ("error_after_accept", 1)])
def test_a_server_error_looks_the_same_before_and_after_the_task_was_made(
    client: Client, fault: AddFault, name: FaultName, tasks: int, status: int
) -> None:
    fault(name, status=status)

    assert client.submit().status_code == status
    assert len(client.app.accepted) == tasks


@pytest.mark.parametrize(("name", "tasks"), [("reset_before_accept", 0), ("reset_after_accept", 1)])
def test_a_connection_breaks_before_or_after_the_task_was_made(
    client: Client, fault: AddFault, name: FaultName, tasks: int
) -> None:
    fault(name)
    with pytest.raises(httpx.ReadError):
        client.submit()

    assert len(client.app.accepted) == tasks


def test_an_answer_breaks_off_after_the_id(client: Client, fault: AddFault) -> None:
    fault("cut_body_with_id")
    with pytest.raises(httpx.ReadError):
        client.submit()

    (task,) = client.app.accepted
    assert f'"{task.id}"' in b"".join(client.arrived).decode()


def test_an_answer_breaks_off_before_the_id(client: Client, fault: AddFault) -> None:
    fault("cut_body_without_id")
    with pytest.raises(httpx.ReadError):
        client.submit()

    (task,) = client.app.accepted
    assert client.arrived
    assert task.id not in b"".join(client.arrived).decode()


def test_a_task_is_made_but_a_web_page_comes(client: Client, fault: AddFault) -> None:
    fault("html_page")
    answer = client.submit()

    assert answer.headers["content-type"].startswith("text/html")
    assert len(client.app.accepted) == 1


def test_a_slow_answer_comes_in_the_end(client: Client, fault: AddFault, clock: Clock) -> None:
    fault("slow", seconds=90)

    assert client.submit().status_code == 200
    assert clock.slept == [90]


def test_an_impatient_client_times_out_on_a_slow_answer(
    client: Client, conditions: Conditions, fault: AddFault
) -> None:
    conditions.sleep, client.patience = asyncio.sleep, 0.05
    fault("slow")
    with pytest.raises(httpx.ReadTimeout):
        client.submit()

    assert len(client.app.accepted) == 1


def test_a_body_that_is_refused_spends_no_fault_of_an_accepted_one(
    client: Client, conditions: Conditions, fault: AddFault
) -> None:
    fault("html_page")
    client.submit(prompt=5)  # type: ignore[arg-type]

    assert conditions.faults == [Fault("html_page")]


# Faults at polling


@pytest.mark.parametrize(("name", "status"), [("poll_429", 429), ("poll_503", 503)])
def test_a_status_request_is_refused_for_now(
    client: Client, fault: AddFault, name: FaultName, status: int
) -> None:
    task_id = client.finished()
    fault(name, retry_after=2)
    answer = client.ask(task_id)

    assert answer.status_code == status
    assert answer.headers["retry-after"] == "2"
    assert client.url_of(client.ask(task_id))


def test_the_connection_of_a_status_request_breaks(client: Client, fault: AddFault) -> None:
    task_id = client.task()
    fault("poll_reset")

    with pytest.raises(httpx.ReadError):
        client.ask(task_id)


def test_a_status_request_gets_a_web_page(client: Client, fault: AddFault) -> None:
    task_id = client.task()
    fault("poll_html")

    assert client.ask(task_id).text.startswith("<!DOCTYPE html>")


def test_a_status_answer_has_the_wrong_types(client: Client, fault: AddFault) -> None:
    task_id = client.task()
    fault("poll_wrong_types")

    assert isinstance(client.state_of(client.ask(task_id)), int)


def test_a_state_is_one_that_nobody_knows(client: Client, fault: AddFault) -> None:
    task_id = client.task()
    fault("poll_unknown_state")

    assert client.state_of(client.ask(task_id)) == "moderating"


def test_a_status_request_gets_an_error_under_http_200(client: Client, fault: AddFault) -> None:
    task_id = client.task()
    fault("poll_error_in_200")
    answer = client.ask(task_id)

    assert answer.status_code == 200
    assert "error" in answer.text.lower()
    assert task_id not in answer.text


def test_a_denied_task_looks_like_an_unknown_one(client: Client, fault: AddFault) -> None:
    task_id = client.task()
    fault("poll_no_such_task")
    denied, unknown, known = client.ask(task_id), client.ask("nothing"), client.ask(task_id)

    assert denied.status_code == unknown.status_code
    assert denied.json().keys() == unknown.json().keys()
    assert task_id in known.text


# Faults at the end


def test_a_task_fails_at_the_provider_and_stays_failed(client: Client, fault: AddFault) -> None:
    task_id = client.finished()
    fault("failed_task")
    states = {client.state_of(client.ask(task_id)) for _ in range(2)}

    assert states in ({"fail"}, {"failed"})


def test_success_comes_before_the_link_for_some_polls(client: Client, fault: AddFault) -> None:
    task_id = client.finished()
    fault("success_without_url", times=2)
    answers = [client.ask(task_id) for _ in range(3)]

    assert len({str(client.state_of(answer)) for answer in answers}) == 1
    assert [bool(client.url_of(answer)) for answer in answers] == [False, False, True]


@pytest.mark.parametrize(("given", "seconds"), [({}, 5), ({"seconds": 40}, 40)])
def test_success_comes_before_the_link_for_some_seconds(
    client: Client, fault: AddFault, clock: Clock, given: dict[str, float], seconds: float
) -> None:
    task_id = client.finished()
    fault("late_url", **given)
    assert client.url_of(client.ask(task_id)) is None
    clock.now += seconds - 1
    assert client.url_of(client.ask(task_id)) is None
    clock.now += 1

    assert client.url_of(client.ask(task_id))


def test_the_cost_comes_later_than_the_video(client: Client, fault: AddFault) -> None:
    def answer() -> httpx.Response:
        extra = "&include_cost=true" if "result" in client.app.requests[-1].path else ""
        seen = client.app.requests[-1]
        return client.get(f"{seen.path}?{seen.query}{extra}")

    client.ask(client.finished())
    fault("late_cost", times=2)
    answers = [answer() for _ in range(3)]

    assert all(client.url_of(each) for each in answers)
    known = [any(name in each.text for name in client.app.cost_names) for each in answers]
    assert known == [False, False, bool(client.app.cost_names)]


def test_the_faults_of_an_end_come_in_their_order(client: Client, fault: AddFault) -> None:
    task_id = client.finished()
    fault("success_without_url")
    fault("failed_task")
    states = [str(client.state_of(client.ask(task_id))) for _ in range(2)]

    assert states[0].startswith(("succe", "completed"))
    assert states[1].startswith("fail")


def test_every_fault_is_described_in_one_sentence() -> None:
    assert list(FAULTS) == list(get_args(FaultName))
    assert all(sentence.endswith(".") for sentence in FAULTS.values())
