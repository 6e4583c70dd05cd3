"""Reading the rows of a table: what each cell means, and its default where it is empty."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from attrs import frozen

from ..errors import OptionRefused, UsageError
from ..images import ImageFile, ImageOnDisk
from ..installed import discover
from ..options import OptionInfo, show
from ..plugins import load_providers
from ..provider import Provider
from ..request import VideoRequest
from ..runner.many import Row
from ..settings import Settings
from ..text import sanitize
from .columns import FIELDS, Columns, columns_of, own_options
from .problems import refused, row_name
from .table import Cell, Form, Record, Table, parsed
from .text import check_text, decoded, has_mark, odd_character, read_bytes, shown

_FORMS: Mapping[str, Form] = {
    ".tsv": Form("csv", "\t"),
    ".jsonl": Form("jsonl"),
    ".ndjson": Form("jsonl"),
    ".json": Form("jsonl"),
}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_IMAGES = ("image", "end_image")


@frozen
class Defaults:
    """
    What counts where a cell is empty.

    `fields` are those of a request, `options` the own options of `provider`, by name.
    """

    provider: str
    fields: Mapping[str, Any] = {}
    options: Mapping[str, object] = {}
    output: str | None = None


def read_rows(
    file: str | Path | TextIO,
    provider: str | None = None,
    options: Mapping[str, object] | None = None,
) -> list[Row]:
    """
    The rows of a table, for `generate_many`: in CSV, separated by commas, semicolons or tabs, or
    one JSON object per line.

    Columns called like a field of `VideoRequest`, like an own option of the row's provider,
    `provider` or `output` are those, and an empty cell is the default: `provider` and `options` are
    those of rows without their own. All other columns are labels. Images are read when they are
    needed. Raises `UsageError` with all that is wrong.
    """
    settings = Settings()
    registry = load_providers(discover(settings.load_plugins))
    defaults = Defaults(provider or settings.provider, options=options or {})
    table = read_table(file)
    rows = list(rows_of(table, registry.providers, defaults))
    problems = [
        f"{row_name(number, {})}: {row}"
        for number, row in enumerate(rows, 1)
        if isinstance(row, UsageError)
    ]
    if problems:
        raise refused(problems, table.name)
    return [row for row in rows if isinstance(row, Row)]


def read_table(file: str | Path | TextIO) -> Table:
    """The table in a file; raises `UsageError`."""
    if not isinstance(file, str | Path):
        name = str(getattr(file, "name", "The table"))
        text = file.read()
        check_text(text, name)
        return parsed(text.lstrip("\ufeff"), name, None)
    path = Path(file)
    return table_in(read_bytes(path), shown(path), _FORMS.get(path.suffix.lower()))


def table_in(data: bytes, name: str, form: Form | None = None) -> Table:
    """The table in the bytes of a file, whose `name` errors begin with; raises `UsageError`."""
    return parsed(decoded(data, name), name, form, has_mark(data))


def rows_of(
    table: Table, providers: Mapping[str, Provider], defaults: Defaults
) -> Iterator[Row | UsageError]:
    """Each record as a row, or what is wrong with it; raises `UsageError` about the columns."""
    named = [_text(each.get("provider")).strip() for each in table.records]
    own = own_options([name or defaults.provider for name in named], providers)
    columns = columns_of(table.columns, own, table.name)
    for record in table.records:
        try:
            yield _row(record, columns, own, defaults)
        except UsageError as error:
            yield error


def _row(
    record: Record, columns: Columns, own: Mapping[str, OptionInfo], defaults: Defaults
) -> Row:
    given = {name: record[name] for name in columns.fields if not _is_empty(record[name])}
    if "aspect_ratio" in given and "image" in given:
        problem = (
            "aspect_ratio cannot be combined with image, which sets it; leave one of them out."
        )
        raise OptionRefused(problem, option="aspect_ratio")
    fields = dict(defaults.fields)
    fields |= {name: _value(FIELDS[name], cell) for name, cell in given.items()}
    options = dict(defaults.options)
    options |= {
        name: _value(own[name], record[name]) for name in columns.own if not _is_empty(record[name])
    }
    return Row(
        VideoRequest(**{"prompt": "", **fields}),
        provider=_text(record.get("provider")).strip() or None,
        options=options or None,
        output=_text(record.get("output")).strip() or defaults.output,
        labels={name: _label(name, record[name]) for name in columns.labels},
    )


def _is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _value(info: OptionInfo, cell: Cell) -> object:
    """
    A cell as the value of an option; as it is where it cannot be one, which is said later.

    Those of JSON have their own types.
    """
    if info.name in _IMAGES:
        return _image(info.name, cell)
    if not isinstance(cell, str) or info.type is str:
        return cell
    text = cell.strip()
    if info.type is bool:
        return _BOOLEANS.get(text.lower(), text)
    if info.type is int and re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        return int(text)
    return text


def _image(name: str, cell: Cell) -> str | ImageFile:
    if not isinstance(cell, str):
        raise OptionRefused(f"{name} must be a path or a URL; got {show(cell)}.", option=name)
    text = cell.strip()
    is_url = text.lower().startswith(("http://", "https://"))
    return text if is_url else ImageOnDisk(text)


def _label(name: str, cell: Cell) -> str:
    if isinstance(cell, list | dict):
        raise OptionRefused(
            f"{show(name)} must be text, a number, true or false; got {show(cell)}.", option=name
        )
    return _text(cell)


def _text(cell: Cell) -> str:
    """A cell as a text: what JSON calls true is no `True`."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    text = str(cell)
    if (odd := odd_character(text)) is not None:
        raise UsageError(f'"{sanitize(text, 60)}" has a character that is no text ({odd}).')
    return text
