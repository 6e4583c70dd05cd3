"""What must run of each suite of `ProviderTests`, what did, and the sentences on the difference."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from ..core.text import join_words
from .conformance import ProviderTests, overrides
from .conformance.base import Suite

#: What an author sets in a suite; everything else of `ProviderTests` is its own.
PUBLIC = ("provider", "sandbox", "replies", "refusals", "texts", "no_fresh_links")
#: What a suite sets on its class itself.
_KEPT = ("_kept",)
#: The standard tests, by name.
STANDARD: Mapping[str, Any] = dict(overrides.STANDARD)
_OWN = {name for topic in ProviderTests.__mro__ for name in vars(topic) if topic is not object}


@frozen
class Expected:
    """A standard test in one suite."""

    #: Whether the author overrides it, and with which reason.
    overridden: bool
    reason: str | None
    #: How many cases it has.
    cases: int


@frozen
class SuiteFacts:
    """A suite as it was collected."""

    name: str
    tests: Mapping[str, Expected]
    problems: Sequence[str]


@frozen
class Ran:
    """What became of one case of a standard test."""

    test: str
    #: "passed", "failed", "skipped", "xfailed" or "xpassed".
    outcome: str
    #: Whether the standard test itself was run, if it is overridden.
    standard: bool = True
    #: Whether the standard test itself says that it cannot run, as without an emulator.
    by_itself: bool = False


@define
class Tally:
    """All suites of a run, and what became of them."""

    suites: dict[str, SuiteFacts] = field(factory=dict)
    ran: dict[str, list[Ran]] = field(factory=dict)
    #: What is wrong beyond the suites: files left out, tests of kling26 replaced.
    problems: list[str] = field(factory=list)

    def failures(self, chosen: bool) -> list[str]:
        """The sentences that fail a run, where the user has `chosen` among the tests or not."""
        found = list(dict.fromkeys(self.problems))
        for key, facts in self.suites.items():
            found += facts.problems
            found += _failures(facts, self.ran.get(key, []), chosen)
        return found

    def lines(self, chosen: bool) -> list[str]:
        """One line on each suite: how many of its tests passed, and why not all."""
        return [_line(facts, self.ran.get(key, []), chosen) for key, facts in self.suites.items()]


def facts_of(suite: type[Suite]) -> SuiteFacts:
    """What has to run of a suite, and what is wrong with it before anything runs."""
    tests = {name: _expected(suite, name) for name in STANDARD}
    return SuiteFacts(suite.__name__, tests, list(_problems(suite)))


def is_suite(value: object) -> bool:
    """Whether something in an author's module is a suite for a provider."""
    return (
        isinstance(value, type)
        and issubclass(value, Suite)
        and not value.__module__.startswith("kling26.testing")
        and hasattr(value, "provider")
    )


def is_standard(test: object) -> bool:
    """Whether a function is one of the standard tests, as kling26 has it."""
    return any(test is each for each in STANDARD.values())


def _expected(suite: type[Suite], name: str) -> Expected:
    own = inspect.getattr_static(suite, name, None)
    reason = None if is_standard(own) else overrides.reason_of(own)
    marks = getattr(STANDARD[name], "pytestmark", [])
    cases = 1
    for mark in marks:
        cases *= len(mark.args[1]) if mark.name == "parametrize" else 1
    return Expected(not is_standard(own), reason, cases)


def _problems(suite: type[Suite]) -> Iterator[str]:
    missing = [name for name in STANDARD if not hasattr(suite, name)]
    if missing:
        yield (
            f"{suite.__name__} lacks {_some(missing)}: subclass kling26.testing.ProviderTests "
            "itself, and take nothing from it."
        )
    if getattr(suite, "__test__", True) is False:
        yield f"{suite.__name__} is switched off by __test__: remove that."
    for kind in suite.__mro__:
        if kind.__module__.startswith("kling26.testing") or kind is object:
            continue
        for name in vars(kind):
            if name in _OWN and name not in (*PUBLIC, *_KEPT, *STANDARD) and name[:2] != "__":
                yield (
                    f"{suite.__name__}.{name} replaces a part of the suite: rename it; only "
                    f"{join_words(PUBLIC, 'and')} are yours to set."
                )


def _failures(facts: SuiteFacts, ran: Sequence[Ran], chosen: bool) -> Iterator[str]:
    """What is wrong with what became of a suite's tests."""
    silent = [] if chosen else [name for name in facts.tests if _missing(facts, ran, name)]
    if silent:
        yield (
            f"{facts.name}: {_some(silent)} did not run, though nobody asked for less. See addopts "
            "and python_functions in your configuration, and the hooks in conftest.py."
        )
    for what, names in {
        "skipped from outside": [
            each.test for each in ran
            if each.outcome == "skipped" and not each.by_itself and not _has_reason(facts, each)
        ],
        "marked xfail from outside": [
            each.test for each in ran
            if each.outcome in ("xfailed", "xpassed") and not _has_reason(facts, each)
        ],
    }.items():  # fmt: skip
        if names:
            yield (
                f"{facts.name}: {_some(names)} {_is(names)} {what}. Override a test that does not "
                'apply, with @pytest.mark.skip(reason="…") on it, and leave the others alone.'
            )
    replaced = [
        each.test for each in ran if each.outcome in ("passed", "xpassed") and not each.standard
    ]
    if replaced:
        yield (
            f"{facts.name}: {_some(replaced)} passed without running the standard test. Remove the "
            "override, or have it really skipped, with a reason."
        )


def _missing(facts: SuiteFacts, ran: Sequence[Ran], name: str) -> bool:
    count = sum(each.test == name for each in ran)
    return count < (1 if facts.tests[name].overridden else facts.tests[name].cases)


def _has_reason(facts: SuiteFacts, each: Ran) -> bool:
    expected = facts.tests[each.test]
    return expected.overridden and expected.reason is not None


def _line(facts: SuiteFacts, ran: Sequence[Ran], chosen: bool) -> str:
    good = [
        name
        for name in facts.tests
        if not _missing(facts, ran, name)
        and all(_is_good(each) for each in ran if each.test == name)
    ]
    line = f"ProviderTests: {len(good)} of {len(facts.tests)} for {facts.name}"
    notes = [f"{name} left out ({why})" for name, why in _left_out(facts, ran)]
    notes += [
        f"{each.test} marked xfail, but passes: remove the mark"
        for each in ran
        if each.outcome == "xpassed" and _has_reason(facts, each)
    ]
    if any(each.by_itself for each in ran):
        notes.append("the others need an emulator: set `sandbox`")
    if chosen and any(_missing(facts, ran, name) for name in facts.tests):
        notes.append("the others were not asked for")
    return "; ".join((line, *notes)) + "."


def _left_out(facts: SuiteFacts, ran: Sequence[Ran]) -> Iterator[tuple[str, str]]:
    out = {each.test for each in ran if each.outcome in ("skipped", "xfailed")}
    for name, expected in facts.tests.items():
        if name in out and expected.reason is not None:
            yield name, expected.reason


def _is_good(each: Ran) -> bool:
    return each.standard and each.outcome in ("passed", "xpassed")


def _some(names: Iterable[str]) -> str:
    """Up to three names, and how many more there are."""
    known = list(dict.fromkeys(names))
    shown = [*known[:3], f"{len(known) - 3} more tests"] if len(known) > 4 else known
    return join_words(shown, "and")


def _is(names: Iterable[str]) -> str:
    return "is" if len(set(names)) == 1 else "are"
