"""A cassette as a test's marker names it: which file that is, and how it is opened."""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import field, frozen

from ..core.errors import UnknownProvider
from ..core.installed import discover
from ..core.journal.task import new_task_id
from ..core.plugins import load_providers
from ..core.provider import Provider
from ..core.settings import Settings, url_variables
from .cassettes import urls
from .scrubbing import Scrubber, task_id
from .tape import Tape, open_tape

#: The key that cassettes are played with.
TEST_KEY = "test-key"

#: The end of a cassette's source: when it was recorded or written.
_DATE = re.compile(r"^  source: .*(\d{4}-\d\d-\d\d)$", re.MULTILINE)


@frozen
class MarkedCassette:
    """
    The cassette that a test's marker names; `variables` are the user's, and `recording` is whether
    it is to be recorded.
    """

    mark: pytest.Mark
    folder: Path
    variables: Mapping[str, str]
    recording: bool

    @property
    def name(self) -> str:
        """Like "acme/text_to_video"."""
        return str(self.mark.args[0])

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    def provider(self) -> Provider:
        """The provider whose folder it is in; fails the test if that is not installed."""
        try:
            return load_providers(discover())[self.name.partition("/")[0]]
        except UnknownProvider as error:
            hint = 'Install its plug-in first: pip install -e ".[test]"'
            pytest.fail(f"{error} {hint}", pytrace=False)

    def environ(self) -> dict[str, str]:
        """The variables to run with: the key and, while recording, the URLs that the user set."""
        provider = self.provider()
        known = self.variables if self.recording else {}
        own = self.mark.kwargs.get("key") or known.get(provider.key_variable)
        key = own or ("" if self.recording else TEST_KEY)
        if not key:
            pytest.fail(f"To record {self.name}, set {provider.key_variable}.")
        moved = [name for name in url_variables(provider).values() if name in known]
        return {provider.key_variable: str(key), **{name: known[name] for name in moved}}

    def open(
        self, file: Path, environ: Mapping[str, str], tasks: Sequence[str]
    ) -> AbstractContextManager[Tape]:
        """
        The tape in a file; a recording is scrubbed of the keys, and of our own ids in `tasks`.
        """
        provider = self.provider()
        settled = Settings(environ).configure(provider)
        usual = urls(provider)
        own = {now: usual[name] for name, now in urls(settled).items()}
        variable = provider.key_variable
        secrets = [environ[variable], self.variables.get(variable, "")] if self.recording else []
        source = f"recorded from {settled.base_url} on {datetime.now(UTC).date().isoformat()}"
        return open_tape(file, source, Scrubber(secrets, own, tasks), self.recording)


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


def age_of(folders: set[Path]) -> str | None:
    """How many cassettes there are, and from when the oldest one is; None if there are none."""
    texts = [path.read_text("utf-8") for each in folders for path in each.rglob("*.yaml")]
    dates = sorted(found[1] for text in texts if (found := _DATE.search(text)))
    return f"cassettes: {len(texts)}, the oldest from {dates[0]}" if dates else None
