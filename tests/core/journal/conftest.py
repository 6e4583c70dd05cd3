"""Shops on a file and on a server."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from .shop import Shop


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    from .test_postgres import BINARIES, Cluster

    if not BINARIES:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt install postgresql)")
    cluster = Cluster()
    cluster.start()
    try:
        yield cluster.url
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder)


@pytest.fixture
def on_server(server: str, tmp_path: Path) -> Iterator[Shop]:
    """A journal on PostgreSQL, with nothing in it."""
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    yield from closing(Shop(server, tmp_path / "home"))


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Shop]:
    yield from closing(Shop(f"sqlite:///{tmp_path / 'journal.sqlite3'}", tmp_path / "home"))


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Shop:
    """On a file; or as `ON_BOTH` says."""
    found: Shop = request.getfixturevalue(getattr(request, "param", "on_file"))
    return found


def closing(shop: Shop) -> Iterator[Shop]:
    yield shop
    asyncio.run(shop.close())
