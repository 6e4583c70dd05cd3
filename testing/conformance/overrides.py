"""The standard tests, and that an author overrides none of them without a reason."""

import functools
from collections.abc import Callable
from typing import Any

from .base import Suite
from .judging import fail


class Overrides(Suite):
    """What an author overrides."""

    def test_no_standard_test_is_overridden(self) -> None:
        """
        A standard test is left out or changed only with a reason.

        What to do: mark it `@pytest.mark.skip(reason=…)` or `@pytest.mark.xfail(reason=…)`.
        """
        for name, standard in STANDARD.items():
            own = getattr(type(self), name, None)
            if own is not standard and reason_of(own) is None:
                fail(f"{type(self).__name__}.{name} overrides a standard test without a reason.")


#: The standard tests, as they were when they were put together; `number` fills it.
STANDARD: dict[str, Any] = {}
#: What has run to its end, in turn: the suite and the test.
FINISHED: list[tuple[type, str]] = []


def number(suite: type[Suite]) -> None:
    """Have each standard test of a suite say when it has run to its end, whoever called it."""
    for topic in reversed(suite.__mro__):
        if topic.__module__.startswith(__package__):
            for name, test in list(vars(topic).items()):
                if name.startswith("test_"):
                    STANDARD[name] = _telling(name, test)
                    setattr(topic, name, STANDARD[name])


def _telling(name: str, test: Callable[..., None]) -> Callable[..., None]:
    code = test.__code__

    @functools.wraps(test)
    def told(self: Suite, *args: object, **given: object) -> None:
        test(self, *args, **given)
        if test.__code__ is code:
            FINISHED.append((type(self), name))

    return told


def reason_of(test: object) -> str | None:
    """Why a test is marked to be skipped or to fail; None if it is not, or says no reason."""
    reasons = [
        str(mark.kwargs.get("reason", "")).strip()
        for mark in getattr(test, "pytestmark", [])
        if mark.name in ("skip", "skipif", "xfail")
    ]
    return next((reason for reason in reasons if reason), None)
