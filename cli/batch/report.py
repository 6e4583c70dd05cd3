"""The report on a run: the table of its rows, with what became of each. It is a good next input."""

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, field

from ...core.atomic import replacing
from ...core.errors import OptionRefused, OutputRefused, UsageError
from ...core.journal.outputs import check_output
from ...core.rows.columns import REPORTED
from ...core.rows.table import Form
from ...core.runner.objects import Object
from ...core.text import join_words, reason, sanitize
from ..console import say

#: How often it is written while rows end, in seconds.
_EVERY = 3.0
_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@define
class Report:
    """
    What became of rows, in a file: in CSV or JSON lines, by its suffix.

    `records` are the cells of the rows, as they were given.
    """

    path: Path
    form: Form
    columns: Sequence[str]
    records: Sequence[Mapping[str, object]]
    #: Whether it could not be written the last time.
    failed: bool = field(default=False, init=False)
    _results: dict[int, Object] = field(factory=dict, init=False)
    _written: float = field(default=-_EVERY, init=False)
    _pending: bool = field(default=True, init=False)

    def note(self, number: int, facts: Object) -> None:
        """Take note of how a row stands: `facts` has what the report's own columns say."""
        self._results[number] = facts
        self._pending = True

    def begin(self) -> None:
        """Write it before anything is paid for; raises `OutputRefused` if that is impossible."""
        try:
            self._save()
        except OSError as error:
            raise OutputRefused(f"{self._failure(error)} Nothing was sent.") from error

    def add(self, number: int, facts: Object) -> None:
        """`note` how a row ended, and write that if it is time to."""
        self.note(number, facts)
        if time.monotonic() - self._written >= _EVERY:
            self.write()

    def write(self) -> None:
        """Write what is not written yet; a failure is said once, and ends nothing."""
        if not self._pending:
            return
        try:
            self._save()
        except OSError as error:
            if not self.failed:
                say(self._failure(error))
            self.failed = True
        self._written = time.monotonic()

    def _save(self) -> None:
        text = self._json_lines() if self.form.kind == "jsonl" else self._csv()
        encoding = "utf-8-sig" if self.form.marked else "utf-8"
        with replacing(self.path, mode=0o666) as copy:
            copy.write_text(text, encoding=encoding, newline="")
        self.failed = self._pending = False
        self._written = time.monotonic()

    def _failure(self, error: OSError) -> str:
        return f'The report "{sanitize(self.path, 200)}" cannot be written: {reason(error)}.'

    def _rows(self) -> list[dict[str, object]]:
        return [
            {
                **{name: record.get(name) for name in self.columns},
                **{name: self._results.get(number, {}).get(name) for name in REPORTED},
            }
            for number, record in enumerate(self.records, 1)
        ]

    def _json_lines(self) -> str:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self._rows())

    def _csv(self) -> str:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.form.delimiter)
        writer.writerow([*self.columns, *REPORTED])
        writer.writerows([_cell(value) for value in row.values()] for row in self._rows())
        return text.getvalue()


def _cell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def make_report(
    text: str,
    home: Path,
    form: Form,
    columns: Sequence[str],
    records: Sequence[Mapping[str, object]],
) -> Report:
    """
    A report to be written there, in the `form` of its table if that is CSV.

    Raises `UsageError` if it cannot be.
    """
    path = Path(text).expanduser()
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        problem = f'--report must end in .csv, .tsv or .jsonl; got "{sanitize(text, 60)}".'
        raise OptionRefused(problem, option="report")
    clash = set(REPORTED) & set(columns)
    if clash and clash != set(REPORTED):
        names = join_words(sorted(clash), "and")
        raise UsageError(f"The report has columns of its own called {names}; rename yours.")
    check_output(path, home, what="The report")
    if kind == "jsonl":
        own = Form("jsonl")
    elif path.suffix.lower() == ".tsv":
        own = Form("csv", "\t", form.marked)
    else:
        own = form if form.kind == "csv" else Form("csv")
    return Report(path, own, [name for name in columns if name not in REPORTED], records)
