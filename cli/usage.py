"""What is wrong with a command line, in one sentence each."""

from collections.abc import Iterable, Sequence
from functools import singledispatch
from pathlib import Path
from typing import get_args

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from ..core.errors import OptionRefused, UsageError
from ..core.text import did_you_mean, join_words, sanitize

#: What the commands take, where a word more is left over.
_TAKES = {
    "batch": "one table",
    "cancel": "one task",
    "resubmit": "one task",
    "adopt": "a task and its id at the provider",
    "providers": "the name of one provider",
    "balance": "the name of one provider",
    "completion": "the name of one shell",
    "new-provider": "one name",
}
#: What is missing, by the name in the help.
_NEEDS = {
    "NAME": "the name of a provider",
    "ID": "the task's id on the provider's page",
    "SHELL": "the name of a shell",
}
#: The option of every command, which is taken away before cyclopts sees it.
VERBOSE = "--verbose"


@singledispatch
def usage_text(error: CycloptsError) -> str:
    """A sentence about an error of the parser."""
    return sanitize(error)


@usage_text.register
def _(error: UnknownCommandError) -> str:
    wrong = (error.unused_tokens or [""])[0]
    kind, dash = ("option", True) if wrong.startswith("-") else ("command", False)
    names = [name for name in error.app or () if name.startswith("-") == dash]
    names += [VERBOSE] if dash else []
    if dash and _command(error) == "kling26" and not did_you_mean(wrong, names):
        return f'"{sanitize(wrong, 60)}" has to come after a command; see: kling26 --help'
    return f'{_command(error)} has no {kind} "{sanitize(wrong, 60)}"{_hint(error, wrong, names)}'


@usage_text.register
def _(error: UnknownOptionError) -> str:
    # What follows an equals sign may be a secret that has ended up in a wrong place.
    option = (error.token.keyword or error.token.value).partition("=")[0]
    command = _command(error)
    if option == "-" or " " in option:
        return _left_over(option) if command == "kling26 generate" else _too_many(command, [option])
    names = [name for argument in error.argument_collection for name in argument.names]
    names += ["--help", "--version", VERBOSE]
    return f'{_command(error)} has no option "{sanitize(option, 60)}"{_hint(error, option, names)}'


@usage_text.register
def _(error: UnusedCliTokensError) -> str:
    command, rest = _command(error), list(error.unused_tokens or ())
    if command == "kling26 keys set":
        # It is most likely a key, which must not be repeated.
        return (
            "A key does not belong on the command line, where others may read it; leave it out and "
            "you will be asked for it."
        )
    if command == "kling26 generate":
        return _left_over(rest[0])
    if command.startswith("kling26 keys"):  # It may be a key.
        return f"{command} takes nothing but the name of a provider."
    return _too_many(command, rest)


@usage_text.register
def _(error: RepeatArgumentError) -> str:
    return f"{error.token.keyword} is given twice." if error.token.keyword else sanitize(error)


@usage_text.register
def _(error: CoercionError) -> str:
    if error.token is None:
        return sanitize(error)
    wrong, name = error.token.value, error.token.keyword
    if name is None and error.argument is not None:
        name = error.argument.name
    choices = [str(choice) for choice in get_args(error.target_type)]
    rule = "takes no value" if error.target_type is bool else "must be another value"
    rule = f"must be {join_words(choices)}" if choices else rule
    return f'{name} {rule}; got "{sanitize(wrong, 60)}"{did_you_mean(wrong, choices) or "."}'


@usage_text.register
def _(error: MissingArgumentError) -> str:
    if error.argument is None:
        return sanitize(error)
    command, name = _command(error), error.argument.name
    if error.keyword:
        return f"{error.keyword} needs a value; see: {command} --help"
    what = name if name.startswith("-") else _NEEDS.get(name, f"a {name.lower()}")
    return f"{command} needs {what}; see: {command} --help"


def _too_many(command: str, rest: Sequence[str]) -> str:
    takes = _TAKES.get(command.split()[-1], "no such word")
    return f'{command} takes {takes}; "{sanitize(" ".join(rest), 60)}" is left over.'


def _left_over(word: str) -> str:
    return (
        f'kling26 generate takes one prompt, and "{sanitize(word, 60)}" is left over; put quotes '
        "around the whole prompt."
    )


def _command(error: CycloptsError) -> str:
    return " ".join(("kling26", *(error.command_chain or ())))


def _hint(error: CycloptsError, wrong: str, names: Iterable[str]) -> str:
    return did_you_mean(wrong, names) or f"; see: {_command(error)} --help"


# -- values that make no sense -----------------------------------------------------------------


def flag(name: str) -> str:
    """The flag of an option, by its name in Python."""
    return f"--{name.replace('_', '-')}"


def empty(name: str) -> OptionRefused:
    return OptionRefused(f"{flag(name)} is empty; give it a value, or leave it out.", option=name)


def not_text() -> OptionRefused:
    return OptionRefused("The prompt is not valid UTF-8.", option="prompt")


def output_is_image(name: str) -> OptionRefused:
    return OptionRefused(
        f"--output names the very file of {flag(name)}, which the video would replace.",
        option="output",
    )


def shape_with_image() -> OptionRefused:
    return OptionRefused(
        "--aspect-ratio cannot be combined with --image: the image sets it. Leave one of them out.",
        option="aspect_ratio",
    )


def no_assignment(text: str, name: str) -> OptionRefused:
    return OptionRefused(f'--option must be NAME=VALUE; got "{sanitize(text, 60)}".', option=name)


def shared_option(name: str) -> OptionRefused:
    if name == "prompt":
        return OptionRefused("Give the prompt by itself, not as an --option.", option=name)
    return OptionRefused(f"Every provider has {name}; use {flag(name)} instead.", option=name)


def option_twice(name: str) -> OptionRefused:
    return OptionRefused(f"--option {name} is given twice.", option=name)


def bad_length(flag: str, text: str, examples: str) -> OptionRefused:
    return OptionRefused(
        f"{flag} must be a length of time such as {examples}, in w, d, h, m and s, each once and "
        f'in this order; got "{sanitize(text, 60)}".',
        option=flag.lstrip("-").replace("-", "_"),
    )


def bad_timeout(text: str) -> OptionRefused:
    return OptionRefused(
        f'--timeout must be more than 0 and at most 30d; got "{sanitize(text, 60)}".',
        option="timeout",
    )


def bad_age(flag: str, text: str) -> OptionRefused:
    return OptionRefused(
        f'{flag} must be at most 5200w; got "{sanitize(text, 60)}".',
        option=flag.lstrip("-").replace("-", "_"),
    )


def bad_number(flag: str, text: str) -> OptionRefused:
    return OptionRefused(
        f'{flag} must be a whole number; got "{sanitize(text, 60)}".',
        option=flag.lstrip("-").replace("-", "_"),
    )


def bad_limit(number: int) -> OptionRefused:
    return OptionRefused(f"--limit must be at least 1; got {number}.", option="limit")


def bad_port(port: int) -> OptionRefused:
    return OptionRefused(f"--port must be between 0 and 65535; got {port}.", option="port")


def unusable_port(port: int, reason: str | None) -> OptionRefused:
    """For a port that cannot be used; without a reason, it is already in use."""
    why = "is already in use" if reason is None else f"cannot be used ({reason})"
    return OptionRefused(
        f"Port {port} {why}; choose another with --port, or 0 for a free one.", option="port"
    )


def any_provider() -> OptionRefused:
    return OptionRefused(
        '--provider must be who made the video; "auto" is any of them.', option="provider"
    )


def bad_provider_name(name: str, longest: int) -> UsageError:
    return UsageError(
        f'"{sanitize(name, 60)}" cannot be the name of a provider: use up to {longest} of a-z, '
        "0-9, - and _, beginning with a letter, with - and _ only between others."
    )


def unusable_provider_name(name: str, reason: object) -> UsageError:
    return UsageError(
        f'A provider cannot be called "{sanitize(name, 60)}": {sanitize(reason, 200)}'
    )


def taken_provider_name(name: str) -> UsageError:
    return UsageError(f'There is already a provider "{name}"; choose another name.')


def taken_folder(folder: Path) -> UsageError:
    return UsageError(f"{folder} already exists; remove it, or choose another name.")
