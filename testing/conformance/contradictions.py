"""Replies in two minds: an id beside an error, a link beside a failure, a "yes" beside a "no"."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

import httpx

from ...core.errors import Refused, TryLater
from ...core.status import Status
from ...core.wire import identifier
from ..bench import Bench
from ..spoiling import at, dotted, parsed, places, put
from .judging import fail
from .several import PROMPTS
from .unclear import Unclear

#: A word for a state, and not a sentence, a link or a number.
_WORD = re.compile("[A-Za-z_-]+")
#: By the name of a field and what it says: what it says of a task in another state.
Words = Mapping[tuple[str | int, str], str]


class Contradictions(Unclear):
    """Replies that contradict themselves."""

    def test_an_id_is_a_task_whatever_is_beside_it(self) -> None:
        """
        Whoever gives an id has a task, even beside a code or words of an error, or as failed.

        What to do: look for the id first, as `self.read_ticket` does; or raise `self.unexpected`.
        """
        for what, body in self._receipts():
            reply = self._replies("submit")[-1]
            outcome = self._outcome(
                "submit", self._last("submit", httpx.Response(reply.status_code, json=body))
            )
            if isinstance(outcome, Refused | TryLater):
                fail(
                    f"submit raises {type(outcome).__name__} for {what}, which has an id: the user "
                    "would read that nothing was charged."
                )

    def test_a_reply_in_two_minds_is_no_success(self) -> None:
        """
        A failed task may have a link, of half a video; a task that goes on was not cancelled.

        What to do: let the state decide, and not whether there is a link, or that HTTP says 200.
        """
        words = self._other_words("succeeded", "failed")
        for reply in self._replies("succeeded") if self._is_single("succeeded", "failed") else ():
            body = _reworded(parsed(reply), words)
            if body != parsed(reply):
                outcome = self._outcome("poll", [httpx.Response(reply.status_code, json=body)])
                if getattr(outcome, "state", None) == "succeeded":
                    fail("poll reads the reply about a failed task as a success if it has a link.")
        for call in self._samples().callbacks if self.provider.can("read_callback") else ():
            body = _reworded(call, words)
            if body != call and self._state_of_call(body) == "succeeded":
                fail("read_callback reads a failed task as a success if it has a link.")
        self._check_cancel()

    def _receipts(self) -> Iterator[tuple[str, object]]:
        """The reply to a submit, with the service's errors around the id, and as failed."""
        value, task_id = parsed(self._replies("submit")[-1]), self._ticket().task_id
        if not isinstance(value, dict) or task_id not in _ids(value):
            return
        for reason in ("credit", "rate_limit_in_body", "error_in_200"):
            _, body = self._refusals().get(reason, (0, None))
            if isinstance(body, dict):
                mixed = {**value, **body}
                mixed |= {name: part for name, part in value.items() if task_id in _ids([part])}
                yield f"a reply with the refusal for {reason.replace('_', ' ')}", mixed
        failed = self._said("failed")
        for place in places(value):
            said, other = at(value, place), failed.get(place[-1])
            if _is_word(said) and said != task_id and other not in (None, said):
                yield f"a reply whose {dotted(place)} is {other!r}", put(value, place, other)

    def _check_cancel(self) -> None:
        """The reply to a cancel, if it says what a poll says then, with another state in it."""
        if self.sandbox is None or not isinstance(self._samples().values.get("cancel"), bool):
            return
        cancelled = self._words_when_cancelled()
        replies = self._replies("cancel")
        value = parsed(replies[-1])
        for state in ("running", "succeeded"):
            other = self._said(state)
            words = {(name, said): other[name] for name, said in cancelled.items() if name in other}
            body = _reworded(value, words)
            if body != value:
                changed = httpx.Response(replies[-1].status_code, json=body)
                if self._outcome("cancel", self._last("cancel", changed)) is True:
                    fail(f"cancel returned True for a reply that says the task is {state}.")

    def _words_when_cancelled(self) -> Mapping[str | int, str]:
        async def work(bench: Bench) -> Sequence[httpx.Response]:
            (made,) = await bench.submit(PROMPTS[0])
            bench.emulator.cancel(made.task)
            return await bench.overhear(bench.provider.poll(made.ticket))

        return _words(self._work(work))

    def _said(self, name: str) -> Mapping[str | int, str]:
        return _words(self._samples().replies.get(name, ()))

    def _other_words(self, one: str, other: str) -> Words:
        """The words of one state that are others in another."""
        before, after = self._said(one), self._said(other)
        return {
            (name, said): after[name]
            for name, said in before.items()
            if name in after and after[name] != said
        }

    def _is_single(self, *names: str) -> bool:
        return all(len(self._samples().replies.get(name, ())) == 1 for name in names)

    def _state_of_call(self, body: object) -> str | None:
        try:
            status = self.provider.read_callback(json.dumps(body))
        except Exception:  # noqa: BLE001 - another test judges what it raises.
            return None
        return status.state if isinstance(status, Status) else None


def _words(replies: Sequence[httpx.Response]) -> dict[str | int, str]:
    """What replies say in one word, by the name of the field."""
    values = [parsed(reply) for reply in replies]
    found = [(place[-1], at(value, place)) for value in values for place in places(value)]
    return {name: said for name, said in found if _is_word(said)}


def _reworded(value: object, words: Words) -> object:
    """The same with other words in its fields."""
    for place in places(value):
        said = at(value, place)
        if isinstance(said, str) and (place[-1], said) in words:
            value = put(value, place, words[place[-1], said])
    return value


def _is_word(said: object) -> bool:
    return isinstance(said, str) and _WORD.fullmatch(said) is not None


def _ids(value: object) -> list[str | None]:
    return [identifier(at(value, place)) for place in places(value)]
