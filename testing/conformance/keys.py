"""The key is seen by nobody but `sign`, and goes nowhere but into a header."""

import io
import logging
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import httpx
import pytest

from ...core.provider import Provider
from ...core.status import Ticket
from ..emulation import SandboxLike
from ..secrets import Secrets
from ..usual import PROMPT
from ..wire_form import WireForm, changed, contains, wire_form
from .asking import Asked
from .base import copy_of
from .forms import Forms
from .judging import fail
from .submitting import KEY, send_all

#: Stands for a key: some are long.
SECRET = "k26-" + "-".join(f"{number:x}" for number in range(977, 1100))
#: Another key, of which only the last letter differs, and what keys of two parts begin with.
OTHER, NAME = f"{SECRET[:-1]}z", "conformance"
SECRETS = Secrets((SECRET, KEY))


class Keys(Forms):
    """What becomes of a key."""

    def test_only_sign_handles_the_key(self) -> None:
        """
        Flows have no key; `sign` puts it into a header and leaves the rest of the request alone.

        What to do: keep the key out of the flows; if the service wants it elsewhere than in the
        header Authorization, override `sign`.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(self.provider.key_variable, SECRET)
            for name in self._sampled():
                for request in self._requests(name):
                    form = wire_form(request)
                    if contains(form, SECRET):
                        fail(f"{name} puts the key on the request itself; only sign may do that.")
                    if "header.authorization" in form:
                        fail(f"{name} sets the header Authorization; only sign may do that.")
        self._check_sign()
        if self.sandbox is not None:
            self._check_kept(self.sandbox)

    def _check_kept(self, sandbox: SandboxLike) -> None:
        """Nothing of the key that a reply was asked with is kept, logged or printed."""
        asked = self._settled(Asked(self._plain()))
        if asked is None:
            return
        given = [(asked[0], self._taken(asked[0]))]
        outcomes: list[object] = []
        said = _said(
            lambda: outcomes.extend(
                each.outcome for each in send_all(self.provider, sandbox, given)
            )
        )
        for ticket in outcomes:
            if isinstance(ticket, Ticket):
                texts = (ticket.task_id, *ticket.data, *ticket.data.values())
                if any(SECRETS.knows(each) or SECRETS.knows(each[::-1]) for each in texts):
                    fail("submit puts the key into the ticket, which is kept in the journal.")
        if SECRETS.knows(said):
            fail("submit prints, logs or warns of the key, or of a part of it; say nothing of it.")

    def _check_sign(self) -> None:
        provider = copy_of(self.provider)
        request = httpx.Request("POST", f"{provider.base_url}/x", json={"prompt": PROMPT})
        before = wire_form(request)
        key = self._check_signs(provider, request, "the request")
        said = _said(lambda: provider.sign(request, key))
        after = wire_form(request)
        if SECRET in str(request.url):
            fail("sign puts the key into the URL, which ends up in logs; use a header.")
        holding = {name for name, value in request.headers.items() if SECRET in value}
        logged = holding & ({"user-agent", "referer"} | ({"cookie"} if len(holding) > 1 else set()))
        if logged:
            fail(f"sign puts the key into the header {min(logged)}, which is logged; take it out.")
        if SECRETS.knows(said):
            fail("sign prints, logs or warns of the key, or of a part of it; say nothing of it.")
        if any(not path.startswith("header.") for path in changed(before, after)):
            fail(f"sign changes {changed(before, after)[0]}; it may only set headers.")
        for asked in self._requests("balance") if "balance" in self._sampled() else ():
            self._check_signs(provider, asked, "a request of balance")
        if SECRET in repr(vars(provider)):
            fail("sign stores the key on the provider.")

    def _check_signs(self, provider: Provider, request: httpx.Request, what: str) -> str:
        """
        Two keys make two requests; a key that was accepted is returned.

        Some services take a name and a secret, and sign with them, or encode them.
        """
        problem = ""
        for one, other in ((SECRET, OTHER), (f"{NAME}:{SECRET}", f"{NAME}:{OTHER}")):
            try:
                forms = [_signed(provider, request, key) for key in (one, other)]
            except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
                problem = f"sign raises {type(error).__name__} for {what}, whatever the key is."
                continue
            if changed(*forms):
                return one
            problem = f"sign does not put the key on {what}."
        return fail(problem)


def _signed(provider: Provider, request: httpx.Request, key: str) -> WireForm:
    """A copy of a request with a key on it, all of its headers among the values."""
    copy = httpx.Request(
        request.method, request.url, headers=request.headers, content=request.content
    )
    _said(lambda: provider.sign(copy, key))
    headers = {f"header.{name}": value for name, value in copy.headers.items()}
    return {**wire_form(copy), **headers}


def _said(work: Callable[[], None]) -> str:
    """What is printed, logged at any level, or warned of while something is done."""
    text = io.StringIO()
    handler, root = logging.StreamHandler(text), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with (
            redirect_stdout(text),
            redirect_stderr(text),
            warnings.catch_warnings(record=True) as told,
        ):
            warnings.simplefilter("always")
            work()
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
    return "\n".join((text.getvalue(), *(str(each.message) for each in told)))
