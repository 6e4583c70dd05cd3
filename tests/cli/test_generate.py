"""A video from the command line, rehearsed: how it goes, and every way it ends."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

GENERATING = (
    "submitting to kie.ai's emulator",
    "queued at kie.ai's emulator",
    "generating",
    "downloading",
)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    return user_of(tmp_path_factory.mktemp("user"))


@pytest.fixture(scope="module")
def made(user: Any) -> Any:
    """What became of several videos, made in one home folder."""
    return {
        "fox": user.call("generate", "A red fox", "--sandbox", "--output", "fox.mp4"),
        "square": user.call(
            "generate", "A heron", "--provider", "cometapi", "--sandbox", "--sound", "--json",
            "--aspect-ratio", "1:1", "--option", "mode=pro",
        ),
        "failed": user.call(
            "generate", "A failure", "--sandbox", "--json", KLING26_SANDBOX_FAULTS="failed_task"
        ),
        "refused": user.call(
            "generate", "A bill", "--sandbox", "--json", KLING26_SANDBOX_FAULTS="no_credit"
        ),
        "lost": user.call(
            "generate", "A riddle", "--sandbox", "--json",
            KLING26_SANDBOX_FAULTS="reset_after_accept",
        ),
        "late": user.call(
            "generate", "A snail", "--sandbox", "--json", "--output", "snail.mp4",
            "--timeout", "3", KLING26_SANDBOX_FAULTS="success_without_url," * 14,
        ),
    }  # fmt: skip


def shape_of(path: Path) -> tuple[float, float, bool]:
    """Seconds, width to height, and whether there is a sound track."""
    with av.open(str(path)) as video:
        picture = video.streams.video[0]
        assert video.duration is not None
        seconds = round(video.duration / av.time_base, 1)
        return seconds, round(picture.width / picture.height, 2), bool(video.streams.audio)


def task_of(text: str) -> str:
    """The first task's id in a text."""
    return next(word for word in text.replace(":", " ").split() if word.startswith("k26-"))


def test_a_video_is_made_and_its_path_is_all_there_is_on_stdout(made: Any, user: Any) -> None:
    ran = made["fox"]

    assert (ran.status, ran.file) == (0, user.folder / "fox.mp4")
    assert shape_of(ran.file) == (5.0, 1.78, False)


def test_progress_is_a_line_for_each_change_where_stderr_is_no_terminal(made: Any) -> None:
    ran = made["fox"]
    task = task_of(ran.err)

    *progress, last = ran.err.splitlines()
    assert progress == [f"{task}: {words}" for words in GENERATING]
    assert re.fullmatch(rf"Rehearsed with kie\.ai's emulator in 0:0[34] \({task}\)\.", last)


def test_the_options_reach_the_video_and_json_has_everything(made: Any, user: Any) -> None:
    ran = made["square"]
    told = ran.object

    assert ran.status == 0
    assert shape_of(Path(told["file"])) == (5.0, 1.0, True)
    assert Path(told["file"]) == user.home / "videos" / f"{told['task']}.mp4"
    assert (told["provider"], told["state"], told["error"]) == ("cometapi", "stored", None)
    assert told["task_id"] in told["url"]


def test_an_equal_request_is_free_at_once_and_it_is_said(made: Any, user: Any) -> None:
    again = user.call("generate", "A red fox", "--sandbox", "--output", "copy.mp4", "--json")

    assert (again.status, again.object["file"]) == (0, str(user.folder / "copy.mp4"))
    assert (user.folder / "copy.mp4").read_bytes() == made["fox"].file.read_bytes()
    assert again.object["task"] == task_of(made["fox"].err)
    assert again.said.startswith("Rehearsed on ")
    assert again.said.endswith("so this costs nothing; another --seed makes a new video.")


def test_a_task_that_fails_at_the_provider_exits_4(made: Any) -> None:
    ran = made["failed"]

    assert (ran.status, ran.object["state"]) == (4, "failed")
    assert ran.object["error"].startswith("kie.ai's emulator could not make the video: ")
    assert ran.err.splitlines()[-1] == ran.object["error"]
    assert ran.object["file"] is None


def test_a_request_that_the_provider_refuses_exits_3(made: Any) -> None:
    ran = made["refused"]

    assert (ran.status, ran.object["state"]) == (3, "refused")
    assert "too little credit" in ran.object["error"]
    assert ran.object["error"].startswith("The account at kie.ai's emulator ")
    assert ran.err.splitlines()[-1] == ran.object["error"]


def test_a_lost_answer_exits_5_and_says_what_to_type(made: Any) -> None:
    ran = made["lost"]
    told = ran.object

    assert (ran.status, told["state"], told["task_id"]) == (5, "unknown", None)
    assert told["error"].endswith(
        f" If a real task is on its provider's page, kling26 adopt {told['task']} ID fetches it. "
        f"Submit this one again with: kling26 resubmit {told['task']}"
    )
    assert ran.err.splitlines()[-1] == told["error"]


def test_a_video_that_cannot_be_written_any_more_exits_5_and_is_kept(user: Any) -> None:
    folder = user.folder / "films"
    folder.mkdir()
    line = ("generate", "A gap", "--sandbox", "--output", "films/gap.mp4")
    task = user.call(*line, "--timeout", "1", "--json").object["task"]
    folder.rmdir()

    ran = user.call("resume", task)

    assert (ran.status, ran.out) == (5, "")
    assert ran.err.splitlines()[-1] == (
        f"{task}: The video is stored as {user.home}/videos/{task}.mp4, but could not be written "
        f"to {folder}/gap.mp4: No such file or directory. Try again with: kling26 resume {task}"
    )

    folder.mkdir()
    resumed = user.call("resume", task)
    assert (resumed.status, resumed.file) == (0, folder / "gap.mp4")


def test_a_timeout_exits_5_and_resume_delivers_to_the_output(made: Any, user: Any) -> None:
    ran = made["late"]
    task = ran.object["task"]

    assert (ran.status, ran.object["state"]) == (5, "submitted")
    assert ran.object["error"].endswith(f"Fetch it with: kling26 resume {task}")
    assert not (user.folder / "snail.mp4").exists()

    resumed = user.call("resume", task[:10], "--json")

    assert (resumed.status, resumed.object["task"]) == (0, task)
    assert resumed.object["file"] == str(user.folder / "snail.mp4")
    assert shape_of(user.folder / "snail.mp4")[0] == 5.0


def test_an_output_that_nobody_reads_any_more_is_no_traceback(made: Any, user: Any) -> None:
    assert made
    process = user.start("tasks", "--json").process
    process.stdout.close()
    process.wait()

    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_takes_nothing_is_reported(made: Any, user: Any) -> None:
    assert made
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "kling26.cli", "tasks"],
            env=user.environ, stdout=full, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip

    assert ran.stderr == "The output cannot be written: No space left on device.\n"
    assert ran.returncode == 1
