"""
Counts what runs of `ProviderTests`, so that no standard test is left out in silence.

A part of `kling26.testing.plugin`. What an author leaves out in the documented way, and what
somebody does not ask for on the command line, fails nothing; one line at the end tells of it.
"""

import contextlib
import os
import re
import shlex
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from .conformance.overrides import FINISHED
from .tally import STANDARD, Expected, Ran, SuiteFacts, Tally, facts_of, is_standard, is_suite

#: Options by which somebody asks for fewer tests, if they are typed; those of pytest-split and
#: pytest-shard leave the rest to another run.
_CHOICES = re.compile(
    "-[vqsl]*[kmx]|--(exitfirst|maxfail|deselect|lf|last-failed|sw|stepwise|ignore|setup-only|"
    "setup-plan|splits|group|num-shards|shard-id)"
)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Guard(config), "kling26-guard")


class Guard:
    """The guard of one run; with xdist, of one process."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.tally = config, Tally()
        self._modules: list[pytest.Module] = []
        self._kit = _kit()
        self._broken_off = False
        self._providers: dict[type, dict[str, object]] = {}
        self._session: pytest.Session | None = None

    # -- collecting --------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makemodule(self) -> Generator[None, Any, Any]:
        made = yield
        if isinstance(made, pytest.Module):
            self._modules.append(made)
        return made

    @pytest.hookimpl(wrapper=True)
    def pytest_ignore_collect(self, collection_path: Path) -> Generator[None, Any, Any]:
        ignored = yield
        if ignored and not self._chosen and not collection_path.name.startswith("."):
            is_file = collection_path.suffix == ".py"
            for file in [collection_path] if is_file else collection_path.glob("test*.py"):
                self._leave_out(file, "is not collected: see collect_ignore in conftest.py")
        return ignored

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped and report.nodeid.endswith(".py"):
            self._leave_out(self.config.rootpath / report.nodeid, "is skipped as a whole")

    def _leave_out(self, file: Path, how: str) -> None:
        if file.is_file() and "ProviderTests)" in file.read_text("utf-8", "replace"):
            self.tally.problems.append(f"{file.name}, which has a suite of ProviderTests, {how}.")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        found: set[type] = set()
        for module in self._modules:
            known = getattr(module, "_obj", None)  # None if it could not be imported.
            for value in list(vars(known).values()) if isinstance(known, ModuleType) else ():
                if is_suite(value):
                    found.add(value)
        collected = {getattr(item, "cls", None) for item in session.items}
        for suite in found:  # The base of other suites, which has no tests itself, is none.
            if suite in collected or not any(suite in each.__mro__[1:] for each in found):
                self.tally.suites[_key(suite)] = facts_of(suite)
        self._providers = {
            suite: _parts(suite) for suite in collected if suite is not None and is_suite(suite)
        }

    # -- running -----------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        if not _is_ours(item):
            return (yield)
        if (patched := _patched(self._kit)) is not None:
            problem = f"{patched} was replaced while the suite ran: leave kling26 as it is."
            self.tally.problems.append(problem)
        if (replaced := _replaced(item.cls, self._providers)) is not None:  # type: ignore[attr-defined]
            self.tally.problems.append(
                f"{replaced} was replaced while the suite ran: test the provider as it is."
            )
        item.stash[_BEFORE] = len(FINISHED)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if _is_ours(item) and (report.when == "call" or report.outcome != "passed"):
            outcome = _outcome(report)
            standard = _has_finished(item) or outcome not in ("passed", "xpassed")
            by_itself = outcome == "skipped" and report.when == "call" and _needs_emulator(item)
            ran = Ran(item.originalname, outcome, standard, by_itself)  # type: ignore[attr-defined]
            report.kling26 = {"suite": _key(item.cls), **attrs.asdict(ran)}  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        said = dict(getattr(report, "kling26", {}))
        if said and str(report.outcome) != "rerun":  # By pytest-rerunfailures: it comes again.
            suite = said.pop("suite")
            if said["outcome"] == "failed" and report.passed:
                self.tally.problems.append(
                    f"{suite.rpartition(':')[2]}: {said['test']} failed, but was reported as "
                    "passed: see the hooks in conftest.py."
                )
            self.tally.ran.setdefault(suite, []).append(Ran(**said))

    # -- the end -----------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """With xdist: what a process has collected."""
        said = getattr(node, "workeroutput", {}).get("kling26")
        if said:
            self.tally.problems += said["problems"]
            self.tally.suites |= {key: _facts(each) for key, each in said["suites"].items()}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._session = session
        finished = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, 5)
        stopped = session.shouldstop or session.shouldfail
        self._broken_off = bool(stopped) or session.exitstatus not in finished
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            suites = {key: attrs.asdict(each) for key, each in self.tally.suites.items()}
            output["kling26"] = {"suites": suites, "problems": self.tally.problems}
        elif self._failures() and session.exitstatus in (0, 5):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Whatever other hooks have made of the exit status: pytest returns it after this."""
        if self._session is not None and self._session.exitstatus == pytest.ExitCode.OK:
            failed = any(
                each.outcome == "failed" for ran in self.tally.ran.values() for each in ran
            )
            if failed or self._failures():
                self._session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.config.option.collectonly:
            return
        for line in self.tally.lines(self._is_partial):
            terminalreporter.write_line(line)
        failures = self._failures()
        if failures:
            terminalreporter.section("ProviderTests", red=True)
            for failure in failures:
                terminalreporter.write_line(f"FAILED {failure}", red=True)

    def _failures(self) -> list[str]:
        if self.config.option.collectonly:
            return []
        return self.tally.failures(self._is_partial)

    @property
    def _is_partial(self) -> bool:
        """Whether somebody has asked for fewer tests, or the run was broken off."""
        return self._chosen or self._broken_off

    @property
    def _chosen(self) -> bool:
        typed = [str(each) for each in self.config.invocation_params.args]
        with contextlib.suppress(ValueError):  # A quote that is not closed: pytest says it.
            typed += shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
        return any("::" in each or _CHOICES.match(each) for each in typed)


#: How many tests had run to their end before this one began.
_BEFORE = pytest.StashKey[int]()


def _is_ours(item: pytest.Item) -> bool:
    """Whether it is a standard test of a suite, or what stands in its place."""
    suite = getattr(item, "cls", None)
    return suite is not None and is_suite(suite) and _name(item) in STANDARD


def _name(item: pytest.Item) -> str:
    return str(getattr(item, "originalname", ""))


def _function(item: pytest.Item) -> object:
    test = getattr(item, "function", None)
    return getattr(test, "__func__", test)


def _key(suite: type) -> str:
    return f"{suite.__module__}::{suite.__qualname__}"


def _needs_emulator(item: pytest.Item) -> bool:
    return is_standard(_function(item)) and getattr(item.cls, "sandbox", None) is None  # type: ignore[attr-defined]


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return report.outcome


def _has_finished(item: pytest.Item) -> bool:
    """Whether the standard test has run to its end, as it says itself."""
    finished = FINISHED[item.stash.get(_BEFORE, len(FINISHED)) :]
    return (item.cls, _name(item)) in finished  # type: ignore[attr-defined]


def _parts(suite: type) -> dict[str, object]:
    """The methods of a suite's provider, those of kling26 left out."""
    provider = getattr(suite, "provider", None)
    found = {
        f"{kind.__name__}.{name}": part
        for kind in type(provider).__mro__
        if kind.__module__.partition(".")[0] not in ("kling26", "builtins")
        for name, part in vars(kind).items()
        if callable(part)
    }
    own = vars(provider) if hasattr(provider, "__dict__") else {}
    return found | {f"provider.{name}": part for name, part in own.items() if callable(part)}


def _replaced(suite: type, known: Mapping[type, Mapping[str, object]]) -> str | None:
    """The method of the provider that is not what it was when the tests were collected."""
    before, now = known.get(suite, {}), _parts(suite)
    names = [*before, *(name for name in now if name not in before)]
    return next((name for name in names if before.get(name) is not now.get(name)), None)


def _kit() -> Mapping[tuple[str, str], object]:
    """The functions and classes of the kit, with the functions of the classes."""
    kit: dict[tuple[str, str], object] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("kling26.testing"):
            for attribute, value in vars(module).items():
                if not callable(value):
                    continue
                kit[name, attribute] = value
                if isinstance(value, type) and value.__module__ == name:
                    for inner, part in vars(value).items():
                        if callable(part):
                            kit[name, f"{attribute}.{inner}"] = part
    return kit


def _patched(kit: Mapping[tuple[str, str], object]) -> str | None:
    """The part of the kit that is not what it was."""
    for (module, path), value in kit.items():
        found: object = sys.modules.get(module)
        *places, last = path.split(".")
        for place in places:
            found = getattr(found, place, None)
        if vars(found).get(last) is not value if found is not None else True:
            return f"{module}.{path}"
    return None


def _facts(said: Mapping[str, Any]) -> SuiteFacts:
    tests = {name: Expected(**each) for name, each in said["tests"].items()}
    return SuiteFacts(said["name"], tests, said["problems"])
