"""A cassette as a test's marker names it: which file that is, and what is played with it."""

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import pytest
from attrs import field, frozen

from ..core.errors import UnknownProvider
from ..core.installed import discover
from ..core.journal.task import new_task_id
from ..core.plugins import Registry, load_providers
from ..core.provider import Provider
from ..core.settings import Settings, url_variables
from ..core.text import sanitize
from ..sandbox import Fault
from ..sandbox.faults import fault_name
from .cassettes import urls
from .reading import BadCassette
from .scrubbing import Scrubber, task_id
from .secrets import keys_in

#: The key that cassettes are played with.
TEST_KEY = "test-key"

#: What is done with a cassette: played, recorded from the service, or played by its emulator.
Mode = Literal["play", "record", "emulate"]

#: So few different characters are no key's, but somebody's "000000".
_REPEATED = 6
_TAKES = ("key", "written", "fault", "max_age")


@frozen
class MarkedCassette:
    """
    The cassette that a test's marker names; `variables` are the user's.

    Whatever is wrong with the marker is raised as a `BadCassette`.
    """

    mark: pytest.Mark
    folder: Path
    variables: Mapping[str, str] = field(repr=False)
    mode: Mode

    def __attrs_post_init__(self) -> None:
        if not self.mark.args:
            raise BadCassette('A cassette needs a name: @pytest.mark.cassette("provider/case").')
        for name in set(self.mark.kwargs) - set(_TAKES):
            known = ", ".join(_TAKES)
            raise BadCassette(f'The marker of {self.name} has "{name}", and takes {known}.')
        self._check_name()
        self._check_values()
        _ = self.faults  # Also where they do not show: a misspelt one would never be noticed.

    def _check_name(self) -> None:
        name, *more = self.mark.args
        if more:
            raise BadCassette(f"The marker of {self.name} has two names: a test has one cassette.")
        if not isinstance(name, str) or not name:
            raise BadCassette(f"The name of a cassette has to be a text; got {name!r}.")
        if name.endswith((".yaml", ".yml")):
            raise BadCassette(f"The name of the cassette {name} has to be without its suffix.")
        if set(name.replace("\\", "/").split("/")) & {"", ".", ".."}:
            raise BadCassette(
                f'"{sanitize(name, 60)}" is no name of a cassette: write "provider/case", which is '
                'in the folder "cassettes".'
            )

    def _check_values(self) -> None:
        key, written = self.mark.kwargs.get("key"), self.mark.kwargs.get("written")
        if not isinstance(key, str | None):
            raise BadCassette(f"The key in the marker of {self.name} has to be a text.")
        if written is not None and not (isinstance(written, str) and written.strip()):
            raise BadCassette(
                f"The marker of {self.name} has to say why it is never recorded, such as "
                'written="it needs an empty account".'
            )
        if key is not None and (key in self.keys() or _looks_real(key)):
            raise BadCassette(
                f"The key in the marker of {self.name} looks like a real one: write one that "
                'anybody may read, such as key="not-a-key", and revoke the real one.'
            )

    @property
    def name(self) -> str:
        """Like "acme/text_to_video"."""
        return str(self.mark.args[0])

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def own_key(self) -> str | None:
        """The key that the marker has, which the service refuses."""
        key: str | None = self.mark.kwargs.get("key")
        return key

    @property
    def max_age(self) -> int | None:
        """How many days old it may be, if the marker says so; raises `KeyError` if it does not."""
        days = self.mark.kwargs["max_age"]
        if days is None or (isinstance(days, int) and not isinstance(days, bool) and days >= 0):
            return days
        raise BadCassette(f"The max_age of {self.name} has to be a number of days.")

    @property
    def faults(self) -> list[Fault]:
        """The faults that the emulator shows."""
        given = self.mark.kwargs.get("fault", ())
        try:
            several = given if isinstance(given, list | tuple) else [given]
            found = [
                each if isinstance(each, Fault) else Fault(fault_name(each)) for each in several
            ]
        except (TypeError, ValueError) as error:
            raise BadCassette(f"The marker of {self.name}: {error}") from None
        for fault in found:
            if fault.step == "download":
                raise BadCassette(
                    f"The marker of {self.name}: {fault.name} shows in a download, and no cassette "
                    "has downloads."
                )
        return found

    @property
    def never_recorded(self) -> str | None:
        """Why it is never recorded from the service, if it is not."""
        written: str | None = self.mark.kwargs.get("written")
        if written is not None:
            return written
        return "only an emulator has faults on demand" if self.mark.kwargs.get("fault") else None

    @property
    def registry(self) -> Registry:
        return load_providers(discover())

    def provider(self) -> Provider:
        """The provider whose folder it is in."""
        try:
            return self.registry[self.name.partition("/")[0]]
        except UnknownProvider as error:
            hint = 'Install its plug-in first: pip install -e ".[test]"'
            raise BadCassette(f"{error} {hint}") from None

    def environ(self) -> dict[str, str]:
        """The variables to run with: the key and, while recording, the URLs that the user set."""
        provider = self.provider()
        if self.mode != "record":
            return {provider.key_variable: self.own_key or TEST_KEY}
        found = (self.variables.get(name, "").strip() for name in provider.key_variables)
        key = self.own_key or next(filter(None, found), None)
        if key is None:
            raise BadCassette(f"To record {self.name}, set {provider.key_variable}.")
        moved = [name for name in url_variables(provider).values() if name in self.variables]
        return {provider.key_variable: key, **{name: self.variables[name] for name in moved}}

    def keys(self) -> tuple[str, ...]:
        """The keys of the user, of any provider: none of them may be in a cassette."""
        providers = self.registry.providers.values()
        names = [name for provider in providers for name in provider.key_variables]
        return keys_in(self.variables, names)

    def scrubber(self, environ: Mapping[str, str], tasks: list[str]) -> Scrubber:
        """What strikes out the keys, and counts our own ids of `tasks`."""
        provider = self.provider()
        usual = urls(provider)
        own = {
            now: usual[name] for name, now in urls(Settings(environ).configure(provider)).items()
        }
        keys = (*self.keys(), environ[provider.key_variable])
        return Scrubber(keys, own, tasks)

    def emulator(self) -> str:
        """The name of its emulator, with the version of the plug-in that brings it."""
        name = self.provider().name
        distribution = self.registry.origins[name].partition(":")[0]
        for known in (distribution, "kling26"):
            try:
                return f"{name} {version(known)}"
            except (PackageNotFoundError, ValueError):
                continue
        return name


def _looks_real(key: str) -> bool:
    """Whether a key was made by a machine, and not for a test: "sk-9fQ2xZ7bLmT4vR8kW1pY6cN3"."""
    return any(
        re.search("[0-9]", run) and re.search("[A-Za-z]", run) and len(set(run)) > _REPEATED
        for run in re.findall("[A-Za-z0-9]{16,}", key)
    )


@frozen
class TaskIds:
    """Our own ids of the tasks: real ones while recording, otherwise those of the cassette."""

    recording: bool
    made: list[str] = field(factory=list)

    def new(self) -> str:
        self.made.append(new_task_id() if self.recording else task_id(len(self.made)))
        return self.made[-1]


def folder_of(config: pytest.Config, test: Path) -> Path:
    """Where the cassettes of a test's file are, or would be."""
    if named := config.getini("cassettes"):
        return config.rootpath / str(named)
    for place in (test, *test.parents):
        if not place.is_relative_to(config.rootpath):
            break
        if (place / "cassettes").is_dir() or (place / "pyproject.toml").is_file():
            return place / "cassettes"
    return config.rootpath / "cassettes"
