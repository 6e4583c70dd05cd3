"""Whether a value may be returned, or a text shown; and how a test says that it may not."""

import json
import unicodedata
from collections.abc import Callable, Mapping
from math import isfinite
from typing import NoReturn, TypeGuard, get_args

import pytest

from ...core.status import State, Status, Ticket
from ...core.text import sanitize
from ..samples import STATES

_STATES = get_args(State)
#: Held here, so that a suite fails whatever becomes of `pytest.fail`.
_FAILED = pytest.fail.Exception
_TEXTS = ("url", "code", "reason", "task_id", "cost_unit")


def fail(problem: str) -> NoReturn:
    """
    Fail the test with this sentence alone.

    A traceback through the kit is no help, and neither is the error that is told in the sentence.
    """
    raise _FAILED(problem, pytrace=False) from None


def flow_name(name: str) -> str:
    """The method behind the name of a sample."""
    if name in (*STATES, "unknown"):
        return "poll"
    return "read_callback" if name == "callback" else name


def show(value: object) -> str:
    """A value, or an exception, in one short line."""
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {sanitize(value, 160)}"
    return sanitize(repr(value), 160)


def problem_of(name: str, value: object) -> str | None:
    """What is wrong with the value that a flow returned; None if nothing is."""
    flow = flow_name(name)
    if flow in ("poll", "read_callback"):
        return status_problem(value)
    if flow == "submit" or (flow == "find" and value is not None):
        return ticket_problem(value)
    fits: Mapping[str, Callable[[object], bool]] = {
        "upload": _is_url,
        "renew": _is_url,
        "cancel": lambda value: isinstance(value, bool),
        "balance": is_number,
        "quote": lambda value: value is None or is_price(value),
    }
    return None if flow not in fits or fits[flow](value) else show(value)


def ticket_problem(ticket: object) -> str | None:
    """What is wrong with a ticket; None if nothing is."""
    if not isinstance(ticket, Ticket):
        return f"{show(ticket)} instead of a Ticket"
    if not isinstance(ticket.task_id, str) or not ticket.task_id:
        return f"a ticket whose task_id is {ticket.task_id!r}"
    texts = [*ticket.data, *ticket.data.values()]
    if not all(isinstance(text, str) for text in texts):
        return "a ticket whose data is not all strings"
    return None if _is_writable([ticket.task_id, *texts]) else "a ticket that JSON cannot carry"


def status_problem(status: object) -> str | None:
    """What is wrong with a status; None if nothing is."""
    if not isinstance(status, Status):
        return f"{show(status)} instead of a Status"
    if status.state not in _STATES:
        return f"a status whose state is {status.state!r}"
    texts = {name: getattr(status, name) for name in _TEXTS}
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            return f"a status whose {name} is {show(text)} instead of a string"
        if text and not _is_writable(text):
            return f"a status whose {name} JSON cannot carry"
    if status.cost is not None and not is_number(status.cost):
        return f"a status whose cost is {show(status.cost)} instead of a number"
    if status.position is not None and type(status.position) is not int:
        return f"a status whose position is {show(status.position)} instead of an integer"
    return None


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number, and a finite one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_price(value: object) -> bool:
    """Whether a value may be what a video costs: unknown is None, and nothing is free."""
    return is_number(value) and value > 0


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _is_writable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


def is_printable(text: str) -> bool:
    """Whether it has no control characters, hence no escape codes for a terminal."""
    return not {unicodedata.category(character) for character in text} & {"Cc", "Cs"}
