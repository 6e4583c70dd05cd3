"""The routes of the panel: what they tell of tasks, and what they do with them."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kling26.comfy_bridge import routes, tasks_page, thumbnails
from kling26.core.errors import OutcomeUnknown, StillRunning, TaskCancelled
from kling26.core.journal.schema import TASKS as TASKS_TABLE
from kling26.core.plugins import load_providers, load_sandboxes
from kling26.core.runner.objects import KEYS
from kling26.core.runner.runner import Runner
from kling26.testing import Stage

from .pages import Page

TASKS = "/kling26/tasks"


class Panel(Page):
    """The panel, over the journal of a stage, in virtual time."""

    stage: Stage
    runner: Runner

    def act(self, task: str, what: str, body: object = None) -> Any:
        return self.post(f"{TASKS}/{task}/{what}", body)

    def show(self, task: str, part: str = "") -> Any:
        return self.get(f"{TASKS}/{task}{part}")


def panel_of(name: str, comfyui: Any, monkeypatch: pytest.MonkeyPatch, home: Path) -> Panel:
    stage = Stage(home, load_providers()[name], load_sandboxes()[name])
    panel = Panel(comfyui, stage.run)
    panel.stage, panel.runner = stage, stage.runner(alive=True)
    monkeypatch.setattr(tasks_page, "shared_runner", lambda _: panel.runner)

    async def here(work: Any) -> Any:
        return await work

    monkeypatch.setattr(routes, "on_background", here)
    tasks_page.add_routes()
    for each in (thumbnails._turn, thumbnails._checker):
        each.cache_clear()
    return panel


@pytest.fixture
def kie(comfyui: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Panel]:
    panel = panel_of("kie", comfyui, monkeypatch, tmp_path / "home")
    yield panel
    panel.stage.close()


@pytest.fixture
def runcomfy(comfyui: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Panel]:
    panel = panel_of("runcomfy", comfyui, monkeypatch, tmp_path / "home")
    yield panel
    panel.stage.close()


def stored(panel: Panel, prompt: str = "A heron") -> str:
    return panel.run(panel.stage.make(panel.runner, prompt)).task


def begun(panel: Panel, seconds: float = 5) -> str:
    """A task that the provider is making, as another process has left it."""
    with pytest.raises(StillRunning):
        panel.stage.generate(timeout=seconds)
    return panel.stage.tasks()[0].id


def unknown(panel: Panel) -> str:
    """A task whose answer was lost."""
    panel.stage.fault("reset_after_accept")
    with pytest.raises(OutcomeUnknown):
        panel.stage.generate("Lost")
    return panel.stage.tasks()[-1].id


# -- looking -----------------------------------------------------------------------------------


def test_every_task_is_an_object_with_bare_names(kie: Panel, tmp_path: Path) -> None:
    output = tmp_path / "my herons" / "heron.mp4"
    output.parent.mkdir()
    task = kie.run(kie.stage.make(kie.runner, "A heron", output=output)).task

    status, content = kie.get(TASKS)

    assert status == 200
    (shown,) = content["tasks"]
    assert tuple(shown) == KEYS
    assert (shown["task"], shown["standing"], shown["prompt"]) == (task, "stored", "A heron")
    assert (shown["file"], shown["outputs"]) == (f"{task}.mp4", ["heron.mp4"])
    assert str(tmp_path) not in json.dumps(content)
    assert kie.show(task) == (200, shown)
    assert kie.show(f"  {task} ") == (200, shown)


def test_the_sums_and_the_budget_are_beside_them(kie: Panel) -> None:
    stored(kie)
    content = kie.get(TASKS)[1]

    assert content["totals"] == {
        "tasks": 1, "open": 0, "today": {"usd": 0.0, "units": {}},
        "month": {"usd": 0.0, "units": {}},
    }  # fmt: skip
    assert content["budget"] == {
        "max_cost_per_day": None, "max_tasks_per_day": None, "max_tasks_per_hour": None,
        "spent_usd": 0, "left_usd": None, "tasks_left": None, "tasks_in_day": 0,
        "tasks_in_hour": 0,
    }  # fmt: skip
    assert content["started"] > 1_700_000_000


def test_only_the_open_ones_or_so_many_are_told_when_asked_for(kie: Panel) -> None:
    for number in range(3):
        stored(kie, f"Heron {number}")
    lost = unknown(kie)

    assert [each["task"] for each in kie.get(TASKS, query={"open": "1"})[1]["tasks"]] == [lost]
    limited = kie.get(TASKS, query={"limit": "2"})[1]
    assert {each["prompt"] for each in limited["tasks"]} == {"Lost", "Heron 2"}
    assert limited["totals"]["open"] == 1
    for query in ({"limit": "2"}, {"open": "1"}, {}):
        assert kie.get(TASKS, query=query)[1]["totals"]["tasks"] == 4
    assert len(kie.get(TASKS, query={"open": "0", "limit": "10000"})[1]["tasks"]) == 4


@pytest.mark.parametrize(
    "query",
    [{"limit": each} for each in ("", "0", "-1", "x", "1.5", "10001", "9" * 5000, "²", "٣", " 1")]
    + [{"open": each} for each in ("", "2", "yes", "\0")],
)
def test_an_odd_question_is_refused(kie: Panel, query: dict[str, str]) -> None:
    status, content = kie.get(TASKS, query=query)

    assert (status, content["remedy"]) == (400, None)


@pytest.mark.parametrize(
    "name",
    ["k26-0123456789abcdef", "k26-", "k26", "x", "..", "../../keys.toml", "k26-0123%2f", "\0",
     "k26-0123456789abcdef.mp4", "k26-\udcff", "K26-0123456789ABCDEF", "x" * 10_000, "%00", "'--"],
)  # fmt: skip
def test_a_task_that_is_not_there_is_404_for_everything(kie: Panel, name: str) -> None:
    stored(kie)
    name = re.sub("/", "\\\\", name)  # aiohttp splits at every other one.
    answers = [kie.show(name, part) for part in ("", "/video", "/thumbnail")]
    answers += [
        kie.act(name, what, {"task_id": "x"})
        for what in ("resume", "resubmit", "cancel", "adopt", "forget")
    ]

    for status, content in answers:
        assert (status, content["remedy"]) == (404, None)
        assert content["error"].startswith("The journal has no task")


def test_the_beginning_of_an_id_and_the_providers_are_no_names_here(kie: Panel) -> None:
    task = stored(kie)
    remote = kie.show(task)[1]["task_id"]

    assert kie.show(task[:-1])[0] == 404
    assert kie.show(remote)[0] == 404
    assert kie.act(task[:8], "forget")[0] == 404


def test_a_stored_video_is_sent_with_its_picture(kie: Panel) -> None:
    task = stored(kie)

    video, picture = kie.show(task, "/video"), kie.show(task, "/thumbnail")

    assert video.path == kie.stage.home / "videos" / f"{task}.mp4"
    assert video.headers["Content-Type"] == "video/mp4"
    assert video.headers["Content-Disposition"] == f'inline; filename="{task}.mp4"'
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert picture.body.startswith(b"\xff\xd8\xff")
    kept = video.path.with_suffix(".jpg")
    assert kept.read_bytes() == picture.body
    kept.write_bytes(b"kept")
    assert kie.show(task, "/thumbnail").body == b"kept"


def test_without_a_video_there_is_none_to_send(kie: Panel) -> None:
    task = begun(kie)

    for part in ("/video", "/thumbnail"):
        assert kie.show(task, part) == (
            404, {"error": "There is no video of this task here.", "remedy": None},
        )  # fmt: skip


def test_what_is_no_video_has_no_picture(kie: Panel) -> None:
    task = stored(kie)
    (kie.stage.home / "videos" / f"{task}.mp4").write_bytes(b"no video")

    status, content = kie.show(task, "/thumbnail")

    assert status == 404
    assert content["error"] == "There is no picture of this video: it is not a video file."


def test_a_link_out_of_the_store_is_not_followed(kie: Panel, tmp_path: Path) -> None:
    task = stored(kie)
    video = kie.stage.home / "videos" / f"{task}.mp4"
    video.rename(tmp_path / "elsewhere.mp4")
    video.symlink_to(tmp_path / "elsewhere.mp4")

    assert kie.show(task, "/video")[0] == 404
    assert kie.show(task, "/thumbnail")[0] == 404


# -- doing -------------------------------------------------------------------------------------


def test_what_is_under_way_is_fetched_while_the_answer_is_here(kie: Panel) -> None:
    task = begun(kie)
    began = kie.stage.clock()

    status, content = kie.act(task, "resume")

    assert (status, content["standing"]) == (200, "at_provider")
    assert kie.stage.clock() - began < 2
    kie.run(asyncio.sleep(100))
    assert kie.show(task)[1]["standing"] == "stored"
    assert kie.act(task, "resume")[1]["standing"] == "stored"
    assert kie.stage.paid == 1


def test_a_lost_task_is_found_by_the_id_that_the_provider_has(kie: Panel) -> None:
    task, remote = unknown(kie), kie.stage.emulator.accepted[0].id
    before = kie.show(task)[1]
    assert (before["standing"], before["remedy"]["do"]) == ("unclear", "adopt")

    for wrong in ("task_of_nobody", "../../x", "a\u2028b"):
        status, content = kie.act(task, "adopt", {"task_id": wrong})
        assert (400 <= status < 500, content["error"].endswith(".")) == (True, True)
    for odd in (None, 5, "", "  ", ["x"], "x" * 5000, "\ud800", "a\0b"):
        assert kie.act(task, "adopt", {"task_id": odd})[0] in (400, 413)
    assert kie.show(task) == (200, before)

    status, content = kie.act(task, "adopt", {"task_id": f" {remote}\n"})

    assert (status, content["standing"], content["task_id"]) == (200, "at_provider", remote)
    kie.run(asyncio.sleep(100))
    assert kie.show(task)[1]["standing"] == "stored"
    assert kie.stage.paid == 1


def test_an_id_is_judged_within_20_seconds(kie: Panel) -> None:
    task = unknown(kie)
    kie.stage.fault("poll_503", times=1000)
    began = kie.stage.clock()

    status, content = kie.act(task, "adopt", {"task_id": "task_of_somebody"})

    assert 400 <= status < 500
    assert content["error"].startswith("kie.ai")
    assert kie.stage.clock() - began < 20
    assert kie.show(task)[1]["standing"] == "unclear"


def test_a_lost_task_is_submitted_again(kie: Panel) -> None:
    task = unknown(kie)

    status, content = kie.act(task, "resubmit")

    assert (status, content["task"]) == (200, task)
    kie.run(asyncio.sleep(100))
    assert kie.show(task)[1]["standing"] == "stored"
    assert kie.stage.paid == 2
    assert kie.act(task, "resubmit")[0] == 409


def test_what_is_at_the_provider_is_not_forgotten_and_not_submitted_again(kie: Panel) -> None:
    task = begun(kie)

    for what in ("forget", "resubmit", "adopt"):
        status, content = kie.act(task, what, {"task_id": "x"})
        assert (status, content["remedy"]) == (409, None)
        assert content["error"].endswith(".")
    assert kie.show(task)[0] == 200


def test_what_is_forgotten_is_gone_with_its_video_and_its_picture(kie: Panel) -> None:
    task, lost = stored(kie), unknown(kie)
    kie.show(task, "/thumbnail")

    for each in (task, lost):
        status, content = kie.act(each, "forget")
        assert (status, content["task"]) == (200, each)
        assert kie.show(each)[0] == 404
        assert kie.act(each, "forget")[0] == 404
    assert list((kie.stage.home / "videos").iterdir()) == []
    assert kie.get(TASKS)[1]["tasks"] == []


def test_a_cancel_from_the_panel_ends_the_wait_of_the_node(runcomfy: Panel) -> None:
    panel, stage = runcomfy, runcomfy.stage
    stage.conditions.queued = 300.0

    async def work() -> tuple[Any, float]:
        waiting = asyncio.create_task(stage.make(panel.runner))
        await asyncio.sleep(26)
        (task,) = await panel.runner.tasks(only_open=True)
        answer = await panel.ask("POST", f"{TASKS}/{task.id}/cancel")
        began = stage.clock()
        with pytest.raises(TaskCancelled):
            await waiting
        return answer, stage.clock() - began

    (status, content), seconds = panel.run(work())

    assert (status, content["state"], content["standing"]) == (200, "cancelled", "over")
    assert seconds < 2
    status, content = panel.act(content["task"], "cancel")
    assert (status, content["error"].endswith("is already cancelled.")) == (409, True)
    assert panel.act(stage.tasks()[0].id, "resume")[0] == 409


def test_what_cannot_be_cancelled_says_why(kie: Panel) -> None:
    running, done = begun(kie), stored(kie, "Another")

    status, content = kie.act(running, "cancel")
    assert status == 409
    assert "cannot cancel tasks" in content["error"]
    status, content = kie.act(done, "cancel")
    assert (status, content["error"]) == (409, f"Task {done} is already stored.")


def test_what_a_provider_or_the_disk_has_said_names_no_path(kie: Panel, tmp_path: Path) -> None:
    task = begun(kie)
    (kie.stage.home / "config.toml").write_text("jornal = 1")

    for answer in (kie.get(TASKS), kie.show(task, "/video"), kie.act(task, "resume")):
        assert 400 <= answer[0] < 500 or answer[0] == 200
        assert str(tmp_path) not in json.dumps(answer[1])


@pytest.mark.parametrize(
    "clicks", [["resubmit"] * 5, ["resubmit", "adopt"] * 2, ["resubmit", "forget", "resubmit"]]
)
def test_however_often_a_button_is_clicked_it_is_paid_for_once_more_at_most(
    kie: Panel, clicks: list[str]
) -> None:
    task, remote = unknown(kie), kie.stage.emulator.accepted[0].id

    async def work() -> list[Any]:
        asked = (
            kie.ask("POST", f"{TASKS}/{task}/{click}", {"task_id": remote}) for click in clicks
        )
        return await asyncio.gather(*asked)

    answers = kie.run(work())
    kie.run(asyncio.sleep(200))

    assert {status for status, _ in answers} <= {200, 404, 409}
    assert 200 in {status for status, _ in answers}
    assert kie.stage.paid <= 2
    assert kie.show(task)[0] == 404 or kie.show(task)[1]["standing"] == "stored"


def test_a_task_whose_plug_in_is_gone_is_still_there(kie: Panel) -> None:
    task = begun(kie)
    moved = TASKS_TABLE.update().values(provider="gone")
    kie.run(kie.runner.journal._run(lambda connection: connection.execute(moved)))

    assert kie.show(task)[1]["provider"] == "gone"
    for what in ("resume", "cancel"):
        status, content = kie.act(task, what)
        assert status in (409, 424)
        assert content["error"].startswith(
            'The provider "gone" is not installed. Install its plug-in again to fetch the video.'
        )
    assert kie.get(TASKS)[0] == 200
