"""The pages that users read, and what it takes to run what they show."""

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attrs import frozen
from kling26.core import Provider

from ..in_process import command, program

ROOT = Path(__file__).parents[2]


@frozen
class Page:
    """A page of Markdown."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return re.sub(r"^```.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    def section(self, title: str) -> str:
        """The text under a heading of the second level."""
        _, _, rest = self.text.partition(f"\n## {title}\n")
        assert rest, f'{self.path.name} has no section "{title}"'
        return rest.partition("\n## ")[0]

    def blocks(self, language: str, section: str | None = None) -> list[str]:
        """The fenced blocks of a language, on the page or in a section."""
        text = self.text if section is None else self.section(section)
        return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    def rows(self, section: str) -> list[list[str]]:
        """The cells of the first table in a section, without its heading."""
        lines = [line for line in self.section(section).splitlines() if line.startswith("|")]
        cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines[2:]]
        return [[cell.strip() for cell in row] for row in cells]

    def names(self, section: str) -> list[str]:
        """What the first column of a section's table names, without the backticks."""
        return [row[0].strip("`").replace("\\|", "|") for row in self.rows(section)]


@frozen
class Reader:
    """Somebody who has installed kling26, set nothing, and tries what a page shows."""

    folder: Path
    environ: Mapping[str, str]

    def python(self, source: str, **environ: str) -> str:
        """What a program prints."""
        return program(source, self.folder, {**self.environ, **environ})

    def command(self, *line: str, stdin: str = "", **environ: str) -> str:
        """What a command prints; fails with what it says on stderr."""
        status, out, err = command(line, self.folder, {**self.environ, **environ}, stdin)

        assert status == 0, err
        return out

    def commands(self, block: str, stdin: str = "", **environ: str) -> str:
        """What the commands of a block print; each is `kling26`, perhaps with variables set."""
        printed = ""
        for line in block.splitlines():
            words = shlex.split(line)
            while "=" in words[0]:
                name, _, value = words.pop(0).partition("=")
                environ[name] = value
            assert words.pop(0) == "kling26", line
            printed += self.command(*words, stdin=stdin, **environ)
        return printed


@pytest.fixture(scope="session")
def page() -> Callable[[str], Page]:
    """A page by its path in the project."""
    return lambda name: Page(ROOT / name)


@pytest.fixture
def reader(tmp_path: Path, providers: Mapping[str, Provider]) -> Reader:
    unset = ("KLING26_", *(name.upper() for name in providers))
    kept = {name: text for name, text in os.environ.items() if not name.startswith(unset)}
    folder = tmp_path / "reader"
    folder.mkdir()
    return Reader(folder, kept | {"KLING26_HOME": str(tmp_path / "home")})
