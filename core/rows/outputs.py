"""Where the videos of many rows go: each to a file of its own, and none over one that is used."""

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from ..atomic import full_path
from ..errors import Kling26Error, OptionRefused, OutputRefused, UsageError
from ..images import ImageOnDisk
from ..journal.outputs import Output, check_output
from ..runner.many import CheckedRow, Row
from ..text import join_words, reason, sanitize
from . import templates
from .columns import FIELDS, ROW
from .templates import Value

#: What a template may have without a column of that name.
_ALWAYS = (ROW, "seed", "provider", "prompt")


@frozen
class Files:
    """The files of a run that no video may replace: the table, and the report on it."""

    table: Path | None = None
    report: Path | None = None


def placed(
    rows: Mapping[int, Row], columns: Sequence[str], provider: str, template: str | None
) -> dict[int, Row | Kling26Error]:
    """
    The rows with their paths in place of templates; `provider` is that of rows without one.

    Raises `OptionRefused` if the common `template` is wrong, which is not the rows' fault.
    """
    known: dict[str, templates.Template | OptionRefused] = {}
    names = list(dict.fromkeys([*columns, *_ALWAYS]))
    if template is not None:
        common = known[template] = templates.parse(template, names)
        _check_distinct(rows, common)
    found: dict[int, Row | Kling26Error] = dict(rows)
    for number, row in rows.items():
        if row.output is None:
            continue
        text = str(row.output)
        if text not in known:
            known[text] = _parsed(text, names)
        own = known[text]
        try:
            if isinstance(own, OptionRefused):
                raise own
            found[number] = evolve(row, output=own.path(_values(number, row, provider)))
        except OptionRefused as error:
            found[number] = error
    return found


def _parsed(text: str, names: Sequence[str]) -> templates.Template | OptionRefused:
    try:
        return templates.parse(text, names)
    except OptionRefused as error:
        return error


def _values(number: int, row: Row, provider: str) -> Mapping[str, Value]:
    """What placeholders stand for."""
    request = row.request
    own = row.options if isinstance(row.options, Mapping) else {}
    fields = {name: _shown(getattr(request, name)) for name in FIELDS}
    options = {name: _shown(value) for name, value in own.items()}
    place: dict[str, Value] = {ROW: number, "provider": row.provider or provider}
    return {**row.labels, **options, **fields, **place}


def _shown(value: object) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return value
    if isinstance(value, ImageOnDisk):
        return value.path.name
    return "" if value is None else str(value)


# -- collisions --------------------------------------------------------------------------------


def _check_distinct(rows: Mapping[int, Row], template: templates.Template) -> None:
    """Raise `OptionRefused` if several rows would have one path, because nothing in it differs."""
    alike = sum(row.output == template.text for row in rows.values())
    if alike > 1 and not template.names:
        raise OptionRefused(
            f'All {alike} videos would be written to "{sanitize(template.text, 100)}". Put {{row}} '
            "or a column into the output, as in clips/{row:03}.mp4",
            option="output",
        )


def collisions(rows: Mapping[int, Row], files: Files) -> Iterator[str]:
    """What is wrong with the paths of rows, by number, in a sentence each."""
    taken: dict[str, int] = {}
    ours = {_key(path): what for path, what in _ours(rows, files)}
    outputs = {number: str(row.output) for number, row in rows.items() if row.output is not None}
    for number, output in outputs.items():
        try:
            key = _key(output)
        except (OSError, RuntimeError, ValueError):
            continue  # Said when it is checked.
        shown = sanitize(output, 100)
        if key in ours:
            yield f'row {number}: it would be written to "{shown}", which is {ours[key]}'
        elif key in taken:
            both = join_words([taken[key], number], "and")
            yield f'rows {both} would both be written to "{shown}"'
        else:
            taken[key] = number


def _ours(rows: Mapping[int, Row], files: Files) -> Iterator[tuple[str, str]]:
    for number, row in rows.items():
        for image in (row.request.image, row.request.end_image):
            if isinstance(image, ImageOnDisk):
                yield str(image.path), f"the image of row {number}"
    if files.table is not None:
        yield str(files.table), "the table itself"
    if files.report is not None:
        yield str(files.report), "the report"


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, or would on a file system that ignores capitals."""
    return _key(str(one)) == _key(str(other))


def _key(path: str) -> str:
    """What paths to one file share, on whatever file system: some ignore capitals and accents."""
    real = os.path.realpath(full_path(Path(path).expanduser()))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", real).casefold())


# -- folders, and what can be written there ----------------------------------------------------


def with_outputs(
    rows: Mapping[int, CheckedRow], home: Path, dry: bool
) -> dict[int, CheckedRow | Kling26Error]:
    """
    The rows with their outputs checked, or what is wrong with them; their folders are made.

    In a `dry` run nothing is made, and what would be in a new folder is taken to be possible.
    """
    tried: dict[Path, int] = {}
    found: dict[int, CheckedRow | Kling26Error] = {}
    for number, row in rows.items():
        try:
            found[number] = _with_output(row, home, dry, tried)
        except UsageError as error:
            found[number] = error
    return found


def _with_output(row: CheckedRow, home: Path, dry: bool, tried: dict[Path, int]) -> CheckedRow:
    if row.output is None:
        return row
    folder = _folder(str(row.output))
    if dry and folder is not None and not folder.exists():
        return row
    output = made_ready(str(row.output), home, tried)
    return evolve(row, order=evolve(row.order, output=output))


def made_ready(output: str, home: Path, tried: dict[Path, int]) -> Output:
    """An output that has been checked, and its folder made; raises `OutputRefused`."""
    folder = _folder(output)
    if folder is not None and not folder.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f'The folder "{sanitize(folder, 200)}" cannot be made: {reason(error)}.'
            raise OutputRefused(problem) from error
    return check_output(output, home, tried=tried)


def _folder(output: str) -> Path | None:
    """The folder of an output; None where that is no path, which is said when it is checked."""
    try:
        return full_path(Path(output).expanduser()).parent
    except (OSError, RuntimeError, ValueError):
        return None
