"""
A user's program, with every name it needs from `kling26`; type checkers read it, nothing runs.

What fails here, fails for every user with a type checker, be it mypy or pyright in strict mode.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import assert_type

import kling26
from kling26 import (
    AspectRatio,
    Balance,
    Cancellation,
    Kling26Error,
    Listener,
    NotDelivered,
    OptionRefused,
    Outcome,
    OutcomeUnknown,
    Progress,
    Remedy,
    Runner,
    Settings,
    Task,
    TryLater,
    Video,
    VideoRequest,
    agenerate,
    generate,
)


def main(arguments: list[str]) -> None:
    """A program that takes its numbers from somewhere else, as programs do."""
    parser = argparse.ArgumentParser()
    parser.add_argument("prompt")
    parser.add_argument("duration")
    read = parser.parse_args(arguments)
    prompt, text = str(read.prompt), str(read.duration)
    request = VideoRequest(prompt, duration=int(text))
    assert_type(request.duration, int)
    assert_type(request.aspect_ratio, AspectRatio)
    try:
        video = generate(request, "kie", {"style": "film"}, output="fox.mp4", timeout=60)
    except NotDelivered as error:
        assert_type(error.task, str | None)
        assert_type(error.remedy, Remedy | None)
        print(error, "" if error.remedy is None else error.remedy.do)
    except TryLater as error:
        assert_type(error.retry_after, float | None)
    except OptionRefused as error:
        assert_type(error.option, str)
    except Kling26Error as error:
        print(error.provider, error.code, error.message)
    else:
        show(video)


def show(video: Video) -> None:
    assert_type(video.file, Path)
    assert_type(video.cost, float | None)
    assert_type(video.reused, bool)
    assert_type(kling26.__version__, str)


def requests(picture: bytes, file: Path) -> list[VideoRequest]:
    """The images that a request starts from."""
    return [
        VideoRequest("A red fox", image="https://example.com/fox.png", sound=True),
        VideoRequest("A red fox", image=file, aspect_ratio="9:16"),
        VideoRequest("A red fox", image=picture, seed=2**63),
        VideoRequest("A red fox", duration=7, aspect_ratio="4:3"),  # For a plug-in.
    ]


async def in_a_loop(progress: Listener) -> None:
    video = await agenerate(VideoRequest("A red fox"), sandbox=True, progress=progress)
    assert_type(video, Video)
    async with Runner() as runner:
        assert_type(await runner.generate(VideoRequest("A red fox"), output=Path("fox.mp4")), Video)
    async with Runner(Settings({"KLING26_SANDBOX": "1"})) as runner:
        async for outcome in runner.resume():
            keep(outcome)
        assert_type(await runner.balance(), Balance)
        assert_type(await runner.cancel("k26-1"), Cancellation)


def keep(outcome: Outcome) -> None:
    assert_type(outcome.task, Task)
    assert_type(outcome.video, Video | None)
    assert_type(outcome.error, Kling26Error | None)
    if isinstance(outcome.error, OutcomeUnknown):
        print(outcome.task.id, outcome.task.provider)


def step(progress: Progress) -> None:
    """A listener."""
    print(progress.phase, progress.elapsed, progress.message)


def other_ways(options: Mapping[str, object]) -> None:
    listener: Listener = step
    generate(VideoRequest("A red fox"), options=options, progress=listener)
    generate(VideoRequest("A red fox"), progress=step, sandbox=None, output=None)


def misuse() -> None:
    """What must not pass; an ignore that is not needed is an error too."""
    VideoRequest("A red fox", duration="5")  # type: ignore[arg-type]
    VideoRequest("A red fox", aspect_ratio=4 / 3)  # type: ignore[arg-type]
    VideoRequest("A red fox", image=7)  # type: ignore[arg-type]
    generate("A red fox")  # type: ignore[arg-type]
    generate(VideoRequest("A red fox"), outputs="fox.mp4")  # type: ignore[call-arg]
    kling26.generete(VideoRequest("A red fox"))  # type: ignore[attr-defined]
