"""From a reply to a value: states, refusals, and what no document lists."""

import json
import re
from collections.abc import Iterator, Mapping

import httpx

from ...core.errors import (
    KeyRejected,
    NoSuchTask,
    OutOfCredit,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
)
from ...core.status import Status, Ticket
from ...core.text import join_words, sanitize
from ...sandbox import Conditions, RefusalReason
from ..emulation import emulate
from ..samples import STATES, Endless
from ..spoiling import MALFORMED, Place, at, dotted, parsed, places, put, spoilt
from .base import Suite
from .judging import fail, flow_name, is_printable, problem_of, show, status_problem

#: What each refusal has to become, by the emulator's name for it. Refusals with a status of 500 or
#: above never reach a flow.
ERRORS: Mapping[RefusalReason, tuple[type[ProviderError], ...]] = {
    "key": (KeyRejected,),
    "credit": (OutOfCredit,),
    "rate_limit": (TryLater, UnexpectedReply),  # The runner recognises it by its status.
    "rate_limit_in_body": (TryLater, Refused),
    "error_in_200": (Refused, Unavailable, UnexpectedReply),  # Some report missing fields so.
    "no_such_task": (NoSuchTask,),
}


class Responses(Suite):
    """From a reply to a value."""

    def test_every_state_is_reported(self) -> None:
        """
        `poll` reports queued, running, succeeded (with a URL) and failed (with a reason).

        What to do: map each state of the service to a `Status`.
        """
        samples = self._samples()
        for state in STATES:
            if state in samples.errors:
                fail(f"poll raised an error for a {state} task: {samples.errors[state]}")
            if state not in samples.values:
                continue
            status = samples.values[state]
            if (problem := status_problem(status)) is not None:
                fail(f"poll returned {problem} for a {state} task.")
            assert isinstance(status, Status)
            if status.state != state:
                fail(f"poll reports a {state} task as {status.state}.")
            if state == "succeeded" and not str(status.url).startswith("http"):
                fail(f"poll reports success without the video's URL: url is {status.url!r}.")
            if state == "failed" and not status.reason:
                fail("poll reports a failure without the service's reason.")

    def test_every_flow_understands_its_replies(self) -> None:
        """
        Each flow gets along with the service, and returns what `Provider` says it returns.

        What to do: compare the request and the reply with the service's documents; a price of 0 or
        less is None.
        """
        samples = self._samples()
        for name, error in samples.errors.items():
            if name != "unknown":  # There, it may raise.
                fail(f"{flow_name(name)} fails with the service's replies to {name}: {error}")
        if not {"submit", "succeeded"} <= {*samples.replies}:
            fail(
                "There is nothing to test with: set `sandbox`, or `replies` with submit and "
                "succeeded."
            )
        for name, value in samples.values.items():
            if (problem := problem_of(name, value)) is not None:
                fail(f"{flow_name(name)} returned {problem}.")
        if "quote" in samples.values and samples.values["quote"] is None:
            fail("quote finds no price in the service's own reply.")

    def test_refusals_become_the_right_errors(self) -> None:
        """
        A "no" is raised as the error that says what it means, in the service's own words.

        What to do: raise `Refused`, `KeyRejected`, `OutOfCredit`, `TryLater` or `NoSuchTask`;
        `self.error` makes them.
        """
        for reason, (status, body) in self._refusals().items():
            if status >= 500:
                continue
            name = "poll" if reason == "no_such_task" else "submit"
            error = self._outcome(name, [httpx.Response(status, json=body)])
            expected = join_words((kind.__name__ for kind in ERRORS[reason]), "or")
            what = f"the refusal for {reason.replace('_', ' ')} (HTTP {status})"
            if not isinstance(error, ERRORS[reason]):
                fail(f"{name} turns {what} into {show(error)} instead of {expected}.")
            if reason in ("key", "credit") and not _quotes(str(error), body):
                fail(f"{name} leaves out the service's words in {what}: {error}")

    def test_malformed_replies_become_errors(self) -> None:
        """
        A web page, an empty body or half an object becomes a readable error, whatever the status.

        What to do: read replies with `self.read`, or raise `self.unexpected`.
        """
        for name in self._sampled():
            for what, body in MALFORMED.items():
                for status in (200, 400, 404, 410):
                    outcome = self._outcome(name, [httpx.Response(status, content=body)])
                    self._check_outcome(name, outcome, f"{what} (HTTP {status})")
                    if isinstance(outcome, Status) and outcome.ended:
                        fail(f"poll reads {what} as a task that is {outcome.state}.")

    def test_server_errors_end_nothing(self) -> None:
        """
        HTTP 5xx is raised in a flow as `Unavailable`, and by itself says nothing about the task.

        What to do: let it pass; where a 5xx does report on the task, read its `reply` closely.
        """
        for name in self._sampled():
            replies = self._replies(name)
            for what, body in MALFORMED.items():
                for index in range(len(replies)):
                    trouble = httpx.Response(503, content=body)
                    outcome = self._outcome(name, [*replies[:index], trouble])
                    if isinstance(outcome, Exception):
                        self._check_outcome(name, outcome, f"{what} (HTTP 503)")
                    elif name == "quote" and outcome is None:
                        continue  # A video is made, whatever it costs.
                    elif not isinstance(outcome, Status) or outcome.ended:
                        fail(f"{flow_name(name)} returned {show(outcome)} for {what} (HTTP 503).")

    def test_missing_and_wrong_values_become_errors(self) -> None:
        """
        Whatever is missing in a reply, or of another type, becomes a value or a readable error.

        What to do: describe the reply as an attrs class; read it with `self.read`. A price of 0 or
        less is None.
        """
        for name in self._sampled():
            replies = self._replies(name)
            for index, reply in enumerate(replies):
                for what, wrong in spoilt(reply):
                    outcome = self._outcome(name, [*replies[:index], wrong, *replies[index + 1 :]])
                    self._check_outcome(name, outcome, f"a reply where {what}")

    def test_the_case_of_a_state_does_not_count(self) -> None:
        """
        A state means the same in capitals and with blanks around it: the video is paid for.

        What to do: read states with `self.state`, or with `kling26.core.wire.state`.
        """
        for name in STATES:
            known = self._samples().values.get(name)
            if not isinstance(known, Status):
                continue
            ticket = Ticket(known.task_id or self._ticket().task_id, self._ticket().data)
            for place, said, spelled, outcome in self._spelled(name, ticket):
                if not isinstance(outcome, Status) or outcome.state != known.state:
                    fail(
                        f"poll turns a {name} task into {show(outcome)} when {dotted(place)} is "
                        f"{spelled!r} instead of {said!r}."
                    )

    def test_blanks_around_a_url_do_not_count(self) -> None:
        """
        The URL of the video is returned without blanks around it.

        What to do: read it as `Any`, with `kling26.core.wire.find_video`.
        """
        known = self._value("succeeded")
        if not isinstance(known, Status) or known.url is None:
            return  # Another test fails on that.
        url = known.url
        padded = [
            httpx.Response(
                reply.status_code,
                content=reply.content.replace(url.encode(), f" {url} ".encode()),
            )
            for reply in self._replies("succeeded")
        ]
        outcome = self._outcome("succeeded", padded)
        if not isinstance(outcome, Status) or outcome.url != url:
            fail(f"poll turns a reply with blanks around the video's URL into {show(outcome)}.")

    def test_an_unknown_state_ends_nothing(self) -> None:
        """
        A state that no document lists is waited through: the video is paid for.

        What to do: treat unknown states as running, and log them.
        """
        unknown = self._samples().values.get("unknown")
        if isinstance(unknown, Status) and unknown.ended:
            fail(f"poll reports an unknown state as {unknown.state}.")
        for name in ("queued", "running"):
            replies = self._replies(name) if name in self._samples().values else []
            for index, reply in enumerate(replies):
                value = parsed(reply)
                for place in places(value):
                    if not isinstance(at(value, place), str):
                        continue
                    body = json.dumps(put(value, place, "unheard-of")).encode()
                    wrong = httpx.Response(reply.status_code, content=body)
                    outcome = self._outcome(name, [*replies[:index], wrong, *replies[index + 1 :]])
                    if isinstance(outcome, Status) and outcome.ended:
                        fail(
                            f"poll reports a task as {outcome.state} when {dotted(place)} is "
                            '"unheard-of".'
                        )

    def _spelled(self, name: str, ticket: Ticket) -> Iterator[tuple[Place, str, str, object]]:
        """
        What becomes of a task when a word in the replies about it is spelled otherwise.

        The word's place, the word, and how it is spelled.
        """
        replies = self._replies(name)
        for index, reply in enumerate(replies):
            value = parsed(reply)
            for place in places(value):
                said = at(value, place)
                if not (isinstance(said, str) and re.fullmatch("[A-Za-z_-]+", said)):
                    continue
                for spelled in (said.upper(), said.title(), f" {said.lower()} "):
                    body = json.dumps(put(value, place, spelled)).encode()
                    other = httpx.Response(reply.status_code, content=body)
                    every = [*replies[:index], other, *replies[index + 1 :]]
                    outcome = self._outcome(name, every, ticket=ticket)
                    yield place, said, spelled, outcome

    def _refusals(self) -> Mapping[RefusalReason, tuple[int, object]]:
        """HTTP status and body of each refusal in `ERRORS`, of the author's or the emulator's."""
        emulated: dict[RefusalReason, tuple[int, object]] = {}
        if self.sandbox is not None:
            emulator = emulate(self.provider, self.sandbox, Conditions()).emulator
            emulated = {reason: emulator.no(reason) for reason in ERRORS}
        written = {reason: self.refusals[reason] for reason in ERRORS if reason in self.refusals}
        return emulated | written

    def _check_outcome(self, name: str, outcome: object, what: str) -> None:
        """The outcome is a value of the flow's type, or an error that may be shown."""
        if isinstance(outcome, Endless):
            fail(f"{flow_name(name)} keeps sending requests after {what}.")
        if isinstance(outcome, ProviderError):
            if not is_printable(f"{outcome}{outcome.code or ''}"):
                fail(f"{flow_name(name)} shows control characters of {what}.")
            return
        if isinstance(outcome, Exception):
            fail(f"{flow_name(name)} raises {show(outcome)} for {what}.")
        if (problem := problem_of(name, outcome)) is not None:
            fail(f"{flow_name(name)} returned {problem} for {what}.")


def _quotes(text: str, body: object) -> bool:
    """Whether a text has one of the sentences in a body; true where the body has none."""
    words = [at(body, place) for place in places(body)]
    texts = [sanitize(each, 60).rstrip("….") for each in words if isinstance(each, str)]
    sentences = [text for text in texts if " " in text]
    return not sentences or any(each in text for each in sentences)
