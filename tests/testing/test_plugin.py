"""The plug-in of pytest, in the project of an author."""

from pathlib import Path

import pytest
from kling26.cli.new_provider import spellings, write
from kling26.testing.conformance import standard_tests


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """A new provider in the folder of pytester, as if it were installed."""
    folder = pytester.path / "kling26-acme"
    write(folder, spellings("acme"))
    info = folder / "kling26_acme-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kling26-acme\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[kling26]\nacme = kling26_acme\n")
    pytester.syspathinsert(folder)
    return folder


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "kling26-acme", *arguments)


def test_a_new_provider_passes_as_it_stands(pytester: pytest.Pytester, project: Path) -> None:
    """Hence it makes none of the mistakes that `test_conformance.py` edits into it."""
    outcomes = run(pytester).parseoutcomes()

    assert list(outcomes) == ["passed"]
    assert outcomes["passed"] > len(standard_tests())


def test_a_failure_says_what_is_wrong_and_what_to_do(
    pytester: pytest.Pytester, project: Path
) -> None:
    file = project / "kling26_acme.py"
    file.write_text(file.read_text("utf-8").replace("sound=request.sound", "sound=False"), "utf-8")

    result = run(pytester, "-k", "every_shared_option")

    result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(
        [
            "submit sends the same request from text whether sound is False or True; *",
            "*What to do*",
            "send the option, or refuse it with `limits`, `takes_callback_url` or `check`.",
        ]
    )


def test_a_stage_is_set_for_an_installed_provider_by_its_name(
    pytester: pytest.Pytester, project: Path
) -> None:
    (project / "tests" / "test_own.py").write_text(
        "def test_named(stage):\n"
        '    on_stage = stage("acme")\n'
        "    assert on_stage.generate().file.exists()\n"
        "    assert [step.phase for step in on_stage.progress][-1] == 'stored'\n"
        "    assert on_stage.task().state == 'stored'\n"
    )

    assert run(pytester, "-k", "test_named").parseoutcomes()["passed"] == 1


def test_one_fixture_sets_several_stages_apart(pytester: pytest.Pytester, project: Path) -> None:
    (project / "tests" / "test_own.py").write_text(
        "def test_apart(stage):\n"
        '    one, other = stage("acme"), stage("kie")\n'
        "    one.generate()\n"
        "    assert (one.paid, other.paid) == (1, 0)\n"
        "    assert (len(one.tasks()), len(other.tasks())) == (1, 0)\n"
    )

    assert run(pytester, "-k", "test_apart").parseoutcomes()["passed"] == 1
