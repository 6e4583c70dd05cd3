"""What a run over many rows is about to do: every row is checked before anything is sent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import define, field, frozen

from ...core.errors import Kling26Error, UsageError
from ...core.journal.task import Task
from ...core.rows.outputs import Files, collisions, placed, with_outputs
from ...core.rows.problems import refused, row_name
from ...core.runner.many import CheckedRow, Row
from ...core.text import join_words
from ..parameters import Flags

if TYPE_CHECKING:
    from ...core.runner.runner import Runner

R = TypeVar("R")

#: How many groups of equal rows are named.
_NAMED = 3


@frozen
class Asked:
    """
    Rows as they were read, or what is wrong with them, and where from: `name` begins a sentence.

    `columns` are those that a template may use.
    """

    name: str
    rows: Sequence[Row | UsageError]
    columns: Sequence[str] = ()

    def labels(self, number: int) -> Mapping[str, str]:
        """The labels of a row, by its number from 1 on; none if it could not be read."""
        row = self.rows[number - 1]
        return row.labels if isinstance(row, Row) else {}


@frozen
class Plan:
    """Checked rows; `equal` has the task that a row joins or whose video it gets, if any."""

    asked: Asked
    rows: Sequence[CheckedRow]
    equal: Sequence[Task | None]

    def label(self, number: int) -> str:
        """What a row is called, by its number from 1 on."""
        return row_name(number, self.rows[number - 1].labels)


async def make_plan(runner: "Runner", asked: Asked, flags: Flags, files: Files) -> Plan:
    """
    Check all rows, and make the folders of their videos unless it is a dry run.

    Raises `UsageError` with what is wrong with any of them.
    """
    found = _Found()
    rows = found.good(dict(enumerate(asked.rows, 1)))
    provider = flags.provider or runner.settings.provider
    rows = found.good(placed(rows, asked.columns, provider, flags.output))
    crossed = list(collisions(rows, files))
    bare = await runner.check_rows(
        list(rows.values()), flags.provider, sandbox=flags.sandbox or None
    )
    checked = found.good(dict(zip(rows, bare, strict=True)))
    found.check(asked, crossed)
    checked = found.good(with_outputs(checked, runner.settings.home, flags.dry_run))
    found.check(asked)
    ready = list(checked.values())
    return Plan(asked, ready, await runner.equal_tasks(ready))


@define
class _Found:
    """What is wrong with rows, by their numbers."""

    problems: dict[int, Kling26Error] = field(factory=dict)

    def good(self, rows: Mapping[int, R | Kling26Error]) -> dict[int, R]:
        """Those of the rows that are rows; what is wrong with the others is noted."""
        good: dict[int, R] = {}
        for number, row in rows.items():
            if isinstance(row, Kling26Error):
                self.problems[number] = row
            else:
                good[number] = row
        return good

    def check(self, asked: Asked, others: Sequence[str] = ()) -> None:
        """Raise `UsageError` if anything is wrong."""
        problems = [
            f"{row_name(number, asked.labels(number))}: {error}"
            for number, error in sorted(self.problems.items())
        ]
        if problems or others:
            raise refused([*problems, *others], asked.name)


def equal_rows(plan: Plan) -> Iterator[str]:
    """A sentence on rows that ask for the same video; on many such groups, how many there are."""
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(plan.rows, 1):
        groups.setdefault(row.order.fingerprints[0], []).append(number)
    equal = [numbers for numbers in groups.values() if len(numbers) > 1]
    for numbers in equal[:_NAMED]:
        listed = [*numbers[:5], *([f"{len(numbers) - 5} more"] if numbers[5:] else [])]
        yield f"Rows {join_words(listed, 'and')} ask for the same video: it is paid for once."
    if len(equal) > _NAMED:
        yield f"So do {len(equal) - _NAMED} other groups of rows."
