"""Calls to the user's webhook: reading them, and telling a genuine one from a forgery."""

import json
import time
from collections.abc import Mapping

import httpx

from ...core.errors import UnexpectedReply
from ...core.status import Status
from ..spoiling import MALFORMED, spoilt
from .judging import fail, show
from .responses import Responses

#: A secret that suits Standard Webhooks, too.
WEBHOOK_SECRET = "whsec_Y29uZm9ybWFuY2Utc2VjcmV0LW9mLWtsaW5nMjY="  # noqa: S105


class Callbacks(Responses):
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

    def test_unsigned_callbacks_are_rejected(self) -> None:
        """
        For a callback without a signature, `verify_callback` returns False and raises nothing.

        What to do: return False when a header is missing or cannot be read.
        """
        if not self.provider.can("verify_callback"):
            return
        bodies = [json.dumps(body).encode() for body in self._samples().callbacks]
        for body in [*bodies, *MALFORMED.values()]:
            try:
                genuine = self.provider.verify_callback(body, {}, "c2VjcmV0")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
                fail(f"verify_callback raises {show(error)} for a callback without a signature.")
            if genuine is not False:
                fail(f"verify_callback returned {show(genuine)} for one without a signature.")

    def test_only_genuine_callbacks_are_accepted(self) -> None:
        """
        A callback that the emulator signed is genuine; one that was changed, or is old, is not.

        What to do: make the emulator's `sign_call` and the provider's `verify_callback` follow the
        documents; names of headers come in any case, and a callback older than five minutes may be
        a replay.
        """
        samples, now = self._samples(), time.time()
        if not self.provider.can("verify_callback") or not samples.callbacks:
            return
        body = json.dumps(samples.callbacks[-1]).encode()
        headers = dict(samples.sign_call(body, WEBHOOK_SECRET, now))
        if not headers:
            return
        for spelt in (str.lower, str.title):
            signed = {spelt(name): value for name, value in headers.items()}
            self._check_verified(True, "a signed callback", body, signed)
        for name in headers:
            forged = headers | {name: headers[name][::-1]}
            self._check_verified(False, f"a callback with another {name}", body, forged)
        ticket = self._ticket().task_id.encode()
        other = body.replace(ticket, ticket[::-1] + b"x")
        self._check_verified(False, "a callback about another task", other, headers)
        old = samples.sign_call(body, WEBHOOK_SECRET, now - 3600)
        self._check_verified(False, "a callback of an hour ago", body, old)

    def _check_verified(
        self, genuine: bool, what: str, body: bytes, headers: Mapping[str, str]
    ) -> None:
        returned = self.provider.verify_callback(body, headers, WEBHOOK_SECRET)
        if returned is not genuine:
            fail(f"verify_callback returned {show(returned)} for {what}.")

    def _read(self, body: bytes | str) -> object:
        try:
            return self.provider.read_callback(body)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            return error
