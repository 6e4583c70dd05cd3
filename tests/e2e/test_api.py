"""The node in a real ComfyUI, driven over its HTTP interface and websocket."""

import json
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

KEY = "sk-e2e-not-to-be-seen-anywhere-4711"
Node = Callable[..., dict[str, Any]]


def test_it_loads_as_one_copy_of_every_class(comfy: Any) -> None:
    modules = comfy.get("/kling26-probe/modules")

    assert list(modules) == ["kling26.core.provider"]
    assert re.search(r"[\d.]+ seconds: .*ComfyUI-Kling26", comfy.log)
    assert comfy.trouble == []


def test_the_node_has_the_widgets_of_every_provider(comfy: Any) -> None:
    info = comfy.get("/object_info/Kling26Video")["Kling26Video"]
    choice = info["input"]["optional"]["provider"]

    assert info["display_name"] == "Kling 2.6"
    assert info["category"] == "video/kling"
    assert list(info["input"]["required"]) == ["prompt"]
    assert list(info["input"]["optional"]) == [
        "image_url", "sound", "duration", "aspect_ratio", "seed", "count", "sandbox",
        "image", "end_image", "provider",
    ]  # fmt: skip
    assert choice[0] == "COMFY_DYNAMICCOMBO_V3"
    assert [option["key"] for option in choice[1]["options"]] == [
        "auto", "kie", "apikley", "cometapi", "runcomfy",
    ]  # fmt: skip
    assert info["output"] == ["VIDEO", "STRING", "STRING"]
    assert info["output_is_list"] == [True, True, True]


def test_four_providers_in_the_sandbox_at_once(comfy: Any, node: Node, save: Node) -> None:
    import av

    names = ("kie", "apikley", "cometapi", "runcomfy")
    prompt = {}
    for number, name in enumerate(names, 1):
        prompt[str(number)] = node(f"Rehearsal at {name}", name, sandbox=True)
        prompt[str(number + 10)] = save(str(number), f"sandbox-{name}")
    run = comfy.run(prompt)
    starts = [e["node"] for e in run.of("executing") if e["node"] in ("1", "2", "3", "4")]

    assert run.end == "execution_success"
    assert sorted(starts) == ["1", "2", "3", "4"]
    assert run.when("execution_success") < 20  # One after the other they would take longer.
    for name in names:
        with av.open(str(comfy.output / f"sandbox-{name}_00001_.mp4")) as video:
            assert video.streams.video[0].codec_context.name == "h264"
            assert sum(1 for _ in video.decode(video=0)) > 10
    assert any("generating" in text for _, text in run.texts)
    assert any("done" in text for _, text in run.texts)
    assert run.of("progress_state")


def test_the_outputs_say_where_the_video_is_and_what_it_cost(comfy: Any, node: Node) -> None:
    prompt = {
        "1": node("Outputs"),
        "2": {"class_type": "ProbeShow", "inputs": {"text": ["1", 1]}},
        "3": {"class_type": "ProbeShow", "inputs": {"text": ["1", 2]}},
    }
    outputs = comfy.history(comfy.run(prompt))["outputs"]
    task = json.loads(outputs["3"]["text"][0])

    assert outputs["2"]["text"][0].startswith("http://127.0.0.1")
    assert task["provider"] == "kie"
    assert task["task_id"]
    assert task["cost_unit"] in ("credits", None)
    assert task["cost_usd"] == (None if task["cost"] is None else task["cost"] * 0.005)
    assert task["paid_before"] is False


def test_a_list_input_runs_at_once(comfy: Any, providers: Any, node: Node, save: Node) -> None:
    before = len(providers.tasks("kie"))
    providers.pace("kie", queued=1.0, running=4.0)
    prompt = {
        "1": {"class_type": "ProbePrompts", "inputs": {"lines": "List one\nList two\nList three"}},
        "2": node(["1", 0]),
        "3": save("2", "list"),
    }
    run = comfy.run(prompt)

    assert run.end == "execution_success"
    assert len(providers.tasks("kie")) == before + 3
    assert run.when("execution_success") < 14
    assert len(list(comfy.output.glob("list_*.mp4"))) == 3
    assert any(text.count("kie.ai") == 3 for _, text in run.texts)


def test_the_first_picture_of_a_batch_is_sent(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    import base64

    from PIL import Image

    prompt = {
        "1": {
            "class_type": "ProbePicture",
            "inputs": {"width": 400, "height": 300, "noise": False},
        },
        "2": node("A picture", "cometapi", image=["1", 0]),
        "3": save("2", "picture"),
    }
    run = comfy.run(prompt)
    sent = providers.tasks("cometapi")[-1].body["image"]
    picture = Image.open(BytesIO(base64.b64decode(sent)))

    assert run.end == "execution_success"
    assert picture.size == (400, 300)
    assert picture.mode == "RGB"
    assert picture.format == "PNG"
    assert picture.getpixel((399, 0)) == (255, 255, 255)


def test_a_picture_too_large_for_png_goes_as_jpeg(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    from PIL import Image

    inputs = {"width": 2048, "height": 2048, "noise": True}
    prompt = {
        "1": {"class_type": "ProbePicture", "inputs": inputs},
        "2": node("A noisy picture", image=["1", 0]),
        "3": save("2", "noise"),
    }
    run = comfy.run(prompt)
    assert run.end == "execution_success"
    # The same pixels make the same request: nothing is paid for again.
    paid = len(providers.tasks("kie"))
    prompt["3"] = save("2", "noise-again")
    # Beside a picture the shape does not count; ComfyUI runs the node again all the same.
    prompt["2"]["inputs"]["aspect_ratio"] = "9:16"
    again = comfy.run(prompt)

    assert again.end == "execution_success"
    assert "2" in [event["node"] for event in again.of("executing")]
    assert len(providers.tasks("kie")) == paid
    assert Image.MIME["JPEG"] == "image/jpeg"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 2501}, "2500 characters"),
        ({"prompt": "x", "provider": "cometapi", "sound": True}, "sound requires mode pro"),
        ({"prompt": "x", "provider": "cometapi", "provider__cfg_scale": "2"}, "cfg_scale"),
        ({"prompt": "x", "provider": "cometapi", "provider__camera_control": "{"}, "JSON object"),
        ({"prompt": "x", "provider": "kei"}, 'There is no provider "kei"'),
        ({"prompt": "x", "image_url": "/etc/hostname"}, "https:// URL"),
        ({"prompt": "x", "provider__mode": "pro"}, 'has no option "mode"'),
        ({"prompt": "x", "provider": "auto", "provider__look": "film"}, 'has no option "look"'),
        ({"prompt": "x", "provider": "apikley"}, "Enter a key under Settings → Kling 2.6"),
    ],
)
def test_what_a_provider_does_not_take_is_said_before_anything_is_sent(
    comfy: Any, providers: Any, node: Node, save: Node, values: dict[str, Any], says: str
) -> None:
    def paid() -> int:
        return sum(len(providers.tasks(name)) for name in providers.site.apps)

    before = paid()
    run = comfy.run({"1": node(**values), "2": save("1")})

    assert run.end == "execution_error"
    assert says in run.error
    assert any(says in text for _, text in run.texts)
    assert paid() == before


def test_a_picture_goes_to_a_provider_without_uploads_in_the_request(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    inputs = {"width": 400, "height": 300, "noise": False}
    prompt = {
        "1": {"class_type": "ProbePicture", "inputs": inputs},
        "2": node("A picture", "runcomfy", image=["1", 0]),
        "3": save("2"),
    }
    run = comfy.run(prompt)

    assert run.end == "execution_success"
    assert providers.tasks("runcomfy")[-1].body["image_url"].startswith("data:image/png;base64,")


def test_a_video_ends_with_an_image_where_the_provider_takes_one(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    inputs = {"width": 400, "height": 300, "noise": False}
    pictures = {
        "1": {"class_type": "ProbePicture", "inputs": inputs},
        "2": {"class_type": "ProbePicture", "inputs": {**inputs, "noise": True}},
    }
    both = {"image": ["1", 0], "end_image": ["2", 0]}
    before = len(providers.tasks("kie"))
    refused = comfy.run({**pictures, "3": node("Two", **both), "4": save("3")})
    taken = node("Two", "cometapi", **both, provider__mode="pro")
    run = comfy.run({**pictures, "3": taken, "4": save("3", "end")})
    sent = providers.tasks("cometapi")[-1].body

    assert "kie.ai: end_image is not supported" in refused.error
    assert any(text == refused.error for _, text in refused.texts)
    assert len(providers.tasks("kie")) == before
    assert run.end == "execution_success"
    assert sent["image"] != sent["image_tail"]


def test_any_provider_makes_the_video_until_the_budget_is_used_up(
    start: Any, tmp_path: Path, providers: Any, node: Node, save: Node
) -> None:
    from kling26.sandbox import Fault

    own = {"KIE_API_KEY": KEY, "COMETAPI_KEY": KEY, "KLING26_PREFER": "kie,cometapi"}
    comfy = start(tmp_path, {**providers.environment, **own})
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("max_tasks_per_hour = 1\n")
    providers.site.conditions["kie"].faults.append(Fault("no_credit"))
    before = {name: len(providers.tasks(name)) for name in ("kie", "cometapi")}
    run = comfy.run({"1": node("Anyone", "auto"), "2": save("1", "anyone")})
    over = comfy.run({"1": node("Anyone", "auto", seed=1), "2": save("1")})
    again = comfy.run({"1": node("Anyone", "cometapi"), "2": save("1", "again")})
    paid = {name: len(providers.tasks(name)) - count for name, count in before.items()}

    said = [text for _, text in run.texts]
    assert run.end == again.end == "execution_success"
    assert any("kie.ai has too little credit" in text for text in said)
    assert said[-1].startswith("CometAPI · done")
    assert over.error.startswith("The budget ")
    assert "change the budget in the Kling 2.6 panel" in over.error
    assert over.texts[-1] == ("1", over.error)
    assert paid == {"kie": 0, "cometapi": 1}


def test_cancel_stops_within_a_second_and_the_next_run_pays_nothing(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    providers.pace("kie", queued=0.5, running=9.0)
    before = len(providers.tasks("kie"))
    prompt = {"1": node("Cancelled"), "2": node("Cancelled too"), "3": save("1"), "4": save("2")}
    pressed: list[float] = []

    def press(run: Any) -> None:
        if not pressed and len(providers.tasks("kie")) == before + 2:
            time.sleep(0.5)
            comfy.interrupt()
            pressed.append(time.monotonic())

    def told(run: Any) -> bool:
        last = dict(run.texts)
        return bool(pressed) and all("paid for" in last.get(name, "") for name in ("1", "2"))

    run = comfy.run(prompt, meanwhile=press, until=told)
    assert run.of("execution_interrupted")
    assert not run.of("execution_error")

    again = comfy.run(prompt)
    assert again.end == "execution_success"
    assert len(providers.tasks("kie")) == before + 2


def test_cancel_is_quick(comfy: Any, providers: Any, node: Node, save: Node) -> None:
    providers.pace("kie", queued=0.5, running=6.0)
    before = len(providers.tasks("kie"))
    pressed: list[float] = []

    def press(run: Any) -> None:
        if not pressed and len(providers.tasks("kie")) > before:
            pressed.append(time.monotonic())
            comfy.interrupt()

    comfy.run({"1": node("Quick cancel"), "2": save("1")}, meanwhile=press)
    took = time.monotonic() - pressed[0]
    print(f"Cancel took {took:.2f} s")

    assert took < 1.0


def test_cancel_reaches_a_provider_that_can(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    providers.pace("runcomfy", queued=30.0, running=1.0)
    before = len(providers.tasks("runcomfy"))
    pressed: list[float] = []

    def press(run: Any) -> None:
        if not pressed and len(providers.tasks("runcomfy")) > before:
            time.sleep(0.5)
            pressed.append(time.monotonic())
            comfy.interrupt()

    def told(run: Any) -> bool:
        return any("RunComfy cancelled the task" in text for _, text in run.texts)

    run = comfy.run({"1": node("Queued", "runcomfy"), "2": save("1")}, meanwhile=press, until=told)

    assert run.of("execution_interrupted")
    assert providers.tasks("runcomfy")[-1].cancelled


def test_a_failing_neighbour_costs_nothing_twice(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    providers.pace("kie", queued=0.5, running=5.0)
    before = len(providers.tasks("kie"))
    prompt = {
        "1": node("A sibling"),
        "2": save("1", "sibling"),
        "3": {"class_type": "ProbeFail", "inputs": {"after": 2.0}},
    }
    run = comfy.run(prompt)
    assert run.end == "execution_error"
    assert "on purpose" in run.error

    del prompt["3"]
    again = comfy.run(prompt)
    assert again.end == "execution_success"
    assert len(providers.tasks("kie")) == before + 1
    assert list(comfy.output.glob("sibling_*.mp4"))


def test_a_blocked_prompt_does_not_stop_a_paid_task(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    providers.pace("kie", queued=0.5, running=1.0)
    prompt = {
        "1": node("Beside a blocking node"),
        "2": save("1"),
        "3": {"class_type": "ProbeBlock", "inputs": {"seconds": 5.0}},
    }
    run = comfy.run(prompt)
    last_run = comfy.home / "journal.sqlite3"
    with closing(sqlite3.connect(last_run)) as journal:
        states = {state for (state,) in journal.execute("select state from tasks")}

    assert run.end == "execution_success"
    assert "stored" in states


def test_a_wrong_key_is_reported_in_the_providers_words(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    comfy.home.mkdir(mode=0o700, exist_ok=True)
    (comfy.home / "keys.toml").write_text('apikley = "wrong-key-of-the-test"')
    run = comfy.run({"1": node("Wrong key", "apikley"), "2": save("1")})
    comfy.request("DELETE", "/kling26/keys/apikley", Origin=comfy.url)

    assert run.end == "execution_error"
    assert "Apikley" in run.error
    assert "key" in run.error.lower()
    assert any(text == run.error for _, text in run.texts)
    assert "wrong-key-of-the-test" not in comfy.log + json.dumps(run.events)


def test_a_failed_task_gives_its_reason(comfy: Any, providers: Any, node: Node, save: Node) -> None:
    from kling26.sandbox import Fault

    providers.site.conditions["kie"].faults.append(Fault("failed_task"))
    run = comfy.run({"1": node("Will fail"), "2": save("1")})

    assert run.end == "execution_error"
    assert run.error.startswith("kie.ai could not make the video")
    assert any(text == run.error for _, text in run.texts)


def test_keys_go_in_from_the_same_page_only_and_never_come_out(comfy: Any) -> None:
    key = "sk-e2e-route-key"
    refused = [
        comfy.request("POST", "/kling26/keys/apikley", {"key": key}, **headers)[0]
        for headers in (
            {},
            {"Origin": "https://evil.example"},
            {"Origin": comfy.url, "Sec-Fetch-Site": "cross-site"},
        )
    ]
    status, answer = comfy.request("POST", "/kling26/keys/apikley", {"key": key}, Origin=comfy.url)
    known = {each["name"]: each["key"] for each in comfy.get("/kling26/providers")["providers"]}
    stored = (comfy.home / "keys.toml").read_text()
    mode = (comfy.home / "keys.toml").stat().st_mode & 0o777
    _, gone = comfy.request("DELETE", "/kling26/keys/apikley", Origin=comfy.url)

    assert refused == [403, 403, 403]
    assert status == 200
    assert key not in json.dumps(answer)
    assert known["apikley"] == {"set": True, "source": "keys.toml", "problem": None}
    assert known["kie"]["source"] == "environment"
    assert key in stored
    assert mode == 0o600
    assert gone["key"]["set"] is False


def test_the_pack_brings_locales_help_and_templates(comfy: Any) -> None:
    texts = comfy.get("/i18n")
    templates = comfy.get("/workflow_templates")["ComfyUI-Kling26"]

    for language in ("en", "zh", "ru"):
        node = texts[language]["nodeDefs"]["Kling26Video"]
        assert node["inputs"]["provider_mode"]["name"]
    assert len(templates) == 2
    for template in templates:
        path = f"/api/workflow_templates/ComfyUI-Kling26/{quote(template)}.jpg"
        status, picture = comfy.request("GET", path)
        assert status == 200
        assert picture[:2] == b"\xff\xd8"
    for page in (
        "Kling26Video.md",
        "Kling26Video/en.md",
        "Kling26Video/zh.md",
        "Kling26Video/ru.md",
    ):
        assert comfy.get(f"/extensions/ComfyUI-Kling26/docs/{page}").startswith(b"# Kling 2.6")


def test_nothing_secret_is_anywhere(
    comfy: Any, providers: Any, node: Node, save: Node, tmp_path: Path
) -> None:
    run = comfy.run({"1": node("The last one"), "2": save("1", "secret")})
    failed = comfy.run({"1": node("x" * 3000), "2": save("1")})
    everything = [
        json.dumps(comfy.get("/history")),
        json.dumps(comfy.get("/queue")),
        json.dumps(comfy.get("/object_info/Kling26Video")),
        json.dumps(comfy.get("/kling26/providers")),
        json.dumps(comfy.get("/settings")),
        json.dumps(run.events + failed.events),
        json.dumps(run.texts),
        comfy.log,
    ]
    files = [path for path in comfy.folder.rglob("*") if path.is_file()]
    for path in files:
        if path.name != "keys.toml" and "custom_nodes" not in path.parts:
            everything.append(path.read_bytes().decode("latin-1"))

    assert any(path.suffix == ".mp4" for path in files)
    assert any(path.name.startswith("journal") for path in files)
    assert [text[:200] for text in everything if KEY in text] == []


def test_the_stand_in_of_the_unit_tests_has_the_real_signatures(comfy: Any) -> None:
    """The names that the node uses exist, with the arguments it gives (see comfyui.py)."""
    info = comfy.get("/kling26-probe/signatures")

    assert info["names"] > 20
    assert info["wrong"] == []
