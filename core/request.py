"""The request for a video, the same for every provider."""

from typing import Literal, cast, get_args

from attrs import evolve, field, frozen

from .images import ImageFile, as_image
from .options import option, option_metadata

#: The shapes of Kling 2.6. A service may have others, and a request then has a text such as "4:3".
AspectRatio = Literal["16:9", "9:16", "1:1"]
Kind = Literal["text", "image"]
#: The options that are images.
ImageOption = Literal["image", "end_image"]

ASPECT_RATIOS: tuple[AspectRatio, ...] = get_args(AspectRatio)
#: The lengths of Kling 2.6, in seconds. A service may have others.
DURATIONS: tuple[int, ...] = (5, 10)


def _as_aspect_ratio(shape: str) -> AspectRatio:
    # For type checkers: what a caller computes is any text, and what most providers send is not.
    return cast(AspectRatio, shape)


@frozen
class VideoRequest:
    """
    A request for one video, for any provider.

    >>> request = VideoRequest("A red fox trots through fresh snow", sound=True)
    >>> request.kind, request.duration, request.aspect_ratio
    ('text', 5, '16:9')

    With an `image` (a path, the bytes or a URL) the video starts from that image,
    which also sets the shape: `aspect_ratio` is then not sent. With an `end_image`, it ends there.

    `duration` is in whole seconds. Which durations and aspect ratios there are is up to the
    provider (`Provider.limits`); all built-in ones have 5 and 10 seconds, and 16:9, 9:16 and 1:1.
    If a service has no aspect ratio, "16:9" leaves the shape to it, unless `asks_for_shape` says
    that somebody has asked for just that; any other shape is refused.

    `task` is our own id of the task, for providers that have a field for it; the runner fills it
    in before `Provider.submit`.
    """

    prompt: str = option(label="Prompt", help="What the video shows.", multiline=True)
    image: str | ImageFile | None = field(
        default=None,
        converter=as_image,
        metadata=option_metadata(
            "Image", "An image to start from: a file, or an http:// or https:// URL."
        ),
    )
    sound: bool = option(
        False,
        label="Sound",
        help="Let the model make a sound track too; most providers charge about twice as much.",
    )
    # Not a `Literal`: callers often compute it, and it is checked anyway.
    duration: int = option(
        5, label="Duration", help="Length of the video in seconds.", choices=DURATIONS
    )
    aspect_ratio: AspectRatio = field(
        default="16:9",
        converter=_as_aspect_ratio,
        metadata=option_metadata(
            "Aspect ratio",
            "Shape of the video, width to height; with an image, the picture decides.",
        ),
    )
    callback_url: str | None = option(
        None,
        label="Callback URL",
        help="Your own webhook, which the provider calls when the video is done.",
        advanced=True,
    )
    seed: int = option(
        0,
        label="Seed",
        help="Another seed asks for another video of the same request; it is not sent.",
        minimum=0,
        maximum=2**64 - 1,
    )
    end_image: str | ImageFile | None = field(
        default=None,
        converter=as_image,
        metadata=option_metadata(
            "End image", "An image to end with, beside the one to start from: a file or a URL."
        ),
    )
    task: str = field(default="", kw_only=True)
    asks_for_shape: bool = field(default=False, kw_only=True, eq=False)

    @property
    def kind(self) -> Kind:
        """Whether the video is made from text alone or from an image."""
        return "text" if self.image is None else "image"

    @property
    def files(self) -> dict[ImageOption, ImageFile]:
        """The images that were given as files, by the name of their option."""
        given: dict[ImageOption, object] = {"image": self.image, "end_image": self.end_image}
        return {name: each for name, each in given.items() if isinstance(each, ImageFile)}

    def with_urls(self, **urls: str) -> "VideoRequest":
        """The same request, with URLs that `Provider.upload` returned instead of the files."""
        uploaded = evolve(self)
        for option_name, url in urls.items():
            # Bypasses the converter, which might read what a provider returned as a local path.
            object.__setattr__(uploaded, option_name, url)
        return uploaded
