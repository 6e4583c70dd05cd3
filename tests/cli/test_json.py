"""Every command takes --json: the keys of its objects, and their types, for programs to rely on."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest
from attrs import frozen
from cyclopts import App
from kling26.cli.commands import app

from .conftest import FACTS, KEY, User

TEXT, NUMBER, WHOLE, FLAG, MAYBE = (str,), (float, int), (int,), (bool,), (type(None),)
Types = tuple[type, ...]

TASK: dict[str, Types] = {
    "task": TEXT, "provider": TEXT, "state": TEXT, "standing": TEXT, "task_id": TEXT + MAYBE,
    "url": TEXT + MAYBE, "file": TEXT + MAYBE, "outputs": (list,), "cost": NUMBER + MAYBE,
    "cost_unit": TEXT + MAYBE, "cost_usd": NUMBER + MAYBE, "reused": FLAG, "sandbox": FLAG,
    "prompt": TEXT, "image": TEXT + MAYBE, "end_image": TEXT + MAYBE, "sound": FLAG,
    "duration": WHOLE, "aspect_ratio": TEXT, "seed": WHOLE, "options": (dict,), "created": NUMBER,
    "submitted": NUMBER + MAYBE, "finished": NUMBER + MAYBE, "error": TEXT + MAYBE,
    "code": TEXT + MAYBE, "remedy": (dict, type(None)),
}  # fmt: skip
DRY_RUN: dict[str, Types] = {
    "provider": TEXT, "prompt": TEXT, "image": TEXT + MAYBE, "end_image": TEXT + MAYBE,
    "sound": FLAG, "duration": WHOLE, "aspect_ratio": TEXT, "seed": WHOLE, "options": (dict,),
    "would": TEXT, "price": NUMBER + MAYBE, "price_unit": TEXT + MAYBE,
    "price_usd": NUMBER + MAYBE, "price_source": TEXT + MAYBE, "budget": (dict, type(None)),
    "balance": (dict, type(None)),
}  # fmt: skip
OF_KEY: dict[str, Types] = {
    "provider": TEXT, "set": FLAG, "variable": TEXT + MAYBE, "file": TEXT + MAYBE,
    "error": TEXT + MAYBE,
}  # fmt: skip
PROVIDER: dict[str, Types] = {
    "provider": TEXT, "title": TEXT, "plugin": TEXT + MAYBE, "key": (dict,),
    "key_page": TEXT + MAYBE, "tasks_page": TEXT + MAYBE, "base_url": TEXT,
    "upload_url": TEXT + MAYBE, "balance_url": TEXT + MAYBE, "longest_prompt": WHOLE + MAYBE,
    "longest_prompt_with_image": WHOLE + MAYBE, "durations": (list,), "aspect_ratios": (list,),
    "image_formats": (list,), "image_bytes": WHOLE + MAYBE, "image_pixels": WHOLE + MAYBE,
    "image_area": WHOLE + MAYBE, "end_image": FLAG, "callback_url": FLAG,
    "submissions": (dict, type(None)), "cancel": FLAG, "find": FLAG, "balance": FLAG,
    "quote": FLAG, "cost_unit": TEXT, "usd_per_unit": NUMBER + MAYBE, "prices": (list,),
    "charges": TEXT + MAYBE, "options": (list,),
}  # fmt: skip
PLUGIN: dict[str, Types] = {
    "plugin": TEXT, "distribution": TEXT, "version": TEXT + MAYBE, "built_in": FLAG,
    "entry_point": TEXT + MAYBE, "module": TEXT + MAYBE, "loaded": FLAG,
    "left_out_by": TEXT + MAYBE, "load_plugins": (list, type(None)), "interface": WHOLE + MAYBE,
    "hooks": (list,), "providers": (list,), "sandboxes": (list,), "problems": (list,),
}  # fmt: skip
AUTO: dict[str, Types] = {"provider": TEXT, "preferred": (list, type(None)), "with_key": (list,)}
BALANCE: dict[str, Types] = {
    "provider": TEXT, "amount": NUMBER, "unit": TEXT, "usd": NUMBER + MAYBE
}  # fmt: skip


@frozen
class Called:
    """A line of a command, its exit status, and what its objects have; {} is a made task."""

    line: Sequence[str]
    keys: dict[str, Types]
    status: int = 0
    #: What happens before.
    before: Sequence[str] = ()
    #: What a last object has, if that is another one.
    last: Mapping[str, Types] = MappingProxyType({})
    faults: str = ""


MADE = ("generate", "A heron", "--sandbox")
LEFT = (*MADE, "--no-wait")
#: Each command in each of its forms; TASK stands for the id of the task that was made before.
COMMANDS: dict[str, list[Called]] = {
    "generate": [
        Called(MADE, TASK),
        Called(MADE, TASK, before=MADE),
        Called(LEFT, TASK),
        Called(LEFT, TASK, before=LEFT),
        Called(LEFT, TASK, before=MADE),
        Called((*MADE, "--dry-run"), DRY_RUN),
        Called(MADE, TASK, status=5, faults="reset_after_accept"),
        Called(MADE, TASK, status=4, faults="failed_task"),
        Called(MADE, TASK, status=3, faults="no_credit"),
    ],
    "batch": [
        Called(
            ("batch", "rows.csv", "--sandbox"),
            {"row": WHOLE, "name": TEXT, **TASK},
            last={"summary": (dict,)},
        )
    ],
    "tasks": [Called(("tasks",), TASK, before=MADE)],
    "resume": [Called(("resume", "TASK"), TASK, before=LEFT)],
    "cancel": [Called(("cancel", "TASK"), TASK, status=5, before=LEFT)],
    "adopt": [
        Called(("adopt", "TASK", "no-such-id"), TASK, 3, before=MADE, faults="reset_after_accept")
    ],
    "resubmit": [Called(("resubmit", "TASK"), TASK, before=MADE, faults="reset_after_accept")],
    "prune": [
        Called(
            ("prune", "--older-than", "0s"),
            {"tasks": WHOLE, "videos": WHOLE, "forgotten": (list,)},
            before=MADE,
        )
    ],
    "providers": [
        Called(("providers",), PROVIDER),
        Called(("providers", "runcomfy"), PROVIDER),
        Called(("providers", "auto"), AUTO),
    ],
    "plugins": [Called(("plugins",), PLUGIN)],
    "balance": [Called(("balance", "kie", "--sandbox"), BALANCE)],
    "completion": [Called(("completion", "bash"), {"shell": TEXT, "script": TEXT})],
    "keys set": [Called(("keys", "set", "kie"), OF_KEY)],
    "keys unset": [Called(("keys", "unset", "kie"), OF_KEY)],
    "keys show": [Called(("keys", "show"), OF_KEY), Called(("keys", "show", "kie"), OF_KEY)],
    "new-provider": [Called(("new-provider", "acme"), {"folder": TEXT, "files": (list,)})],
}
#: Those that do not end by themselves; another test reads what they say.
ENDLESS = {"sandbox serve"}


def commands(of: App, above: str = "") -> Iterator[str]:
    """The names of all commands that do something."""
    for name in of:
        if name.startswith("-"):
            continue
        inner = list(commands(of[name], f"{above}{name} "))
        yield from inner or [f"{above}{name}"]


def test_every_command_is_held_here() -> None:
    assert set(commands(app)) == {*COMMANDS, *ENDLESS}


def checked(found: dict[str, Any], keys: Mapping[str, Types]) -> dict[str, Any]:
    """An object with just these keys, whose values have the types."""
    assert list(found) == list(keys)
    wrong = {name: found[name] for name, types in keys.items() if type(found[name]) not in types}
    assert not wrong
    return found


@pytest.mark.parametrize(
    "called",
    [called for each in COMMANDS.values() for called in each],
    ids=lambda called: " ".join((*called.line, f"exit {called.status}")),
)
def test_a_command_prints_objects_and_nothing_else_on_stdout(user: User, called: Called) -> None:
    faults = {"KLING26_SANDBOX_FAULTS": called.faults} if called.faults else {}
    task = ""
    if called.before:
        task = user.call(*called.before, "--json", **faults).object["task"]
        faults = {}
    (user.folder / "rows.csv").write_text("prompt,name\nA heron,one\nA fox,two\n")
    line = [task if word == "TASK" else word for word in called.line]
    ran = user.call(*line, "--json", stdin=f"{KEY}\n", **faults)

    assert ran.status == called.status
    assert ran.out.endswith("\n")
    found = [json.loads(text) for text in ran.out.splitlines()]
    if called.last:
        checked(found.pop(), called.last)
    for each in found:
        checked(each, called.keys)


@pytest.mark.parametrize(
    "line",
    [
        ("generate", "A heron", "--duration", "7"),
        ("generate", "A heron", "--no-such-flag"),
        ("tasks", "--limit", "0"),
        ("resume", "k26-none"),
        ("cancel", "k26-none"),
        ("adopt", "k26-none", "x"),
        ("resubmit", "k26-none"),
        ("prune",),
        ("providers", "none"),
        ("balance", "none"),
        ("completion", "tcsh"),
        ("keys", "set", "none"),
        ("keys", "unset", "none"),
        ("keys", "show", "none"),
        ("new-provider", "KIE"),
        ("sandbox", "serve", "--port", "70000"),
        ("frobnicate",),
    ],
    ids=" ".join,
)
def test_an_error_is_an_object_with_the_same_exit_status(user: User, line: Sequence[str]) -> None:
    said, ran = user.call(*line), user.call(*line, "--json")

    assert (ran.status, said.out) == (said.status, "")
    assert ran.status in (2, 3)
    assert list(ran.object) == FACTS
    assert ran.object["error"] == said.said


def test_what_was_left_before_was_paid_by_the_first_call_only(user: User) -> None:
    first, second = user.call(*LEFT, "--json").object, user.call(*LEFT, "--json").object

    assert (first["state"], first["reused"]) == ("submitted", False)
    assert (second["task"], second["reused"]) == (first["task"], True)
    assert second["remedy"] == {"do": "resume", "command": f"kling26 resume {first['task']}"}


def test_the_summary_of_a_batch_is_of_whole_numbers_and_usd(user: User) -> None:
    (user.folder / "rows.csv").write_text("prompt\nA heron\nA fox\n")
    last = user.call("batch", "rows.csv", "--sandbox", "--json").out.splitlines()[-1]

    whole = ("rows", "stored", "reused", "open", "unknown", "refused", "failed", "not_sent")
    types = {**dict.fromkeys(whole, WHOLE), "cost_usd": NUMBER, "cost_unknown": WHOLE}
    checked(json.loads(last)["summary"], types)


def test_a_rehearsal_has_no_cost(user: User) -> None:
    user.call(*MADE)
    for line in (MADE, ("tasks",)):
        made = user.call(*line, "--json").object
        assert (made["cost"], made["cost_unit"], made["cost_usd"]) == (None, None, None)


def test_prices_are_numbers_by_length_sound_and_options(user: User) -> None:
    (found,) = map(json.loads, user.call("providers", "cometapi", "--json").out.splitlines())

    assert found["prices"]
    for price in found["prices"]:
        types = {"duration": WHOLE, "sound": FLAG, "options": (dict,), "usd": NUMBER}
        checked(price, types)  # type: ignore[arg-type]


def test_the_version_is_an_object_too(user: User) -> None:
    assert list(json.loads(user.call("--version", "--json").out)) == ["version"]


def test_the_addresses_of_a_server_are_one_object(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(_: object, port: int, ready: Callable[[str], object]) -> None:
        ready(f"http://127.0.0.1:{port}")

    monkeypatch.setattr("kling26.cli.serving.serve_site", serve)
    found = json.loads(user.call("sandbox", "serve", "--json").out)

    assert found["url"] == "http://127.0.0.1:8026"
    assert found["variables"]["KIE_BASE_URL"] == "http://127.0.0.1:8026/kie"
