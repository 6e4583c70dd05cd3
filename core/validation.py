"""Checks of a request, before anything is sent."""

from collections.abc import Iterable, Mapping
from math import ceil
from urllib.parse import urlsplit

from .images import ImageFile
from .limits import Limits
from .options import build_options, check_values, option_info, options_of, show
from .provider import Provider
from .request import ASPECT_RATIOS, DURATIONS, ImageOption, VideoRequest
from .text import did_you_mean, join_words, sanitize, size_text


def validate(
    provider: Provider, request: VideoRequest, options: Mapping[str, object] | object | None
) -> object:
    """
    Check a request against a provider's limits; returns the provider's options object.

    Raises `OptionRefused` or `ImageRefused`: "kie.ai: duration must be 5 or 10; got 7."
    """
    chosen = _options(provider, options)
    check_values(request, provider.title, provider.name, apart=("duration", "aspect_ratio"))
    _check_prompt(provider, request)
    _check_duration(provider, request.duration)
    _check_shape(provider, request)
    _check_callback(provider, request.callback_url)
    _check_image(provider, "image", request.image)
    _check_end_image(provider, request)
    provider.check(request, chosen)
    return chosen


def _options(provider: Provider, options: Mapping[str, object] | object | None) -> object:
    if options is None or isinstance(options, Mapping):
        shared = [info.name for info in options_of(VideoRequest)]
        return build_options(provider.Options, options or {}, provider.title, provider.name, shared)
    if not isinstance(options, provider.Options):
        wanted, given = provider.Options.__name__, type(options).__name__
        problem = f"options must be a mapping or an instance of {wanted}; got one of {given}."
        raise provider.option_refused("options", problem)
    check_values(options, provider.title, provider.name)
    return options


def _check_prompt(provider: Provider, request: VideoRequest) -> None:
    limit, length = provider.limits.prompt(request.kind), len(request.prompt)
    if not request.prompt.strip():
        raise provider.option_refused("prompt", "prompt must not be empty.")
    if limit is not None and length > limit:
        most = f"at most {limit} characters long for {request.kind} to video"
        raise provider.option_refused("prompt", f"prompt must be {most}; got {length}.")


def _check_duration(provider: Provider, duration: object) -> None:
    limits = provider.limits
    if type(duration) is int and duration in limits.durations:
        return
    unit = "" if limits.durations == DURATIONS else " seconds"
    problem = f"duration must be {limits.seconds()}{unit}; got {_got('duration', duration)}"
    raise provider.option_refused("duration", problem)


def _check_shape(provider: Provider, request: VideoRequest) -> None:
    """Refuse a shape that the service does not have; with an image, it does not count."""
    shape, known = request.aspect_ratio, provider.limits.aspect_ratios
    if request.image is not None:
        known = tuple(dict.fromkeys((*known, *ASPECT_RATIOS)))  # It is not sent.
    if not known:
        _check_no_shape(provider, request)
    elif shape not in known:
        got = _got("aspect_ratio", shape, known)
        problem = f"aspect_ratio must be {join_words(known)}; got {got}"
        raise provider.option_refused("aspect_ratio", problem)


def _got(option: str, value: object, known: Iterable[str] = ()) -> str:
    """The value that is refused, with the one of these that was most likely meant."""
    default = option_info(VideoRequest, option).default
    if value == default and type(value) is type(default):
        return f"{show(value)}, the default."
    hint = did_you_mean(value, known) if isinstance(value, str) else ""
    return f"{show(value)}{hint or '.'}"


def _check_no_shape(provider: Provider, request: VideoRequest) -> None:
    """Refuse any shape that was asked for: it is the service that chooses."""
    default = option_info(VideoRequest, "aspect_ratio").default
    if request.aspect_ratio == default and not request.asks_for_shape:
        return
    otherwise = "" if request.asks_for_shape else f', or at its default "{default}"'
    problem = "aspect_ratio is not supported, because the service chooses the shape itself"
    raise provider.option_refused("aspect_ratio", f"{problem}; leave it out{otherwise}.")


def _check_callback(provider: Provider, url: str | None) -> None:
    if url is None:
        return
    if not provider.takes_callback_url:
        problem = "callback_url is not supported; leave it out."
        raise provider.option_refused("callback_url", problem)
    why = _url_problem(url, "an https:// URL")
    if why is not None:
        raise provider.option_refused("callback_url", f"callback_url {why}")


def _url_problem(text: str, what: str) -> str | None:
    """Why a text is no URL for a provider, worded to follow its name; or None."""
    other = f'must be {what}; got "{sanitize(text, 100)}".'
    try:
        parts = urlsplit(text)
        readable = text.isprintable() and not any(map(str.isspace, text))
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # Also for a port that is none.
        return other
    if "@" in parts.netloc:  # Not quoted: it would be kept in the journal, and shown.
        return f"must be {what} without a user name or a password."
    return None if readable and known else other


def _check_end_image(provider: Provider, request: VideoRequest) -> None:
    if request.end_image is None:
        return
    if not provider.limits.end_image:
        problem = "end_image is not supported; leave it out, or choose another provider."
        raise provider.option_refused("end_image", problem)
    if request.image is None:
        problem = "end_image needs an image to start from, too."
        raise provider.option_refused("end_image", problem)
    _check_image(provider, "end_image", request.end_image)


def _check_image(provider: Provider, option: ImageOption, image: str | ImageFile | None) -> None:
    problem = None
    if isinstance(image, ImageFile):
        problem = _image_problem(provider.limits, image)
    elif image is not None:
        problem = _url_problem(image, "a valid http:// or https:// URL")
    if problem is not None:
        raise provider.option_refused(option, f"{option} {problem}")


def _image_problem(limits: Limits, image: ImageFile) -> str | None:
    """Why a provider does not accept an image file, worded to follow its name; or None."""
    if not limits.image_formats:
        return "must be a public https:// URL; files are not accepted."
    accepted = join_words(name.upper() for name in limits.image_formats)
    if image.format is None:
        return f"must be {accepted}; this file cannot be read as an image."
    if image.format not in limits.image_formats:
        return f"must be {accepted}; got {image.format.upper()}."
    if image.length > limits.image_bytes:
        has = ceil(image.length / 1e5) / 10
        return f"must be at most {size_text(limits.image_bytes)}; got {has:g} MB."
    width, height = image.size
    if min(width, height) < limits.image_pixels:
        least = limits.image_pixels
        return f"must be at least {least} x {least} pixels; got {width} x {height}."
    if limits.image_area is not None and width * height > limits.image_area:
        most = limits.image_area / 1e6
        return f"must have at most {most:g} million pixels; got {width} x {height}."
    return image.defect
