"""The standard tests, and that an author overrides none of them without a reason."""

from collections.abc import Mapping

from .base import Suite
from .judging import fail


class Overrides(Suite):
    """What an author overrides."""

    def test_no_standard_test_is_overridden(self) -> None:
        """
        A standard test is left out or changed only with a reason.

        What to do: mark it `@pytest.mark.skip(reason=…)` or `@pytest.mark.xfail(reason=…)`.
        """
        for name, standard in standard_tests(type(self)).items():
            own = getattr(type(self), name, None)
            if own is not standard and reason_of(own) is None:
                fail(f"{type(self).__name__}.{name} overrides a standard test without a reason.")


def standard_tests(suite: type[Suite]) -> Mapping[str, object]:
    """The standard tests that a suite inherits, by name, in the order in which they run."""
    topics = [each for each in reversed(suite.__mro__) if each.__module__.startswith(__package__)]
    return {
        name: test
        for topic in topics
        for name, test in vars(topic).items()
        if name.startswith("test_")
    }


def reason_of(test: object) -> str | None:
    """Why a test is marked to be skipped or to fail; None if it is not, or says no reason."""
    reasons = [
        str(mark.kwargs.get("reason", "")).strip()
        for mark in getattr(test, "pytestmark", [])
        if mark.name in ("skip", "skipif", "xfail")
    ]
    return next((reason for reason in reasons if reason), None)
