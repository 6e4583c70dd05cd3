"""Outputs for the rows of a program of one's own, by the rules of `kling26 batch`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve

from ..errors import Kling26Error
from ..runner.many import Row
from ..settings import Settings
from .columns import FIELDS
from .outputs import Files, collisions, made_ready, placed
from .problems import refused, row_name
from .text import shown


def fill_outputs(
    rows: Sequence[Row],
    template: str | None = None,
    *,
    provider: str | None = None,
    table: str | Path | None = None,
) -> list[Row]:
    """
    The rows with the outputs that their templates give, as full paths, whose folders are made.

    `template` is that of rows without an output, such as `clips/{row:03}-{name}.mp4`. It may have
    labels, fields of the request, own options, {provider} and {row}, the number of the row from 1
    on; `provider` is that of rows without one. What comes from a row is made safe in names. Raises
    `UsageError` with all that is wrong: two rows would be written to one file, or a row over a
    picture or the `table` that the rows are from, or a video cannot be written there.
    """
    settings = Settings()
    given = {
        number: row if row.output is not None else evolve(row, output=template)
        for number, row in enumerate(rows, 1)
    }
    found = placed(given, _names(rows), provider or settings.provider, template)
    good = {number: row for number, row in found.items() if isinstance(row, Row)}
    problems = {number: row for number, row in found.items() if isinstance(row, Kling26Error)}
    source = None if table is None else Path(table)
    name = "An output" if source is None else shown(source)
    _check(rows, name, problems, list(collisions(good, Files(source))))
    tried: dict[Path, int] = {}
    for number, row in good.items():
        if row.output is not None:
            try:
                path = made_ready(str(row.output), settings.home, tried).path
                good[number] = evolve(row, output=path)
            except Kling26Error as error:
                problems[number] = error
    _check(rows, name, problems)
    return list(good.values())


def _names(rows: Sequence[Row]) -> list[str]:
    """The names that a template may have."""
    names = dict.fromkeys(FIELDS)
    for row in rows:
        own = row.options if isinstance(row.options, Mapping) else {}
        names |= dict.fromkeys([*row.labels, *own])
    return list(names)


def _check(
    rows: Sequence[Row],
    name: str,
    problems: Mapping[int, Kling26Error],
    others: Sequence[str] = (),
) -> None:
    """Raise `UsageError` if anything is wrong."""
    told = [
        f"{row_name(number, rows[number - 1].labels)}: {error}"
        for number, error in sorted(problems.items())
    ]
    if told or others:
        raise refused([*told, *others], name)
