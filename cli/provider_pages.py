"""What the command line tells of the providers."""

import textwrap
from collections.abc import Iterator, Mapping
from itertools import product

from ..core.errors import SettingsError
from ..core.keys import Keys
from ..core.limits import Limits
from ..core.money import USD, list_price, pricing_options, usd_text
from ..core.options import OptionInfo, options_of
from ..core.plugins import Registry
from ..core.provider import Provider
from ..core.request import VideoRequest
from ..core.settings import Settings, url_variables
from ..core.text import join_sentences, join_words, sanitize, size_text
from .key_texts import set_key
from .tables import columns, width

#: What stands where a key would be named.
_NO_KEY, _UNUSABLE = "not set", "unusable"
#: The prices of more lengths are those of the shortest and the longest.
_LENGTHS = 3
#: When "auto" asks another provider, and when it does not.
_GOES_ON = (
    "to the next only where nothing was taken: the key is refused, the credit too low, the wait "
    "longer than a minute, or the provider out of reach"
)
_STOPS = (
    "at a refusal of the request itself, at a lost answer, and once a provider has taken the "
    "request, so that only one is ever paid"
)


def provider_list(registry: Registry, settings: Settings) -> str:
    """A line for each provider, for each plug-in that was left out, and on "auto"."""
    rows = [("PROVIDER", "TITLE", "KEY", "IMAGES", "FROM")]
    for provider in registry.providers.values():
        origin = registry.origins[provider.name]
        rows.append(
            (
                provider.name,
                sanitize(provider.title, 30),
                _key(provider, settings),
                _images(provider),
                # A plug-in's name has a colon between distribution and entry point.
                sanitize(origin, 60) if ":" in origin else "built in",
            )
        )
    auto = f"auto: {_who(settings)}."
    return "\n".join([*columns(rows), *map(str, registry.problems), "", auto])


def _key(provider: Provider, settings: Settings) -> str:
    try:
        key = Keys(settings).find(provider)
    except SettingsError:
        return _UNUSABLE
    if key is None:
        return _NO_KEY
    return key.variable or "keys.toml"


def _images(provider: Provider) -> str:
    formats = [name.upper() for name in provider.limits.image_formats]
    return ", ".join([*formats, "https://"]) if formats else "https:// only"


def key_source(provider: Provider, settings: Settings, page: str | None = None) -> str:
    """Where a provider's key comes from, or how to set one; `page` is where to get it."""
    keys = Keys(settings)
    try:
        key = keys.find(provider)
    except SettingsError as error:
        return str(error)
    if key is None:
        return join_sentences("none", set_key(provider.name, provider.key_variables, page))
    if key.variable is not None:
        return f"environment variable {key.variable}"
    return f"keys.toml ({keys.path})"


def provider_page(provider: Provider, settings: Settings) -> str:
    """All about one provider."""
    lines = [
        f"{sanitize(provider.title)} ({provider.name})",
        "",
        *_table(dict(_facts(provider, settings))),
    ]
    own = list(options_of(provider.Options))
    heading = "Own options, each set with --option NAME=VALUE:" if own else "No options of its own."
    lines += ["", heading]
    label = max((len(info.name) for info in own), default=0)
    lines += [_wrapped(f"  {info.name:{label}}  ", _option(info)) for info in own]
    return "\n".join(lines)


def auto_page(registry: Registry, settings: Settings) -> str:
    """All about "auto", which is any provider."""
    keys = {each.name: _key(each, settings) for each in registry.providers.values()}
    ready = [name for name, key in keys.items() if key not in (_NO_KEY, _UNUSABLE)]
    facts = {
        "Who": _who(settings),
        "With a key": join_words(ready, "and") or "none",
        "Goes on": _GOES_ON,
        "Stops": _STOPS,
        "Options": "an --option counts where it exists; the other providers are passed over",
    }
    return "\n".join(["Any provider (auto)", "", *_table(facts)])


def _who(settings: Settings) -> str:
    """Which providers "auto" may choose, and in which order."""
    if settings.preferred:
        names = ", then ".join(sanitize(name, 60) for name in settings.preferred)
        return f"{names}, as {settings.where('KLING26_PREFER')} says"
    return (
        "whoever has a key and takes the request, the cheapest first; KLING26_PREFER names whom to "
        "ask instead"
    )


def _table(facts: Mapping[str, str]) -> list[str]:
    """Facts as lines, each after its label."""
    label = max(map(len, facts))
    return [_wrapped(f"{name:{label}}  ", value) for name, value in facts.items()]


def _facts(provider: Provider, settings: Settings) -> Iterator[tuple[str, str]]:
    limits, variables = provider.limits, url_variables(provider)
    yield "Key", key_source(provider, settings)
    if provider.key_page:
        yield "Get a key", provider.key_page
    if provider.tasks_page:
        yield "Your tasks", provider.tasks_page
    yield "Base URL", f"{provider.base_url} (set {variables['base_url']} to change it)"
    if provider.upload_url:
        yield "Uploads", f"{provider.upload_url} (set {variables['upload_url']} to change it)"
    if provider.balance_url:
        yield "Balance", f"{provider.balance_url} (set {variables['balance_url']} to change it)"
    text, image = _length(limits.text_prompt), _length(limits.image_prompt)
    yield "Prompt", text if text == image else f"{text}; with an image {image}"
    yield "Duration", f"{limits.seconds()} seconds"
    shapes = join_words(limits.aspect_ratios) if limits.aspect_ratios else "chosen by the service"
    yield "Aspect ratio", shapes
    yield "Images", _accepted(provider)
    yield "End image", "together with an image" if limits.end_image else "not supported"
    yield "Webhook", "--callback-url" if provider.takes_callback_url else "not supported"
    if limits.submissions:
        number, seconds = limits.submissions
        yield "Rate limit", f"{number} new tasks in {seconds:g} seconds"
    yield "Cancel", "while it is still free" if provider.can("cancel") else "not possible"
    rate = provider.usd_per_unit if provider.cost_unit != USD else None
    yield "Cost", f"in {provider.cost_unit}" + (f", {usd_text(rate)} each" if rate else "")
    prices = "; ".join(_prices(provider))
    if prices:
        yield "List price", prices
    if provider.can("quote"):
        yield "Price", "asked for before each video"
    if provider.charges:
        yield "Charges", provider.charges


def _accepted(provider: Provider) -> str:
    formats = [name.upper() for name in provider.limits.image_formats]
    if not formats:
        return "a public https:// URL only"
    bounds = join_words(_bounds(provider.limits), "and")
    return f"{join_words(formats)} files of {bounds}; or an https:// URL"


def _bounds(limits: Limits) -> Iterator[str]:
    """How large an image file may be, and how small."""
    yield f"up to {size_text(limits.image_bytes)}"
    if limits.image_pixels > 1:
        yield f"at least {limits.image_pixels} x {limits.image_pixels} pixels"
    if limits.image_area is not None:
        yield f"at most {limits.image_area / 1e6:g} million pixels"


def _length(limit: int | None) -> str:
    return "of any length" if limit is None else f"up to {limit} characters"


def _prices(provider: Provider) -> Iterator[str]:
    """The list price of each kind of video, where that is known."""
    choices = [
        [(info.name, value) for value in values]
        for info, values in pricing_options(provider)
        if len({_price_list(provider, {info.name: value}) for value in values}) > 1
    ]
    for own in product(*choices):
        named = ", ".join(f"{name} {value}" for name, value in own)
        prices = _price_list(provider, dict(own))
        if prices:
            yield f"{named}: {prices}" if named else prices


def _price_list(provider: Provider, own: Mapping[str, object]) -> str:
    """The list prices with these own options, by length and sound; of many lengths, two."""
    lengths = sorted(provider.limits.durations)
    shown = lengths if len(lengths) <= _LENGTHS else [lengths[0], lengths[-1]]
    known = []
    for seconds in shown:
        silent, loud = (_price(provider, seconds, sound, own) for sound in (False, True))
        if silent is not None:
            known.append(f"{usd_text(silent)} for {seconds} s")
        if loud is not None and loud != silent:
            known.append(f"{usd_text(loud)} for {seconds} s with sound")
    return ", ".join(known)


def _price(
    provider: Provider, seconds: int, sound: bool, own: Mapping[str, object]
) -> float | None:  # fmt: skip
    request = VideoRequest("A price", duration=seconds, sound=sound)
    return list_price(provider, request, own)


def _option(info: OptionInfo) -> str:
    value = str(info.default).lower() if isinstance(info.default, bool) else info.default
    default = "" if value in (None, "") else f' (default: "{value}")'
    return f"{info.allowed()}{default}. {info.help}"


def _wrapped(label: str, text: str) -> str:
    return textwrap.fill(
        sanitize(text, 1000),
        max(width(), len(label) + 30),
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )
