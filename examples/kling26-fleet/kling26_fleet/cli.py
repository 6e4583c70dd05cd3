"""The command `kling26-fleet`."""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import App, Parameter, validators
from kling26.core import Kling26Error, Settings
from procrastinate.exceptions import ConnectorException

from kling26_fleet import rows, worker
from kling26_fleet.fleet import Fleet
from kling26_fleet.outcomes import Outcomes
from kling26_fleet.queue import opened, said
from kling26_fleet.status import details, standings, summary

app = App(
    name="kling26-fleet",
    help="Makes the videos of one queue on any number of machines, which share KLING26_HOME and a "
    "journal in PostgreSQL (KLING26_JOURNAL).",
    default_parameter=Parameter(negative=()),
)


@app.command
async def prepare() -> None:
    """Set up the fleet; safe to repeat."""
    fleet = Fleet(Settings())
    async with opened(fleet, prepared=False) as queue:
        await Outcomes(queue).prepare()
    fleet.found()
    print(f"Ready: {fleet.settings.home}")


@app.command
async def submit(file: Path, /, *, provider: str | None = None, output: str | None = None) -> None:
    """
    Queue the rows of a file; what was paid for before is not paid for again.

    Parameters
    ----------
    file
        A table as `kling26 batch` takes it: CSV, or JSON lines.
    provider
        The provider of rows that name none; `auto` is whoever can.
    output
        Where videos are written, in addition to the home: a path that all machines share, with
        {row}, {seed}, {prompt}, {provider} and the names of the file's other columns.
    """
    fleet = Fleet(Settings())
    async with opened(fleet) as queue:
        queued, known = await rows.submit(file, provider, output, fleet, Outcomes(queue))
    print(f"Rows queued: {queued}.{f' Already in the queue: {known}.' if known else ''}")


@app.command(name="worker")
async def work(*, jobs: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 50) -> None:
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
    await worker.work(Fleet(Settings()), jobs)


def _in_words(record: logging.LogRecord) -> bool:
    """Whether a record is to be shown: what came of a row is told by the worker itself."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ConnectorException):  # The way of an error through the queue says nothing.
        record.msg, record.args = f"{record.getMessage()}: {said(error)}", ()
        record.exc_info = None
    return not isinstance(error, Kling26Error)


@app.command
async def status(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """
    Tell how many rows are here, under way and waiting, and what has failed or is unknown.

    Parameters
    ----------
    as_json
        Print an object for each row instead, on a line.
    """
    fleet = Fleet(Settings())
    async with opened(fleet) as queue:
        found = await standings(fleet, Outcomes(queue))
    lines = (
        [json.dumps(attrs.asdict(row)) for row in found]
        if as_json
        else [summary(found), *details(found)]
    )
    for line in lines:
        print(line)


def main() -> None:
    """Run the command; an error of the set-up or of rows is told, with exit status 2."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # What it cannot do is said once.
    try:
        app()
    except Kling26Error as error:
        print(_told(error), file=sys.stderr)
        sys.exit(2)


def _told(error: Kling26Error) -> str:
    text, remedy = str(error), error.remedy
    if len(error.reasons) > 1:
        for reason in error.reasons:
            text = text.replace(f" {reason}", f"\n    {reason}", 1)
    if remedy is None or remedy.do != "set_key" or remedy.variable is None:
        return text
    return f"{text} Set {remedy.variable} on this machine."
