"""The scenes of the tests that need PostgreSQL; without its server they are skipped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .scene import BINARIES, PostgreSQL, Scene, postgresql, scene


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQL]:
    if not BINARIES:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt install postgresql)")
    with postgresql() as started:
        yield started


@pytest.fixture
def fleet(server: PostgreSQL, tmp_path: Path) -> Iterator[Scene]:
    """A fleet that has been prepared."""
    with scene(tmp_path, server) as found:
        found.ask("prepare")
        yield found
