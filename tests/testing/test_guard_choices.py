"""The guard of `ProviderTests`: what runs is counted, and whoever asks for less gets less."""

import json
from unittest.mock import Mock

import pytest
from kling26.testing import ProviderTests, guard, tally

from .guarded import FINE, SHOWN, SUITE, below, runner

#: As a plug-in does it that splits the tests among several runs.
SHARDS = """
def pytest_addoption(parser):
    parser.addoption("--splits")
    parser.addoption("--group")
    parser.addoption("--num-shards")
    parser.addoption("--shard-id")

def pytest_collection_modifyitems(items):
    items[:] = items[:1]
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    return runner(pytester, monkeypatch)


def test_a_suite_that_runs_whole_is_counted(run) -> None:
    status, said = run()

    assert status == 0
    assert FINE in said


@pytest.mark.parametrize("mark", ["skip", "xfail"])
def test_a_reason_leaves_out_a_test(run, mark: str) -> None:
    override = f"{SHOWN}\n    raise ValueError"
    status, said = run(below(f'@pytest.mark.{mark}(reason="Dove has no options")', override))

    assert status == 0
    assert (
        "ProviderTests: 2 of 3 for TestDove; test_options_can_be_shown left out (Dove has no "
        "options)." in said
    )


def test_an_xfail_that_passes_is_told(run) -> None:
    override = f"{SHOWN}\n    super().test_options_can_be_shown()"
    status, said = run(below('@pytest.mark.xfail(reason="Dove has no options")', override))

    assert status == 0
    assert "test_options_can_be_shown marked xfail, but passes: remove the mark." in said


@pytest.mark.parametrize(
    "typed", [("-k", "shown"), ("test_dove.py::TestDove::test_options_can_be_shown",), ("-x",)]
)
def test_whoever_asks_for_less_gets_less(run, typed: tuple[str, ...]) -> None:
    status, said = run(SUITE, *typed)

    assert status == 0
    assert said.count("ProviderTests: ") == 1


def test_a_choice_is_named(run) -> None:
    _, said = run(SUITE, "-k", "shown")

    assert "ProviderTests: 1 of 3 for TestDove; the others were not asked for." in said


def test_a_run_that_only_collects_is_not_judged(run) -> None:
    status, said = run(SUITE, "--collect-only")

    assert status == 0
    assert "ProviderTests:" not in said


def test_a_base_class_of_suites_is_none_itself(run) -> None:
    status, said = run(SUITE.replace("TestDove(", "Base(") + "\nclass TestDove(Base):\n    pass\n")

    assert status == 0
    assert FINE in said


def test_a_suite_on_which_another_builds_is_one_too(run) -> None:
    status, said = run(SUITE + "\nclass TestOther(TestDove):\n    pass\n")

    assert status == 0
    assert FINE in said
    assert FINE.replace("TestDove", "TestOther") in said


def test_what_one_process_found_arrives_in_another() -> None:
    class TestDove(ProviderTests):
        provider = None
        _image = None

    there, here = guard.Guard(Mock()), guard.Guard(Mock())
    there.tally.suites["dove"] = tally.facts_of(TestDove)
    there.config.workeroutput = {}

    there.pytest_sessionfinish(Mock(shouldstop=False, shouldfail=False, exitstatus=0))
    sent = json.loads(json.dumps(there.config.workeroutput))
    here.pytest_testnodedown(Mock(workeroutput=sent))

    assert here.tally.suites == there.tally.suites
    (silent, replaced) = sorted(here.tally.failures(chosen=False))
    assert silent.startswith("TestDove._image replaces a part of the suite")
    assert "did not run, though nobody asked for less" in replaced


@pytest.mark.parametrize(
    "typed", [("--splits", "3", "--group=1"), ("--num-shards=3", "--shard-id=0")]
)
def test_one_of_several_shards_is_no_fault(run, typed: tuple[str, ...]) -> None:
    status, said = run(SUITE, *typed, conftest=SHARDS)

    assert status == 0
    assert "ProviderTests: 1 of 3 for TestDove; the others were not asked for." in said


def test_options_in_the_environment_are_typed_too(run, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k 'shown'")

    status, said = run()

    assert status == 0
    assert "ProviderTests: 1 of 3 for TestDove; the others were not asked for." in said
