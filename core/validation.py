"""Checks of a request, before anything is sent, and of a provider, when it is loaded."""

import re
from collections.abc import Iterable, Mapping
from math import ceil
from urllib.parse import urlsplit

import attrs

from .images import ImageFile
from .limits import Limits
from .options import build_options, check_values, is_number, option_info, options_of, show
from .provider import AUTO, INTERFACE, Provider
from .request import ASPECT_RATIOS, DURATIONS, ImageOption, VideoRequest
from .settings import PREFIX, is_safe_url, url_variables
from .text import did_you_mean, join_words, sanitize, size_text

# -- a request -----------------------------------------------------------------------------------


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
    otherwise = "" if request.aspect_ratio == default else f', or at its default "{default}"'
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


# -- a provider ----------------------------------------------------------------------------------


#: A provider is sent what the variable contains, so it must not be PATH.
_KEY_VARIABLE = re.compile(
    "[a-z][a-z0-9_]*?(key|token|secret|password|credentials?)(_?[0-9]+)?", re.IGNORECASE | re.ASCII
)


class InvalidPlugin(ValueError):
    """A plug-in, or a part of it, cannot be used; the message says why, in a sentence."""


def validate_provider(provider: Provider) -> None:
    """
    Check a provider's interface, names, URLs, options and limits.

    Raises `InvalidPlugin`: "Acme.title must be a non-empty string."
    """
    _check_interface(provider)
    _check_names(provider)
    for attribute in ("base_url", "upload_url", "balance_url"):
        _check_url(provider, attribute, getattr(provider, attribute))
    _check_money(provider)
    _check_options(provider)
    if not isinstance(provider.limits, Limits):
        raise _invalid(provider, "limits", "a kling26.core.Limits")


def own_variables(provider: Provider) -> tuple[str, ...]:
    """The environment variables that belong to a provider, and to no other: its key and URLs."""
    return *provider.key_variables, *url_variables(provider).values()


def _invalid(provider: Provider, attribute: str, required: str, *got: object) -> InvalidPlugin:
    shown = "".join(f"; got {show(value)}" for value in got)
    return InvalidPlugin(f"{type(provider).__name__}.{attribute} must be {required}{shown}.")


def _check_interface(provider: Provider) -> None:
    if type(provider.interface) is not int or provider.interface > INTERFACE:
        raise InvalidPlugin(
            f"it needs version {sanitize(provider.interface, 20)} of the plug-in interface, but "
            f"this kling26 has version {INTERFACE}; upgrade kling26."
        )


def _check_names(provider: Provider) -> None:
    for attribute in ("name", "title", "key_variable", "base_url", "cost_unit"):
        text = getattr(provider, attribute, None)
        if not (isinstance(text, str) and text.strip()):
            raise _invalid(provider, attribute, "a non-empty string")
    for attribute in (
        "upload_url",
        "balance_url",
        "key_page",
        "tasks_page",
        "task_id_name",
        "charges",
    ):
        if not isinstance(getattr(provider, attribute), str | None):
            raise _invalid(provider, attribute, "a string or None")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", provider.name):
        required = "a lower-case letter followed by any of a-z, 0-9, - and _"
        raise _invalid(provider, "name", required, provider.name)
    if provider.name == AUTO:
        raise _invalid(provider, "name", f'another one than "{AUTO}", which means any provider')
    _check_key_variables(provider)
    for variable in own_variables(provider):
        if variable.upper().startswith(PREFIX):
            raise InvalidPlugin(f"{variable} would be a setting of kling26, not of a provider.")


def _check_key_variables(provider: Provider) -> None:
    if not isinstance(provider.other_key_variables, tuple):
        raise _invalid(provider, "other_key_variables", "a tuple of names")
    for attribute, names in (
        ("key_variable", (provider.key_variable,)),
        ("other_key_variables", provider.other_key_variables),
    ):
        for name in names:
            if not (isinstance(name, str) and _KEY_VARIABLE.fullmatch(name)):
                required = "the variable of a key, such as ACME_API_KEY or ACME_TOKEN"
                raise _invalid(provider, attribute, required, name)


def _check_money(provider: Provider) -> None:
    rate: object = provider.usd_per_unit
    if rate is not None and not (is_number(rate) and rate > 0 and not isinstance(rate, bool)):
        raise _invalid(provider, "usd_per_unit", "a number above 0, or None", rate)


def _check_url(provider: Provider, attribute: str, url: str | None) -> None:
    if url is not None and (not is_safe_url(url) or url.endswith("/")):
        raise _invalid(provider, attribute, "an https:// URL without a trailing slash", url)


def _check_options(provider: Provider) -> None:
    if not (isinstance(provider.Options, type) and attrs.has(provider.Options)):
        raise _invalid(provider, "Options", "an attrs class")
    try:
        options = list(options_of(provider.Options))
        provider.Options()  # Every option has a default.
    except (Exception, SystemExit) as error:
        where = f"{type(provider).__name__}.Options"
        raise InvalidPlugin(f"{where} cannot be read: {sanitize(error)}") from error
    for option in options:
        if not all(type(choice) in (str, int) for choice in option.choices):
            name = f"Options.{option.name}"
            raise _invalid(provider, name, "a choice of strings or whole numbers")
    shared = {option.name for option in options_of(VideoRequest)}
    for name in attrs.fields_dict(provider.Options):
        if name not in {option.name for option in options}:
            raise _invalid(provider, f"Options.{name}", "made with kling26.core.option")
        if name in shared:
            required = "called otherwise: every provider has an option of that name"
            raise _invalid(provider, f"Options.{name}", required)
