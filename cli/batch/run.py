"""Running many rows: what is shown of each, and what is left where the run ends early."""

import json
from collections.abc import Callable, Iterable, Mapping
from math import fsum
from typing import TYPE_CHECKING

from attrs import define, field

from ...core.errors import BudgetExceeded, Kling26Error, NotSent
from ...core.journal.task import Task, image_id
from ...core.provider import Provider
from ...core.rows.outputs import Files
from ...core.rows.problems import row_name
from ...core.runner.many import CheckedRow, RowOutcome
from ...core.runner.objects import KEYS, Object, task_object
from ...core.runner.results import cost_in_usd, likely_cost
from .. import texts
from ..console import result, say
from ..exits import BROKEN, USAGE
from ..tally import pace_of
from ..work import Interrupted, Session, run_work
from .flags import ManyFlags
from .plan import Asked, Plan, equal_rows, make_plan
from .preview import preview
from .report import Report
from .summary import Summary, ended, status_of

if TYPE_CHECKING:
    from ...core.progress import Listener, Progress

#: How to go on with what is left.
GO_ON = "Run the same command again to go on."
#: How to get what was left to the providers.
FETCH = "Fetch the videos with: kling26 resume"
#: The fields of a request, as its object has them.
_ASKED = ("prompt", "sound", "duration", "aspect_ratio", "seed")

Ask = Callable[[Mapping[str, Provider], str], Asked]


def make_all(ask: Ask, flags: ManyFlags, files: Files, report: Report | None, limit: float) -> int:
    """
    Make the videos of all rows, within so many seconds; returns the exit status.

    `ask` reads the rows, given the installed providers and the one for rows without their own.
    """
    run = _Run(ask, flags, files, report)
    try:
        run_work(run.work, texts.NOTHING_SENT, run.show, limit, quiet=flags.quiet, go_on=GO_ON)
    except Interrupted as interrupted:
        run.leave(interrupted.tasks)
        interrupted.tasks = ()
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
    plan: Plan | None = field(default=None, init=False)
    _summary: Summary = field(factory=lambda: Summary(0), init=False)
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
        self._summary, self.plan = Summary(len(plan.rows)), plan
        self._begin(session, plan)
        listeners: dict[int, Listener] = {}

        def listen(number: int, progress: "Progress") -> None:
            if number not in listeners:
                listeners[number] = session.display.listener(plan.label(number))
            listeners[number](progress)

        async for outcome in runner.generate_many(
            plan.rows,
            jobs=flags.jobs,
            timeout=flags.timeout,
            wait=not flags.no_wait,
            max_cost=flags.max_cost,
            max_tasks=flags.max_tasks,
            progress=listen,
        ):
            self._note(session, plan, outcome)
            session.give(outcome)

    def _begin(self, session: Session[RowOutcome], plan: Plan) -> None:
        pace = pace_of(row.order.targets[0].provider for row in plan.rows)
        limit, jobs = self.flags.max_cost, self.flags.jobs
        spent = 0.0 if limit is None else fsum(map(self._spent, filter(None, plan.equal)))
        session.display.expect(len(plan.rows), limit, spent_usd=spent, pace=pace, jobs=jobs)
        for text in () if self.flags.quiet else equal_rows(plan):
            say(text)
        if self.report is not None:
            for number, task in enumerate(plan.equal, 1):
                if task is not None:
                    self.report.add(number, task_object(task, self._providers.get(task.provider)))
            self.report.write()

    def _spent(self, task: Task) -> float:
        """What an equal task has cost before, in USD, or likely has."""
        if task.sandbox:
            return 0.0
        known = cost_in_usd(task, self._providers.get(task.provider))
        return known or likely_cost(task) or 0.0

    def _note(self, session: Session[RowOutcome], plan: Plan, outcome: RowOutcome) -> None:
        task, cost = outcome.task, None
        if task is not None and not task.sandbox and not outcome.reused:
            cost = cost_in_usd(task, self._providers.get(task.provider))
        session.display.ended(plan.label(outcome.number), ended(outcome), cost)

    # -- in the main thread ----------------------------------------------------------------

    def show(self, outcome: RowOutcome) -> None:
        """Print how a row ended, and count it."""
        self._ended.add(outcome.number)
        name = row_name(outcome.number, outcome.row.labels)
        task, error = outcome.task, outcome.error
        provider = None if task is None else self._providers.get(task.provider)
        if provider is None and error is not None:
            provider = self._providers.get(error.provider or "")
        self._summary.add(name, outcome, provider)
        self._status = max(self._status, status_of(outcome))
        text = None if error is None else texts.error_text(error, task, provider)
        if error is not None and text is not None and not self._was_said(error):
            say(f"{name}: {texts.in_lines(text, error)}")
        facts = row_facts(outcome, provider, text)
        if self.report is not None:
            state = facts["state"] or ended(outcome)
            self.report.add(outcome.number, {**facts, "state": state})
        self._print(outcome, facts)

    def _was_said(self, error: Kling26Error) -> bool:
        """Whether it holds back many rows: that is said of the first, and then they are counted."""
        before = self._over
        self._over |= isinstance(error, BudgetExceeded)
        return isinstance(error, NotSent) or (before and isinstance(error, BudgetExceeded))

    def _print(self, outcome: RowOutcome, facts: Object) -> None:
        file = None if outcome.video is None else outcome.video.file
        if self.flags.as_json:
            labels = outcome.row.labels.items()
            own = {name: value for name, value in labels if name not in (*KEYS, "row")}
            result(json.dumps({"row": outcome.number, **own, **facts}), file)
        elif file is not None:
            result(str(file), file)
        elif outcome.error is None and outcome.task is not None:
            result(outcome.task.id)

    def leave(self, tasks: Iterable[Task]) -> None:
        """Say for programs, and in the report, how the rows stand that have not ended."""
        if self.plan is None:
            return
        known = {task.fingerprint: task for task in tasks}
        for number, row in enumerate(self.plan.rows, 1):
            if number in self._ended:
                continue
            found = [known[name] for name in row.order.fingerprints if name in known]
            task = found[0] if found else self.plan.equal[number - 1]
            error = NotSent("It was interrupted before it was sent.") if task is None else None
            outcome = RowOutcome(number, row, task, None, error, reused=task is not None)
            self._leave(outcome)
        self._say_summary()

    def _leave(self, outcome: RowOutcome) -> None:
        task, text = outcome.task, None if outcome.error is None else str(outcome.error)
        provider = None if task is None else self._providers.get(task.provider)
        self._summary.add("", outcome, provider)
        facts = row_facts(outcome, provider, text)
        if self.report is not None:
            state = facts["state"] or ended(outcome)
            self.report.add(outcome.number, {**facts, "state": state})
        if self.flags.as_json:
            self._print(outcome, facts)

    def end(self) -> int:
        """Say what has become of all rows; returns the exit status."""
        if self.plan is None:
            return self._status
        if not self.flags.quiet:
            for line in self._summary.texts(FETCH if self.flags.no_wait else GO_ON):
                say(line)
        self._say_summary()
        broken = self.report is not None and self.report.failed
        return max(self._status, BROKEN if broken else 0)

    def _say_summary(self) -> None:
        if self.flags.as_json:
            result(json.dumps({"summary": self._summary.as_object()}))


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
