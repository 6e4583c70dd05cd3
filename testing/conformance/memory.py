"""What a provider keeps between two flows: nothing, wherever it may be kept."""

import httpx

from ...core.provider import Provider
from ...core.status import Ticket
from ..elsewhere import Job, Played, job, play_here, play_there
from ..footprint import differences, footprint
from ..samples import STATES, TASK, play, start
from ..usual import usual_request
from .base import Suite, copy_of
from .judging import fail, flow_name

#: Another request, and our own id of its task.
OTHER_PROMPT, OTHER_TASK = "A stork stands still", "k26-fedcba9876543210"
#: So short an id may be anywhere by chance.
_SHORT = 8


class Memory(Suite):
    """What is kept between flows."""

    def test_nothing_is_kept_between_tasks(self) -> None:
        """
        After a flow, the object, its classes, its module and their containers are as before.

        What to do: keep what a task needs in its `Ticket`; many tasks, in several processes, share
        the code.
        """
        names, provider = self._sampled(), copy_of(self.provider)
        for name in names:  # What is loaded once, is loaded now.
            self._outcome(name, self._replies(name), provider)
        kept, known = footprint(provider), self._samples().ticket.task_id
        for place, value in kept.items() if len(known) >= _SHORT else ():
            if (isinstance(value, str) and known in value) or known in place:
                fail(f"A flow keeps a task's id in {place}.")
        for name in names:
            self._play_other(name, provider)
            if places := differences(kept, footprint(provider)):
                fail(f"{flow_name(name)} keeps something of a task in {places[0]}.")

    def test_tickets_work_in_another_process(self) -> None:
        """
        A fresh process that has the ticket alone sends the same requests, and reads the same.

        What to do: keep in `Ticket` what a later flow needs from the submit; use no environment, no
        file, no working folder and no order of a set.
        """
        jobs = self._jobs()
        there = play_there(self.provider, jobs)
        if isinstance(there, str):
            fail(f"The provider cannot be made in another process: {there}.")
        for work, other in zip(jobs, there or (), strict=False):
            self._compare_played(work, play_here(self.provider, work), other)

    def _jobs(self) -> list[Job]:
        """Every flow of a task, the submit last: there, nothing has been submitted before."""
        samples, request = self._samples(), usual_request(self.provider, task=TASK)
        flows = dict.fromkeys(STATES, "poll")
        flows |= {name: name for name in ("cancel", "renew", "find", "submit")}
        jobs = [
            job(name, flow, samples.ticket_of(name), request, samples.replies[name])
            for name, flow in flows.items()
            if name in samples.replies
        ]
        for body in samples.callbacks if self.provider.can("read_callback") else ():
            reply = httpx.Response(200, json=body)
            jobs.insert(0, job("callback", "read_callback", samples.ticket, request, [reply]))
        return jobs

    def _compare_played(self, work: Job, here: Played, there: Played) -> None:
        name = flow_name(work.name)
        for one, other in zip(here.requests, there.requests, strict=False):
            if one != other:
                what = f"{other[0]} {other[1]} instead of {one[0]} {one[1]}"
                what = what if one[:2] != other[:2] else "another body or other headers"
                fail(f"In another process {name} sends {what}.")
        if len(here.requests) != len(there.requests) or here.value != there.value:
            fail(f"In another process {name} gives {there.value} instead of {here.value}.")

    def _play_other(self, name: str, provider: Provider) -> None:
        """The flow for another task, whose replies are about that one."""
        samples = self._samples()
        ticket = samples.ticket_of(name)
        known, other = ticket.task_id, f"{ticket.task_id}7"
        data = {each: text.replace(known, other) for each, text in ticket.data.items()}
        replies = [_about(reply, known, other) for reply in self._replies(name)]
        try:
            request = usual_request(provider, OTHER_PROMPT, task=OTHER_TASK)
            play(start(provider, name, Ticket(other, data), self._image(), request), replies)
        except Exception:  # noqa: BLE001 - what it raises is judged elsewhere.
            return


def _about(reply: httpx.Response, known: str, other: str) -> httpx.Response:
    """The same reply about another task."""
    content = reply.content
    for one, two in ((known, other), (TASK, OTHER_TASK)):
        content = content.replace(one.encode(), two.encode())
    return httpx.Response(reply.status_code, headers=reply.headers, content=content)
