"""Checks whether a file is a complete video that plays."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer


class UnplayableVideo(ValueError):
    """The file is not a playable video; the message says why."""


def check_video(path: Path) -> None:
    """
    Raise `UnplayableVideo` unless the file has a video stream that decodes and is complete.

    All packets are read without decoding them: a truncated file ends before its stated duration.
    """
    import av  # Slow to import, and only needed here and in the sandbox.

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UnplayableVideo("it has no video stream")
            stream = container.streams.video[0]
            if next(container.decode(stream), None) is None:
                raise UnplayableVideo("it contains no frame that can be decoded")
            _check_end(container, stream)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, UnplayableVideo):
            raise
        raise UnplayableVideo("it is not a video file") from error


def _check_end(container: "InputContainer", stream: "VideoStream") -> None:
    length = stream.duration or 0
    if not length:
        return
    container.seek(0)
    ends = [p.pts + (p.duration or 0) for p in container.demux(stream) if p.pts is not None]
    if max(ends, default=0) - (stream.start_time or 0) < 0.8 * length:
        raise UnplayableVideo("its end is missing")
