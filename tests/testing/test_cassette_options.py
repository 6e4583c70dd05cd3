"""Playing and recording cassettes in an author's project: what pytest says and what it writes."""

from pathlib import Path
from typing import Any

import pytest
from kling26.testing.cassettes import load, problems

HERON = "A heron lands on a frozen pond, ice cracks"
TESTS = f'''
import pytest
from kling26.core import KeyRejected, OutOfCredit, TaskFailed, VideoRequest

cassette = pytest.mark.cassette

@cassette("kie/heron")
def test_heron(replay):
    assert replay.generate(VideoRequest("{HERON}", sound=True), "kie").file.exists()

@cassette("kie/heron", max_age=30)
def test_young(replay):
    assert replay.generate(VideoRequest("{HERON}", sound=True), "kie").file.exists()

@cassette("kie/heron")
def test_careless(replay):
    try:
        replay.run(lambda runner: runner.balance("kie"))
    except Exception:
        pass

@cassette("kie/wrong_key", key="not-a-key")
def test_wrong_key(replay):
    with pytest.raises(KeyRejected):
        replay.generate(VideoRequest("{HERON}"), "kie")

@cassette("kie/no_credit", written="it needs an empty account", fault="no_credit")
def test_no_credit(replay):
    with pytest.raises(OutOfCredit):
        replay.generate(VideoRequest("{HERON}"), "kie")

@cassette("kie/failed", fault="failed_task")
def test_failed(replay):
    with pytest.raises(TaskFailed):
        replay.generate(VideoRequest("{HERON}"), "kie")

@cassette("kie/lost", fault="reset_after_accept")
def test_lost(replay):
    with pytest.raises(Exception, match="."):
        replay.generate(VideoRequest("{HERON}"), "kie")
'''
ROOT = Path(__file__).parents[2]
WRITTEN = (ROOT / "cassettes" / "kie" / "text_to_video_with_sound.yaml").read_text("utf-8")
KEY = "live-9f3c7d21-Zx81Qm40"
NAMES = ("heron", "wrong_key", "no_credit", "failed")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """The project of a plug-in's author, whose key is in the environment."""
    pytester.makeini("[pytest]\ncassettes = tapes")
    pytester.makeconftest('pytest_plugins = ["kling26.testing.plugin"]')
    pytester.makepyfile(TESTS)
    (pytester.mkdir("tapes") / "kie").mkdir()
    monkeypatch.setenv("KIE_API_KEY", KEY)
    return pytester


def tape(project: pytest.Pytester, name: str = "heron") -> Path:
    return project.path / "tapes" / "kie" / f"{name}.yaml"


def said(project: pytest.Pytester, *options: str) -> list[str]:
    """What is said of the only test that is run, and fails: without a traceback."""
    result = project.runpytest_inprocess(*options)

    result.assert_outcomes(failed=1, deselected=result.parseoutcomes().get("deselected", 0))
    text = result.stdout.str()
    assert "Traceback" not in text
    assert KEY not in text
    between = text.partition(" FAILURES ")[2].partition("=== short test summary")[0]
    return [line for line in between.splitlines() if line and line[0] not in "=_"]


# -- playing --------------------------------------------------------------------------------------


def test_a_cassette_with_the_key_of_whoever_runs_the_tests_is_refused(
    project: pytest.Pytester,
) -> None:
    tape(project).write_text(WRITTEN.replace("task_kling", f"task_{KEY}_kling"), "utf-8")

    (line,) = said(project, "-k", "heron")

    assert line.startswith(f"{tape(project)} is not played: it has a secret in the body of the ")


def test_a_cassette_of_no_source_is_refused(project: pytest.Pytester) -> None:
    tape(project).write_text(WRITTEN.replace("source:", "sauce:"), "utf-8")

    (line,) = said(project, "-k", "heron")

    assert 'does not say in "metadata.source" from where and when it is' in line


@pytest.mark.parametrize(
    ("edit", "hint"),
    [
        (lambda parts: [parts[0], parts[2], parts[1], *parts[3:]], "is exchange 2 of the cassette"),
        (lambda parts: [*parts[:2], *parts[1:]], "is exchange 3 of the cassette, which is not due"),
        (lambda parts: parts[:-1], "after its 4 exchanges"),
    ],
)
def test_requests_are_told_apart_by_their_order(
    edit: Any, hint: str, project: pytest.Pytester
) -> None:
    """Exchanges that changed places, a second submit, one that is missing."""
    head, *exchanges = WRITTEN.removesuffix("version: 1\n").split("- request:")
    tape(project).write_text("- request:".join(edit([head, *exchanges])) + "version: 1\n", "utf-8")

    lines = said(project, "-k", "heron")

    assert len(lines) <= 5
    assert lines[1].startswith("asked:        ")
    assert lines[2].startswith("cassette has: ")
    assert hint in " ".join(lines)


def test_a_test_cannot_swallow_what_does_not_fit(project: pytest.Pytester) -> None:
    tape(project).write_text(WRITTEN, "utf-8")

    lines = said(project, "-k", "careless")

    assert lines[0] == f"{tape(project)}: request 1 is not the one that the cassette has."


def test_one_that_is_too_old_fails(project: pytest.Pytester) -> None:
    tape(project).write_text(WRITTEN.replace("on 2026-11-21", "on 2025-01-02"), "utf-8")

    (line,) = said(project, "-k", "young")
    assert " days old, and may be 30 days: compare it with its documents again" in line
    (line,) = said(project, "-k", "heron", "-o", "cassettes_max_age=1")
    assert " days old, and may be 1 day: " in line
    result = project.runpytest_inprocess("-k", "heron", "-o", "cassettes_max_age=100000")
    assert result.parseoutcomes()["passed"] == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("-o", "cassettes_max_age=old"),
            '*cassettes_max_age must be a number of days; got "old".',
        ),
        (("--record", "--record-emulator"), "*from live APIs or from emulators: choose."),
    ],
)
def test_options_that_make_no_sense_are_told(
    options: tuple[str, ...], problem: str, project: pytest.Pytester
) -> None:
    project.runpytest_inprocess(*options).stderr.fnmatch_lines([problem])


# -- recording ------------------------------------------------------------------------------------


def test_without_a_key_each_test_says_which_one(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KIE_API_KEY")

    assert said(project, "--record", "-k", "heron") == ["To record kie/heron, set KIE_API_KEY."]


def test_an_emulator_plays_cassettes_for_nothing(project: pytest.Pytester, providers: Any) -> None:
    """A video, a refused key, an empty account and a task that fails; but no lost answer."""
    result = project.runpytest_inprocess("--record-emulator", "-k", "not young and not careless")

    result.assert_outcomes(passed=4, failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        ["*lost.yaml is not saved: the answer to POST *createTask broke off*"]
    )
    assert {path.stem for path in tape(project).parent.iterdir()} == set(NAMES)
    for name in NAMES:
        cassette = load(tape(project, name))
        assert cassette["metadata"]["source"].startswith("played by the emulator of kie ")
        assert list(problems(cassette, providers["kie"], [KEY, "test-key", "not-a-key"])) == []

    result = project.runpytest_inprocess("-k", " or ".join(NAMES))
    result.assert_outcomes(passed=4, deselected=3)


def test_an_emulator_leaves_alone_what_was_recorded(project: pytest.Pytester) -> None:
    recorded = WRITTEN.replace("written from https://docs.kie.ai/market/kling/text-to-video",
                               "recorded from https://api.kie.ai")  # fmt: skip
    assert recorded != WRITTEN
    tape(project).write_text(recorded, "utf-8")

    result = project.runpytest_inprocess("--record-emulator", "-k", "heron", "-rs")

    result.assert_outcomes(skipped=1, deselected=6)
    result.stdout.fnmatch_lines(['*kie/heron stays as it is: it is "recorded from https://api*'])
    assert tape(project).read_text("utf-8") == recorded
