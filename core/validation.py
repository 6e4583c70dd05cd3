"""Every rule that can be checked before anything is sent."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from .errors import ImageRefused, OptionRefused
from .options import build_options, check_values
from .provider import Limits, Provider
from .request import ImageFile, VideoRequest
from .text import join_words, sanitize


def validate(
    provider: Provider, request: VideoRequest, options: Mapping[str, object] | object | None
) -> object:
    """
    Hold a request against a provider's limits; returns the provider's options object.

    Raises `OptionRefused` or `ImageRefused`: a sentence that names the provider, the option, and
    what is allowed.
    """
    chosen = _options(provider, options)
    check_values(request, provider.title, provider.name)
    _check_prompt(provider, request)
    _check_choice(provider, "duration", request.duration, provider.limits.durations, " seconds")
    if request.image is None:
        _check_choice(provider, "aspect_ratio", request.aspect_ratio, provider.limits.aspect_ratios)
    _check_callback(provider, request)
    _check_image(provider, request.image)
    provider.check(request, chosen)
    return chosen


def _options(provider: Provider, options: Mapping[str, object] | object | None) -> object:
    if options is None or isinstance(options, Mapping):
        return build_options(provider.Options, options or {}, provider.title, provider.name)
    if not isinstance(options, provider.Options):
        raise OptionRefused(
            f"{provider.title} takes its options as {provider.Options.__name__}, not as "
            f"{type(options).__name__}.",
            option="options",
            provider=provider.name,
        )
    check_values(options, provider.title, provider.name)
    return options


def _check_prompt(provider: Provider, request: VideoRequest) -> None:
    limit = provider.limits.prompt(request.kind)
    if not request.prompt.strip():
        problem = f"{provider.title} needs a prompt; this one is empty."
    elif limit is not None and len(request.prompt) > limit:
        what = "image to video" if request.kind == "image" else "text to video"
        problem = (
            f"{provider.title} takes prompts of up to {limit} characters for {what}; this one has "
            f"{len(request.prompt)}."
        )
    else:
        return
    raise OptionRefused(problem, option="prompt", provider=provider.name)


def _check_choice(
    provider: Provider, option: str, value: object, allowed: tuple[object, ...], unit: str = ""
) -> None:
    if value not in allowed:
        raise OptionRefused(
            f"{provider.title} takes {option} as {join_words(allowed)}{unit}; this one is "
            f'"{sanitize(value, 60)}".',
            option=option,
            provider=provider.name,
        )


def _check_callback(provider: Provider, request: VideoRequest) -> None:
    url = request.callback_url
    if url is None:
        return
    if not provider.takes_callback_url:
        problem = f"{provider.title} has no setting for callback_url; leave it out."
    elif not _is_web_address(url):
        problem = f'callback_url takes an https:// address; this one is "{sanitize(url, 100)}".'
    else:
        return
    raise OptionRefused(problem, option="callback_url", provider=provider.name)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return url.isprintable() and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _check_image(provider: Provider, image: str | ImageFile | None) -> None:
    if image is None:
        return
    if isinstance(image, ImageFile):
        problem = _image_problem(provider.limits, image)
    elif not _is_web_address(image):
        problem = f'cannot fetch an image from "{sanitize(image, 100)}", which is no address.'
    else:
        return
    if problem is not None:
        raise ImageRefused(f"{provider.title} {problem}", provider=provider.name)


def _image_problem(limits: Limits, image: ImageFile) -> str | None:
    """Why a provider does not take a picture's bytes, or None."""
    if not limits.image_formats:
        return "takes no files, only images at a public https:// address; give that instead."
    allowed = join_words(name.upper() for name in limits.image_formats)
    if image.format is None:
        return f"takes images as {allowed}; this file is no image that can be read."
    if image.format not in limits.image_formats:
        return f"takes images as {allowed}; this one is {image.format.upper()}."
    if len(image.data) > limits.image_bytes:
        most, has = limits.image_bytes / 1e6, len(image.data) / 1e6
        return f"takes images of up to {most:.0f} MB; this one has {has:.1f} MB."
    if min(image.size) < limits.image_pixels:
        width, height = image.size
        least = limits.image_pixels
        return (
            f"takes images of at least {least} x {least} pixels; this one has {width} x {height}."
        )
    return None
