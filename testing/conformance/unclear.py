"""Errors, and what nobody can read: neither is a refusal, nor a value, nor proof of anything."""

import json
from collections.abc import Iterator

import httpx

from ...core.errors import TryLater
from ...core.status import Ticket
from ..bench import Bench
from ..samples import TASK
from ..spoiling import MALFORMED, at, dotted, parsed, places, put, without
from ..usual import usual_request
from .judging import fail, flow_name, show
from .results import Results
from .words import FRESH

#: Under these, something is wrong with the key: to send the request again does not help.
_KEY = (401, 403)
_ERRORS = (400, 401, 403, 404, 409, 410, 422, 429)
#: What says nothing at all about the video.
_MUTE = ("an empty body", "a web page", "half an object")
#: What no service has in place of an id, or of a list.
_ODD: tuple[object, ...] = (None, "", {})
#: Ids of others that somebody may take for `TASK`.
_DECOYS = (f"{TASK}0", f"{TASK[:-1]}0", f"k27{TASK[3:]}", TASK[:-1], TASK.upper())


class Unclear(Results):
    """Errors and unclear replies."""

    def test_a_refused_key_is_not_tried_again(self) -> None:
        """
        HTTP 401 and 403 are about the key or the account: to send the request again does not help.

        What to do: raise `KeyRejected`, `OutOfCredit` or `Refused` from `submit`, not `TryLater`.
        """
        documented = {status for status, _ in self._refusals().values()}
        for what, reply in _unknown({*_KEY} - documented):
            if isinstance(self._outcome("submit", self._last("submit", reply)), TryLater):
                fail(f"submit raises TryLater for {what}: the key is refused each time.")

    def test_no_error_becomes_a_value(self) -> None:
        """
        No flow makes a value of an error: no balance, no URL, and no task that was cancelled.

        What to do: read replies with `self.raise_for_error`; a price may be None then, and
        `cancel` False.
        """
        for name in ("cancel", "upload", "renew", "quote", "balance"):
            if name not in self._samples().values:
                continue
            for index in range(len(self._replies(name))):
                for what, reply in self._errors(name):
                    replies = [*self._replies(name)[:index], reply]
                    outcome = self._outcome(name, replies)
                    nothing = {"cancel": False, "quote": None}.get(name, reply)
                    if not isinstance(outcome, Exception) and outcome is not nothing:
                        fail(f"{flow_name(name)} returned {show(outcome)} for {what}.")

    def test_find_returns_none_only_if_there_is_no_task(self) -> None:
        """
        After None the video is paid for again: an error, or a list that cannot be read, is no None.

        What to do: return None for an empty list, or for the service's own "no such task"; raise
        what everything else is, with `self.raise_for_error` or `self.unexpected`.
        """
        if "find" not in self._samples().values:
            return
        known = [parsed(reply) for reply in self._replies_about_nothing()]
        for what, reply in (*self._errors("find"), *self._spoilt_finds()):
            outcome = self._outcome("find", self._last("find", reply))
            if outcome is None and (parsed(reply) is None or parsed(reply) not in known):
                fail(f"find returned None for {what}: the runner would pay again.")

    def test_find_takes_no_other_task(self) -> None:
        """
        A task whose own id only resembles ours is another one, wherever it is in the reply.

        What to do: compare the whole of the service's field for our own id with `request.task`.
        """
        ticket = self._samples().values.get("find")
        if not isinstance(ticket, Ticket):
            return
        for own in _DECOYS:
            for beside, reply in self._decoys(own, ticket.task_id):
                found = self._outcome("find", self._last("find", reply))
                if isinstance(found, Ticket) and not (beside and found == ticket):
                    fail(f"find takes a task with the id {own!r} for {TASK!r}.")
                if beside and found is None:
                    fail(f"find returns None when a task with the id {own!r} comes first.")

    def _last(self, name: str, reply: httpx.Response) -> list[httpx.Response]:
        return [*self._replies(name)[:-1], reply]

    def _errors(self, name: str) -> Iterator[tuple[str, httpx.Response]]:
        """What is no answer to a question: refusals, and mute replies."""
        refusals = self._refusals()
        for reason, (_, body) in refusals.items():
            for status in _ERRORS if reason != "no_such_task" else ():
                yield (
                    f"the refusal for {reason.replace('_', ' ')} (HTTP {status})",
                    _reply(status, body),
                )
        yield from _unknown({*_ERRORS})
        plain = not self._replies(name)[-1].content
        for what in _MUTE:
            for status in (*_ERRORS, *(() if plain else (200, 204))):
                yield f"{what} (HTTP {status})", httpx.Response(status, content=MALFORMED[what])

    def _replies_about_nothing(self) -> list[httpx.Response]:
        """What the emulator replies to `find` when it does not have the task."""
        if self.sandbox is None:
            return []

        async def work(bench: Bench) -> list[httpx.Response]:
            unknown = usual_request(bench.provider, task="k26-ffffffffffffffff")
            return await bench.overhear(bench.provider.find(unknown))

        return self._work(work)

    def _spoilt_finds(self) -> Iterator[tuple[str, httpx.Response]]:
        """The reply about our task, with its id, or what contains the task, gone or odd."""
        reply = self._replies("find")[-1]
        value, ticket = parsed(reply), self._samples().values["find"]
        known = ticket.task_id if isinstance(ticket, Ticket) else ""
        for place in places(value):
            said = at(value, place)
            if isinstance(said, list):
                yield f"a reply without {dotted(place)}", _reply(200, without(value, place))
            if isinstance(said, list) or str(said) == known:
                for odd in _ODD:
                    what = f"a reply whose {dotted(place)} is {json.dumps(odd)}"
                    yield what, _reply(200, put(value, place, odd))

    def _decoys(self, own: str, task_id: str) -> Iterator[tuple[bool, httpx.Response]]:
        """The reply about our task, with another in its place, or in front of it in each list."""
        value = parsed(self._replies("find")[-1])
        ours = [place for place in places(value) if at(value, place) == TASK]
        if not ours:
            return  # The service does not repeat our own id.
        changed: object = value
        for place in ours:
            changed = put(changed, place, own)
        yield False, _reply(200, changed)
        for place in places(value):
            tasks = at(value, place)
            if isinstance(tasks, list) and TASK in _texts(tasks):
                other = json.dumps(at(changed, place)).replace(task_id, "another-task")
                yield True, _reply(200, put(value, place, [*json.loads(other), *tasks]))


def _unknown(statuses: set[int]) -> Iterator[tuple[str, httpx.Response]]:
    """Errors in the usual forms, with words that no service has, and without a code."""
    for status in sorted(statuses):
        for name in ("message", "detail", "error"):
            body = {name: FRESH}
            yield f"{json.dumps(body)} (HTTP {status})", _reply(status, body)


def _texts(value: object) -> list[object]:
    return [at(value, place) for place in places(value)]


def _reply(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, json=body)
