"""`kling26 batch`: many videos from a table."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...core.errors import UsageError
from ...core.provider import Provider
from ...core.rows.outputs import Files, same_file
from ...core.rows.reading import Defaults, read_table, rows_of, table_in
from ...core.rows.table import Table
from ...core.rows.text import LONGEST
from ...core.settings import Settings
from ..parameters import TASKS
from ..stdin import read_bytes
from .flags import ManyFlags
from .plan import Asked
from .report import make_report
from .run import make_all

NO_FLAGS: ManyFlags = ManyFlags()


def batch(
    file: Annotated[
        str,
        Parameter(
            help="A table in CSV, TSV or JSON lines, with a column `prompt`. Or -, to read it from "
            "stdin.",
            group=TASKS,
        ),
    ],
    /,
    *,
    flags: ManyFlags = NO_FLAGS,
) -> int:
    """`commands` has the help."""
    began = time.time()
    flags.check()
    defaults, own = flags.defaults(), flags.own_options()
    table, path = _read(file, flags.timeout)
    report = None if flags.report is None else Path(flags.report).expanduser()
    if path is not None and report is not None and same_file(path, report):
        raise UsageError("--report names the table itself. Give it another name.")
    written = None
    if flags.report is not None:
        home = Settings().home
        written = make_report(flags.report, home, table.form, table.columns, table.records)

    def ask(providers: Mapping[str, Provider], provider: str) -> Asked:
        given = Defaults(provider, defaults, own, flags.output)
        rows = list(rows_of(table, providers, given))
        return Asked(table.name, rows, table.columns)

    limit = flags.timeout - (time.time() - began)
    return make_all(ask, flags, Files(path, report), written, limit)


def _read(file: str, timeout: float) -> tuple[Table, Path | None]:
    """The table, and where it is unless it comes from stdin."""
    if file == "-":
        return table_in(read_bytes("the table", LONGEST, timeout), "The table on stdin"), None
    path = Path(file).expanduser()
    return read_table(path), path
