"""`kling26 new-provider`: writes a plug-in for another provider, which works as it is."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

from cyclopts import Parameter

from ..core.errors import OutputRefused
from ..core.problems import InvalidPlugin
from ..core.provider import Provider
from ..core.settings import variable_stem
from ..core.vetting import validate_provider
from . import usage
from .console import answer, say
from .keys import installed
from .parameters import OneObject

#: Each file of the distribution, and the template that it is made from.
FILES = {
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "kling26_$module.py": "provider.py",
    "kling26_${module}_sandbox.py": "sandbox.py",
    "tests/conftest.py": "conftest.py",
    "tests/test_$module.py": "test_provider.py",
    "cassettes/$name/text_to_video.yaml": "text_to_video.yaml",
    "cassettes/$name/refused_key.yaml": "refused_key.yaml",
}
#: The guide, which is at hand without a network, too.
GUIDE = "PLUGINS.md"
_LONGEST = 40


def new_provider(
    name: Annotated[str, Parameter(help="What users will type after --provider.", metavar="NAME")],
    /,
    *,
    as_json: OneObject = False,
) -> int:
    """
    Write a plug-in for another provider into the folder kling26-NAME.

    It works as it is, with an emulator and tests; the places to fill in are marked.
    """
    folder = Path(f"kling26-{_usable(name)}")
    written = write(folder, spellings(name))
    say(_begun(folder))
    answer(str(folder), as_json, lambda: {"folder": str(folder), "files": written})
    return 0


def _begun(folder: Path) -> str:
    """What to do with a distribution that was just written."""
    return (
        f'Try it: pip install -e "{folder}[test]" && pytest {folder}\n'
        f'Then fill in the places marked "FILL IN"; {folder / GUIDE} explains how.'
    )


def _usable(name: str) -> str:
    """The name, if a provider and a distribution can have it."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name) or len(name) > _LONGEST:
        raise usage.bad_provider_name(name, _LONGEST)
    if variable_stem(name) in map(variable_stem, installed().providers):
        raise usage.taken_provider_name(name)
    try:
        validate_provider(_called(spellings(name)))
    except InvalidPlugin as error:
        raise usage.unusable_provider_name(name, error) from None
    return name


def _called(spelled: Mapping[str, str]) -> Provider:
    """A provider with the names that the templates would give it, which does nothing."""
    names = {
        "name": spelled["name"],
        "title": spelled["title"],
        "key_variable": spelled["variable"],
        "base_url": f"https://api.{spelled['host']}.example",
    }
    cls: type[Provider] = type(f"{spelled['camel']}Provider", (Provider,), names)
    cls.__abstractmethods__ = frozenset()
    return cls()


def spellings(name: str) -> Mapping[str, str]:
    """The name in every spelling that the templates use."""
    module = name.replace("-", "_")
    parts = module.split("_")
    return {
        "name": name,
        "module": module,
        "camel": "".join(part.capitalize() for part in parts),
        "title": " ".join(part.capitalize() for part in parts),
        "variable": f"{module.upper()}_API_KEY",
        "host": module.replace("_", "-"),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def write(folder: Path, spelled: Mapping[str, str]) -> list[str]:
    """Write the distribution into a new folder; returns the paths of its files."""
    package = files(__package__)
    written = list[str]()
    try:
        folder.mkdir(parents=True)
        for path, template in FILES.items():
            text = (package / "templates" / f"{template}.tmpl").read_text("utf-8")
            whole = Template(text).substitute(spelled)
            written.append(_put(folder / Template(path).substitute(spelled), whole))
        guide = files(__package__.rpartition(".")[0]) / "docs" / "plugins.md"
        written.append(_put(folder / GUIDE, guide.read_text("utf-8")))
    except FileExistsError:
        raise usage.taken_folder(folder) from None
    except OSError as error:
        raise OutputRefused(f"{folder} cannot be written: {error.strerror}.") from error
    return written


def _put(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8", newline="\n")
    return str(file)
