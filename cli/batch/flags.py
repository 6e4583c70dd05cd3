"""The flags of commands that make many videos."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from attrs import fields, frozen
from cyclopts import Parameter, Token

from ...core.errors import OptionRefused
from ...core.request import VideoRequest
from ...core.runner.terms import JOBS, RunLimits
from ...core.text import sanitize
from .. import usage
from ..parameters import OUTPUT, RUNNING, WHOLE, Flags, Timeout

#: How long such a command may take, in seconds, unless it is told otherwise.
DAY = 86400.0
_SUM = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def _usd(_: object, tokens: Sequence[Token]) -> float:
    text = tokens[0].value.strip()
    if not _SUM.fullmatch(text) or not math.isfinite(float(text)):
        problem = f'--max-cost must be a sum in USD, such as 5 or 2.50; got "{sanitize(text, 60)}".'
        raise OptionRefused(problem, option="max_cost")
    return float(text)


@Parameter(name="*")
@frozen(kw_only=True)
class ManyFlags(Flags):
    """What `batch` takes besides the table: the flags of `generate`, as defaults, and its own."""

    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"),
            help="Where to write the videos, too, with names of columns, {row}, {seed} or "
            "{provider} in braces.",
            metavar="TEMPLATE",
            group=OUTPUT,
        ),
    ] = None
    report: Annotated[
        str | None,
        Parameter(
            help="Where to write the table with what became of each row: .csv, .tsv or .jsonl. It "
            "can be the table of the next run.",
            metavar="FILE",
            group=OUTPUT,
        ),
    ] = None
    jobs: Annotated[
        int,
        WHOLE,
        Parameter(help="How many rows may be under way at once.", metavar="N", group=RUNNING),
    ] = JOBS
    max_cost: Annotated[
        float | None,
        Parameter(
            help="What these rows may cost in all, earlier runs included; the others are not sent.",
            metavar="USD",
            allow_leading_hyphen=True,
            converter=_usd,
            group=RUNNING,
        ),
    ] = None
    max_tasks: Annotated[
        int | None,
        WHOLE,
        Parameter(
            help="How many of these rows may be paid for in all, earlier runs included.",
            metavar="N",
            group=RUNNING,
        ),
    ] = None
    timeout: Annotated[Timeout, Parameter(show_default="24h")] = DAY
    as_json: Annotated[
        bool,
        Parameter(
            name="--json", help="Print one JSON object per row, and a summary.", group=OUTPUT
        ),
    ] = False

    def check(self) -> None:
        """Raise `OptionRefused` for flags that make no sense."""
        self.request("-")  # Those of `generate`.
        RunLimits(self.jobs, self.max_cost, self.max_tasks, self.timeout).check(usage.flag)
        if self.report is not None and not self.report.strip():
            problem = "--report is empty; give it a value, or leave it out."
            raise OptionRefused(problem, option="report")

    def defaults(self) -> Mapping[str, Any]:
        """The fields of a request that count where a row has none of its own."""
        request = self.request("-")
        names = [each.name for each in fields(VideoRequest) if each.name not in ("prompt", "task")]
        return {name: getattr(request, name) for name in names}


def of(flags: Flags) -> ManyFlags:
    """The flags of `generate` as those of many."""
    return ManyFlags(**{each.name: getattr(flags, each.name) for each in fields(Flags)})
