"""What a run would do, and what it would cost; nothing is paid, and nothing is written."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kling26.cli.dry_run import as_text
from kling26.core import Task, VideoRequest
from kling26.core.money import Balance, Price
from kling26.core.plugins import load_sandboxes
from kling26.core.runner.preview import Preview
from kling26.core.spending import Budget
from kling26.providers.kie import Kie
from kling26.sandbox import Conditions, Fault, Server, Site, build_site
from PIL import Image

from .test_texts import STATES

KEYS = [
    "provider", "prompt", "image", "end_image", "sound", "duration", "aspect_ratio", "seed",
    "options", "would", "price", "price_unit", "price_usd", "price_source", "budget", "balance",
]  # fmt: skip
END = "This was a dry run: nothing was paid."
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def site() -> Site:
    return build_site(load_sandboxes().values(), Conditions(queued=0.0, running=0.0))


@pytest.fixture
def kie(site: Site) -> Conditions:
    """How kie.ai's emulator behaves."""
    return site.conditions["kie"]


@pytest.fixture(scope="module")
def served(site: Site) -> Iterator[Mapping[str, str]]:
    """The variables that point at the emulators, over HTTP."""
    with Server(site) as server:
        yield {
            "KIE_BASE_URL": f"{server.url}/kie",
            "KIE_UPLOAD_URL": f"{server.url}/kie",
            "APIKLEY_BASE_URL": f"{server.url}/apikley",
            "COMETAPI_BASE_URL": f"{server.url}/cometapi",
            "COMETAPI_BALANCE_URL": f"{server.url}/cometapi",
            "RUNCOMFY_BASE_URL": f"{server.url}/runcomfy",
            "RUNCOMFY_BALANCE_URL": f"{server.url}/runcomfy/prod/v2",
        }


@pytest.fixture
def payer(user_of: Any, tmp_path: Path, served: Mapping[str, str]) -> Any:
    """Somebody who pays, as far as kling26 can tell."""
    return user_of(tmp_path, **served)


def previewed(user: Any, *line: str, **environ: str | None) -> dict[str, Any]:
    ran = user.call("generate", *line, "--dry-run", "--json", **environ)
    assert (ran.status, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    assert list(found) == KEYS
    return found


def said(user: Any, *line: str, **environ: str | None) -> list[str]:
    ran = user.call("generate", *line, "--dry-run", **environ)
    assert (ran.status, ran.err) == (0, "")
    *lines, end = ran.out.splitlines()
    assert end == END
    return list(lines)


def test_it_says_who_is_paid_how_much_and_what_is_left(payer: Any) -> None:
    assert said(payer, "A fox") == [
        "This would pay kie.ai for a new video: 0.275 USD (55 credits), list price.",
        "Balance: 10000 credits (50.00 USD).",
    ]
    assert said(payer, "A fox", "--provider", "runcomfy") == [
        "This would pay RunComfy for a new video: 0.35 USD, as RunComfy says.",
        "Balance: 100.00 USD.",
    ]
    assert said(payer, "A fox", "--provider", "apikley") == [
        "This would pay Apikley for a new video: price unknown.",
        "Balance: 10000 credits.",
    ]
    assert not payer.home.exists()


def test_json_has_the_request_and_numbers(payer: Any) -> None:
    fox = previewed(payer, "A fox", "--sound", "--seed", "7")
    comet = previewed(payer, "A fox", "--provider", "cometapi", "--option", "mode=pro")
    apikley = previewed(payer, "A fox", "--provider", "apikley")

    assert fox == {
        "provider": "kie", "prompt": "A fox", "image": None, "end_image": None, "sound": True,
        "duration": 5, "aspect_ratio": "16:9", "seed": 7, "options": {}, "would": "pay",
        "price": 110, "price_unit": "credits", "price_usd": 0.55, "price_source": "list",
        "budget": None, "balance": {"amount": 10000, "unit": "credits", "usd": 50},
    }  # fmt: skip
    assert (comet["options"]["mode"], comet["price_usd"]) == ("pro", 0.35)
    assert {apikley[name] for name in KEYS if name.startswith("price")} == {None}
    assert not payer.home.exists()


def test_pictures_from_files_are_there_by_their_digest(payer: Any) -> None:
    for name in ("first", "last"):
        Image.new("RGB", (400, 400), "teal").save(payer.folder / f"{name}.png")
    line = ("A fox", "--provider", "cometapi", "--option", "mode=pro", "--image", "first.png")
    ended = previewed(payer, *line, "--end-image", "https://example.com/last.png")

    assert ended["image"].startswith("sha256:")
    assert ended["end_image"] == "https://example.com/last.png"
    assert sorted(path.name for path in payer.folder.iterdir()) == ["first.png", "last.png"]


def test_what_is_here_costs_nothing(payer: Any) -> None:
    task = payer.call("generate", "A fox", "--json").object["task"]
    again = previewed(payer, "A fox")
    (here, *_) = said(payer, "A fox", "--output", "fox.mp4")

    assert (again["would"], again["price"], again["price_source"]) == ("reuse", None, None)
    assert here == (
        f"This video is here already, as {task}. This would give it, and cost nothing: "
        f"{payer.home}/videos/{task}.mp4"
    )
    assert not (payer.folder / "fox.mp4").exists()
    (payer.home / "videos" / f"{task}.mp4").unlink()
    assert "its file is gone. This would fetch it again" in said(payer, "A fox")[0]


def test_what_is_being_made_is_joined(payer: Any, kie: Conditions) -> None:
    kie.running = 600.0
    task = payer.call("generate", "A snail", "--timeout", "1", "--json").object["task"]
    kie.running = 0.0

    assert previewed(payer, "A snail")["would"] == "join"
    assert said(payer, "A snail")[0] == (
        f"kie.ai is making this video as {task}. This would join it, and cost nothing."
    )


def test_what_the_same_took_last_is_the_price_where_none_is_listed(payer: Any) -> None:
    payer.call("generate", "A fox", "--provider", "apikley")

    (price, *_) = said(payer, "A crow", "--provider", "apikley")
    assert price == "This would pay Apikley for a new video: usually 55 credits."
    assert previewed(payer, "A crow", "--provider", "apikley")["price_source"] == "usual"


def test_an_unknown_outcome_is_told_with_what_to_do(payer: Any, kie: Conditions) -> None:
    kie.faults.append(Fault("reset_after_accept"))
    task = payer.call("generate", "A riddle", "--json").object["task"]

    assert previewed(payer, "A riddle")["would"] == "join"
    assert said(payer, "A riddle")[0] == (
        f"The outcome of {task} at kie.ai is unknown, because the answer to its request was lost. "
        "This would pay for no other one. Check https://kie.ai/logs. If the video is there, fetch "
        f"it by its id: kling26 adopt {task} ID. If it is not, submit it again with: kling26 "
        f"resubmit {task}"
    )


def test_a_task_that_a_killed_process_left_unsent_would_still_be_paid_for(payer: Any) -> None:
    running = payer.start("generate", "A ghost", KIE_BASE_URL=NOWHERE)
    running.until("cannot be reached")
    task = payer.call("tasks", "--json").object["task"]

    assert said(payer, "A ghost")[0] == (
        f"{task} is about to be sent to kie.ai. This would join it, and cost nothing more."
    )
    running.process.kill()
    running.ended()
    assert said(payer, "A ghost")[0] == (
        f"{task} has not been accepted yet. This would send it, and pay kie.ai: 0.275 USD (55 "
        "credits), list price."
    )
    assert previewed(payer, "A ghost")["would"] == "pay"


def test_the_budget_is_told_and_refuses_as_it_would(payer: Any) -> None:
    limits = {"KLING26_MAX_COST_PER_DAY": "0.5", "KLING26_MAX_TASKS_PER_HOUR": "30"}
    payer.call("generate", "A fox")
    here = previewed(payer, "A fox", **limits)
    refused = payer.call("generate", "A crow", "--dry-run", **limits)

    assert here["budget"] == {"spent_usd": 0.275, "left_usd": 0.225, "tasks_left": 29}
    assert said(payer, "A fox", **limits)[1] == (
        "Budget: 0.275 of 0.50 USD spent in the last 24 hours, 0.225 USD left; 1 of 30 tasks in "
        "the last 60 min."
    )
    assert refused.status == 2
    assert refused.said == payer.call("generate", "A crow", **limits).said
    assert refused.said.startswith("The budget does not allow this video, which costs 0.275 USD: ")
    assert refused.said.endswith(
        " Nothing was paid. Set KLING26_MAX_COST_PER_DAY "
        "to a larger number, or to none for no limit."
    )
    assert payer.rows() == 1
    assert payer.call("tasks", **limits).out.endswith(f"\n{said(payer, 'A fox', **limits)[1]}\n")
    assert "Budget" not in payer.call("tasks").out


def test_a_balance_that_nobody_tells_is_unknown(payer: Any) -> None:
    gone = {"KIE_BASE_URL": NOWHERE}
    (_, balance) = said(payer, "A fox", "--timeout", "1", **gone)

    assert balance.startswith("Balance: unknown. kie.ai cannot be reached")
    assert previewed(payer, "A fox", "--timeout", "1", **gone)["balance"] is None


def test_a_rehearsal_costs_nothing_and_tells_the_real_price(user: Any) -> None:
    assert said(user, "A fox", "--sandbox", "--output", "fox.mp4") == [
        (
            "kie.ai's emulator would rehearse this video, which costs nothing. A real one: 0.275 "
            "USD (55 credits), list price."
        ),
        "The video would be written to fox.mp4",
    ]
    assert previewed(user, "A fox", "--sandbox")["price_usd"] == 0.275
    assert list(user.folder.iterdir()) == []


def test_the_prompt_may_come_from_stdin(user: Any) -> None:
    line = ("generate", "--dry-run", "-", "--sandbox", "--json")

    assert json.loads(user.call(*line, stdin="A red fox\n").out)["prompt"] == "A red fox"


@pytest.mark.parametrize(
    ("more", "environ", "words"),
    [
        ((), {"KIE_API_KEY": None}, "kie.ai needs an API key."),
        (("-o", "nowhere/fox.mp4"), {}, "no such folder"),
        (("--provider", "kei"), {}, 'did you mean "kie"?'),
        ((), {"KLING26_MAX_TASKS_PER_DAY": "0"}, "The budget allows no video"),
        ((), {"KLING26_MAX_TASKS_PER_DAY": "few"}, "KLING26_MAX_TASKS_PER_DAY must be a whole"),
    ],
)
def test_what_a_run_would_refuse_is_refused(
    payer: Any, more: tuple[str, ...], environ: Mapping[str, str | None], words: str
) -> None:
    tried = payer.call("generate", "A fox", *more, "--dry-run", "--json", **environ)
    real = payer.call("generate", "A fox", *more, "--json", **environ)

    assert tried == real
    assert (tried.status, tried.said) == (2, tried.object["error"])
    assert words in tried.said
    assert payer.rows() == 0


def test_a_cost_that_cannot_be_limited_is_told(payer: Any) -> None:
    lines = said(payer, "A fox", "--provider", "apikley", KLING26_MAX_COST_PER_DAY="1")

    assert lines[1].startswith("Budget: 0.00 of 1.00 USD spent")
    assert lines[2].startswith("Neither the price of this video nor that of one before it is known")


def test_why_a_balance_is_unknown_is_told(payer: Any) -> None:
    assert said(payer, "A fox", KIE_API_KEY="wrong")[1] == (
        "Balance: unknown. kie.ai does not accept the key: You do not have access with this key "
        "(code 401)."
    )


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (Balance(54.0, "credits", 0.27), "54 credits (0.27 USD), which is too little"),
        (Balance(55.0, "credits", 0.275), "55 credits (0.275 USD)"),
        (Balance(0.1, "CNY"), "0.1 CNY"),
    ],
)
def test_a_balance_that_is_too_little_is_told(left: Balance, words: str) -> None:
    price = Price(55.0, "credits", 0.275, "list")
    would = Preview("pay", Kie(), VideoRequest("x"), {}, None, price, Budget(), None, left)

    assert f"\nBalance: {words}.\n" in as_text(would)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (STATES["unclear"], "has been sent to kie.ai, and no answer is known yet. This would join"),
        (
            STATES["made"],
            "kie.ai has made this video as k26-1. This would fetch it, and cost nothing",
        ),
    ],
)
def test_a_task_on_its_way_is_told_as_it_stands(task: Task, words: str) -> None:
    request = VideoRequest("x")
    would = Preview("join", Kie(), request, {}, task, Price(), Budget(), None, None)

    assert words in as_text(would)
