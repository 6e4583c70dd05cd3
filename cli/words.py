"""What the command line tells at length: lists of tasks and providers, and what was misspelt."""

import difflib
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)
from cyclopts.token import Token

from ..core.errors import OptionRefused, SettingsError
from ..core.journal.task import Task
from ..core.keys import Keys
from ..core.money import cost_unit
from ..core.options import OptionInfo, options_of
from ..core.plugins import Registry
from ..core.provider import Provider
from ..core.request import VideoRequest
from ..core.settings import Settings, address_variables
from ..core.text import join_words, sanitize

#: The shortest excerpt of a prompt, in characters.
_EXCERPT = 20


def _width() -> int:
    """How wide text may be; for another program, as wide as a long line of a mail."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 100


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


# -- tasks -------------------------------------------------------------------------------------


def of_tasks(tasks: Sequence[Task], registry: Registry) -> str:
    """Two or three lines a task: how it stands, its prompt, and what to know or do."""
    rows = [("TASK", "AGE", "PROVIDER", "STATE", "COST")]
    rows += [_row(task, registry) for task in tasks]
    heading, *lines = _columns(rows)
    text = [heading]
    for task, line in zip(tasks, lines, strict=True):
        prompt = sanitize(task.prompt, max(_EXCERPT, _width() - 4))
        text += [line, f"    {prompt}"]
        known = _known(task)
        text += [f"    {known}"] if known else []
    return "\n".join(text)


def _row(task: Task, registry: Registry) -> tuple[str, str, str, str, str]:
    unit = cost_unit(task.cost, task.cost_unit, registry.providers.get(task.provider)) or ""
    cost = "" if task.cost is None else f"{task.cost:g} {unit}".rstrip()
    where = {"sandbox": " (sandbox)", "loopback": " (this machine)"}.get(task.realm, "")
    return task.id, _age(task.created), task.provider + where, task.state, cost


def _age(since: float) -> str:
    """How long ago that was, in the largest unit that fits."""
    seconds = max(0.0, time.time() - since)
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _known(task: Task) -> str:
    """Where the video is, why there is none, or what to do for it."""
    resume = f"kling26 resume {task.id}"
    if task.state == "stored":
        if task.file and Path(task.file).exists():
            return task.file
        return f"Its file is gone; fetch it again with: {resume}"
    if task.error:
        return sanitize(task.error) if task.id in task.error or not task.open else (
            f"{sanitize(task.error)} Go on with: {resume}"
        )  # fmt: skip
    if task.state == "succeeded":
        return f"Made, and not here yet; fetch it with: {resume}"
    if task.state == "submitted":
        return f"{task.provider} has it as {sanitize(task.task_id, 80)}; fetch it with: {resume}"
    if task.open and task.sending is None:
        return f"Not sent yet; send it with: {resume}, or drop it with: kling26 cancel {task.id}"
    return f"Perhaps paid; see what became of it with: {resume}" if task.open else ""


# -- providers ---------------------------------------------------------------------------------


def of_providers(registry: Registry, settings: Settings) -> str:
    rows = [("PROVIDER", "TITLE", "KEY", "IMAGES", "FROM")]
    for provider in registry.providers.values():
        origin = registry.origins[provider.name]
        rows.append(
            (
                provider.name,
                sanitize(provider.title, 30),
                of_key(provider, settings, short=True),
                _images(provider, short=True),
                # A plug-in's name has a colon between distribution and entry point.
                sanitize(origin, 60) if ":" in origin else "built in",
            )
        )
    return "\n".join([*_columns(rows), *map(str, registry.problems)])


def of_key(provider: Provider, settings: Settings, *, short: bool = False) -> str:
    """Where a provider's key comes from, or how to give one."""
    keys = Keys(settings)
    try:
        key = keys.find(provider)
    except SettingsError as error:
        return "unusable" if short else str(error)
    if key is None and short:
        return "not set"
    if key is None:
        return f"not set; set {provider.key_variable}, or run: kling26 keys set {provider.name}"
    if key.source == "environment":
        return provider.key_variable if short else f"environment variable {provider.key_variable}"
    return "keys.toml" if short else f"keys.toml ({keys.path})"


def _images(provider: Provider, short: bool = False) -> str:
    formats = [name.upper() for name in provider.limits.image_formats]
    if not formats:
        return "https:// only" if short else "at a public https:// address only"
    if short:
        return f"{', '.join(formats)}, https://"
    megabytes = provider.limits.image_bytes / 1e6
    return f"files as {join_words(formats)} of up to {megabytes:g} MB, or an https:// address"


def of_provider(provider: Provider, settings: Settings) -> str:
    """All about one provider."""
    lines = [f"{sanitize(provider.title)} ({provider.name})", ""]
    facts = dict(_facts(provider, settings))
    label = max(map(len, facts))
    lines += [_wrapped(f"{name:{label}}  ", value) for name, value in facts.items()]
    own = list(options_of(provider.Options))
    lines += ["", "Its own options, each as --option NAME=VALUE:" if own else "No own options."]
    label = max((len(info.name) for info in own), default=0)
    lines += [_wrapped(f"  {info.name:{label}}  ", _option(info)) for info in own]
    return "\n".join(lines)


def _facts(provider: Provider, settings: Settings) -> Iterator[tuple[str, str]]:
    limits, variables = provider.limits, address_variables(provider)
    yield "Key", of_key(provider, settings)
    if provider.key_page:
        yield "Keys are at", provider.key_page
    if provider.tasks_page:
        yield "Tasks are at", provider.tasks_page
    yield "Address", f"{provider.base_url} (moved by {variables['base_url']})"
    if provider.upload_url:
        yield "Uploads", f"{provider.upload_url} (moved by {variables['upload_url']})"
    text, image = _length(limits.text_prompt), _length(limits.image_prompt)
    yield "Prompt", text if text == image else f"{text}; with an image {image}"
    yield "Duration", f"{join_words(limits.durations)} seconds"
    yield "Aspect ratio", join_words(limits.aspect_ratios)
    yield "Images", _images(provider)
    yield "Webhook", "--callback-url" if provider.takes_callback_url else "not taken"
    if limits.submissions:
        number, seconds = limits.submissions
        yield "Pace", f"up to {number} new tasks in {seconds:g} seconds"
    yield "Cancelling", "while that is free" if provider.can("cancel") else "not possible"
    yield "Cost", f"counted in {provider.cost_unit}"
    prices = "; ".join(_prices(provider))
    if prices:
        yield "List price", prices


def _length(limit: int | None) -> str:
    return "of any length" if limit is None else f"up to {limit} characters"


def _prices(provider: Provider) -> Iterator[str]:
    """What the provider asks for each kind of video, where that is known."""
    for seconds in provider.limits.durations:
        for sound in (False, True):
            request = VideoRequest("price", duration=seconds, sound=sound)
            price = _price(provider, request)
            if price is not None:
                yield f"{price:g} USD for {seconds} s{' with sound' if sound else ''}"


def _price(provider: Provider, request: VideoRequest) -> float | None:
    try:
        options = provider.Options()
        provider.check(request, options)
        return provider.price(request, options)
    except (OptionRefused, TypeError):  # Not a kind that it makes, or options without defaults.
        return None


def _option(info: OptionInfo) -> str:
    told = str(info.default).lower() if isinstance(info.default, bool) else info.default
    default = "" if told in (None, "") else f' (default: "{told}")'
    return f"{info.allowed()}{default}. {info.help}"


def _wrapped(label: str, text: str) -> str:
    return textwrap.fill(
        sanitize(text, 1000),
        max(_width(), len(label) + 30),
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


# -- misspelt ----------------------------------------------------------------------------------


def of_usage(error: CycloptsError) -> str:
    """What is wrong with a command line, in one sentence."""
    command = " ".join(("kling26", *(error.command_chain or ())))
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error, command)
    if isinstance(error, UnknownOptionError):
        names = (name for argument in error.argument_collection for name in argument.names)
        # What follows an equals sign may be a secret that has ended up in a wrong place.
        option = (error.token.keyword or error.token.value).partition("=")[0]
        if " " in option:
            return 'A prompt that begins with a dash comes last, after a "--" of its own.'
        return f'{command} has no option "{sanitize(option, 60)}"{_meant(option, names, command)}'
    if isinstance(error, UnusedCliTokensError):
        return _left_over(error, command)
    if isinstance(error, RepeatArgumentError) and error.token.keyword:
        return f"{error.token.keyword} is given twice."
    if isinstance(error, CoercionError) and error.token is not None:
        return _no_number(error.token, error.target_type)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        if name.startswith("-"):
            return f"{error.keyword or name} needs a value; see: {command} --help"
        return f"{command} needs a {name.lower()}; see: {command} --help"
    return sanitize(error)


def _unknown_command(error: UnknownCommandError, command: str) -> str:
    wrong = (error.unused_tokens or [""])[0]
    commands = [name for name in error.app or () if not name.startswith("-")]
    kind = "option" if wrong.startswith("-") else "command"
    return f'{command} has no {kind} "{sanitize(wrong, 60)}"{_meant(wrong, commands, command)}'


def _meant(wrong: str, names: Iterable[str], command: str) -> str:
    close = difflib.get_close_matches(wrong, list(names), n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; see: {command} --help"


def _left_over(error: UnusedCliTokensError, command: str) -> str:
    rest = list(error.unused_tokens or ())
    if command.startswith("kling26 keys"):
        # It is most likely a key, and not to be repeated.
        return (
            "A key does not belong on the command line, where others may read it; "
            f"{command} NAME asks for it."
        )
    if command == "kling26 generate":
        return (
            f'kling26 generate takes one prompt, and "{sanitize(rest[0], 60)}" is left over; put '
            "quotes around the whole prompt."
        )
    return f'{command} does not know what to do with "{sanitize(" ".join(rest), 60)}".'


def _no_number(token: Token, wanted: type | None) -> str:
    kinds: dict[type | None, str] = {int: "a whole number", float: "a number", bool: "no value"}
    kind = kinds.get(wanted, "another value")
    return f'{token.keyword} takes {kind}; this one is "{sanitize(token.value, 60)}".'
