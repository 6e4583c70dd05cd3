"""The command `kling26-fleet`."""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import App, Parameter, validators
from kling26.core import Kling26Error, Settings, read_rows
from procrastinate.exceptions import ConnectorException

from kling26_fleet.fleet import Fleet
from kling26_fleet.outcomes import Outcomes
from kling26_fleet.queue import make_queue, opened, said
from kling26_fleet.status import details, standings, summary
from kling26_fleet.submission import submit
from kling26_fleet.worker import Worker

app = App(
    name="kling26-fleet",
    help="Makes the videos of one queue on any number of machines, which share KLING26_HOME and a "
    "journal in PostgreSQL (KLING26_JOURNAL).",
)


@app.command
def prepare() -> None:
    """Make the home and the database those of a fleet; harmless if they are."""
    fleet = Fleet(Settings())

    async def work() -> None:
        async with opened(make_queue(fleet), prepared=False) as queue:
            await Outcomes(queue).prepare()

    asyncio.run(work())
    fleet.found()
    print(f"Ready: {fleet.settings.home}")


@app.command(name="submit")
def submit_file(file: Path, *, provider: str | None = None, output: str | None = None) -> None:
    """
    Queue the rows of a file; what was paid for before is not paid for again.

    Parameters
    ----------
    file
        A table as `kling26 batch` takes it: CSV, or JSON lines.
    provider
        Who makes the rows that name nobody; `auto` is whoever can.
    output
        Where videos are written, in addition to the home: a path that all machines share, with
        {row}, {seed}, {provider} and the names of the file's other columns.
    """
    fleet = Fleet(Settings())

    async def work() -> None:
        async with opened(make_queue(fleet)) as queue:
            done = await submit(read_rows(file, provider), provider, output, fleet, Outcomes(queue))
        known = f" Already in the queue: {done.known}." if done.known else ""
        print(f"Rows queued: {done.queued}.{known}")

    asyncio.run(work())


@app.command
def worker(*, jobs: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 50) -> None:
    """
    Make videos until Ctrl-C or SIGTERM; others go on with what this one leaves.

    Parameters
    ----------
    jobs
        How many to make at once.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_in_words)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING, handlers=[handler])
    logging.getLogger("kling26_fleet").setLevel(logging.INFO)

    async def work() -> None:
        await Worker(Fleet(Settings()), jobs).run()

    asyncio.run(work())


def _in_words(record: logging.LogRecord) -> bool:
    """Whether a record is to be shown: what came of a row is told by the worker itself."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ConnectorException):  # The way of an error through the queue says nothing.
        record.msg, record.args = f"{record.getMessage()}: {said(error)}", ()
        record.exc_info = None
    return not isinstance(error, Kling26Error)


@app.command
def status(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """
    Tell how many rows are here, under way and waiting, and what has failed or is unknown.

    Parameters
    ----------
    as_json
        Print an object for each row instead.
    """
    fleet = Fleet(Settings())

    async def work() -> None:
        async with opened(make_queue(fleet)) as queue:
            rows = await standings(fleet, Outcomes(queue))
        if as_json:
            print(*(json.dumps(attrs.asdict(row)) for row in rows), sep="\n")
        else:
            print(summary(rows), *details(rows), sep="\n")

    asyncio.run(work())


def main() -> None:
    """Run the command; an error of the set-up or of a row is a sentence, with exit status 2."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # What it cannot do is said once.
    try:
        app()
    except Kling26Error as error:
        print(_told(error), file=sys.stderr)
        sys.exit(2)


def _told(error: Kling26Error) -> str:
    remedy = error.remedy
    if remedy is None or remedy.do != "set_key" or remedy.variable is None:
        return str(error)
    return f"{error} Set {remedy.variable} on this machine."
