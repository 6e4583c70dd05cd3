"""Several copies of the pack in one ComfyUI: the first one runs, and that is said."""

import logging
from pathlib import Path

import pytest
from kling26 import comfy_bridge

CODE = Path(comfy_bridge.__file__).parents[1]


@pytest.fixture(autouse=True)
def _none_loaded_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comfy_bridge, "_first", None)


def test_a_copy_alone_runs_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kling26"):
        assert comfy_bridge.runs(str(CODE / "__init__.py"))
        assert comfy_bridge.runs(str(CODE / "__init__.py"))  # Loaded anew.

    assert caplog.messages == []


def test_each_further_copy_is_told_in_a_line_and_does_nothing(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(CODE)
    with caplog.at_level(logging.INFO, "kling26"):
        assert comfy_bridge.runs(str(CODE / "__init__.py"))
        assert not comfy_bridge.runs(str(tmp_path / "copy" / "__init__.py"))
        assert not comfy_bridge.runs(str(link / "__init__.py"))

    assert len(caplog.messages) == 2
    for line, folder in zip(caplog.messages, (tmp_path / "copy", link), strict=True):
        assert f"the copy in {CODE} runs, and not the one in {folder}; remove" in line


def test_where_an_installed_package_was_loaded_before_that_is_what_runs(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.INFO, "kling26"):
        assert comfy_bridge.runs(str(tmp_path / "__init__.py"))

    assert f"the copy in {CODE} runs, and not the one in {tmp_path}; remove" in caplog.messages[0]


def test_an_installed_package_that_is_not_loaded_is_told_of_too(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes along with a plug-in that wants it, and is what `kling26` in a shell runs."""
    (tmp_path / "kling26").mkdir()
    (tmp_path / "kling26" / "__init__.py").touch()
    (tmp_path / "kling26-9.dist-info").mkdir()
    (tmp_path / "kling26-9.dist-info" / "METADATA").write_text("Name: kling26\nVersion: 9\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with caplog.at_level(logging.INFO, "kling26"):
        assert comfy_bridge.runs(str(CODE / "__init__.py"))

    (line,) = caplog.messages
    assert f"the copy in {CODE} runs, and not the one in {tmp_path / 'kling26'}; remove" in line
