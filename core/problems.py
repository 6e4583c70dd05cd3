"""What is wrong with plug-ins: recorded while their code runs, and told once, in sentences."""

import logging
import re
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Literal

from attrs import evolve, frozen

from .isolation import isolated
from .redaction import redact_environment
from .text import join_words, sanitize

logger: logging.Logger = logging.getLogger("kling26")

#: How Python says that a class leaves out what it has to have; the words differ by version.
_ABSTRACT = re.compile(r"Can't instantiate abstract class (\w+) .*abstract methods? (.+)")


class InvalidPlugin(ValueError):
    """A plug-in, or a part of it, cannot be used; the message says why, in a sentence."""


#: How much of a plug-in is left out because of a problem.
Skipped = Literal["all", "part", "nothing"]
_WORDS: Mapping[Skipped, str] = {
    "all": 'The plug-in "{}" was skipped: {}',
    "part": 'A part of the plug-in "{}" was skipped: {}',
    "nothing": 'The plug-in "{}" has a fault: {}',
}


@frozen
class Problem:
    """What is wrong with a plug-in, and how much of it was `skipped` for that."""

    plugin: str
    reason: str
    skipped: Skipped = "all"
    #: Whether it is what the plug-in's own code has raised.
    raised: bool = False

    def __str__(self) -> str:
        return _WORDS[self.skipped].format(self.plugin, self.reason)


@contextmanager
def recording(plugin: str, problems: list[Problem], raised: str = "") -> Iterator[None]:
    """
    Run code of a plug-in, and record what it raises instead of letting it through.

    `raised` says which part of it that was, before what was raised.

    That may be anything, such as the panic of a library in Rust, or an interrupt of its own making;
    only that of a signal is let through.
    """
    with isolated():
        try:
            yield
        except InvalidPlugin as error:
            problems.append(Problem(plugin, redact_environment(str(error))))
        except BaseException as error:  # noqa: BLE001
            if (left_out := _left_out(error)) is not None:
                problems.append(Problem(plugin, left_out))
                return
            where = redact_environment("".join(traceback.format_exception(error)))
            logger.debug('The plug-in "%s" has raised this:\n%s', plugin, where)
            problems.append(Problem(plugin, raised + words(error), raised=True))


def words(error: BaseException) -> str:
    """What was raised; its own text may be missing, or raise something itself."""
    try:
        text = sanitize(redact_environment(str(error)))
    except BaseException:  # noqa: BLE001
        text = ""
    return ": ".join(filter(None, (type(error).__name__, text)))


def _left_out(error: BaseException) -> str | None:
    """Which methods a class leaves out, if that is what was raised."""
    found = _ABSTRACT.search(words(error)) if type(error) is TypeError else None
    if found is None:
        return None
    methods = join_words(re.findall(r"\w+", found[2]), "and")
    return f"{found[1]} has no {methods}, which every provider needs."


def told(problems: Iterable[Problem], used: Collection[str]) -> tuple[Problem, ...]:
    """
    The distinct problems, each of which is logged; `used` are the plug-ins that give something.

    They are distinct because a string instead of a list of providers has one per letter.
    """
    unique = dict.fromkeys(_of_part(each) if each.plugin in used else each for each in problems)
    for problem in unique:
        log_once(problem)
    return tuple(unique)


def _of_part(problem: Problem) -> Problem:
    return evolve(problem, skipped="part") if problem.skipped == "all" else problem


@cache
def log_once(problem: Problem) -> None:
    """Once per process, because runners and rehearsals load the plug-ins again."""
    logger.warning("%s", problem)


def type_name(value: object) -> str:
    """The type of a value, or the class that it is; its own repr might raise."""
    kind = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    return sanitize(kind, 80)
