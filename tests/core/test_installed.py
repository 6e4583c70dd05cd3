"""Broken metadata anywhere on the path costs nobody else anything; a plug-in of ours is named."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kling26.core.installed import discover
from kling26.core.plugins import load_providers
from kling26.core.settings import Settings

METADATA = b"Metadata-Version: 2.1\nName: caf\nVersion: 1.0\n"
OURS, STRANGERS = b"[kling26]\nx = no_such_module\n", b"[console_scripts]\ncaf = caf:main\n"
LATIN = "[{}]\ncafé = caf:main\n"

#: What `METADATA` and `entry_points.txt` consist of, and what is said; nothing of another's.
BROKEN: dict[str, tuple[bytes | None, bytes | None, str]] = {
    "other entry points in Latin-1": (METADATA, LATIN.format("x").encode("latin-1"), ""),
    "our entry points in Latin-1": (
        METADATA, LATIN.format("kling26").encode("latin-1"), "entry_points.txt is not UTF-8 text",
    ),
    "our entry points in UTF-16": (
        METADATA, OURS.decode().encode("utf-16"), "entry_points.txt is not UTF-8 text",
    ),
    "a byte order mark": (METADATA, b"\xef\xbb\xbf" + OURS, "begins with a byte order mark"),
    "other metadata in Latin-1": (METADATA + b"Author: Andr\xe9\n", STRANGERS, ""),
    "our metadata in Latin-1": (METADATA + b"Author: Andr\xe9\n", OURS, "is not UTF-8 text"),
    "other without metadata": (None, STRANGERS, ""),
    "ours without metadata": (None, OURS, "its metadata has no name"),
    "other without a name": (b"Metadata-Version: 2.1\n", STRANGERS, ""),
    "ours without a name": (b"Metadata-Version: 2.1\nName: \n", OURS, "its metadata has no name"),
    "another's malformed line": (METADATA, STRANGERS + b"junk\n", ""),
    "a malformed line": (METADATA, OURS + b"junk\n", 'a line that is not "name = module"'),
    "no module": (METADATA, b"[kling26]\nx = !! ??\n", '"!! ??" is not the name of a module'),
    "a section without its end": (
        METADATA, b"[kling26\nx = caf\n", 'its entry_points.txt has "[kling26", where "[kling26]"',
    ),
    "a section without its beginning": (
        METADATA, STRANGERS + b" kling26]\n", 'has "kling26]", where "[kling26]" belongs',
    ),
    "another's section without its end": (METADATA, b"[kling\nx = caf\n", ""),
    "nothing but a folder": (None, None, ""),
}  # fmt: skip

Lay = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Put metadata into a folder on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def lay(metadata: bytes | None, points: bytes | None, folder: str = "caf-1.0") -> Path:
        info = tmp_path / f"{folder}.dist-info"
        info.mkdir()
        for name, content in (("METADATA", metadata), ("entry_points.txt", points)):
            if content is not None:
                (info / name).write_bytes(content)
        return info

    return lay


def said() -> list[str]:
    return [str(each) for each in load_providers(discover()).problems if "caf" in each.plugin]


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_metadata_is_passed_over_and_named_if_it_is_ours(lay: Lay, kind: str) -> None:
    metadata, points, reason = BROKEN[kind]
    info = lay(metadata, points)
    lay(METADATA.replace(b"caf", b"good"), OURS.replace(b"x", b"y"), "good-1.0")

    assert "good" in {each.distribution for each in discover()}
    problems = said()
    assert len(problems) == bool(reason)
    for problem in problems:
        assert problem.startswith('The plug-in "caf')
        assert reason in problem
        assert str(info) in problem or "no module" in kind


def test_what_is_no_folder_of_metadata_is_passed_over(
    lay: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file-1.0.dist-info").write_bytes(b"A file.")
    (tmp_path / "loop-1.0.dist-info").symlink_to("loop-1.0.dist-info")
    (lay(METADATA, None) / "entry_points.txt").mkdir()
    for name in ("cut.zip", "cut.egg"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 and nothing more")
        monkeypatch.syspath_prepend(str(tmp_path / name))
    monkeypatch.setattr(sys, "path", [["a list"], tmp_path / "caf-1.0.dist-info", *sys.path])
    lay(METADATA.replace(b"caf", b"good"), OURS, "good-1.0")

    assert "good" in {each.distribution for each in discover()}
    assert said() == []


def test_a_finder_that_fails_costs_nothing_but_what_it_would_find(
    lay: Lay, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        @staticmethod
        def find_spec(*_: object) -> None:
            return None

        @staticmethod
        def find_distributions(_: object) -> None:
            raise RuntimeError

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Failing()])
    lay(METADATA, OURS)

    assert "caf" in {each.distribution for each in discover()}


def test_a_distribution_that_is_there_twice_counts_once(lay: Lay) -> None:
    lay(METADATA, OURS)
    lay(METADATA.replace(b"1.0", b"2.0"), OURS, "caf-2.0")
    lay(None, OURS, "caf-3.0")  # What an upgrade has left.

    assert [str(each) for each in discover() if each.distribution == "caf"] == ["caf:x"]


def test_a_broken_one_is_left_out_like_any_other(lay: Lay) -> None:
    lay(None, OURS)
    settings = Settings({"KLING26_HOME": "nowhere", "KLING26_LOAD_PLUGINS": "kling26-acme"})

    assert discover(settings.load_plugins) == []
    assert [each.distribution for each in discover(("Caf",))] == ["caf"]
