"""Through the real runner: what was asked for arrives, once, after a crash, and beside another."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...core.errors import Kling26Error, StillRunning
from ...core.request import VideoRequest
from ...core.runner.results import Video
from ...sandbox.video import Clip, make_video
from ..stage import Stage
from ..usual import usual_request
from .faults import Faults
from .judging import fail, show
from .several import PROMPTS

#: Shorter than any task, in seconds.
_SHORT = 5.0


class Delivery(Faults):
    """From a request to the file."""

    def test_what_was_asked_for_arrives_after_a_restart(self, tmp_path: Path) -> None:
        """
        A video with sound, of the longest kind, from text and from files, is paid for once.

        What to do: see what `submit` sends, and whether `poll` needs more than the ticket.
        """
        plain: Clip | None = None
        for index, request in enumerate(self._wishes()):
            options = self._options_for(request)
            if options is None:
                continue  # The checks refuse it.
            with Stage(tmp_path / str(index), self.provider, self._emulator()) as stage:
                asked: dict[str, object] = {"sound": request.sound, "duration": request.duration}
                asked |= {"options": options}
                asked |= {f"{name}": file for name, file in request.files.items()}
                try:
                    video = _interrupted(stage, asked)
                except Kling26Error as error:
                    fail(f"{_shown(request)} is not delivered: {show(error)}")
                self._check_delivered(stage, request, video, plain)
                plain = plain or stage.emulator.accepted[0].clip

    def test_two_videos_at_once_are_not_mixed_up(self, tmp_path: Path) -> None:
        """
        Two videos that are made at the same time end in their own files, each paid for once.

        What to do: keep what a task needs in its `Ticket`.
        """
        with Stage(tmp_path, self.provider, self._emulator()) as stage:

            async def work() -> list[Video]:
                async with stage.runner() as runner:
                    return await asyncio.gather(*(stage.make(runner, each) for each in PROMPTS[:2]))

            try:
                videos = stage.run(work())
            except Kling26Error as error:
                fail(f"Of two videos at once, one is not delivered: {show(error)}")
            if stage.paid != len(videos):
                fail(f"Two videos at once are paid for {stage.paid} times.")
            for prompt, video in zip(PROMPTS, videos, strict=False):
                own = [each for each in stage.emulator.accepted if each.clip.prompt == prompt]
                if own and video.file.read_bytes() != make_video(own[0].clip):
                    fail("Of two videos at once, one ends in the file of the other.")

    def _wishes(self) -> Iterator[VideoRequest]:
        longest = max(self.provider.limits.durations)
        yield usual_request(self.provider, sound=True, duration=longest)
        image, end_image = self._image(), self._end_image()
        if image is not None:
            yield usual_request(self.provider, image=image, sound=True, duration=longest)
        if image is not None and end_image is not None:
            yield usual_request(self.provider, image=image, end_image=end_image, duration=longest)

    def _check_delivered(
        self, stage: Stage, request: VideoRequest, video: Video, plain: Clip | None
    ) -> None:
        """The file is the task's; with an image too, if it is what the emulator gives for text."""
        if stage.paid != 1:
            fail(f"{_shown(request)} is paid for {stage.paid} times, with a restart in between.")
        clip = stage.emulator.accepted[0].clip
        if video.file.read_bytes() != make_video(clip):
            fail(f"{_shown(request)}: another video than the task's is delivered.")
        if plain is not None and plain.sound and request.sound and not clip.sound:
            fail(f"{_shown(request)} comes without sound.")
        if plain is not None and plain.seconds == request.duration != clip.seconds:
            fail(f"{_shown(request)} has {clip.seconds} s.")


def _interrupted(stage: Stage, fields: dict[str, Any]) -> Video:
    """The video, which another runner fetches after the first has given up waiting."""
    try:
        return stage.generate(timeout=_SHORT, **fields)
    except StillRunning:
        return stage.generate(**fields)


def _shown(request: VideoRequest) -> str:
    source = {0: "text", 1: "an image", 2: "two images"}[len(request.files)]
    sound = " with sound" if request.sound else ""
    return f"A video of {request.duration} s{sound} from {source}"
