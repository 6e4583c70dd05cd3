"""From an answer to a value: states, refusals, and what no document lists."""

import json
import time
from collections.abc import Mapping

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
from ...core.status import Status
from ...core.text import join_words, sanitize
from ..samples import ODD_BODIES, STATES, Endless, at, parsed, places, put, spoilt
from ..stage import emulate, of_sandbox
from .base import Suite
from .judging import fail, flow_name, is_plain, problem_of, show, status_problem

#: What each refusal has to become, by the emulator's word for it; statuses of 500 and more never
#: get as far as a flow.
ERRORS: Mapping[str, tuple[type[ProviderError], ...]] = {
    "key": (KeyRejected,),
    "credit": (OutOfCredit,),
    "rate_limit": (TryLater, UnexpectedReply),  # By its status the runner knows what it is.
    "rate_limit_in_body": (TryLater, Refused),
    "error_in_200": (Refused, Unavailable, UnexpectedReply),
    "no_such_task": (NoSuchTask,),
}

#: A secret that suits Standard Webhooks, too.
WEBHOOK_SECRET = "whsec_Y29uZm9ybWFuY2Utc2VjcmV0LW9mLWtsaW5nMjY="  # noqa: S105


class Answers(Suite):
    """From an answer to a value."""

    def test_every_state_is_told(self) -> None:
        """
        `poll` tells queued, running, succeeded (with an address) and failed (with a reason).

        What to do: map each state of the service to a `Status`.
        """
        samples = self._samples()
        for state in STATES:
            if state not in samples.answers:
                continue
            if state in samples.trouble:
                fail(f"poll raised for a task that is {state}: {samples.trouble[state]}")
            status = samples.values[state]
            if (problem := status_problem(status)) is not None:
                fail(f"poll returned {problem} for a task that is {state}.")
            if status.state != state:
                fail(f"poll tells that a task is {status.state} when it is {state}.")
            if state == "succeeded" and not str(status.url).startswith("http"):
                fail(f"poll tells of success without the video's address: url is {status.url!r}.")
            if state == "failed" and not status.reason:
                fail("poll tells of a failure without the service's reason.")

    def test_every_flow_gets_its_answer(self) -> None:
        """
        The flows get on with the service, and return what `Provider` says that they return.

        What to do: hold the request and the answer against the service's documents.
        """
        samples = self._samples()
        for name, error in samples.trouble.items():
            if name != "unknown":  # It may well raise there.
                fail(f"{flow_name(name)} does not get on with its answers ({name}): {error}")
        if not {"submit", "succeeded"} <= {*samples.answers}:
            fail(
                "There is nothing to test with: give `sandbox`, or `replies` with submit and "
                "succeeded."
            )
        for name, value in samples.values.items():
            if (problem := problem_of(name, value)) is not None:
                fail(f"{flow_name(name)} returned {problem}.")

    def test_refusals_become_their_errors(self) -> None:
        """
        A "no" is told in the service's own words, as the error that says what it means.

        What to do: raise `Refused`, `KeyRejected`, `OutOfCredit`, `TryLater` or `NoSuchTask`;
        `kling26.core.refusals` makes them.
        """
        for reason, (status, body) in self._refusals().items():
            if status >= 500 or reason not in ERRORS:
                continue
            name = "poll" if reason == "no_such_task" else "submit"
            answer = httpx.Response(status, json=body)
            error = self._outcome(name, [answer])
            wanted = join_words((kind.__name__ for kind in ERRORS[reason]), "or")
            what = f"the refusal for {reason.replace('_', ' ')} (HTTP {status})"
            if not isinstance(error, ERRORS[reason]):
                fail(f"{name} makes {show(error)} of {what}, not {wanted}.")
            if reason in ("key", "credit") and not _quotes(str(error), body):
                fail(f"{name} keeps the service's words to itself in {what}: {error}")

    def test_odd_answers_become_errors(self) -> None:
        """
        A web page, an empty body or half an object become an error in words, whatever the status.

        What to do: read answers with `kling26.core.wire.read`, or raise `self.unexpected`.
        """
        for name in self._answered():
            for what, body in ODD_BODIES.items():
                for status in (200, 400, 404):
                    outcome = self._outcome(name, [httpx.Response(status, content=body)])
                    self._hold_outcome(name, outcome, f"{what} (HTTP {status})")
                    if isinstance(outcome, Status) and outcome.ended:
                        fail(f"poll takes {what} for a task that has {outcome.state}.")

    def test_trouble_ends_nothing(self) -> None:
        """
        HTTP 5xx is raised in a flow as `Unavailable`, and is no word about the task by itself.

        What to do: let it pass; where a 5xx does tell of the task, read its `reply` closely.
        """
        for name in self._answered():
            answers = self._answers(name)
            for what, body in ODD_BODIES.items():
                for index in range(len(answers)):
                    trouble = httpx.Response(503, content=body)
                    outcome = self._outcome(name, [*answers[:index], trouble])
                    if isinstance(outcome, Exception):
                        self._hold_outcome(name, outcome, f"{what} (HTTP 503)")
                    elif not isinstance(outcome, Status) or outcome.ended:
                        fail(f"{flow_name(name)} returned {show(outcome)} on {what} (HTTP 503).")

    def test_missing_and_wrong_values_become_errors(self) -> None:
        """
        Whatever is missing in an answer, or of another type, becomes a value or an error in words.

        What to do: describe the answer as an attrs class; read it with `kling26.core.wire.read`.
        """
        for name in self._answered():
            answers = self._answers(name)
            for index, answer in enumerate(answers):
                for what, wrong in spoilt(answer):
                    replaced = [*answers[:index], wrong, *answers[index + 1 :]]
                    self._hold_outcome(
                        name, self._outcome(name, replaced), f"an answer where {what}"
                    )

    def test_an_unknown_state_ends_nothing(self) -> None:
        """
        A state that no document lists is waited through: the video is paid for.

        What to do: take unknown states as running, and log them.
        """
        if isinstance(status := self._samples().values.get("unknown"), Status) and status.ended:
            fail(f"poll takes an unknown state for {status.state}.")
        for name in ("queued", "running"):
            answers = self._answers(name) if name in self._samples().values else []
            for index, answer in enumerate(answers):
                for place in places(value := parsed(answer)):
                    if not isinstance(at(value, place), str):
                        continue
                    body = json.dumps(put(value, place, "unheard-of")).encode()
                    wrong = httpx.Response(answer.status_code, content=body)
                    outcome = self._outcome(name, [*answers[:index], wrong, *answers[index + 1 :]])
                    if isinstance(outcome, Status) and outcome.ended:
                        path = ".".join(map(str, place))
                        fail(
                            f"poll tells that a task has {outcome.state} when {path} is "
                            '"unheard-of".'
                        )

    def test_callbacks_are_read(self) -> None:
        """
        What the service sends to a webhook becomes a status with the id, or `UnexpectedReply`.

        What to do: fill in `Status.task_id`, or raise `UnexpectedReply`.
        """
        if not self.provider.can("read_callback"):
            return
        if self.sandbox is not None and self.provider.takes_callback_url:
            self._hold_called()
        for body in self._samples().calls:
            status = self._called_back(json.dumps(body))
            if not isinstance(status, Status) or status.task_id != self._ticket().task_id:
                fail(f"read_callback makes {show(status)} of a call, without the task's id.")
            answer = httpx.Response(200, json=body)
            for what, wrong in spoilt(answer):
                self._hold_outcome("callback", self._called_back(wrong.content), what)
        for what, odd in ODD_BODIES.items():
            if not isinstance(self._called_back(odd), UnexpectedReply):
                fail(f"read_callback makes {show(self._called_back(odd))} of {what}.")

    def test_an_unsigned_callback_is_not_believed(self) -> None:
        """
        A call without a signature, or with that of somebody else, is false and no error.

        What to do: return False from `verify_callback`.
        """
        if not self.provider.can("verify_callback"):
            return
        bodies = [json.dumps(body).encode() for body in self._samples().calls]
        for body in [*bodies, *ODD_BODIES.values()]:
            try:
                believed = self.provider.verify_callback(body, {}, "c2VjcmV0")
            except Exception as error:  # noqa: BLE001 - as above
                fail(f"verify_callback raises {show(error)} on a call without a signature.")
            if believed is not False:
                fail(f"verify_callback returned {show(believed)} on a call without a signature.")

    def test_a_signed_callback_is_told_from_others(self) -> None:
        """
        A call that the emulator signs is believed; one that was changed, or is old, is not.

        What to do: have the emulator's `sign_call` and the provider's `verify_callback` follow the
        documents; names of headers are in any case, and after five minutes a call may be a replay.
        """
        samples, now = self._samples(), time.time()
        if not self.provider.can("verify_callback") or not samples.calls:
            return
        body = json.dumps(samples.calls[-1]).encode()
        headers = dict(samples.sign(body, WEBHOOK_SECRET, now))
        if not headers:
            return
        for spelt in (str.lower, str.title):
            signed = {spelt(name): value for name, value in headers.items()}
            self._hold_verified(True, "a signed call", body, signed)
        for name in headers:
            self._hold_verified(
                False, f"a call with another {name}", body, headers | {name: headers[name][::-1]}
            )
        ticket = self._ticket().task_id.encode()
        forged = body.replace(ticket, ticket[::-1] + b"x")
        self._hold_verified(False, "a call about another task", forged, headers)
        old = samples.sign(body, WEBHOOK_SECRET, now - 3600)
        self._hold_verified(False, "a call of an hour ago", body, old)

    def _hold_verified(
        self, genuine: bool, what: str, body: bytes, headers: Mapping[str, str]
    ) -> None:
        told = self.provider.verify_callback(body, headers, WEBHOOK_SECRET)
        if told is not genuine:
            fail(f"verify_callback returned {show(told)} for {what}.")

    def _hold_called(self) -> None:
        if not self._samples().calls:
            fail("The emulator calls no webhook: return the bodies of its calls from `calls`.")

    def _refusals(self) -> Mapping[str, tuple[int, object]]:
        if self.sandbox is None:
            return self.refusals
        emulator, _ = emulate(self.provider, self.sandbox, of_sandbox("Conditions")())
        return {reason: emulator.no(reason) for reason in ERRORS} | dict(self.refusals)

    def _called_back(self, body: bytes | str) -> object:
        try:
            return self.provider.read_callback(body)
        except Exception as error:  # noqa: BLE001 - as above
            return error

    def _hold_outcome(self, name: str, outcome: object, what: str) -> None:
        """A value of the flow's type, or an error that is fit to be shown."""
        if isinstance(outcome, Endless):
            fail(f"{flow_name(name)} goes on asking after {what}.")
        if isinstance(outcome, ProviderError):
            if not is_plain(f"{outcome}{outcome.code or ''}"):
                fail(f"{flow_name(name)} shows control characters of {what}.")
            return
        if isinstance(outcome, Exception):
            fail(f"{flow_name(name)} raises {show(outcome)} on {what}.")
        if (problem := problem_of(name, outcome)) is not None:
            fail(f"{flow_name(name)} returned {problem} on {what}.")


def _quotes(text: str, body: object) -> bool:
    """Whether a text has one of the sentences that a body has."""
    said = [at(body, place) for place in places(body)]
    sentences = [sanitize(words, 60).rstrip("…") for words in said if isinstance(words, str)]
    return any(words in text for words in sentences if " " in words) or not any(
        " " in words for words in sentences
    )
