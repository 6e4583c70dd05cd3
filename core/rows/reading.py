"""Reading the rows of a table: what each cell means, and its default where it is empty."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from attrs import Factory, frozen

from ..errors import OptionRefused, UsageError
from ..images import ImageFile, ImageOnDisk
from ..options import OptionInfo, show
from ..plugins import load_installed
from ..provider import Provider
from ..request import VideoRequest
from ..runner.many import Row
from ..settings import Settings
from ..text import sanitize
from .columns import FIELDS, Columns, column, columns_of, own_options
from .problems import refused, row_name
from .table import Cell, Form, Record, Table, parsed
from .text import check_text, decoded, has_mark, odd_character, read_bytes, shown

_FORMS: Mapping[str, Form] = {
    ".tsv": Form("csv", "\t"),
    ".jsonl": Form("jsonl"),
    ".ndjson": Form("jsonl"),
    ".json": Form("jsonl"),
}
#: How yes and no are written: by people and programs, and by Excel in German, French, Spanish,
#: Italian, Portuguese, Dutch, Polish and Russian.
_YES = "true yes y on 1 1.0 wahr vrai verdadero vero verdadeiro waar prawda истина"
_NO = "false no n off 0 0.0 falsch faux falso onwaar fałsz ложь"
_BOOLEANS = dict.fromkeys(_YES.split(), True) | dict.fromkeys(_NO.split(), False)
#: A whole number as people write it, and as a column of numbers with a gap is saved by pandas.
_WHOLE = re.compile(r"([+-]?[0-9]{1,40})(\.0*)?")
#: Up to here, every whole number can be told from its neighbours as a `float`.
_EXACT = 2.0**53
_IMAGES = ("image", "end_image")


@frozen
class Defaults:
    """
    What counts where a cell is empty.

    `fields` are those of a request, `options` the own options of `provider`, by name; `flag` says
    how what is for all rows is given, by its name.
    """

    provider: str
    fields: Mapping[str, Any] = {}
    options: Mapping[str, object] = {}
    output: str | None = None
    flag: Callable[[str], str] | None = None


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
    registry = load_installed(settings)
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
    columns, own = meanings(table, providers, defaults)
    reader = _Reader(columns, own, defaults)
    for record in table.records:
        try:
            yield reader.row(record)
        except UsageError as error:
            yield error


def meanings(
    table: Table, providers: Mapping[str, Provider], defaults: Defaults
) -> tuple[Columns, Mapping[str, OptionInfo]]:
    """What the columns mean, and the own options that there may be; raises `UsageError`."""
    place = column(table.columns, "provider")
    named = {"" if place is None else _text(each[place]).strip() for each in table.records}
    own = own_options([name or defaults.provider for name in named], providers)
    return columns_of(table.columns, own, table.name, defaults.flag), own


@frozen
class _Reader:
    """Reads records as rows."""

    columns: Columns
    own: Mapping[str, OptionInfo]
    defaults: Defaults
    #: Each picture once, by its path: reading and decoding it takes long.
    images: dict[str, ImageOnDisk] = Factory(dict)

    def row(self, record: Record) -> Row:
        """The row; raises `UsageError`."""
        columns, defaults = self.columns, self.defaults
        given = self._given(record, columns.fields, FIELDS)
        if "aspect_ratio" in given and "image" in given:
            problem = (
                "aspect_ratio cannot be combined with image, which sets it; leave one of them out."
            )
            raise OptionRefused(problem, option="aspect_ratio")
        options = {**defaults.options, **self._given(record, columns.own, self.own)}
        places = {name: _text(record[each]).strip() for name, each in columns.places.items()}
        return Row(
            VideoRequest(**{"prompt": "", **defaults.fields, **given, **_asking(given)}),
            provider=places.get("provider") or None,
            options=options or None,
            output=places.get("output") or defaults.output,
            labels={name: _label(name, record[name]) for name in columns.labels},
        )

    def _given(
        self, record: Record, columns: Mapping[str, str], known: Mapping[str, OptionInfo]
    ) -> dict[str, Any]:
        """The values of the cells that are not empty."""
        return {
            name: self._value(known[name], record[each])
            for name, each in columns.items()
            if not _is_empty(record[each])
        }

    def _value(self, info: OptionInfo, cell: Cell) -> object:
        return self._image(info.name, cell) if info.name in _IMAGES else _value(info.type, cell)

    def _image(self, name: str, cell: Cell) -> str | ImageFile:
        if not isinstance(cell, str):
            raise OptionRefused(f"{name} must be a path or a URL; got {show(cell)}.", option=name)
        text = cell.strip()
        if text.lower().startswith(("http://", "https://")):
            return text
        if "://" in text:
            problem = f"{name} must be a file, or an http:// or https:// URL; got {show(text)}."
            raise OptionRefused(problem, option=name)
        if text not in self.images:
            self.images[text] = ImageOnDisk(os.path.expanduser(text))
        return self.images[text]


def _asking(given: Mapping[str, object]) -> Mapping[str, bool]:
    """That a row asks for its shape, if it does."""
    return {"asks_for_shape": True} if "aspect_ratio" in given else {}


def _is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _value(kind: type, cell: Cell) -> object:
    """A cell as a value of this type; as it is where it cannot be one, which is said later."""
    if kind is int and isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return int(cell)
    if kind is bool and type(cell) in (int, float) and cell in (0, 1):
        return bool(cell)
    if not isinstance(cell, str) or kind is str:
        return cell
    text = cell.strip()
    if kind is bool:
        return _BOOLEANS.get(text.casefold(), text)
    whole = _WHOLE.fullmatch(text) if kind is int else None
    return text if whole is None else int(whole[1])


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
