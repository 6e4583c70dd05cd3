"""ComfyUI's IMAGE as a picture's bytes within a provider's limits."""

from collections.abc import Collection, Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..core.images import ImageFile
from ..core.provider import Provider

if TYPE_CHECKING:
    from PIL.Image import Image

_QUALITIES = (95, 90, 85, 80, 70, 60, 50)
#: What is written, in which qualities, the best first.
_WRITTEN = {"png": (100,), "jpeg": _QUALITIES, "webp": _QUALITIES}


def picture(image: Any, providers: Sequence[Provider]) -> ImageFile:
    """
    The first picture of a batch, as the best file that most of these providers accept.

    It is without loss where that fits. If none of them accepts any, the last one tried: core says
    why. The same pixels always give the same bytes, so that an equal request is recognised.
    """
    limits = [each.limits for each in providers if each.limits.image_formats]
    formats = {name for each in limits for name in each.image_formats} & _WRITTEN.keys()
    best, most = b"", 0
    for name, data in _encodings(_pixels(image), formats or {"png"}):
        takers = sum(
            name in each.image_formats and len(data) <= each.image_bytes for each in limits
        )
        if takers > most or not most:
            best, most = data, takers
        if takers == len(limits):
            break
    return ImageFile(best)


def writes_for(provider: Provider) -> bool:
    """Whether a provider accepts files of a format that is written here."""
    return bool(_WRITTEN.keys() & set(provider.limits.image_formats))


def _pixels(image: Any) -> "Image":
    import numpy as np
    from PIL import Image

    if hasattr(image, "detach"):  # A tensor, perhaps on a GPU or of half precision.
        image = image.detach().cpu().float().numpy()
    values = np.asarray(image, dtype=np.float32)
    first = values[0] if values.ndim == 4 else values
    first = np.clip(np.nan_to_num(first), 0.0, 1.0)
    if first.shape[-1] == 4:  # Transparent areas become white.
        alpha = first[..., 3:]
        first = first[..., :3] * alpha + (1.0 - alpha)
    elif first.shape[-1] == 1:
        first = np.repeat(first, 3, axis=-1)
    return Image.fromarray(np.rint(first * 255.0).astype(np.uint8), "RGB")


def _encodings(pixels: "Image", formats: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """The picture's files with their formats, the best first."""
    for name, qualities in _WRITTEN.items():
        for quality in qualities if name in formats else ():
            file = BytesIO()
            pixels.save(file, name, quality=quality)  # PNG has no quality and takes no notice.
            yield name, file.getvalue()
