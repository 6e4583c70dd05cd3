"""Calls to the user's webhook: reading them, and telling a genuine one from a forgery."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping

import httpx

from ...core.errors import UnexpectedReply
from ...core.status import Status
from ...sandbox import EmulatedTask
from ..bench import Bench, Made
from ..spoiling import MALFORMED, at, dotted, places, put, spoilt
from .judging import fail, show
from .several import PROMPTS, Several

#: A secret that suits Standard Webhooks, too.
WEBHOOK_SECRET = "whsec_Y29uZm9ybWFuY2Utc2VjcmV0LW9mLWtsaW5nMjY="  # noqa: S105
OTHER_SECRET = "whsec_YW5vdGhlci1hY2NvdW50LXMtc2VjcmV0LW9mLTI2IQ=="  # noqa: S105
OTHER_PROMPT = "A stork stands still"
#: What no service sends in a header, and anybody may.
ODD = ("x", "²", "é" * 40, "nan", "inf", "-1", "1e400", "9" * 40, "v1,", "=")
#: When no genuine call can have been signed, in seconds from now.
WHEN = {
    "an hour ago": -3600,
    "an hour ahead": 3600,
    "six minutes ago": -360,
    "six minutes ahead": 360,
}


class Callbacks(Several):
    """Calls to the user's webhook."""

    def test_callbacks_are_read(self) -> None:
        """
        What the service sends to a webhook becomes a status with the id, or `UnexpectedReply`.

        What to do: fill in `Status.task_id`, or raise `UnexpectedReply`.
        """
        if not self.provider.can("read_callback"):
            return
        callbacks = self._samples().callbacks
        if self.sandbox is not None and self.provider.takes_callback_url and not callbacks:
            fail("The emulator sends no callbacks: return their bodies from `calls`.")
        for body in callbacks:
            status = self._read(json.dumps(body))
            if not isinstance(status, Status) or status.task_id != self._ticket().task_id:
                fail(f"read_callback does not give the task's id: {show(status)}")
            for what, wrong in spoilt(httpx.Response(200, json=body)):
                self._check_outcome(
                    "callback", self._read(wrong.content), f"a callback where {what}"
                )
        for what, odd in MALFORMED.items():
            if not isinstance(self._read(odd), UnexpectedReply):
                fail(f"read_callback turns {what} into {show(self._read(odd))}.")

    def test_callbacks_say_what_poll_says(self) -> None:
        """
        A call to the webhook and `poll` at the same moment agree on state, reason, code and cost.

        What to do: read a callback and the reply to a poll with the same method.
        """
        if not self.provider.can("read_callback") or not self.provider.takes_callback_url:
            return

        async def work(bench: Bench) -> None:
            *made, other = await bench.submit(*PROMPTS, OTHER_PROMPT)
            bench.finish(other.task)
            for step in (lambda task: None, bench.begin, bench.finish):
                await self._compare(bench, made[0], other, step)
            failure = bench.emulator.failure
            await self._compare(bench, made[1], other, lambda task: bench.finish(task, failure))
            if self.provider.can("cancel"):
                await self._compare(bench, made[2], other, bench.emulator.cancel)

        self._work(work)

    async def _compare(
        self, bench: Bench, made: Made, other: Made, step: Callable[[EmulatedTask], None]
    ) -> None:
        """If the service calls when this happens, the call is compared with a poll."""
        before = [json.dumps(body) for body in bench.emulator.calls(made.task)]
        step(made.task)
        calls = [json.dumps(body) for body in bench.emulator.calls(made.task)]
        if calls == before or not calls:
            return  # Nothing new was sent.
        phase = bench.emulator.phase(made.task)
        for body in bench.emulator.calls(other.task):  # Its call must not change what is read next.
            self._read(json.dumps(body))
        called, polled = (
            self._read(calls[-1]),
            await bench.outcome(bench.provider.poll(made.ticket)),
        )
        if not isinstance(called, Status):
            fail(f"read_callback turns the call of a {phase} task into {show(called)}.")
        if not isinstance(polled, Status):
            return  # Another test fails on that.
        if called.task_id != made.ticket.task_id:
            fail(f"read_callback gives the id {called.task_id!r} of {made.ticket.task_id!r}.")
        if called.state == "succeeded" and not await bench.shows(called.url, made.task):
            fail(f"read_callback returns {show(called.url)}, which is not the task's video.")
        for name in ("state", "reason", "code", "cost", "cost_unit"):
            said, asked = getattr(called, name), getattr(polled, name)
            told = said is not None or _has(json.loads(calls[-1]), asked)
            if said != asked and told:
                fail(
                    f"read_callback gives {show(said)} as the {name} of a {phase} task, but poll "
                    f"gives {show(asked)}."
                )

    def test_unsigned_callbacks_are_rejected(self) -> None:
        """
        For a callback without a signature, `verify_callback` returns False and raises nothing.

        What to do: return False when a header is missing or cannot be read.
        """
        if not self.provider.can("verify_callback"):
            return
        bodies = [json.dumps(body).encode() for body in self._samples().callbacks]
        for body in [*bodies, *MALFORMED.values()]:
            self._check_verified(False, "a callback without a signature", body, {})

    def test_only_genuine_callbacks_are_accepted(self) -> None:
        """
        A callback that the emulator signed is genuine; one that was changed, or is old, is not.

        What to do: make the emulator's `sign_call` and the provider's `verify_callback` follow the
        documents; names of headers come in any case, a callback of more than five minutes ago or
        ahead may be a replay, and an empty secret signs nothing.
        """
        samples, now = self._samples(), time.time()
        if not self.provider.can("verify_callback") or not samples.callbacks:
            return
        body = json.dumps(samples.callbacks[-1]).encode()
        headers = dict(samples.sign_call(body, WEBHOOK_SECRET, now))
        if not headers:
            return
        for spelt in (str.lower, str.title, str.upper):
            signed = {spelt(name): value for name, value in headers.items()}
            self._check_verified(True, "a signed callback", body, signed)
        self._check_verified(True, "a callback of a minute ago", body, self._signed(body, now - 60))
        self._check_headers(body, headers)
        ticket = self._ticket().task_id.encode()
        other = body.replace(ticket, ticket[::-1] + b"x")
        self._check_verified(False, "a callback about another task", other, headers)
        for what, changed in _changed(body):
            if self._signed(changed, now) != headers:  # The service signs that part, too.
                self._check_verified(False, f"a callback where {what}", changed, headers)
        for when, seconds in WHEN.items():
            self._check_verified(
                False, f"a callback of {when}", body, self._signed(body, now + seconds)
            )
        self._check_secrets(body, now)

    def _signed(
        self, body: bytes, now: float, secret: str = WEBHOOK_SECRET
    ) -> Mapping[str, str] | None:
        """The headers of a signed call; None if the emulator cannot sign this."""
        try:
            return dict(self._samples().sign_call(body, secret, now))
        except Exception:  # noqa: BLE001 - an emulator need not be able to sign anything.
            return None

    def _check_headers(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Each header left out, empty, changed, and as nobody would send it."""
        for name, value in headers.items():
            without = {each: said for each, said in headers.items() if each != name}
            self._check_verified(False, f"a callback without {name}", body, without)
            for what, wrong in {
                f"another {name}": f"{value[::-1]}x",  # It may read the same backwards.
                f"an empty {name}": "",
                **dict(_altered(name, value)),
                **{f"{odd!r} as {name}": odd for odd in ODD},
            }.items():
                forged = {**headers, name: wrong}
                self._check_verified(False, f"a callback with {what}", body, forged)
            twice = {**headers, name: f"{value}, {value}"}
            self._check_verified(None, f"a callback with {name} twice", body, twice)

    def _check_secrets(self, body: bytes, now: float) -> None:
        for what, secret in (("an empty secret", ""), ("another account's secret", OTHER_SECRET)):
            signed = self._signed(body, now, secret)
            if signed is not None:
                self._check_verified(False, f"a callback signed with {what}", body, signed)
        headers = self._signed(body, now) or {}
        for secret in ("", "x", OTHER_SECRET):
            known = "an empty secret" if not secret else "another secret"
            self._check_verified(False, f"a call when the user has {known}", body, headers, secret)
        signed = self._signed(body, now, "")
        if signed is not None:
            what = "a call signed with an empty secret when the user has none"
            self._check_verified(False, what, body, signed, "")

    def _check_verified(
        self,
        genuine: bool | None,
        what: str,
        body: bytes,
        headers: Mapping[str, str] | None,
        secret: str = WEBHOOK_SECRET,
    ) -> None:
        """It is genuine, or a forgery; None for a call that may be taken for either."""
        if headers is None:
            return
        try:
            returned = self.provider.verify_callback(body, headers, secret)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            if not secret:
                return  # Nothing can be verified without one, and that may be said loudly.
            fail(f"verify_callback raises {show(error)} for {what}.")
        if not isinstance(returned, bool) or genuine not in (None, returned):
            fail(f"verify_callback returned {show(returned)} for {what}.")

    def _read(self, body: bytes | str) -> object:
        try:
            return self.provider.read_callback(body)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            return error


def _has(value: object, wanted: object) -> bool:
    """Whether a call has the value that poll reports."""
    found = [value, *(at(value, place) for place in places(value))]
    return wanted is not None and any(
        each == wanted or (isinstance(each, str) and each == str(wanted)) for each in found
    )


def _altered(name: str, value: str) -> Iterator[tuple[str, str]]:
    """The longest part of a header, and each number in it, with one character changed."""
    parts = list(re.finditer(r"[^\s,;=]+", value))
    longest = max((len(part[0]) for part in parts), default=0)
    for part in parts:
        if len(part[0]) < longest and not part[0].isdecimal():
            continue  # The name of a part, or of an algorithm.
        where = {"first": part.start(), "last": part.end() - 1}
        for which, place in {**where, "middle": sum(where.values()) // 2}.items():
            # Base64 does not tell all letters apart at its end, and hexadecimal has no case.
            other = "7" if value[place] in "0123" else "0"
            yield f"another {which} character of {name}", value[:place] + other + value[place + 1 :]


def _changed(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The body of a call with one value changed, and with bytes added."""
    value = json.loads(body)
    for place in places(value):
        if isinstance(at(value, place), str | int | float):
            yield f"{dotted(place)} is changed", json.dumps(put(value, place, "forged")).encode()
    yield "a blank was added", body + b" "
