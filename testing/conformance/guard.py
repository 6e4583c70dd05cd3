"""Which tests are the standard ones, and that they stay."""

from .base import Suite
from .judging import fail


class Guard(Suite):
    """The guard."""

    def test_no_standard_test_is_overridden(self) -> None:
        """
        A standard test is left out or changed with a reason, or not at all.

        What to do: mark it `@pytest.mark.skip(reason=…)` or `@pytest.mark.xfail(reason=…)`.
        """
        from . import ProviderTests

        for name in standard_tests():
            own = getattr(type(self), name, None)
            if own is not getattr(ProviderTests, name) and not _has_reason(own):
                fail(
                    f"{type(self).__name__}.{name} takes the place of a standard test without a "
                    "reason."
                )


def standard_tests() -> list[str]:
    """The names of the standard tests, in the order in which they run."""
    from . import ProviderTests

    topics = reversed(ProviderTests.__mro__)
    return [name for topic in topics for name in vars(topic) if name.startswith("test_")]


def _has_reason(test: object) -> bool:
    """Whether a test is marked to be skipped or to fail, and says why."""
    marks = getattr(test, "pytestmark", [])
    return any(
        mark.name in ("skip", "skipif", "xfail") and str(mark.kwargs.get("reason", "")).strip()
        for mark in marks
    )
