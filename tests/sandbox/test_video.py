"""The videos that emulators make."""

import io
from typing import Any

import av
import pytest
from av.container import InputContainer
from kling26.sandbox import video as module
from kling26.sandbox.video import SIZES, Clip, make_video, size_like
from PIL import Image, ImageFont


def opened(clip: Clip) -> InputContainer:
    return av.open(io.BytesIO(make_video(clip)), "r")


@pytest.mark.parametrize("seconds", [5, 10])
@pytest.mark.parametrize("sound", [False, True])
def test_a_video_has_the_length_and_the_sound_asked_for(seconds: int, sound: bool) -> None:
    with opened(Clip("A heron", seconds, sound)) as file:
        assert [stream.codec_context.name for stream in file.streams] == (
            ["h264", "aac"] if sound else ["h264"]
        )
        assert file.duration == seconds * 1_000_000
        assert len(list(file.decode(video=0))) == seconds * module.FRAMES_PER_SECOND


@pytest.mark.parametrize("ratio", list(SIZES))
def test_a_video_has_the_aspect_ratio_asked_for(ratio: str) -> None:
    width, height = SIZES[ratio]
    with opened(Clip("A heron", width=width, height=height)) as file:
        video = file.streams.video[0]
        assert (video.width, video.height) == (width, height)

    across, down = map(int, ratio.split(":"))
    assert width * down == height * across


def test_the_prompt_is_drawn() -> None:
    assert _first_frame("A heron") != _first_frame("")


def test_letters_that_no_font_here_has_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FONTS", ())
    module._fonts.cache_clear()
    try:
        assert module._drawable("A 鷺\0 heron", *module._fonts()) == "A  heron"
    finally:
        module._fonts.cache_clear()


def _first_frame(prompt: str) -> bytes:
    with opened(Clip(prompt)) as file:
        picture: Image.Image = next(file.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
        return picture.tobytes()


def test_equal_clips_have_equal_bytes() -> None:
    first = make_video(Clip("A heron", sound=True))
    make_video.cache_clear()

    assert make_video(Clip("A heron", sound=True)) == first


def test_the_index_comes_before_the_pictures() -> None:
    video = make_video(Clip("A heron"))

    assert video.index(b"moov") < video.index(b"mdat")


@pytest.mark.parametrize(
    "prompt", ["", "\ud83d", "雪の中を歩く鷺" * 100, "h" * 2500, "شتاء \n\t winter\0"]
)
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    assert make_video(Clip(prompt)).startswith(b"\0\0\0")


def test_a_machine_without_the_font_draws_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    truetype = ImageFont.truetype

    def missing(font: object, *more: Any, **still: Any) -> ImageFont.FreeTypeFont:
        if isinstance(font, str):
            raise OSError
        return truetype(font, *more, **still)  # type: ignore[arg-type]  # a file, of the other

    monkeypatch.setattr(ImageFont, "truetype", missing)
    module._fonts.cache_clear()
    try:
        assert make_video(Clip("A heron without DejaVu"))
    finally:
        module._fonts.cache_clear()


@pytest.mark.parametrize(
    ("picture", "video"),
    [
        ((1920, 1080), (320, 180)),
        ((300, 600), (160, 320)),
        ((333, 333), (320, 320)),
        ((10_000, 10), (320, 2)),
    ],
)
def test_a_video_is_small_and_even_in_the_shape_of_its_picture(
    picture: tuple[int, int], video: tuple[int, int]
) -> None:
    assert size_like(*picture) == video
