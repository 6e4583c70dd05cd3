"""A picture that nobody can decode is refused before anything is sent; a whole one is not."""

import io
import random
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from kling26.core import ImageFile, ImageRefused, Provider, VideoRequest
from kling26.core.validation import validate
from PIL import Image
from PIL import ImageFile as Pillow

PROMPT = "A lighthouse blinks in the fog"
DAMAGED = "kie.ai: image must be a whole picture; this file is damaged or incomplete."
FORMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a JPEG": ("JPEG", "RGB", {}),
    "a grey JPEG": ("JPEG", "L", {}),
    "a JPEG for print": ("JPEG", "CMYK", {}),
    "a progressive JPEG": ("JPEG", "RGB", {"progressive": True}),
    "a PNG": ("PNG", "RGB", {}),
    "a PNG with transparency": ("PNG", "RGBA", {}),
    "a grey PNG with transparency": ("PNG", "LA", {}),
    "a PNG with a palette": ("PNG", "P", {}),
    "a black and white PNG": ("PNG", "1", {}),
    "a WebP": ("WEBP", "RGB", {}),
    "a WebP with transparency": ("WEBP", "RGBA", {}),
    "a WebP without loss": ("WEBP", "RGB", {"lossless": True}),
}


@cache
def noise() -> Image.Image:
    """What compresses badly, so that every part of a file matters."""
    pixels = random.Random(1).randbytes(64 * 48 * 3)  # noqa: S311 - the same in every run.
    return Image.frombytes("RGB", (64, 48), pixels).resize((400, 300))


@cache
def drawn(form: str) -> bytes:
    kind, mode, how = FORMS[form]
    file = io.BytesIO()
    noise().convert(mode).save(file, kind, **how)
    return file.getvalue()


def saved(picture: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


@pytest.fixture
def kie(providers: Any) -> Provider:
    provider: Provider = providers["kie"]
    return provider


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    with warnings.catch_warnings(action="error"):
        yield


@pytest.fixture(params=[False, True], ids=["strict", "tolerant"])
def tolerance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other nodes of ComfyUI set for the whole process must not count here."""
    monkeypatch.setattr(Pillow, "LOAD_TRUNCATED_IMAGES", request.param)


@pytest.mark.usefixtures("tolerance")
@pytest.mark.parametrize("form", FORMS)
def test_a_whole_picture_passes_unchanged(kie: Provider, form: str) -> None:
    request = VideoRequest(PROMPT, image=drawn(form))

    validate(kie, request, None)

    assert isinstance(request.image, ImageFile)
    assert request.image.data == drawn(form)


@pytest.mark.usefixtures("tolerance")
@pytest.mark.parametrize("form", FORMS)
def test_a_picture_without_its_end_is_refused(kie: Provider, form: str) -> None:
    whole = drawn(form)
    lengths = [len(whole) * percent // 100 for percent in (1, 5, 50, 85, 97, 99)]

    for length in [*lengths, len(whole) - 1]:
        with pytest.raises(ImageRefused, match="image must be"):
            validate(kie, VideoRequest(PROMPT, image=whole[:length]), None)


@pytest.mark.parametrize("form", ["a JPEG", "a PNG"])
def test_half_a_picture_is_refused_in_a_sentence(kie: Provider, form: str) -> None:
    half = drawn(form)[: len(drawn(form)) // 2]

    with pytest.raises(ImageRefused) as caught:
        validate(kie, VideoRequest(PROMPT, image=half), None)

    assert str(caught.value) == DAMAGED


def test_half_a_picture_is_never_paid_for(stage_of: Callable[[str], Any]) -> None:
    half = drawn("a JPEG")[: len(drawn("a JPEG")) // 2]
    for name in ("kie", "apikley", "cometapi"):
        stage = stage_of(name)
        with pytest.raises(ImageRefused):
            stage.generate(PROMPT, image=half)
        assert stage.emulator.requests == []


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF0000WEBP"])
def test_a_file_that_only_begins_like_a_picture_is_refused(kie: Provider, data: bytes) -> None:
    with pytest.raises(ImageRefused, match="this file cannot be read as an image"):
        validate(kie, VideoRequest(PROMPT, image=data), None)


JPEGS = [form for form in FORMS if "JPEG" in form]


@pytest.mark.parametrize("form", JPEGS)
def test_a_jpeg_that_was_cut_and_given_an_end_again_is_refused(kie: Provider, form: str) -> None:
    whole = drawn(form)

    for percent in range(20, 100, 5):
        cut = whole[: len(whole) * percent // 100] + whole[-2:]
        with pytest.raises(ImageRefused, match="image must be"):
            validate(kie, VideoRequest(PROMPT, image=cut), None)


@pytest.mark.parametrize("form", JPEGS)
def test_a_jpeg_with_a_hole_is_refused(kie: Provider, form: str) -> None:
    whole = drawn(form)

    for percent in (20, 40, 60):
        hole = len(whole) * percent // 100
        with pytest.raises(ImageRefused) as caught:
            validate(kie, VideoRequest(PROMPT, image=whole[:hole] + whole[hole + 500 :]), None)
        assert str(caught.value) == DAMAGED


@pytest.mark.parametrize(
    "appendix", [b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9, b"\0\0\0\x18ftypmp42" + bytes(99)]
)
def test_what_a_phone_appends_to_a_jpeg_does_not_matter(kie: Provider, appendix: bytes) -> None:
    data = drawn("a JPEG") + appendix + drawn("a JPEG")[-2:]

    validate(kie, VideoRequest(PROMPT, image=data), None)


def test_a_small_picture_inside_a_jpeg_is_not_taken_for_its_end(kie: Provider) -> None:
    small = b"Exif\0\0" + saved(noise().resize((64, 48)), "JPEG")
    data = drawn("a JPEG")

    inside = data[:2] + b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small + data[2:]

    validate(kie, VideoRequest(PROMPT, image=inside), None)


def test_a_changed_byte_of_a_png_is_found(kie: Provider) -> None:
    data = bytearray(drawn("a PNG"))
    data[len(data) // 2] ^= 0xFF

    with pytest.raises(ImageRefused) as caught:
        validate(kie, VideoRequest(PROMPT, image=bytes(data)), None)

    assert str(caught.value) == DAMAGED


def test_a_decompression_bomb_is_refused(kie: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # As some nodes of ComfyUI set it.
    bomb = saved(Image.new("1", (9500, 9500)), "PNG")
    assert len(bomb) < 100_000

    with pytest.raises(ImageRefused) as caught:
        validate(kie, VideoRequest(PROMPT, image=bomb), None)

    assert str(caught.value) == (
        "kie.ai: image must have at most 89 million pixels; got 9500 x 9500."
    )


def test_a_jpeg_with_very_many_scans_is_refused(kie: Provider) -> None:
    """Each takes a few bytes, and a pass over all pixels."""
    data = drawn("a progressive JPEG")
    scan = data.rindex(b"\xff\xda")
    bomb = data[:scan] + data[scan:-2] * 100 + data[-2:]

    with pytest.raises(ImageRefused, match="image must be a JPEG of at most 100 scans"):
        validate(kie, VideoRequest(PROMPT, image=bomb), None)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(kie: Provider, kind: str) -> None:
    data = saved(noise(), kind, save_all=True, append_images=[noise().rotate(90)])

    with pytest.raises(ImageRefused) as caught:
        validate(kie, VideoRequest(PROMPT, image=data), None)

    assert str(caught.value) == ("kie.ai: image must be a single picture; this one is animated.")


def test_a_phones_jpeg_with_a_second_picture_passes(kie: Provider) -> None:
    data = saved(noise(), "MPO", save_all=True, append_images=[noise().rotate(90)])

    validate(kie, VideoRequest(PROMPT, image=data), None)


def test_what_follows_a_picture_does_not_matter(kie: Provider) -> None:
    for form in ("a JPEG", "a PNG"):
        validate(kie, VideoRequest(PROMPT, image=drawn(form) + b"\0" * 1000), None)
