"""Cassettes: what is played, and where they are."""

from pathlib import Path

import httpx
import pytest
from kling26.core import VideoRequest
from kling26.core.runner.video import check_video
from kling26.core.settings import Settings
from kling26.testing.marker import folder_of
from kling26.testing.replay import Replay, clip
from kling26.testing.tape import Recording

from .author import TESTS, copy_of, project_of, tape


def test_every_download_is_a_video_that_plays(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip())

    check_video(tmp_path / "clip.mp4")


# -- what is played ---------------------------------------------------------------------------


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    return project_of(pytester)


def test_a_missing_recording_fails_and_phones_nobody(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["There is no cassette *heron.yaml. Record it with pytest --record, have it played with *"]
    )


def test_a_missing_exchange_is_compared_with_the_nearest_one(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(TESTS)
    whole = copy_of("kie/text_to_video_with_sound")
    tape(project, "kie/heron").write_text(whole.replace('"sound": true', '"sound": 1'), "utf-8")

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*heron.yaml: request 1 is not the one that the cassette has.",
            "asked:        POST https://api.kie.ai/api/v1/jobs/createTask",
            "cassette has: POST https://api.kie.ai/api/v1/jobs/createTask",
            "body.input.sound: asked true, the cassette has 1",
            "Correct the provider, or the cassette by the documents that it was written from.",
        ],
        consecutive=True,
    )


def test_an_exchange_that_the_test_did_not_ask_for_fails(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    whole = copy_of("kie/text_to_video_with_sound")
    interactions = whole.partition("interactions:\n")[2].partition("version: 1")[0]
    tape(project, "kie/heron").write_text(whole.replace(interactions, interactions * 2), "utf-8")

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*heron.yaml has exchanges that the test did not ask for: *number 6 of 10, POST*"]
    )


def test_the_header_shows_the_age_of_the_cassettes(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    text = copy_of("kie/text_to_video_with_sound")
    tape(project, "kie/heron").write_text(text, "utf-8")
    tape(project, "kie/old").write_text(text.replace("on 2026-11-21", "on 2025-01-02"), "utf-8")

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["cassettes: 2, the oldest from 2025-01-02, * days ago"])


def test_a_test_without_a_cassette_fails(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(replay): pass")

    result = project.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*replay needs a cassette: @pytest.mark.cassette(*"])


def test_recording_needs_a_key(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)

    result = project.runpytest_inprocess("--record", "-k", "heron")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*To record kie/heron, set KIE_API_KEY."])


def test_a_provider_that_is_not_installed_fails(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS.replace("kie/heron", "acme/heron"))

    result = project.runpytest_inprocess("-k", "heron")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*There is no provider "acme".*pip install -e*'])


# -- where they are ---------------------------------------------------------------------------


@pytest.fixture
def two(pytester: pytest.Pytester) -> pytest.Pytester:
    """A repository of two plug-ins; only the first one has cassettes."""
    pytester.makeini("[pytest]")
    pytester.makeconftest('pytest_plugins = ["kling26.testing.plugin"]')
    for name in ("one", "two"):
        pytester.mkdir(name).joinpath("pyproject.toml").touch()
        pytester.mkdir(f"{name}/tests").joinpath(f"test_{name}.py").write_text(TESTS, "utf-8")
    (pytester.path / "one" / "cassettes" / "kie").mkdir(parents=True)
    (pytester.path / "no_project" / "cassettes").mkdir(parents=True)
    text = copy_of("kie/text_to_video_with_sound")
    (pytester.path / "one" / "cassettes" / "kie" / "heron.yaml").write_text(text, "utf-8")
    return pytester


def test_each_plug_in_of_a_repository_has_its_own(two: pytest.Pytester) -> None:
    result = two.runpytest_inprocess("one", "two", "-k", "heron")

    result.assert_outcomes(passed=1, failed=1)
    missing = two.path / "two" / "cassettes" / "kie" / "heron.yaml"
    result.stdout.fnmatch_lines(["cassettes: 1, *", f"*{missing}*"])


@pytest.mark.parametrize(
    ("rootdir", "test", "folder_of_it"),
    [
        (".", "one/tests/test_one.py", "one/cassettes"),
        (".", "two/tests/test_two.py", "two/cassettes"),
        (".", "one", "one/cassettes"),
        (".", "no_project/tests/test_it.py", "no_project/cassettes"),
        (".", "test_it.py", "cassettes"),
        ("one/tests", "one/tests/test_one.py", "one/tests/cassettes"),
        ("two", "one/tests/test_one.py", "two/cassettes"),
    ],
)
def test_the_nearest_folder_upwards_is_taken_and_none_above_the_rootdir(
    two: pytest.Pytester, rootdir: str, test: str, folder_of_it: str
) -> None:
    config = two.parseconfig(f"--rootdir={two.path / rootdir}")

    assert folder_of(config, two.path / test) == two.path / folder_of_it


def test_the_option_names_another_one_for_all(two: pytest.Pytester) -> None:
    two.makeini("[pytest]\ncassettes = one/cassettes")

    two.runpytest_inprocess("one", "two", "-k", "heron").assert_outcomes(passed=2)


# -- what ends at once ----------------------------------------------------------------------------


def test_a_recording_without_a_network_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(*_: object) -> httpx.Response:
        raise httpx.ConnectError("All connection attempts failed")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", unreachable)
    settings = Settings({"KLING26_HOME": str(tmp_path), "KIE_API_KEY": "test-key"})

    with pytest.raises(pytest.fail.Exception) as failed:
        Replay(settings, True, Recording()).generate(VideoRequest("A heron"), "kie")

    said = "api.kie.ai cannot be reached, so nothing is recorded: check the network."
    assert str(failed.value) == said


def test_a_cassette_of_another_provider_is_told(tmp_path: Path) -> None:
    settings = Settings({"KLING26_HOME": str(tmp_path), "KIE_API_KEY": "test-key"})
    replay = Replay(settings, False, Recording(), provider="kie")
    fox = VideoRequest("A red fox")
    said = "This test plays a cassette of kie, but asks apikley for a video: name a cassette"

    with pytest.raises(pytest.fail.Exception, match=said):
        replay.generate(fox, "apikley")
    with pytest.raises(pytest.fail.Exception, match=said):
        replay.run(lambda runner: runner.generate(fox, "apikley"))
