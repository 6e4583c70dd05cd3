"""The videos that the emulators deliver: small, real, and made on the spot."""

from __future__ import annotations

import array
import math
import tempfile
import zlib
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from av import AudioFrame, VideoFrame
    from av.container import OutputContainer
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

FRAMES_PER_SECOND = 12
SAMPLES_PER_SECOND = 44_100
SAMPLES_PER_FRAME = 1024  # what AAC takes at once
TONE_PERIOD = 100  # samples: a tone of 441 Hz

MOST_TEXT = 600  # characters: more has no room on a picture
LONGEST_SIDE = 320
SIZES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (240, 240)}


@frozen
class Clip:
    """What a video shows: everything that its bytes depend on."""

    prompt: str
    seconds: int = 5
    sound: bool = False
    width: int = 320
    height: int = 180


def size_like(width: int, height: int) -> tuple[int, int]:
    """A small video's size in the shape of a picture; H.264 wants even numbers."""
    scale = LONGEST_SIDE / max(width, height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


@lru_cache(maxsize=64)
def make_video(clip: Clip) -> bytes:
    """An MP4 of H.264, and of AAC exactly when the clip has sound; equal clips, equal bytes."""
    import av

    # The index can only be moved to the front in a file, not in memory.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "video.mp4")
        with av.open(
            path, "w", format="mp4", options={"movflags": "faststart", "fflags": "bitexact"}
        ) as file:
            _write(file, clip)
        return path.read_bytes()


def _write(file: OutputContainer, clip: Clip) -> None:
    video = file.add_stream(
        "libx264", FRAMES_PER_SECOND, options={"preset": "ultrafast", "tune": "stillimage"}
    )
    video.width, video.height, video.pix_fmt = clip.width, clip.height, "yuv420p"
    video.codec_context.thread_count = 1  # with more threads the bytes differ between runs
    audio = file.add_stream("aac", SAMPLES_PER_SECOND, layout="mono") if clip.sound else None
    for picture in _frames(clip):
        file.mux(video.encode(picture))
    file.mux(video.encode())
    if audio is not None:
        for samples in _tone(clip.seconds):
            file.mux(audio.encode(samples))
        file.mux(audio.encode())


def _frames(clip: Clip) -> Iterator[VideoFrame]:
    """The prompt on a colour of its own, over a bar that grows with time."""
    from av import VideoFrame
    from PIL import ImageDraw

    card = _card(clip)
    count = clip.seconds * FRAMES_PER_SECOND
    for number in range(count):
        # The bar only grows, so it may be drawn over the last frame's.
        ImageDraw.Draw(card).rectangle(
            (0, clip.height - 6, clip.width * (number + 1) // count, clip.height), fill="white"
        )
        frame: VideoFrame = VideoFrame.from_image(card)  # type: ignore[no-untyped-call]  # PyAV's
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _card(clip: Clip) -> Image:
    from PIL import Image, ImageDraw

    # A lone surrogate is valid in JSON, and nothing that a font could draw.
    text = clip.prompt.encode(errors="replace").decode()
    hue = zlib.crc32(text.encode()) % 360  # so that two videos can be told apart at a glance
    card = Image.new("RGB", (clip.width, clip.height), f"hsl({hue}, 60%, 25%)")
    draw, font = ImageDraw.Draw(card), _font()
    draw.multiline_text(
        (8, 8), "\n".join(_wrapped(text[:MOST_TEXT], font, clip.width - 16)), font=font
    )
    return card


def _wrapped(text: str, font: FreeTypeFont | ImageFont, width: int) -> Iterator[str]:
    """Lines that fit; a language without spaces is broken anywhere."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".lstrip()
        if font.getlength(longer) > width and line:
            yield line
            longer = word
        while font.getlength(longer) > width and len(longer) > 1:
            fits = max(1, int(len(longer) * width / font.getlength(longer)))
            yield longer[:fits]
            longer = longer[fits:]
        line = longer
    yield line


@lru_cache
def _font() -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    try:
        return ImageFont.truetype("DejaVuSans.ttf", 14)
    except OSError:
        return ImageFont.load_default(14)


def _tone(seconds: int) -> Iterator[AudioFrame]:
    """A soft hum, in frames of samples."""
    from av import AudioFrame

    wave = array.array(
        "f",
        (
            0.1 * math.sin(2 * math.pi * n / TONE_PERIOD)
            for n in range(SAMPLES_PER_FRAME + TONE_PERIOD)
        ),
    )
    for start in range(0, seconds * SAMPLES_PER_SECOND, SAMPLES_PER_FRAME):
        count = min(SAMPLES_PER_FRAME, seconds * SAMPLES_PER_SECOND - start)
        frame = AudioFrame(format="fltp", layout="mono", samples=count)
        phase = start % TONE_PERIOD
        samples = wave[phase : phase + count].tobytes()
        frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts = SAMPLES_PER_SECOND, start
        frame.time_base = Fraction(1, SAMPLES_PER_SECOND)
        yield frame
