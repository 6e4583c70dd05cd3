"""Several tasks at once, which one object serves: whose status, whose link, whose video."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

import pytest

from ...core.errors import Kling26Error, NoSuchTask, ProviderError
from ...core.status import Status, Ticket
from ..bench import Bench, Made, on_bench
from ..emulation import SandboxLike
from ..usual import usual_request
from .judging import fail, problem_of, show
from .responses import Responses

T = TypeVar("T")

#: The same in every test: to draw a video takes longer than all the rest.
PROMPTS = ("A heron lands on a pond", "An egret lifts off", "A crane wades home")
#: No service has a task with this id.
STRANGE = "00000000-0000-4000-8000-000000000000"


class Several(Responses):
    """One object, several tasks."""

    def test_several_tasks_are_kept_apart(self) -> None:
        """
        With three tasks under way on one object, each ticket and each status is about its own task.

        What to do: keep what a task needs in its `Ticket`; look in a list for the id of the ticket,
        and never take the first or the last of it.
        """

        async def work(bench: Bench) -> None:
            made = await _three(bench)
            oldest, middle, _ = made
            bench.finish(oldest.task)
            bench.begin(middle.task)
            for order in (made, made[::-1]):
                await _check_statuses(bench, order)
            bench.finish(middle.task, failure=bench.emulator.failure)
            await _check_statuses(bench, made)
            bench.finish(made[2].task)
            bench.finish(middle.task)
            await _check_statuses(bench, made)

        self._work(work)

    def test_find_finds_the_task_that_was_asked_for(self) -> None:
        """
        `find` returns the ticket of the task with our own id, however old, and None for any other.

        What to do: compare the service's field for our own id with `request.task`, whatever else is
        in the reply; return None if no task has it.
        """
        if not self.provider.can("find"):
            return

        async def work(bench: Bench) -> None:
            made = await _three(bench)
            bench.finish(made[0].task)
            bench.finish(made[1].task, failure=bench.emulator.failure)
            for each in (*made, *made[::-1]):
                await _check_found(bench, each)
            unknown = usual_request(bench.provider, PROMPTS[0], task="k26-ffffffffffffffff")
            found = await bench.outcome(bench.provider.find(unknown))
            if found is not None and not isinstance(found, NoSuchTask):
                fail(f"find returns {show(found)} for an id that the service does not know.")
            if isinstance(found, NoSuchTask):
                fail("find raises NoSuchTask for an id that is not known; it has to return None.")

        self._work(work)

    def test_a_renewed_link_leads_to_the_tasks_own_video(self) -> None:
        """
        `renew` returns a link that works, to the video of the ticket that it was given.

        What to do: ask for a new link to `url`, or for the one of `ticket.task_id`.
        """
        if not self.provider.can("renew"):
            return

        async def work(bench: Bench) -> None:
            made = (await _three(bench))[:2]
            for each in made:
                bench.finish(each.task)
            polled = await bench.outcomes([bench.provider.poll(each.ticket) for each in made])
            urls = [str(each.url) for each in polled if isinstance(each, Status)]
            for one, other in ((0, 1), (1, 0)):
                order = [made[one], made[other]] if len(urls) == len(made) else []
                flows = [
                    bench.provider.renew(each.ticket, urls[made.index(each)]) for each in order
                ]
                for each, link in zip(order, await bench.outcomes(flows), strict=True):
                    if not await bench.shows(link, each.task):
                        whose = await _whose(bench, link, made)
                        fail(f"renew returns {show(link)} for {_name(made, each)}: {whose}.")

        self._work(work)

    def test_cancel_cancels_no_other_task(self) -> None:
        """
        `cancel` is about its own ticket, and True only for a task that did not end before.

        What to do: ask the service to cancel `ticket.task_id`, and return what it replies; a task
        that is finished, has failed or is unknown was not cancelled.
        """
        if not self.provider.can("cancel"):
            return

        async def work(bench: Bench) -> None:
            made = await _three(bench)
            await bench.outcome(bench.provider.cancel(made[1].ticket))
            for each in (made[0], made[2]):
                if each.task.cancelled:
                    fail(f"cancel of the second of three tasks cancels {_name(made, each)}.")
            bench.finish(made[0].task)
            bench.finish(made[2].task, failure=bench.emulator.failure)
            for state, ticket in (
                ("finished", made[0].ticket),
                ("failed", made[2].ticket),
                ("unknown", Ticket(STRANGE, made[0].ticket.data)),
            ):
                returned = await bench.outcome(bench.provider.cancel(ticket))
                if returned is not False and not isinstance(returned, ProviderError):
                    fail(f"cancel returned {show(returned)} for a task that is {state}.")
            await _check_statuses(bench, (made[0], made[2]))
            again = await bench.outcome(bench.provider.cancel(made[1].ticket))
            if not isinstance(again, bool | ProviderError):
                fail(f"cancel returned {show(again)} for a task that was asked to end before.")

        self._work(work)

    def _work(self, work: Callable[[Bench], Coroutine[object, None, T]]) -> T:
        try:
            return on_bench(self.provider, self._needed_emulator(), work)
        except Kling26Error as error:
            fail(f"With several tasks at once, {type(error).__name__}: {error}")

    def _needed_emulator(self) -> SandboxLike:
        if self.sandbox is None:
            pytest.skip("This test needs an emulator: set `sandbox`.")
        return self.sandbox


async def _three(bench: Bench) -> list[Made]:
    made = await bench.submit(*PROMPTS)
    if len(made) != len(PROMPTS):
        fail(f"Of {len(PROMPTS)} submits at once, the emulator accepted {len(made)} tasks.")
    if len({each.ticket.task_id for each in made}) < len(made):
        fail(f"submit returns the same ticket for different tasks: {show(made[0].ticket)}.")
    return made


async def _check_statuses(bench: Bench, made: Sequence[Made]) -> None:
    """Polled all at once, each task is in the state in which the emulator has it."""
    polled = await bench.outcomes([bench.provider.poll(each.ticket) for each in made])
    for each, status in zip(made, polled, strict=True):
        phase = bench.emulator.phase(each.task)
        if (problem := problem_of("poll", status)) is not None:
            fail(f"poll returned {problem} for {_name(made, each)}, which is {phase}.")
        assert isinstance(status, Status)
        if status.state != phase:
            fail(f"poll reports {_name(made, each)} as {status.state}, though it is {phase}.")
        if phase == "succeeded" and not await bench.shows(status.url, each.task):
            whose = await _whose(bench, status.url, made)
            fail(f"poll returns {show(status.url)} for {_name(made, each)}: {whose}.")


async def _check_found(bench: Bench, made: Made) -> None:
    found = await bench.outcome(bench.provider.find(made.request))
    if not isinstance(found, Ticket):
        fail(f"find returns {show(found)} for a task that the service has.")
    if found.task_id != made.ticket.task_id:
        fail(f"find returns {show(found)}, the ticket of another task: {show(made.ticket)} was it.")
    polled = await bench.outcome(bench.provider.poll(found))
    phase = bench.emulator.phase(made.task)
    if not isinstance(polled, Status) or polled.state != phase:
        fail(f"poll turns the ticket that find found into {show(polled)}; the task is {phase}.")


async def _whose(bench: Bench, url: object, made: Sequence[Made]) -> str:
    for each in made:
        if await bench.shows(url, each.task):
            return f"the video of {_name(made, each)}"
    return "no video is there"


def _name(made: Sequence[Made], one: Made) -> str:
    """A task by the order in which it was submitted."""
    place = PROMPTS.index(one.request.prompt)
    return f"the {('first', 'second', 'third')[place]} task"
