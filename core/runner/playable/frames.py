"""Reads a video with PyAV: every packet, and the first picture."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .problem import UnplayableVideo

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
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
    with _opened(path, demuxer) as (container, video):
        return _play(container, video)


def first_picture(path: Path, demuxer: str, size: int) -> bytes:
    """
    The first picture as a JPEG, at most `size` pixels wide and high.

    Raises `UnplayableVideo` or `MemoryError`.
    """
    with _opened(path, demuxer) as (container, video):
        for packet in container.demux(video):
            for frame in _decoded(packet):
                return _jpeg(frame, size)
    raise UnplayableVideo(_NO_PICTURE)


_NO_PICTURE = "it contains no frame that can be decoded"


@contextmanager
def _opened(path: Path, demuxer: str) -> "Iterator[tuple[InputContainer, VideoStream]]":
    """A file and its pictures; raises `UnplayableVideo` or `MemoryError`, also for what follows."""
    import av  # Slow to import, and only needed here and in the sandbox.

    try:
        # The demuxer is named, because some that FFmpeg would guess read other files.
        with av.open(
            str(path), format=demuxer, options=_OPTIONS, metadata_errors="replace"
        ) as container:
            video = container.streams.best("video")
            if not isinstance(video, av.VideoStream):
                raise UnplayableVideo("it has no video stream")
            video.codec_context.thread_count = 1  # Threads would only cost memory.
            yield container, video
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, UnplayableVideo):
            raise
        if isinstance(error, av.FFmpegError) and error.errno == errno.ENOMEM:
            raise MemoryError from error
        raise UnplayableVideo("it is not a video file") from error


def _decoded(packet: "Packet[Stream] | Packet[VideoStream]") -> "list[VideoFrame]":
    """The pictures that a packet leads to; the first ones may need others that are not there."""
    import av

    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
    except av.InvalidDataError:
        return []


def _jpeg(frame: "VideoFrame", size: int) -> bytes:
    import av

    scale = min(1.0, size / max(frame.width, frame.height))
    # Two pixels share their colour, so there is an even number of them.
    width, height = (max(2, int(each * scale) // 2 * 2) for each in (frame.width, frame.height))
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base, encoder.thread_count = Fraction(1, 25), 1
    encoder.qmin = encoder.qmax = 4
    picture = frame.reformat(width, height, "yuvj420p")
    picture.pts = None
    return b"".join(bytes(each) for each in [*encoder.encode(picture), *encoder.encode(None)])


def _play(container: "InputContainer", video: "VideoStream") -> Span:
    visible, last = False, 0.0
    starts: list[float] = []
    for packet in container.demux(video, *container.streams.audio):
        if packet.is_corrupt:
            raise UnplayableVideo("its end is missing")
        if packet.stream is video and not visible:
            visible = bool(_decoded(packet))
        if packet.pts is None:
            continue  # Marks the end of a stream.
        start, length = (
            float(time * packet.time_base) for time in (packet.pts, packet.duration or 0)
        )
        last = max(last, start + length)
        if packet.stream is video:
            starts.append(start)
    if not visible:
        raise UnplayableVideo(_NO_PICTURE)
    if len(starts) < 2:
        raise UnplayableVideo("it is a still picture")
    # A recording does not say how long its last picture is shown.
    gap = (max(starts) - min(starts)) / (len(starts) - 1)
    end = max(starts) + gap
    return Span(min(starts), end, gap, max(last, end))
