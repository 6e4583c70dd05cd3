"""Small real videos, in the forms that videos come in."""

import io
import tempfile
from fractions import Fraction
from pathlib import Path

import av

SECONDS = 2
_RATE = 12
_SAMPLES = 960


class _Pipe(io.RawIOBase):
    """Takes a file as it comes, with no way back to fill in what is known at the end."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.content += data
        return len(data)


def record(
    form: str = "mp4",
    video: str = "libx264",
    sound: str | None = "aac",
    *,
    pipe: bool = False,
    frames: int = SECONDS * _RATE,
    size: tuple[int, int] = (64, 48),
    **options: str,
) -> bytes:
    """A video of two seconds; with `pipe`, written like a live recording."""
    if pipe:
        live = _Pipe()
        _write(live, form, video, sound, frames, size, options)
        return bytes(live.content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "video")
        _write(str(path), form, video, sound, frames, size, options)
        return path.read_bytes()


def _write(
    file: str | _Pipe,
    form: str,
    video: str,
    sound: str | None,
    frames: int,
    size: tuple[int, int],
    options: dict[str, str],
) -> None:
    with av.open(file, "w", format=form, options=options) as container:
        pictures = container.add_stream(video, _RATE)
        (pictures.width, pictures.height), pictures.pix_fmt = size, "yuv420p"
        pictures.codec_context.gop_size = 6
        pictures.codec_context.thread_count = 1
        tone = container.add_stream(sound, 48_000, layout="mono") if sound else None
        container.start_encoding()
        heard = 0
        for number in range(frames):
            container.mux(pictures.encode(_picture(number, size)))
            while tone is not None and heard * _RATE < (number + 1) * 48_000:
                container.mux(tone.encode(silence(heard, tone.format.name)))
                heard += _SAMPLES
        container.mux(pictures.encode())
        if tone is not None:
            container.mux(tone.encode())


def _picture(number: int, size: tuple[int, int]) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for shade, plane in enumerate(frame.planes):
        plane.update(bytes([(7 * number + shade) % 256]) * plane.buffer_size)
    frame.pts, frame.time_base = number, Fraction(1, _RATE)
    return frame


def silence(start: int, form: str) -> av.AudioFrame:
    """A frame of sound that begins with a sample of this number."""
    frame = av.AudioFrame(form, "mono", _SAMPLES)
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
    return frame


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4."""
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def patched(video: bytes, kind: bytes, offset: int, value: int) -> bytes:
    """A video with another number of 4 bytes in its first box of a kind."""
    at = video.index(kind) + 4 + offset
    return video[:at] + value.to_bytes(4, "big") + video[at + 4 :]
