"""The paid request, and the ticket that comes of it."""

import json

import httpx

from ...core.errors import NoSuchTask, ProviderError, Refused, TryLater
from ...core.request import VideoRequest
from ...core.status import Status, Ticket
from ...core.text import join_words
from ...core.wire import identifier
from ...sandbox.responses import end_of_id
from ..samples import TASK
from ..spoiling import MALFORMED, at, dotted, parsed, places, put
from ..usual import PROMPT
from ..wire_form import changed, wire_form
from .base import FREE, Suite, copy_of
from .judging import fail, flow_name, show, ticket_problem

#: The id of a task as a number that a float cannot carry.
NUMBER = 1234567890123456789
#: An id that is longer than a UUID, in parts.
LONG = "-".join(("0a1b2c3d4e5f", "6071", "8293", "a4b5", "c6d7", "e8f90112233445566778899aabbc"))
#: What is no id of a task, in the usual form of one.
STRANGE = "5f0c7a1e-93b4-4d28-8a6f-2b71c0e9d354"
#: Statuses under which nothing was refused, and those of a request that may have been taken.
_ODD = (200, 201, 202, 204, 301, 302, 303, 307, 308)
_UNCLEAR = (408, 409, 425)
_TROUBLE = (500, 502, 503, 504)


class Paying(Suite):
    """Paying, and knowing what was paid for."""

    def test_only_the_last_request_pays(self) -> None:
        """
        A submit has exactly one request that is not a GET, and ends with the reply to it.

        What to do: ask what is needed beforehand with GETs, or in `upload`; return the ticket at
        once.
        """
        methods = [request.method for request in self._requests("submit")]
        paid = [method for method in methods if method not in FREE]
        if len(paid) != 1:
            fail(
                f"submit sends {len(paid)} requests that may be charged for ({', '.join(methods)}) "
                "instead of one."
            )
        if methods[-1] in FREE:
            fail(f"submit sends another request after the paid one ({', '.join(methods)}).")
        for name, accepted in self._samples().accepted.items():
            expected = int(name == "submit")
            if accepted != expected:
                fail(
                    f"During {flow_name(name)} the emulator accepted {accepted} tasks instead of "
                    f"{expected}."
                )

    def test_tickets_survive_json(self) -> None:
        """
        A task can be polled with its ticket alone, by another process and after a restart.

        What to do: keep only strings in `Ticket.data`, and everything that `poll` needs from the
        submit.
        """
        ticket = self._ticket()
        if (problem := ticket_problem(ticket)) is not None:
            fail(f"submit returned {problem}.")
        task_id, data = json.loads(json.dumps([ticket.task_id, dict(ticket.data)]))
        stored = Ticket(task_id, data)
        if stored != ticket:
            fail("The ticket changes when it is written as JSON and read back.")
        forms = [wire_form(next(copy_of(self.provider).poll(each))) for each in (ticket, stored)]
        if changed(*forms):
            fail(f"poll sends another request after a restart: see {changed(*forms)[0]}.")

    def test_flows_leave_the_provider_unchanged(self) -> None:
        """
        One provider serves many tasks at once.

        What to do: keep what a task needs in its `Ticket`, and nothing on `self`.
        """
        provider = copy_of(self.provider)
        before = dict(vars(provider))
        for name in self._sampled():
            self._outcome(name, self._replies(name), provider)
            if vars(provider) != before:
                stored = sorted(
                    key for key in vars(provider) if vars(provider)[key] != before.get(key)
                )
                fail(f"{flow_name(name)} stores {join_words(stored, 'and')} on the provider.")

    def test_a_reply_without_an_id_counts_as_perhaps_paid(self) -> None:
        """
        When a submit is neither refused nor given an id, nobody may say that nothing was charged.

        What to do: raise `self.unexpected(reply, …)`, not `Refused` and not `TryLater`.
        """
        reply = self._replies("submit")[-1]
        value, task_id = parsed(reply), self._ticket().task_id
        unreadable: tuple[object, ...] = (None, "", " ", True, 7.5, {})
        for place in places(value):
            if identifier(at(value, place)) != task_id:
                continue
            for wrong in unreadable:
                body = json.dumps(put(value, place, wrong)).encode()
                self._check_unclear(body, f"a reply without its {dotted(place)}")
        for status in (*_ODD, *_UNCLEAR, *_TROUBLE):
            for what, malformed in MALFORMED.items():
                self._check_unclear(malformed, f"{what} (HTTP {status})", status)

    def test_an_id_may_be_a_number(self) -> None:
        """
        A whole number is an id, in the reply to a submit, or the beginning of it, and to a poll; a
        long text is one, too, and is kept whole.

        What to do: read ids as `Any`, with `kling26.core.wire.identifier`; set `task_id_name`.
        """
        known, ticket = self._ticket().task_id, Ticket(str(NUMBER), self._ticket().data)
        self._check_long(known)
        replies = [_numbered(reply, known) for reply in self._replies("submit")]
        if str(NUMBER) not in replies[-1].text:
            return  # The id is in a longer text, such as a URL.
        submitted = self._outcome("submit", replies)
        if not isinstance(submitted, Ticket) or submitted.task_id != str(NUMBER):
            fail(f"submit turns a reply whose id is the number {NUMBER} into {show(submitted)}.")
        text = replies[-1].text
        fragment = text[: end_of_id(text, str(NUMBER))]
        found = self.provider.recover_ticket(fragment, VideoRequest(PROMPT, task=TASK))
        if self._recovers() and (found is None or found.task_id != str(NUMBER)):
            fail(f"recover_ticket does not find the number {NUMBER} in the beginning of a reply.")
        polls = [_numbered(reply, known) for reply in self._replies("succeeded")]
        polled = self._outcome("poll", polls, ticket=ticket)
        if not isinstance(polled, Status) or polled.state != "succeeded":
            fail(f"poll turns a reply whose id is the number {NUMBER} into {show(polled)}.")

    def test_cancel_tells_the_truth(self) -> None:
        """
        `cancel` returns True for a task that was cancelled and for no other, and `poll` agrees.

        What to do: return what the service replies; map its word for it to "cancelled".
        """
        if "cancel" in self._samples().errors:
            return  # Another test fails on that.
        for attempt in self._samples().cancels:
            task = f"a {attempt.state} task"
            if attempt.returned is not attempt.cancelled:
                truth = "cancelled" if attempt.cancelled else "did not cancel"
                fail(
                    f"cancel returned {show(attempt.returned)} for {task} that the emulator "
                    f"{truth}."
                )
            polled = attempt.polled
            gone = isinstance(polled, NoSuchTask)
            if attempt.cancelled and not gone and getattr(polled, "state", None) != "cancelled":
                fail(f"poll reports {show(polled)} for {task} that was cancelled.")

    def test_the_id_is_recovered_from_a_truncated_reply(self) -> None:
        """
        With `task_id_name`, the id is found in a reply that broke off right behind it.

        What to do: set `task_id_name` to the JSON name of the id, or override `recover_ticket`.
        """
        provider, reply = self.provider, self._replies("submit")[-1]
        if not self._recovers():
            return
        text, task_id = reply.content.decode(), self._ticket().task_id
        fragment = text[: end_of_id(text, task_id)]
        found = provider.recover_ticket(fragment, VideoRequest(PROMPT, task=TASK))
        if found is None or found.task_id != task_id:
            fail(
                "recover_ticket does not find the id in the beginning of a reply; task_id_name is "
                f'"{provider.task_id_name}".'
            )
        # Whatever else was in the reply may be lost: the id alone must do.
        polled = self._outcome("poll", self._replies("succeeded"), ticket=found)
        if not isinstance(polled, Status):
            fail(f"poll cannot use the ticket that recover_ticket found: {show(polled)}")
        self._check_strange()

    def _check_strange(self) -> None:
        """No ticket is found in what has no id, or one of something else."""
        page = f"<html><p>Ray ID: {STRANGE}</p><a href='/{STRANGE}'>Support</a></html>"
        texts = {
            "a web page": page,
            "an empty body": "",
            "an error without an id": json.dumps(
                {"error": {"message": "It broke.", "trace_reference": STRANGE}}
            ),
        }
        for what, text in texts.items():
            found = self.provider.recover_ticket(text, VideoRequest(PROMPT, task=TASK))
            if found is not None:
                fail(f"recover_ticket finds a ticket in {what}.")

    def _check_long(self, known: str) -> None:
        replies = [_with_id(reply, known, LONG) for reply in self._replies("submit")]
        text = replies[-1].text
        if LONG not in text:
            return  # The id is in a longer text, such as a URL.
        submitted = self._outcome("submit", replies)
        if isinstance(submitted, Ticket) and LONG not in submitted.task_id:
            fail(f"submit turns a reply whose id is {LONG!r} into {show(submitted)}.")
        fragment = text[: end_of_id(text, LONG)]
        found = self.provider.recover_ticket(fragment, VideoRequest(PROMPT, task=TASK))
        if found is not None and LONG not in found.task_id:
            fail(f"recover_ticket finds {show(found)} in a reply whose id is {LONG!r}.")

    def _recovers(self) -> bool:
        return self.provider.task_id_name is not None or self.provider.can("recover_ticket")

    def _check_unclear(self, body: bytes, what: str, status: int = 200) -> None:
        replies = [*self._replies("submit")[:-1], httpx.Response(status, content=body)]
        outcome = self._outcome("submit", replies)
        if not isinstance(outcome, ProviderError):
            fail(f"submit turns {what} into {show(outcome)}.")
        if isinstance(outcome, TryLater | Refused):
            fail(
                f"submit raises {type(outcome).__name__} for {what}: the user would read that "
                "nothing was charged."
            )


def _numbered(reply: httpx.Response, known: str) -> httpx.Response:
    return _with_id(reply, known, NUMBER)


def _with_id(reply: httpx.Response, known: str, other: str | int) -> httpx.Response:
    """The reply with another id in place of the task's."""
    value = parsed(reply)
    for place in places(value):
        if identifier(at(value, place)) == known:
            value = put(value, place, other)
    return httpx.Response(reply.status_code, content=json.dumps(value).encode())
