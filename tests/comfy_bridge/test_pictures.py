"""ComfyUI's pictures become bytes that a provider takes, the same ones every time."""

from io import BytesIO
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge.pictures import picture
from kling26.core.plugins import Registry
from PIL import Image

np = pytest.importorskip("numpy")


def _open(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_the_first_of_a_batch_is_taken_and_clamped(registry: Registry) -> None:
    batch = np.full((2, 4, 6, 3), 1.7, dtype=np.float32)
    batch[0, 0, 0] = (-3.0, 0.5, float("nan"))
    image = _open(picture(batch, [registry["kie"]]).data)

    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (6, 4))
    assert image.getpixel((0, 0)) == (0, 128, 0)
    assert image.getpixel((1, 0)) == (255, 255, 255)


def test_what_is_seen_through_becomes_white(registry: Registry) -> None:
    clear = np.zeros((1, 2, 2, 4), dtype=np.float32)
    clear[0, 0, 0, 3] = 1.0
    image = _open(picture(clear, [registry["kie"]]).data)

    assert image.getpixel((0, 0)) == (0, 0, 0)
    assert image.getpixel((1, 1)) == (255, 255, 255)


def test_one_channel_is_grey(registry: Registry) -> None:
    image = _open(picture(np.full((1, 2, 2, 1), 0.5, dtype=np.float32), [registry["kie"]]).data)

    assert image.getpixel((0, 0)) == (128, 128, 128)


def test_a_tensor_is_brought_to_the_processor_first(registry: Registry) -> None:
    class Tensor:
        def detach(self) -> Any:
            return self

        cpu = float = detach

        def numpy(self) -> Any:
            return np.zeros((1, 2, 2, 3), dtype=np.float32)

    assert _open(picture(Tensor(), [registry["kie"]]).data).size == (2, 2)


def test_equal_pixels_are_equal_bytes(registry: Registry) -> None:
    noise = np.random.default_rng(1).random((1, 40, 40, 3), dtype=np.float32)

    assert (
        picture(noise, [registry["kie"]]).digest == picture(noise.copy(), [registry["kie"]]).digest
    )


def _limited(registry: Registry, **limits: Any) -> Any:
    provider = registry["kie"].at({})
    provider.limits = evolve(provider.limits, **limits)
    return provider


def test_too_large_for_png_goes_as_the_best_jpeg_that_fits(registry: Registry) -> None:
    noise = np.random.default_rng(1).random((1, 200, 200, 3), dtype=np.float32)
    small = picture(noise, [_limited(registry, image_bytes=60_000)])
    smaller = picture(noise, [_limited(registry, image_bytes=30_000)])

    assert small.format == smaller.format == "jpeg"
    assert 30_000 < len(small.data) <= 60_000
    assert len(smaller.data) <= 30_000


def test_of_several_providers_all_can_take_it(registry: Registry) -> None:
    """Also beside one that takes only URLs."""
    noise = np.random.default_rng(1).random((1, 200, 200, 3), dtype=np.float32)
    small, none = _limited(registry, image_bytes=60_000), _limited(registry, image_formats=())
    file = picture(noise, [registry["kie"], small, none])

    assert file.digest == picture(noise, [small]).digest


def test_what_only_some_can_take_is_for_most_of_them(registry: Registry) -> None:
    noise = np.random.default_rng(1).random((1, 200, 200, 3), dtype=np.float32)
    tiny = _limited(registry, image_bytes=500)

    assert picture(noise, [registry["kie"], registry["cometapi"], tiny]).format == "png"


@pytest.mark.parametrize(
    ("limits", "format_"),
    [
        ({"image_bytes": 500}, "webp"),
        ({"image_formats": ()}, "png"),
        ({"image_formats": ("gif",)}, "png"),
    ],
)
def test_what_nobody_takes_is_left_for_core_to_refuse(
    registry: Registry, limits: Any, format_: str
) -> None:
    noise = np.random.default_rng(1).random((1, 200, 200, 3), dtype=np.float32)

    assert picture(noise, [_limited(registry, **limits)]).format == format_
