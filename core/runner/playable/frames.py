"""Reads a video with PyAV: every packet, and the first picture."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .problem import UnplayableVideo

if TYPE_CHECKING:
    from av import Packet, VideoStream
    from av.container import InputContainer
    from av.stream import Stream

#: A file must not make FFmpeg open anything else.
_OPTIONS = {"protocol_whitelist": "file"}


class Span(NamedTuple):
    """
    When pictures and sound are shown, in seconds.

    `start` and `end` are those of the pictures, `gap` is the usual time between two of them, and
    `last` is the end of whatever ends last, picture or sound.
    """

    start: float
    end: float
    gap: float
    last: float


def play(path: Path, demuxer: str) -> Span:
    """Read all packets and decode the first picture; raises `UnplayableVideo` or `MemoryError`."""
    import av  # Slow to import, and only needed here and in the sandbox.

    try:
        # The demuxer is named, because some that FFmpeg would guess read other files.
        with av.open(
            str(path), format=demuxer, options=_OPTIONS, metadata_errors="replace"
        ) as container:
            video = container.streams.best("video")
            if not isinstance(video, av.VideoStream):
                raise UnplayableVideo("it has no video stream")
            return _play(container, video)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, UnplayableVideo):
            raise
        if isinstance(error, av.FFmpegError) and error.errno == errno.ENOMEM:
            raise MemoryError from error
        raise UnplayableVideo("it is not a video file") from error


def _decodes(packet: "Packet[Stream]") -> bool:
    """Whether a packet leads to a picture; the first ones may need others that are not there."""
    import av

    try:
        return bool(packet.decode())
    except av.InvalidDataError:
        return False


def _play(container: "InputContainer", video: "VideoStream") -> Span:
    video.codec_context.thread_count = 1  # Threads would only cost memory.
    visible, last = False, 0.0
    starts: list[float] = []
    for packet in container.demux(video, *container.streams.audio):
        if packet.is_corrupt:
            raise UnplayableVideo("its end is missing")
        if packet.stream is video and not visible:
            visible = _decodes(packet)
        if packet.pts is None:
            continue  # Marks the end of a stream.
        start, length = (
            float(time * packet.time_base) for time in (packet.pts, packet.duration or 0)
        )
        last = max(last, start + length)
        if packet.stream is video:
            starts.append(start)
    if not visible:
        raise UnplayableVideo("it contains no frame that can be decoded")
    if len(starts) < 2:
        raise UnplayableVideo("it is a still picture")
    # A recording does not say how long its last picture is shown.
    gap = (max(starts) - min(starts)) / (len(starts) - 1)
    end = max(starts) + gap
    return Span(min(starts), end, gap, max(last, end))
