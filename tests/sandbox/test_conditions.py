"""Faults, folders and limits, where no single provider shows them."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kling26.core import Sandbox
from kling26.core.errors import SettingsError
from kling26.core.settings import Settings
from kling26.providers.kie import Kie
from kling26.sandbox import Conditions, Emulator, Fault, in_process, rehearsal
from kling26.sandbox.images import size_of
from kling26.sandbox.kie import KieSandbox
from kling26.sandbox.multipart import parts
from kling26.sandbox.responses import wrong_types
from kling26.sandbox.tasks import FolderTasks
from kling26.sandbox.window import Window

from .conftest import Client


def test_faults_are_taken_in_order_and_each_as_often_as_it_says() -> None:
    conditions = Conditions(faults=[Fault("poll_429", 2), Fault("slow"), Fault("poll_html")])
    names = []
    while fault := conditions.take_fault("poll"):
        names.append(fault.name)

    assert names == ["poll_429", "poll_429", "poll_html"]
    assert conditions.faults == [Fault("slow")]


def test_a_fault_waits_until_those_before_it_are_gone() -> None:
    conditions = Conditions(faults=[Fault("late_url"), Fault("failed_task")])

    assert conditions.take_fault("end", "failed_task") is None
    assert conditions.take_fault("end", "late_url") == Fault("late_url")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "gremlin"},
        {"name": "slow", "times": 0},
        {"name": "slow", "times": "2"},
        {"name": "slow", "seconds": -1},
        {"name": "slow", "retry_after": "soon"},
        {"name": "error_after_accept", "status": 200},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Fault(**wrong)


def test_an_emulator_needs_no_conditions() -> None:
    assert KieSandbox().conditions == KieSandbox().conditions


def test_another_process_finds_the_tasks_of_the_first(
    client: Client, conditions: Conditions, tmp_path: Path
) -> None:
    conditions.folder = tmp_path
    first = type(client)(client.build(conditions), client.host)
    second = type(client)(client.build(conditions), client.host)
    task_id = first.task()
    second.app.settle(task_id)

    assert [task.id for task in second.app.accepted] == [task_id]
    url = first.url_of(first.ask(task_id))
    assert url
    assert second.get(url).status_code == 200
    assert first.task() != second.task()


def test_no_key_is_written_to_the_folder(
    client: Client, conditions: Conditions, tmp_path: Path
) -> None:
    conditions.folder = tmp_path
    keyed = type(client)(client.build(conditions), client.host, key="key-to-keep")
    keyed.task()
    texts = [path.read_text() for path in tmp_path.rglob("*.json")]

    assert len(texts) == 1
    assert "key-to-keep" not in texts[0]


def test_providers_do_not_mix_their_tasks_in_one_folder(tmp_path: Path) -> None:
    KieSandbox(Conditions(folder=tmp_path)).tasks.new_id(0, str)

    assert [path.name for path in tmp_path.iterdir()] == ["kie"]


def test_a_task_that_is_not_yet_written_is_not_found(tmp_path: Path) -> None:
    tasks = FolderTasks(tmp_path)
    task_id = tasks.new_id(1, str)

    assert tasks.find(task_id) is None
    assert tasks.find("another") is None
    assert list(tasks) == []


@pytest.mark.parametrize("task_id", ["../secret", "", "a/b", "h" * 300])
def test_an_id_does_not_lead_out_of_the_folder(tmp_path: Path, task_id: str) -> None:
    (tmp_path / "secret.json").write_text(json.dumps({"id": "secret"}))

    assert FolderTasks(tmp_path / "kie").find(task_id) is None


def test_a_window_moves_with_the_clock_and_counts_what_it_admits() -> None:
    window = Window(2, 10)
    admitted = [window.admits("me", now) for now in (0, 5, 9, 10, 14, 15)]

    assert admitted == [True, True, False, True, False, True]
    assert window.admits("you", 15)


def test_wrong_types_keep_the_names() -> None:
    right = {"code": 200, "list": ["a"], "flag": True, "none": None, "deep": {"pi": 3.5}}

    assert wrong_types(right) == {
        "code": "200",
        "list": {"0": 1},
        "flag": "True",
        "none": [],
        "deep": {"pi": "3.5"},
    }


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data"])
def test_what_is_no_form_has_no_parts(content_type: str) -> None:
    assert parts(content_type, b"heron") == {}


def test_a_cut_off_form_has_only_whole_parts() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x\r\nContent-'

    assert list(parts("multipart/form-data; boundary=x", body)) == ["a"]


def test_what_is_no_picture_has_no_size() -> None:
    assert size_of(b"heron") is None


def test_a_home_that_takes_no_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sandbox").touch()

    with pytest.raises(
        SettingsError, match=r"sandbox cannot be used: it is not a folder\. Set KLING26_HOME"
    ):
        rehearsal({}, {}, Settings(environ={"KLING26_HOME": str(tmp_path)}))


def test_importing_an_emulator_loads_nothing_heavy() -> None:
    program = (
        "import sys, kling26.sandbox.kie, kling26.sandbox.runcomfy;"
        "print({'av', 'PIL', 'jsonschema', 'uvicorn'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (ran.stdout.strip(), ran.stderr) == ("set()", "")


def test_a_home_whose_disk_is_full_is_refused_before_anything_is_rehearsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    settings = Settings(environ={"KLING26_HOME": str(tmp_path)})
    with monkeypatch.context() as patch:
        patch.setattr(in_process, "try_file", full)
        with pytest.raises(SettingsError, match=r"sandbox cannot be used: .* Make room on that"):
            rehearsal({}, {}, settings)

    rehearsal({}, {}, settings)
    assert list(tmp_path.iterdir()) == []  # What is there is made with the first task.


@pytest.mark.parametrize("said", ["ten", "-1", "nan", "1e9"])
def test_a_queue_that_is_no_number_of_seconds_is_refused(tmp_path: Path, said: str) -> None:
    settings = Settings({"KLING26_HOME": str(tmp_path), "KLING26_SANDBOX_QUEUED": said})

    with pytest.raises(SettingsError, match="must be a number of seconds from 0 to 86400; got"):
        rehearsal({}, {}, settings)


def test_a_queue_may_be_longer_and_is_no_setting_for_what_costs_money(tmp_path: Path) -> None:
    built: list[Conditions] = []

    def build(conditions: Conditions) -> Emulator:
        built.append(conditions)
        return KieSandbox(conditions)

    settings = Settings({"KLING26_HOME": str(tmp_path), "KLING26_SANDBOX_QUEUED": "600"})
    rehearsal({"kie": Kie()}, {"kie": Sandbox("kie", build=build)}, settings)

    assert [conditions.queued for conditions in built] == [600.0]
    with pytest.raises(SettingsError, match="KLING26_SANDBOX_QUEUED is set, but this video is not"):
        settings.check_real()
