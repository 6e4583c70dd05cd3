"""Other people's plug-ins in ComfyUI: good ones beside every kind of broken one, and gone ones."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-e2e-third-party-not-to-be-seen-1213"
BUILT_IN = ["auto", "kie", "apikley", "cometapi", "runcomfy"]
THIRD_PARTIES = ["acme", "fal", "kling", "replicate"]
KEYS = dict.fromkeys(
    ("KIE_API_KEY", "FAL_KEY", "KLING_API_KEY", "REPLICATE_API_TOKEN", "ACME_API_KEY"), KEY
)
Install = Callable[..., None]
Node = Callable[..., dict[str, Any]]

#: A plug-in that works; the others differ from it by a line or two.
RULER = """
from enum import Enum
from typing import Literal
from attrs import frozen
from kling26.core import Limits, Provider, hookimpl, option


@frozen
class Marks:
    steps: int = option(4, label="Steps", help="How many steps.", minimum=1, maximum=9, step=2)
    weight: float = option(0.5, label="Weight", help="How much.", minimum=0, maximum=1, step=0.25)
    look: Literal["plain", "film"] = option("film", label="Look", help="How it looks.")
    loop: bool = option(True, label="Loop", help="Whether it goes round.")
    note: str | None = option(None, label="Note", help="What else.", max_length=20)


class Ruler(Provider):
    name = "ruler"
    title = "Ruler Video"
    key_variable = "RULER_API_KEY"
    base_url = "https://api.ruler.example"
    Options = Marks

    def submit(self, request, options):
        yield

    def poll(self, ticket):
        yield

    def price(self, request, options):
        raise LookupError("The price list is lost.")


@hookimpl
def kling26_providers():
    return [Ruler()]
"""


def ruler(old: str, new: str) -> str:
    assert old in RULER
    return RULER.replace(old, new)


#: How a plug-in can be broken, and what is said about it.
BROKEN: dict[str, tuple[str, str]] = {
    "import": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": ("def (:", "SyntaxError: "),
    "exit": ("import sys; sys.exit('run me')", "SystemExit: run me"),
    "misspelt": (
        ruler("def kling26_providers", "def kling26_provider"),
        'it has an unknown hook "kling26_provider"; did you mean "kling26_providers"?',
    ),
    "unmarked": (
        ruler("@hookimpl\n", ""),
        'its kling26_providers is not called, because "@hookimpl" is missing above it.',
    ),
    "raising": (
        ruler("return [Ruler()]", "raise LookupError('no\\n\\x1b[31mluck')"),
        "its kling26_providers raised LookupError: no [31mluck",
    ),
    "texts": (
        ruler("return [Ruler()]", "return 'ruler'"),
        "kling26_providers returned str, which is not a Provider.",
    ),
    "none": (
        ruler("return [Ruler()]", "return None"),
        "kling26_providers returned None; it must return a list.",
    ),
    "taken": (
        ruler('name = "ruler"', 'name = "kie"'),
        'the name "kie" already belongs to "providers.kie".',
    ),
    "optionless": (
        ruler("Options = Marks", "Options = dict"),
        "Ruler.Options must be an attrs class; got the class dict.",
    ),
    "limits": (
        ruler("Options = Marks", "limits = Limits(submissions=(5, 0))"),
        "ValueError: Limits.submissions must be two numbers above 0: how many tasks, in how many",
    ),
    "lengths": (
        ruler("Options = Marks", "limits = Limits(image_prompt='long')"),
        'ValueError: Limits.image_prompt must be a whole number above 0; got "long".',
    ),
    "newer": (
        ruler("Options = Marks", "interface = 2"),
        "it needs version 2 of the plug-in interface, but this kling26 has version 1; upgrade",
    ),
    # Of these, ComfyUI's page would be told something that it cannot read.
    "endless": (
        ruler("maximum=1,", "maximum=float('inf'),"),
        "ValueError: maximum must be a finite number; got inf.",
    ),
    "object": (
        ruler('["plain", "film"] = option("film"', "[Plain.YES] = option(Plain.YES").replace(
            "@frozen", "class Plain(Enum):\n    YES = 1\n\n\n@frozen"
        ),
        "Ruler.Options.look must be a choice of strings or whole numbers.",
    ),
    "lowest": (
        ruler("minimum=1,", "minimum='low',"),
        'ValueError: minimum must be a finite number; got "low".',
    ),
    "page": (
        ruler("Options = Marks", "key_page = object()"),
        "Ruler.key_page must be a string or None; got one of object.",
    ),
    "choosing": (
        ruler("loop: bool", "provider: bool"),
        'ComfyUI cannot show it: an option called "provider" would be taken for the choice',
    ),
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, install: Install) -> Path:
    """Where the broken ones are installed, and one good one among them."""
    folder = tmp_path_factory.mktemp("broken")
    for name, (source, _) in BROKEN.items():
        source = source.replace('name = "ruler"', f'name = "{name}"')
        source = source.replace("RULER_API_KEY", f"{name.upper()}_API_KEY")
        install(folder, f"kling26-{name}", {f"kling26_{name}": source}, f"{name} = kling26_{name}")
    install(folder, "kling26-ruler", {"kling26_ruler": RULER}, "ruler = kling26_ruler")
    return folder


@pytest.fixture(scope="module")
def crowded(
    start_for_all: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
    packages: Path,
    third_parties: Path,
    providers: Any,
) -> Any:
    """ComfyUI with all of them; five providers have keys."""
    path = os.pathsep.join([str(packages), str(third_parties)])
    folder = tmp_path_factory.mktemp("crowded")
    return start_for_all(folder, {**providers.environment, **KEYS}, python_path=path)


@pytest.fixture(scope="module")
def started(crowded: Any) -> str:
    """The log of its start; after that, ComfyUI adds the tracebacks of its nodes' errors."""
    start, mark, _ = str(crowded.log).partition("To see the GUI go to")
    assert mark
    return start


def choices(comfy: Any) -> dict[str, dict[str, Any]]:
    """The entries of the provider widget, and the widgets of each by name, as ComfyUI tells."""
    info = comfy.get("/object_info/Kling26Video")["Kling26Video"]
    options = info["input"]["optional"]["provider"][1]["options"]
    return {each["key"]: dict(each["inputs"].get("optional", {})) for each in options}


def untouched(comfy: Any, name: str) -> dict[str, Any]:
    """A provider's own widgets as a new node has them, in API format."""
    return {
        f"provider__{widget}": facts["default"]
        for widget, (_, facts) in choices(comfy)[name].items()
    }


def paid(providers: Any) -> dict[str, int]:
    """What each provider would have billed so far."""
    return {name: len(providers.tasks(name)) for name in providers.site.apps}


def frames(file: Path) -> int:
    import av

    with av.open(str(file)) as video:
        return sum(1 for _ in video.decode(video=0))


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_one_is_named_in_one_line_of_the_log(started: str, name: str) -> None:
    lines = [line for line in started.splitlines() if f"kling26-{name}" in line]

    assert len(lines) == 1, "\n".join(lines)
    assert f'The plug-in "kling26-{name}:{name}" was skipped: {BROKEN[name][1]}' in lines[0]


def test_the_log_of_the_start_has_no_traceback_of_ours(crowded: Any, started: str) -> None:
    assert "kling26-import" in started
    assert crowded.trouble_in(started) == []


def test_the_menu_has_the_built_in_providers_then_the_good_ones_and_no_other(crowded: Any) -> None:
    names = list(choices(crowded))

    assert names[:5] == BUILT_IN
    assert sorted(names[5:]) == sorted([*THIRD_PARTIES, "ruler"])


def test_the_page_of_keys_has_one_that_stumbles_over_its_prices(crowded: Any) -> None:
    told = {each["name"]: each for each in crowded.get("/kling26/providers")["providers"]}

    assert ["auto", *told] == list(choices(crowded))
    assert told["ruler"]["prices"] == []
    assert {row["usd"] for row in told["kling"]["prices"]} == {0.21, 0.35, 0.42, 0.7, 1.4}


def test_each_option_is_a_widget_with_its_label_default_and_bounds(crowded: Any) -> None:
    widgets = choices(crowded)
    told = {
        name: (kind, facts["display_name"], facts["tooltip"], facts["default"])
        for name, (kind, facts) in widgets["ruler"].items()
    }
    bounds = [
        {name: facts[name] for name in ("min", "max", "step")}
        for _, facts in (widgets["ruler"]["steps"], widgets["ruler"]["weight"])
    ]

    assert told == {
        "steps": ("INT", "Steps", "How many steps.", 4),
        "weight": ("FLOAT", "Weight", "How much.", 0.5),
        "look": ("COMBO", "Look", "How it looks.", "film"),
        "loop": ("BOOLEAN", "Loop", "Whether it goes round.", True),
        "note": ("STRING", "Note", "What else.", ""),
    }
    assert bounds == [{"min": 1, "max": 9, "step": 2}, {"min": 0, "max": 1, "step": 0.25}]
    assert widgets["ruler"]["look"][1]["options"] == ["plain", "film"]


def test_the_examples_and_a_new_provider_have_their_widgets(crowded: Any) -> None:
    widgets = choices(crowded)
    scale = widgets["fal"]["cfg_scale"][1]
    resolution = widgets["kling"]["resolution"][1]

    assert {name: list(widgets[name]) for name in THIRD_PARTIES} == {
        "acme": ["negative_prompt"],
        "fal": ["negative_prompt", "cfg_scale"],
        "kling": ["resolution", "watermark"],
        "replicate": ["negative_prompt"],
    }
    assert widgets["acme"]["negative_prompt"][1]["multiline"] is True
    assert widgets["fal"]["negative_prompt"][1]["default"] == "blur, distort, and low quality"
    assert (scale["display_name"], scale["default"]) == ("CFG scale", "")
    assert scale["placeholder"] == "0 to 1, or empty"
    assert (resolution["options"], resolution["default"]) == (["720p", "1080p"], "720p")
    assert widgets["kling"]["watermark"][1]["default"] is False


@pytest.mark.parametrize(
    ("name", "own", "sent"),
    [
        ("kie", {}, '"aspect_ratio": "16:9"'),
        ("acme", {"provider__negative_prompt": "rain"}, '"negative_prompt": "rain"'),
        ("fal", {"provider__cfg_scale": "0.25"}, '"cfg_scale": 0.25'),
        ("kling", {"provider__resolution": "1080p"}, '"resolution": "1080p"'),
        ("replicate", {"provider__negative_prompt": "rain"}, '"negative_prompt": "rain"'),
    ],
)
def test_each_makes_a_video_that_is_paid_for_once(
    crowded: Any, providers: Any, node: Node, save: Node,
    name: str, own: dict[str, Any], sent: str,
) -> None:  # fmt: skip
    before = paid(providers)
    values = untouched(crowded, name) | own
    run = crowded.run({"1": node(f"Made at {name}", name, **values), "2": save("1", name)})
    again = crowded.run({"1": node(f"Made at {name}", name, **values), "2": save("1", "again")})

    assert (run.end, again.end) == ("execution_success", "execution_success")
    assert frames(crowded.output / f"{name}_00001_.mp4") > 10
    assert paid(providers) == before | {name: before[name] + 1}
    assert sent in json.dumps(providers.tasks(name)[-1].body)


@pytest.mark.parametrize("name", THIRD_PARTIES)
def test_each_is_rehearsed_for_nothing(
    crowded: Any, providers: Any, node: Node, save: Node, name: str
) -> None:
    before = paid(providers)
    values = untouched(crowded, name)
    prompt = {"1": node("Rehearsed", name, sandbox=True, **values), "2": save("1", f"free-{name}")}
    run = crowded.run(prompt)

    assert run.end == "execution_success"
    assert any("a rehearsal, free" in text for _, text in run.texts)
    assert frames(crowded.output / f"free-{name}_00001_.mp4") > 10
    assert paid(providers) == before


def test_a_picture_goes_to_a_third_partys_store(
    crowded: Any, providers: Any, node: Node, save: Node
) -> None:
    before = paid(providers)
    picture = {"width": 400, "height": 300, "noise": False}
    prompt = {
        "1": {"class_type": "ProbePicture", "inputs": picture},
        "2": node("From a picture", "fal", image=["1", 0], **untouched(crowded, "fal")),
        "3": save("2", "picture"),
    }
    run = crowded.run(prompt)

    assert run.end == "execution_success"
    assert providers.tasks("fal")[-1].body["start_image_url"].startswith(providers.url)
    assert paid(providers) == before | {"fal": before["fal"] + 1}


def test_making_videos_names_no_broken_one_again(crowded: Any, node: Node, save: Node) -> None:
    crowded.run({"1": node("Whatever else is installed"), "2": save("1")})
    crowded.run({"1": node("Whatever else is installed", sandbox=True), "2": save("1")})
    # Those that a node was asked for are in its error as well.
    lines = [line for line in crowded.log.splitlines() if "There is no provider" not in line]
    times = {name: sum(f'"kling26-{name}:{name}" was' in line for line in lines) for name in BROKEN}

    assert times == dict.fromkeys(BROKEN, 1)


def test_a_number_beyond_its_bounds_is_not_sent(
    crowded: Any, providers: Any, node: Node, save: Node
) -> None:
    before = paid(providers)
    values = untouched(crowded, "fal") | {"provider__cfg_scale": "2"}
    run = crowded.run({"1": node("Too much", "fal", **values), "2": save("1")})

    assert run.error.startswith("fal.ai: cfg_scale must be between 0 and 1; got")
    assert paid(providers) == before


def test_no_key_is_anywhere(crowded: Any, node: Node, save: Node) -> None:
    prompt = {}
    for number, name in enumerate(("kie", *THIRD_PARTIES)):
        prompt[f"{number}"] = node("With a key", name, **untouched(crowded, name))
        prompt[f"{number}-save"] = save(f"{number}", f"key-{name}")
    run = crowded.run(prompt)
    told = [
        json.dumps(crowded.get(path))
        for path in (
            "/history", "/object_info/Kling26Video", "/kling26/providers", "/settings",
            "/internal/logs/raw",
        )
    ]  # fmt: skip
    files = [path for path in crowded.folder.rglob("*") if path.is_file()]
    files = [path for path in files if "custom_nodes" not in path.parts]
    told += [json.dumps(run.events), json.dumps(run.texts)]
    told += [path.read_bytes().decode("latin-1") for path in files]
    with closing(sqlite3.connect(crowded.home / "journal.sqlite3")) as journal:
        asked = {name for (name,) in journal.execute("select distinct provider from tasks")}
        told += map(str, journal.execute("select * from tasks"))

    assert run.end == "execution_success"
    assert asked == {"kie", *THIRD_PARTIES}
    assert crowded.folder / "log.txt" in files
    assert any(path.name.startswith("key-fal") for path in files)
    assert [text[:200] for text in told if KEY in text] == []


def test_a_broken_plug_in_is_the_reason_why_its_provider_is_not_there(
    crowded: Any, providers: Any, node: Node, save: Node
) -> None:
    before = paid(providers)
    run = crowded.run({"1": node("Is it there?", "newer"), "2": save("1")})

    assert run.error.startswith('There is no provider "newer". Installed: kie, apikley, cometapi, ')
    assert 'The plug-in "kling26-newer:newer" was skipped: it needs version 2' in run.error
    assert paid(providers) == before


def test_a_hook_that_exits_does_not_end_comfyui(
    start: Callable[..., Any], install: Install, tmp_path: Path
) -> None:
    source = ruler("return [Ruler()]", "raise SystemExit('no licence')")
    install(tmp_path / "packages", "kling26-leaving", {"leaving": source}, "leaving = leaving")
    comfy = start(tmp_path / "comfyui", {}, python_path=str(tmp_path / "packages"))

    assert list(choices(comfy)) == BUILT_IN
    assert (
        '"kling26-leaving:leaving" was skipped: its kling26_providers raised SystemExit: no licence'
    ) in comfy.log


def test_a_provider_whose_plug_in_is_gone_is_never_replaced(
    start: Callable[..., Any], third_parties: Path, providers: Any, tmp_path: Path,
    node: Node, save: Node,
) -> None:  # fmt: skip
    environment = {**providers.environment, **KEYS}
    before = start(tmp_path / "comfyui", environment, python_path=str(third_parties))
    made = {"1": node("Still there", "fal", **untouched(before, "fal")), "2": save("1")}
    assert before.run(made).end == "execution_success"
    before.stop()
    bills = paid(providers)

    after = start(tmp_path / "comfyui", environment)
    made["1"]["inputs"]["prompt"] = "Gone"
    run = after.run(made)
    other = after.run({"1": node("The others work"), "2": save("1", "other")})

    assert list(choices(after)) == BUILT_IN
    assert run.error == (
        'There is no provider "fal". Installed: kie, apikley, cometapi and runcomfy. '
        "Choose another one, or install its plug-in and restart ComfyUI. "
        'The plug-in "kling26-fal 1.0" made its videos before.'
    )
    assert ("1", run.error) in run.texts
    assert after.history(run)["prompt"][2]["1"]["inputs"]["provider"] == "fal"
    assert other.end == "execution_success"
    assert paid(providers) == bills | {"kie": bills["kie"] + 1}
