"""The request that pays, and the ticket that comes of it."""

import json

import httpx

from ...core.errors import NoSuchTask, ProviderError, Refused, TryLater
from ...core.request import VideoRequest
from ...core.status import Status, Ticket
from ...core.text import join_words
from ..samples import ODD_BODIES, PROMPT, TASK, at, parsed, places, put
from ..wire_form import changed, wire_form
from .base import FREE, Suite, another
from .judging import fail, flow_name, show, ticket_problem


class Paying(Suite):
    """Paying, and knowing what was paid for."""

    def test_one_request_pays_and_it_is_the_last(self) -> None:
        """
        A submit has one request that is not a GET, and ends with the answer to it.

        What to do: ask what is needed before with GETs, or in `upload`; return the ticket at once.
        """
        requests = self._requests("submit")
        methods = [request.method for request in requests]
        paid = [method for method in methods if method not in FREE]
        if len(paid) != 1:
            fail(f"submit sends {len(paid)} requests that may pay ({', '.join(methods)}), not one.")
        if methods[-1] in FREE:
            fail(f"submit goes on after the paid request ({', '.join(methods)}).")
        for name, taken in self._samples().taken.items():
            if taken != (name == "submit"):
                fail(f"The emulator took {taken} tasks during {flow_name(name)}.")

    def test_tickets_survive_json(self) -> None:
        """
        A task is asked for from its ticket, also by another process and after a restart.

        What to do: keep texts alone in `Ticket.data`, and all that `poll` needs of the submit.
        """
        ticket = self._value("submit")
        if (problem := ticket_problem(ticket)) is not None:
            fail(f"submit returned {problem}.")
        stored = json.loads(json.dumps({"task_id": ticket.task_id, "data": dict(ticket.data)}))
        again = Ticket(stored["task_id"], stored["data"])
        if again != ticket:
            fail("The ticket is another one when it was JSON in between.")
        forms = [wire_form(next(another(self.provider).poll(each))) for each in (ticket, again)]
        if changed(*forms):
            fail(f"poll asks otherwise after a restart, in {changed(*forms)[0]}.")

    def test_flows_keep_nothing_in_the_provider(self) -> None:
        """
        One provider serves many tasks at once.

        What to do: keep what a task needs in its `Ticket`, and nothing on `self`.
        """
        provider = another(self.provider)
        before = dict(vars(provider))
        for name in self._answered():
            self._outcome(name, self._answers(name), provider)
            if vars(provider) != before:
                kept = sorted(
                    key for key in vars(provider) if vars(provider)[key] != before.get(key)
                )
                fail(f"{flow_name(name)} keeps {join_words(kept, 'and')} on the provider.")

    def test_an_accepted_task_without_an_id_counts_as_perhaps_paid(self) -> None:
        """
        When a submit was not refused, but has no id, nobody may say that nothing was paid.

        What to do: raise `self.unexpected(reply, …)`, not `Refused` and not `TryLater`.
        """
        answers = self._answers("submit")
        task_id = self._ticket().task_id
        value = parsed(answers[-1])
        unreadable: tuple[object, ...] = (None, "", 7, {})
        for place in places(value) if value is not None else ():
            if at(value, place) != task_id:
                continue
            for wrong in unreadable:
                body = json.dumps(put(value, place, wrong)).encode()
                self._hold_unclear(body, f"without its {'.'.join(map(str, place))}")
        self._hold_unclear(ODD_BODIES["a web page"], "that is a web page")

    def test_a_cancelled_task_is_told_from_others(self) -> None:
        """
        `cancel` is true of a task that was cancelled and of no other, and `poll` agrees.

        What to do: return what the service answers; map its word for it to "cancelled".
        """
        if "cancel" in self._samples().trouble:
            return  # Which another test tells.
        for attempt in self._samples().cancels:
            what = f"a task that was {attempt.phase}"
            if attempt.told is not attempt.cancelled:
                truth = "cancelled it" if attempt.cancelled else "goes on with it"
                fail(f"cancel returned {show(attempt.told)} for {what}, and the emulator {truth}.")
            after = attempt.after
            gone = isinstance(after, NoSuchTask)
            if attempt.cancelled and not gone and getattr(after, "state", None) != "cancelled":
                fail(f"poll makes {show(after)} of {what} and was cancelled.")

    def test_the_id_is_found_in_an_answer_that_broke_off(self) -> None:
        """
        With `task_id_name` a task is still known when its answer breaks off behind the id.

        What to do: set `task_id_name` to the JSON name of the id, or override `recover_ticket`.
        """
        provider, answer = self.provider, self._answers("submit")[-1]
        if provider.task_id_name is None and not provider.can("recover_ticket"):
            return
        text, task_id = answer.content.decode(), self._ticket().task_id
        fragment = text[: text.rindex(json.dumps(task_id)) + len(json.dumps(task_id))]
        found = provider.recover_ticket(fragment, VideoRequest(PROMPT, task=TASK))
        if found is None or found.task_id != task_id:
            fail(
                "salvage does not find the id in the beginning of an answer; task_id_name is "
                f'"{provider.task_id_name}".'
            )
        # What else was in the answer may be lost: the id alone must do.
        asked = self._outcome("poll", self._answers("succeeded"), ticket=found)
        if not isinstance(asked, Status):
            fail(f"poll makes {show(asked)} of the ticket that salvage found.")
        if provider.recover_ticket("<html>", VideoRequest(PROMPT)) is not None:
            fail("salvage finds a ticket in a web page.")

    def _hold_unclear(self, body: bytes, what: str) -> None:
        answers = [*self._answers("submit")[:-1], httpx.Response(200, content=body)]
        outcome = self._outcome("submit", answers)
        if not isinstance(outcome, ProviderError):
            fail(f"submit makes {show(outcome)} of an answer {what}.")
        if isinstance(outcome, TryLater | Refused):
            fail(
                f"submit takes an answer {what} for {type(outcome).__name__}: the user would be "
                "told that nothing was paid."
            )
