"""Running many rows: what is shown of each, and what is left where the run ends early."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from math import fsum
from typing import TYPE_CHECKING

from attrs import define, field

from ...core.errors import BudgetExceeded, Kling26Error, NotSent, UsageError
from ...core.journal.task import Task, image_id
from ...core.options import show
from ...core.provider import Provider
from ...core.rows.outputs import Files
from ...core.rows.problems import row_name
from ...core.runner.many import CheckedRow, RowOutcome
from ...core.runner.objects import KEYS, Object, task_object
from ...core.runner.results import cost_in_usd, likely_cost
from ...core.text import join_words
from .. import interrupts, texts
from ..console import result, say
from ..ends import End, end_of, state_of, status_of
from ..estimate import pace_of
from ..exits import BROKEN, USAGE
from ..work import Interrupted, Session, run_work
from .flags import ManyFlags
from .plan import Asked, Plan, equal_rows, make_plan
from .preview import preview
from .report import Report

if TYPE_CHECKING:
    from ...core.progress import Listener, Progress
    from ..display import Display
    from ..tally import Tally

#: How to go on with what is left.
GO_ON = "Run the same command again to go on."
#: How to get what was left to the providers.
FETCH = "Fetch the videos with: kling26 resume"
#: The fields of a request, as its object has them.
_ASKED = ("prompt", "sound", "duration", "aspect_ratio", "seed")

Ask = Callable[[Mapping[str, Provider], str], Asked]


def check_labels(labels: Iterable[str], name: str) -> None:
    """Raise `UsageError` for labels whose place in the objects of rows is taken."""
    taken = [each for each in labels if each in (*KEYS, "row", "summary")]
    if taken:
        columns = "column" if len(taken) == 1 else "columns"
        raise UsageError(
            f"{name} has the {columns} {join_words(map(show, taken), 'and')}, and the objects of "
            "--json have keys called so; rename yours."
        )


def make_all(ask: Ask, flags: ManyFlags, files: Files, report: Report | None, limit: float) -> int:
    """
    Make the videos of all rows, within so many seconds; returns the exit status.

    `ask` reads the rows, given the installed providers and the one for rows without their own.
    """
    run = _Run(ask, flags, files, report, time.monotonic() + limit)
    try:
        run_work(run.work, interrupts.NOTHING_SENT, run.show, limit, quiet=flags.quiet, go_on=GO_ON)
    except Interrupted as interrupted:
        run.leave(interrupted.tasks)
        interrupted.tasks = ()
        raise
    except Kling26Error:
        run.give_up()
        raise
    finally:
        if report is not None and run.plan is not None and not flags.dry_run:
            report.write()
    return run.end()


@define(eq=False)
class _Run:
    """A run over many rows."""

    ask: Ask
    flags: ManyFlags
    files: Files
    report: Report | None
    #: When the time is up, on a clock that nobody sets.
    until: float
    plan: Plan | None = field(default=None, init=False)
    _session: Session[RowOutcome] | None = field(default=None, init=False)
    _tally: "Tally | None" = field(default=None, init=False)
    _providers: Mapping[str, Provider] = field(factory=dict, init=False)
    _ended: set[int] = field(factory=set, init=False)
    _status: int = field(default=0, init=False)
    _over: bool = field(default=False, init=False)

    async def work(self, session: Session[RowOutcome]) -> None:
        flags, runner = self.flags, session.runner
        self._providers = session.providers
        provider = flags.provider or runner.settings.provider
        plan = await make_plan(runner, self.ask(session.providers, provider), flags, self.files)
        if flags.dry_run:
            text, sendable = await preview(runner, plan, flags)
            result(text)
            self._status = 0 if sendable else USAGE
            return
        self._begin(session.display, plan)
        self._session, self.plan = session, plan
        listeners: dict[int, Listener] = {}

        def listen(number: int, progress: "Progress") -> None:
            if progress.for_all and progress.message is not None:
                if not flags.quiet:
                    with session.display.hidden():
                        say(progress.message)
                return
            if number not in listeners:
                listeners[number] = session.display.listener(plan.label(number))
            listeners[number](progress)

        async for outcome in runner.generate_many(
            plan.rows,
            jobs=flags.jobs,
            timeout=max(0.0, self.until - time.monotonic()),
            wait=not flags.no_wait,
            max_cost=flags.max_cost,
            max_tasks=flags.max_tasks,
            progress=listen,
        ):
            session.display.ended(plan.label(outcome.number), self._end(outcome))
            session.give(outcome)

    def _begin(self, display: "Display", plan: Plan) -> None:
        pace = pace_of(row.order.targets[0].provider for row in plan.rows)
        limit, jobs = self.flags.max_cost, self.flags.jobs
        spent = 0.0 if limit is None else fsum(map(self._spent, filter(None, plan.equal)))
        self._tally = display.expect(len(plan.rows), limit, spent_usd=spent, pace=pace, jobs=jobs)
        for text in () if self.flags.quiet else equal_rows(plan):
            say(text)
        for number, task in enumerate(plan.equal, 1):
            if task is not None:
                at_provider = task.standing in ("at_provider", "made")
                reused = task.standing != "unsent"
                display.name(task.id, plan.label(number), at_provider, reused=reused)
                if self.report is not None:
                    row = plan.rows[number - 1]
                    outcome = RowOutcome(number, row, task, None, None, reused)
                    self.report.note(number, self._reported(outcome, self._facts(outcome)))
        if self.report is not None:
            self.report.begin()

    def _spent(self, task: Task) -> float:
        """What an equal task has cost before, in USD, or likely has."""
        if task.sandbox:
            return 0.0
        known = cost_in_usd(task, self._providers.get(task.provider))
        return known or likely_cost(task) or 0.0

    def _provider(self, outcome: RowOutcome) -> Provider | None:
        about = outcome.task or outcome.error
        return None if about is None else self._providers.get(about.provider or "")

    def _end(self, outcome: RowOutcome) -> End:
        row = outcome.row
        targets = row.order.targets if isinstance(row, CheckedRow) else ()
        return end_of(
            outcome.task,
            self._provider(outcome),
            video=outcome.video,
            error=outcome.error,
            reused=outcome.reused,
            rehearsal=any(target.realm == "sandbox" for target in targets),
        )

    # -- in the main thread ----------------------------------------------------------------

    def show(self, outcome: RowOutcome) -> None:
        """Print how a row ended."""
        self._ended.add(outcome.number)
        task, error = outcome.task, outcome.error
        state = state_of(task, outcome.video, error, outcome.reused)
        self._status = max(self._status, status_of(state, error))
        text = None if error is None else texts.error_text(error, task, self._provider(outcome))
        if error is not None and text is not None and not self._was_said(error):
            name = row_name(outcome.number, outcome.row.labels)
            say(f"{name}: {texts.in_lines(text, error)}")
        self._print(outcome, self._report(outcome, text))

    def _report(self, outcome: RowOutcome, text: str | None = None) -> Object:
        """The object of a row, which is in the report as well; `text` is that of its error."""
        facts = self._facts(outcome, text)
        if self.report is not None:
            self.report.add(outcome.number, self._reported(outcome, facts))
        return facts

    def _facts(self, outcome: RowOutcome, text: str | None = None) -> Object:
        return row_facts(outcome, self._provider(outcome), text)

    def _reported(self, outcome: RowOutcome, facts: Object) -> Object:
        """What the report says of a row."""
        state = self._end(outcome).state
        told = None if state in ("not_sent", "unknown") else facts["state"]
        return {**facts, "state": told or state}

    def _was_said(self, error: Kling26Error) -> bool:
        """Whether it holds back many rows: that is said of the first, and then they are counted."""
        before = self._over
        self._over |= isinstance(error, BudgetExceeded)
        return isinstance(error, NotSent) or (before and isinstance(error, BudgetExceeded))

    def _print(self, outcome: RowOutcome, facts: Object) -> None:
        file = None if outcome.video is None else outcome.video.file
        if self.flags.as_json:
            result(json.dumps({"row": outcome.number, **outcome.row.labels, **facts}), file)
        elif file is not None:
            result(str(file), file)
        elif outcome.error is None and outcome.task is not None:
            result(outcome.task.id)

    def give_up(self) -> None:
        """Say how the rows stand as far as this process knows, where the work itself hangs."""
        if self._session is not None:
            runner, names = self._session.runner, self._session.display.tasks
            known = [task for name in names if (task := runner.running(name)) is not None]
            self.leave(known, "Time ran out before it was sent.")

    def leave(
        self, tasks: Iterable[Task], why: str = "It was interrupted before it was sent."
    ) -> None:
        """Say for programs, and in the report, how the rows stand that have not ended."""
        if self.plan is None:
            return
        known = {task.fingerprint: task for task in tasks}
        for number, row in enumerate(self.plan.rows, 1):
            if number in self._ended:
                continue
            found = [known[name] for name in row.order.fingerprints if name in known]
            task = found[0] if found else self.plan.equal[number - 1]
            error = NotSent(why) if task is None else None
            outcome = RowOutcome(number, row, task, None, error, self._is_reused(number))
            facts = self._report(outcome, None if error is None else str(error))
            if self.flags.as_json:
                self._print(outcome, facts)
        self._say_summary()

    def _is_reused(self, number: int) -> bool:
        """Whether another run has paid for a row, as far as is known."""
        if self._session is None or self.plan is None:
            return False
        row = self._session.display.rows.get(self.plan.label(number))
        return row is not None and row.is_reused

    def end(self) -> int:
        """Say what has become of all rows; returns the exit status."""
        if self.plan is None:
            return self._status
        if self._tally is not None and not self.flags.quiet:
            for line in self._tally.end_lines(FETCH if self.flags.no_wait else GO_ON, GO_ON):
                say(line)
        self._say_summary()
        broken = self.report is not None and self.report.failed
        return max(self._status, BROKEN if broken else 0)

    def _say_summary(self) -> None:
        if self.flags.as_json and self._tally is not None:
            result(json.dumps({"summary": self._tally.as_object()}))


def row_facts(outcome: RowOutcome, provider: Provider | None, text: str | None) -> Object:
    """The object of a row's task, or of the row itself if it has none; `text` is the error's."""
    task, row = outcome.task, outcome.row
    facts = task_object(task, provider, video=outcome.video, error=outcome.error, text=text)
    if task is not None:
        return {**facts, "reused": outcome.reused}
    if isinstance(row, CheckedRow):
        request, order = row.request, row.order
        facts |= {name: getattr(request, name) for name in _ASKED}
        facts |= {name: image_id(getattr(request, name)) for name in ("image", "end_image")}
        if not order.auto:
            target = order.targets[0]
            facts |= {"provider": target.provider.name, "options": target.own}
            facts |= {"sandbox": target.realm == "sandbox"}
    return facts
