"""What a user asks for: the request and its picture."""

import io
import os
from pathlib import Path

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st
from kling26.core import ImageFile, ImageRefused, VideoRequest
from kling26.core.request import as_image
from PIL import Image

PROMPT = "A lighthouse blinks in the fog"
IMAGE = "https://pictures.example/lighthouse.png"


def drawn(kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, kind, **how)
    return file.getvalue()


def test_a_prompt_is_all_that_a_request_needs() -> None:
    request = VideoRequest(PROMPT)

    assert (request.sound, request.duration, request.aspect_ratio) == (False, 5, "16:9")
    assert (request.image, request.callback_url, request.seed, request.kind) == (
        None, None, 0, "text"
    )  # fmt: skip


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        VideoRequest(PROMPT).prompt = "another"  # type: ignore[misc]


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_image_has_two_spellings(nothing: str | None) -> None:
    assert VideoRequest(PROMPT, image=nothing).kind == "text"


@pytest.mark.parametrize("url", [IMAGE, "http://pictures.example/a", "HTTPS://Pictures.example/a"])
def test_an_address_stays_one(url: str) -> None:
    request = VideoRequest(PROMPT, image=url)

    assert (request.image, request.kind) == (url, "image")


def test_a_path_and_its_bytes_are_the_same_picture(tmp_path: Path, picture: ImageFile) -> None:
    path = tmp_path / "grey.png"
    path.write_bytes(picture.data)

    requests = [
        VideoRequest(PROMPT, image=given)  # type: ignore[arg-type]
        for given in (path, str(path), picture.data, picture)
    ]

    assert all(request == requests[0] for request in requests)
    assert requests[0].image == picture


@pytest.mark.parametrize("name", ["no such file.png", ".", "nul\0l", "\x1b[31m.png", "x" * 5000])
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ImageRefused, match=r'^The image ".*" cannot be read: \w.*\.$') as caught:
        VideoRequest(PROMPT, image=name)

    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert caught.value.option == "image"


def test_a_file_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kling26.core.images._MAX_FILE", 10**6)
    (tmp_path / "huge.png").write_bytes(bytes(10**6 + 1))

    with pytest.raises(ImageRefused, match="is larger than 1 MB"):
        VideoRequest(PROMPT, image=tmp_path / "huge.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_may_never_end_is_not_even_opened(tmp_path: Path) -> None:
    pipe, linked = tmp_path / "pipe.png", tmp_path / "link.png"
    os.mkfifo(pipe)
    linked.symlink_to("/dev/zero")

    for path, what in {pipe: "pipe", linked: "device", tmp_path: "folder"}.items():
        with pytest.raises(ImageRefused, match=rf'^The image ".*" cannot be read: it is a {what}'):
            VideoRequest(PROMPT, image=path)


@pytest.mark.parametrize(
    ("kind", "form", "suffix"),
    [("PNG", "png", "png"), ("JPEG", "jpeg", "jpg"), ("WEBP", "webp", "webp")],
)
def test_a_picture_knows_what_it_is(kind: str, form: str, suffix: str) -> None:
    image = ImageFile(drawn(kind))

    assert (image.format, image.size, image.mime_type) == (form, (40, 30), f"image/{form}")
    assert image.name == f"{image.digest[:24]}.{suffix}"


def test_a_phones_jpeg_with_a_second_picture_is_a_jpeg() -> None:
    """Pillow calls such a file MPO; the first picture is what everybody else sees."""
    second = Image.new("RGB", (40, 30), "navy")
    image = ImageFile(drawn("MPO", save_all=True, append_images=[second]))

    assert (image.format, image.mime_type) == ("jpeg", "image/jpeg")
    assert image.name.endswith(".jpg")


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"GIF89a", b"<svg/>"])
def test_what_is_no_picture_says_so(data: bytes) -> None:
    image = ImageFile(data)

    assert (image.format, image.size) == (None, (0, 0))
    assert image.mime_type == "application/octet-stream"
    assert image.name.endswith(".bin")


@given(
    st.sampled_from(
        [drawn("PNG"), drawn("JPEG"), drawn("WEBP"), drawn("GIF"), drawn("TIFF"), drawn("DDS")]
    ),
    st.integers(0, 60),
    st.binary(max_size=6),
    st.integers(1, 400),
)
def test_a_damaged_picture_is_read_or_is_none(
    data: bytes, place: int, damage: bytes, length: int
) -> None:
    image = ImageFile((data[:place] + damage + data[place + len(damage) :])[:length])

    assert image.format is None or min(image.size) >= 0


def test_a_picture_is_not_shown_where_it_is_printed(picture: ImageFile) -> None:
    assert "PNG" not in repr(VideoRequest(PROMPT, image=picture))


def test_base64_has_no_prefix() -> None:
    assert ImageFile(b"abc").base64() == "YWJj"


@pytest.mark.parametrize("told", [IMAGE, "file-id-123", "/etc/hostname"])
def test_what_an_upload_gave_is_taken_as_it_is(picture: ImageFile, told: str) -> None:
    """It is an address or an id of the provider's, never a file of this machine."""
    request = VideoRequest(PROMPT, image=picture, sound=True, seed=3, task="k26-1")
    uploaded = request.with_urls(image=told)

    assert (uploaded.image, uploaded.kind) == (told, "image")
    assert (uploaded.sound, uploaded.seed, uploaded.task) == (True, 3, "k26-1")
    assert request.image == picture


def test_an_image_stays_what_it_is(picture: ImageFile) -> None:
    assert as_image(picture) is picture
