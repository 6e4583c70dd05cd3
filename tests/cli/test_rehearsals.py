"""A rehearsal shows its fault, and never says that anything was paid."""

import re
from pathlib import Path
from typing import Any

import pytest
from kling26.cli import interrupts, texts
from PIL import Image

from .test_texts import PROVIDERS, STATES, task

#: What a rehearsal must not say, and where it must not send anybody.
OF_MONEY = re.compile(r"\bpaid\b|charged|spent|Top up|https://(?!127)", re.IGNORECASE)
#: What is seen of a fault, after which the video arrives all the same.
SEEN = {
    "upload_500": "temporarily unavailable (HTTP 500). Trying again in 1 s.",
    "rate_limit": "Too many tasks in a short time (code 429). Trying again in 1 s.",
    "maintenance": "Under maintenance (code 455). Trying again in 1 s.",
    "cut_body_with_id": "The answer came damaged, but the task's id is in it.",
    "poll_503": "is temporarily unavailable (HTTP 503).",
    "poll_reset": "did not answer (the connection broke).",
    "poll_unknown_state": "reported the unknown state 'moderating'",
    "success_without_url": "has finished the video, but sent no URL yet.",
    "download_403": "The video could not be fetched: the link answered HTTP 403. Looking for",
    "download_500": "The download was interrupted: the link answered HTTP 500. Trying again.",
    "cut_download": r" kB; going on.",
    "junk_video": "did not lead to a playable video",
}
#: Faults after which no video arrives.
OTHERS = (
    "no_credit", "error_before_accept", "reset_after_accept", "cut_body_without_id", "html_page",
    "failed_task",
)  # fmt: skip


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    user = user_of(tmp_path_factory.mktemp("user"))
    Image.new("RGB", (300, 300), "teal").save(user.folder / "picture.png")
    return user


@pytest.fixture(scope="module")
def rehearsed(user: Any) -> dict[str, Any]:
    """What became of rehearsals of these faults."""
    return {
        fault: user.call(
            "generate", f"Fault {fault}", "--sandbox", "--timeout", "1h",
            *(("--image", "picture.png") if fault.startswith("upload") else ()),
            KLING26_SANDBOX_FAULTS=fault,
        )
        for fault in (*SEEN, *OTHERS)
    }  # fmt: skip


def test_no_rehearsal_speaks_of_money(rehearsed: Any, user: Any) -> None:
    unknown = [each["task"] for each in user.call("tasks", "--open", "--json").objects]
    said = [ran.out + ran.err for ran in rehearsed.values()]
    for line in (("tasks",), ("resume",), ("cancel", unknown[0]), ("adopt", unknown[0], "no-id")):
        ran = user.call(*line)
        said.append(ran.out + ran.err)

    assert len(unknown) > 3
    assert [text for text in said if OF_MONEY.search(text)] == []


@pytest.mark.parametrize("fault", SEEN)
def test_a_rehearsed_fault_is_seen(rehearsed: Any, fault: str) -> None:
    ran = rehearsed[fault]

    assert SEEN[fault] in ran.err
    assert ran.status == 0
    assert ran.err.splitlines()[-1].startswith("Rehearsed with kie.ai's emulator in ")


def test_a_download_that_breaks_off_says_how_far_it_got(rehearsed: Any) -> None:
    assert re.search(
        r"k26-\w+: The download broke off at \d+ of \d+ kB; going on\.$",
        rehearsed["cut_download"].err,
        re.MULTILINE,
    )


def test_a_timeout_of_a_rehearsal_speaks_of_no_money(tmp_path: Path, user_of: Any) -> None:
    ran = user_of(tmp_path).call("generate", "A snail", "--sandbox", "--timeout", "1")

    assert ran.status == 5
    assert ran.err.splitlines()[-1].startswith(
        "Time ran out while kie.ai's emulator was still making the video. Fetch it with: "
    )


def test_how_a_rehearsed_task_stands_speaks_of_no_money() -> None:
    for real in STATES.values():
        rehearsal = task(real.state, realm="sandbox", sending=real.sending, ticket=real.ticket)
        said = texts.task_text(rehearsal, PROVIDERS["kie"])
        interrupted = interrupts.interrupt_text([rehearsal], PROVIDERS)

        assert not OF_MONEY.search(said + interrupted)
    assert "Waiting up to 10 seconds" in interrupts.waiting_for_answer(10, rehearsal=True)
    assert not OF_MONEY.search(interrupts.waiting_for_answer(10, rehearsal=True))


def test_quiet_leaves_all_but_the_result_out(user: Any) -> None:
    line = ("generate", "A quiet fox", "--sandbox", "-q", "-o", "quiet.mp4")
    first = user.call(*line, KLING26_SANDBOX_FAULTS="rate_limit,cut_download")

    assert (first.status, first.err, first.file) == (0, "", user.folder / "quiet.mp4")
    assert user.call(*line, "--json").err == ""
    failed = user.call(
        "generate", "A loud fox", "--sandbox", "--quiet", KLING26_SANDBOX_FAULTS="failed_task"
    )
    assert failed.said.startswith("kie.ai's emulator could not make the video: ")


def test_the_last_line_is_on_stderr_with_json_too(user: Any) -> None:
    ran = user.call("generate", "A last fox", "--sandbox", "--json")

    assert ran.object["state"] == "stored"
    assert ran.err.splitlines()[-1].endswith(f"({ran.object['task']}).")


def test_another_webhook_of_an_equal_request_is_said_not_to_be_used(user: Any) -> None:
    line = ("generate", "A hook", "--sandbox")
    first = user.call(*line, "--callback-url", "https://one.example/")
    same = user.call(*line, "--callback-url", "https://one.example/")
    other = user.call(*line, "--callback-url", "https://two.example/")
    none = user.call(*line)

    assert "callback" not in first.err + same.err + none.err
    assert (
        "The callback URL is not used: this video was requested before, with https://one.example/."
    ) in other.err
    assert Path(other.out.strip()).exists()


def test_the_providers_id_names_a_task(tmp_path: Path, user_of: Any) -> None:
    user = user_of(tmp_path)  # Whose emulator has not taken 20 tasks in 10 s.
    told = user.call(
        "generate", "A name", "--sandbox", "--json", "--timeout", "1", KLING26_SANDBOX_FAULTS=None
    ).object
    its_id = f" {told['task_id']} "

    assert user.call("cancel", its_id).status == 5
    assert user.call("tasks", its_id, "--json").object["task"] == told["task"]
    assert user.call("resume", its_id, "--json").object["state"] == "stored"
