"""ComfyUI's IMAGE as a picture's bytes within a provider's limits."""

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..core.errors import ImageRefused
from ..core.images import ImageFile
from ..core.provider import Provider
from . import texts

if TYPE_CHECKING:
    from PIL.Image import Image

_QUALITIES = (95, 90, 85, 80, 70, 60, 50)
#: What is written, in which qualities, the best first.
_WRITTEN = {"png": (100,), "jpeg": _QUALITIES, "webp": _QUALITIES}


def picture(image: Any, provider: Provider) -> ImageFile:
    """
    The first picture of a batch: without loss where it fits, else as the best JPEG that does.

    The same pixels always give the same bytes, so that an equal request is recognised.
    """
    limits, title = provider.limits, provider.title
    if not limits.image_formats:
        raise ImageRefused(texts.no_uploads(title), provider=provider.name)
    problem = texts.no_format(title)
    for data in _encodings(_pixels(image), limits.image_formats):
        if len(data) <= limits.image_bytes:
            return ImageFile(data)
        problem = texts.too_large(title, limits.image_bytes)
    raise ImageRefused(problem, provider=provider.name)


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


def _encodings(pixels: "Image", formats: tuple[str, ...]) -> Iterator[bytes]:
    """The picture's files, the best first."""
    for name, qualities in _WRITTEN.items():
        for quality in qualities if name in formats else ():
            file = BytesIO()
            pixels.save(file, name, quality=quality)  # PNG has no quality and takes no notice.
            yield file.getvalue()
