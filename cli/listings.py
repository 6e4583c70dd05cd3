"""What the command line lists: tasks, and providers."""

import textwrap
import time
from collections.abc import Iterator, Sequence

from ..core.errors import SettingsError
from ..core.journal.task import Task
from ..core.keys import Keys
from ..core.money import cost_unit, list_price
from ..core.options import OptionInfo, options_of
from ..core.plugins import Registry
from ..core.provider import Provider
from ..core.request import VideoRequest
from ..core.runner.results import cost_in_usd
from ..core.settings import Settings, url_variables
from ..core.text import join_sentences, join_words, sanitize
from . import texts
from .key_texts import set_key
from .money_texts import amount
from .tables import cells, columns, excerpt, paragraph, width

#: The shortest excerpt of a prompt, in characters.
_EXCERPT = 20
_INDENT = "    "


# -- tasks -------------------------------------------------------------------------------------


def task_list(tasks: Sequence[Task], providers: texts.Providers) -> str:
    """Two or three lines per task: how it stands, its prompt, and what to know or do."""
    rows = [("TASK", "AGE", "PROVIDER", "STATE", "COST")]
    rows += [_row(task, providers.get(task.provider)) for task in tasks]
    heading, *lines = columns(rows)
    if max(map(cells, [heading, *lines])) > width():  # Rather no table than one with broken lines.
        heading = rows[0][0]
        lines = ["\n".join([row[0], *paragraph(_in_line(row), _INDENT)]) for row in rows[1:]]
    text = [heading]
    for task, line in zip(tasks, lines, strict=True):
        text += [line, _INDENT + excerpt(task.prompt, max(_EXCERPT, width() - len(_INDENT)))]
        known = texts.task_text(task, providers.get(task.provider))
        text += paragraph(known, _INDENT) if known else []
    return "\n".join(text)


def _in_line(row: Sequence[str]) -> str:
    return ", ".join(filter(None, row[1:]))


def _row(task: Task, provider: Provider | None) -> tuple[str, str, str, str, str]:
    cost = ""
    if task.cost is not None and not task.sandbox:
        unit = cost_unit(task.cost, task.cost_unit, provider)
        cost = amount(task.cost, unit, cost_in_usd(task, provider))
    where = {"sandbox": " (sandbox)", "loopback": " (this machine)"}.get(task.realm, "")
    return task.id, _age(task.created), task.provider + where, task.state, cost


def _age(since: float) -> str:
    """How long ago that was, in the largest unit that fits."""
    seconds = max(0.0, time.time() - since)
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"


# -- providers ---------------------------------------------------------------------------------


def provider_list(registry: Registry, settings: Settings) -> str:
    """A line for each provider, then one for each plug-in that was left out."""
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
    return "\n".join([*columns(rows), *map(str, registry.problems)])


def _key(provider: Provider, settings: Settings) -> str:
    try:
        key = Keys(settings).find(provider)
    except SettingsError:
        return "unusable"
    if key is None:
        return "not set"
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
    lines = [f"{sanitize(provider.title)} ({provider.name})", ""]
    facts = dict(_facts(provider, settings))
    label = max(map(len, facts))
    lines += [_wrapped(f"{name:{label}}  ", value) for name, value in facts.items()]
    own = list(options_of(provider.Options))
    heading = "Own options, each set with --option NAME=VALUE:" if own else "No options of its own."
    lines += ["", heading]
    label = max((len(info.name) for info in own), default=0)
    lines += [_wrapped(f"  {info.name:{label}}  ", _option(info)) for info in own]
    return "\n".join(lines)


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
    text, image = _length(limits.text_prompt), _length(limits.image_prompt)
    yield "Prompt", text if text == image else f"{text}; with an image {image}"
    yield "Duration", f"{join_words(limits.durations)} seconds"
    yield "Aspect ratio", join_words(limits.aspect_ratios)
    yield "Images", _accepted(provider)
    yield "Webhook", "--callback-url" if provider.takes_callback_url else "not supported"
    if limits.submissions:
        number, seconds = limits.submissions
        yield "Rate limit", f"{number} new tasks in {seconds:g} seconds"
    yield "Cancel", "while it is still free" if provider.can("cancel") else "not possible"
    yield "Cost", f"in {provider.cost_unit}"
    prices = "; ".join(_prices(provider))
    if prices:
        yield "List price", prices


def _accepted(provider: Provider) -> str:
    formats = [name.upper() for name in provider.limits.image_formats]
    if not formats:
        return "a public https:// URL only"
    megabytes = provider.limits.image_bytes // 1e5 / 10
    return f"{join_words(formats)} files of up to {megabytes:g} MB, or an https:// URL"


def _length(limit: int | None) -> str:
    return "of any length" if limit is None else f"up to {limit} characters"


def _prices(provider: Provider) -> Iterator[str]:
    """The list price of each kind of video, where that is known."""
    for seconds in provider.limits.durations:
        for sound in (False, True):
            request = VideoRequest("A price", duration=seconds, sound=sound)
            price = list_price(provider, request, {})
            if price is not None:
                yield f"{price:g} USD for {seconds} s{' with sound' if sound else ''}"


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
