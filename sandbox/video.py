"""The videos that the emulators deliver: small, real, and made on demand."""

import array
import math
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
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
SAMPLES_PER_FRAME = 1024  # AAC's frame size
TONE_PERIOD = 100  # samples: 441 Hz

MAX_TEXT = 600  # characters: more would not fit
LONGEST_SIDE = 320  # pixels
#: What prompts are drawn with, the first that has the letters: those of Linux, then those for
#: Chinese on Windows and on a Mac, which have Russian too.
FONTS = (
    "DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "msyh.ttc", "PingFang.ttc", "Arial Unicode.ttf",
)  # fmt: skip
SIZES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (240, 240)}


@frozen
class Clip:
    """What a video shows; its bytes depend on nothing else. Sizes are in pixels."""

    prompt: str
    seconds: int = 5
    sound: bool = False
    width: int = 320
    height: int = 180


def size_like(width: int, height: int) -> tuple[int, int]:
    """A small video's size in the aspect ratio of an image; H.264 needs even numbers."""
    scale = LONGEST_SIDE / max(width, height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


@lru_cache(maxsize=64)
def make_video(clip: Clip) -> bytes:
    """An MP4 of H.264, and of AAC if the clip has sound; the same bytes for equal clips."""
    import av

    # The index can be moved to the front only in a file, not in memory.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "video.mp4")
        with av.open(
            path, "w", format="mp4", options={"movflags": "faststart", "fflags": "bitexact"}
        ) as file:
            _write(file, clip)
        return path.read_bytes()


def _write(file: "OutputContainer", clip: Clip) -> None:
    video = file.add_stream(
        "libx264", FRAMES_PER_SECOND, options={"preset": "ultrafast", "tune": "stillimage"}
    )
    video.width, video.height, video.pix_fmt = clip.width, clip.height, "yuv420p"
    video.codec_context.thread_count = 1  # More threads make the bytes differ between runs.
    audio = file.add_stream("aac", SAMPLES_PER_SECOND, layout="mono") if clip.sound else None
    for frame in _frames(clip):
        file.mux(video.encode(frame))
    file.mux(video.encode())
    if audio is not None:
        for samples in _tone(clip.seconds):
            file.mux(audio.encode(samples))
        file.mux(audio.encode())


def _frames(clip: Clip) -> "Iterator[VideoFrame]":
    """The prompt on a background of its own colour, above a bar that grows with time."""
    from av import VideoFrame
    from PIL import ImageDraw

    card = _card(clip)
    count = clip.seconds * FRAMES_PER_SECOND
    for number in range(count):
        # The bar only grows, so it can be drawn over the previous frame's.
        ImageDraw.Draw(card).rectangle(
            (0, clip.height - 6, clip.width * (number + 1) // count, clip.height), fill="white"
        )
        frame: VideoFrame = VideoFrame.from_image(card)  # type: ignore[no-untyped-call]  # PyAV's
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _card(clip: Clip) -> "Image":
    from PIL import Image, ImageDraw

    # A lone surrogate is valid in JSON, but no font can draw it.
    text = clip.prompt.encode(errors="replace").decode()
    hue = zlib.crc32(text.encode()) % 360  # Makes two videos easy to tell apart.
    card = Image.new("RGB", (clip.width, clip.height), f"hsl({hue}, 60%, 25%)")
    font = max(_fonts(), key=lambda font: len(_drawable(text[:MAX_TEXT], font)))
    lines = _wrapped(_drawable(text[:MAX_TEXT], font), font, clip.width - 16)
    ImageDraw.Draw(card).multiline_text((8, 8), "\n".join(lines), font=font)
    return card


def _drawable(text: str, font: "FreeTypeFont | ImageFont") -> str:
    """The text without control characters, and without what the font draws as a box."""
    box = bytes(font.getmask("\uffff"))  # No letter, and none ever will be.
    letters = {letter for letter in set(text) - {" "} if letter.isprintable()}
    known = {" ", *(letter for letter in letters if bytes(font.getmask(letter)) != box)}
    return "".join(letter for letter in " ".join(text.split()) if letter in known)


def _wrapped(text: str, font: "FreeTypeFont | ImageFont", width: int) -> Iterator[str]:
    """The text in lines that fit; text without spaces breaks anywhere."""
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
def _fonts() -> "Sequence[FreeTypeFont | ImageFont]":
    """The fonts that are on this machine, and Pillow's own."""
    from PIL.ImageFont import Layout, load_default, truetype

    found: list[FreeTypeFont | ImageFont] = []
    for name in FONTS:
        with suppress(OSError):
            # Chinese needs none of the shaping that would take a tenth of a second for a line.
            basic = Layout.BASIC if found else None
            found.append(truetype(name, 14, layout_engine=basic))
    return [*found, load_default(14)]


def _tone(seconds: int) -> "Iterator[AudioFrame]":
    """A soft hum, in frames of audio samples."""
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
