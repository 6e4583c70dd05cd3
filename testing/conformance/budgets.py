"""What flows do without: time, sockets, files, clocks, chance; and the key, wherever it shows."""

import base64
import contextlib
import io
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import httpx
import pytest

from ...core.provider import Flow
from ..conversation import next_request
from ..footprint import footprint
from ..samples import TASK, play, start
from ..usual import PROMPT, usual_request
from ..watch import CLOCK, Watch
from .base import copy_of
from .judging import fail, flow_name
from .manners import Manners

#: Nothing of this key is part of anything else.
TOLD = "kq8Told7LmN2vXrWz"
#: How much of a key must show to be found.
_PIECE = 8
#: What one flow may compute, in seconds of this thread: a hundred times what flows need.
_LONGEST = 0.25


class Budgets(Manners):
    """What a provider does without."""

    def test_no_flow_uses_more_than_its_replies(self) -> None:
        """
        Flows and functions use no socket, file, clock, chance or environment, and do not wait.

        What to do: yield an `httpx.Request` for what is on the network, and leave waiting to the
        runner. Only `sign` and `verify_callback` may look at a clock.
        """
        for name, call in self._calls():
            call()  # What is imported and read once, is there now.
            with Watch(self.provider) as watch:
                call()
            timed = name in ("sign", "verify_callback", "price")
            for found in watch.found:
                if not (timed and found.startswith(CLOCK)):
                    fail(f"{flow_name(name)} {found}.")

    def test_no_flow_computes_for_long(self) -> None:
        """
        A flow that computes holds up every other task.

        What to do: leave waiting to the runner, and work on pictures to the service.
        """
        for name, call in self._calls():
            spent = _seconds(call)
            # Once more, because now and then Python tidies up.
            if spent > _LONGEST and (spent := _seconds(call)) > _LONGEST:
                fail(f"{flow_name(name)} keeps the processor busy for {spent:.1f} s.")

    def test_nothing_tells_the_key(self) -> None:
        """
        The key is in no log, output, warning, error, ticket or status, and nowhere kept.

        What to do: put it on the request in `sign`, and use it for nothing else.
        """
        provider = copy_of(self.provider)
        with pytest.MonkeyPatch.context() as patch, _listening() as heard:
            for variable in provider.key_variables:
                patch.setenv(variable, TOLD)
            for key in (TOLD, f"{TOLD}:{TOLD}", TOLD[:_PIECE]):
                self._check_signing(provider, key)
            said = list(self._signed_outcomes(provider))
        for name, outcome in said:
            shown = f"{outcome!r} {outcome} {getattr(outcome, '__notes__', '')}"
            if _shows_key(shown):
                fail(f"{flow_name(name)} puts the key into what it returns or raises.")
        for where, text in heard().items():
            if _shows_key(text):
                fail(f"The key is in {where}: {_around(text)}")
        for place, value in footprint(provider).items():
            own = not place.startswith("os.environ")
            if own and _shows_key(f"{place} {value}" if isinstance(value, str) else place):
                fail(f"The key is kept in {place}.")

    def _signed_outcomes(self, provider: Any) -> Iterator[tuple[str, object]]:
        """What flows make of replies, and of refusals, to requests that are signed as usual."""
        no = [httpx.Response(status, json=body) for status, body in self._refusals().values()]
        for name in self._sampled():
            for replies in (self._replies(name), *([each] for each in no)):
                flow = start(provider, name, self._samples().ticket_of(name), self._image())
                try:
                    yield name, play(_signed(flow, provider), replies)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
                    yield name, error

    def _check_signing(self, provider: Any, key: str) -> None:
        request = httpx.Request("POST", f"{provider.base_url}/x", json={"prompt": PROMPT})
        try:
            provider.sign(request, key)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            if _shows_key(f"{error!r} {getattr(error, '__notes__', '')}"):
                fail(f"sign puts the key into an error: {type(error).__name__}.")

    def _calls(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Every flow with its sample replies, and every function of the provider."""
        provider = self.provider
        for name in self._sampled():
            yield name, partial(_quiet, self._playing(name))
        request = usual_request(self.provider, task=TASK)
        options = provider.Options()
        sent = httpx.Request("POST", f"{provider.base_url}/x", json={"prompt": PROMPT})
        functions: Mapping[str, Callable[[], object]] = {
            "check": lambda: provider.check(request, options),
            "price": lambda: provider.price(request, options),
            "sign": lambda: provider.sign(sent, TOLD),
            "recover_ticket": lambda: provider.recover_ticket('{"id": "a', request),
            "read_callback": lambda: [provider.read_callback(each) for each in self._called()],
            "verify_callback": lambda: provider.verify_callback(b"{}", {}, "c2VjcmV0"),
        }
        yield from ((name, partial(_quiet, call)) for name, call in functions.items())

    def _playing(self, name: str) -> Callable[[], object]:
        ticket, image, replies = self._samples().ticket_of(name), self._image(), self._replies(name)
        return lambda: play(start(self.provider, name, ticket, image), replies)

    def _called(self) -> list[bytes]:
        bodies = self._samples().callbacks
        return [httpx.Response(200, json=body).content for body in bodies]


def _signed(flow: Flow[object], provider: Any) -> Flow[object]:
    """The same flow; its requests have the key, as they have when the runner sends them."""
    reply: httpx.Response | None = None
    while True:
        try:
            request = next_request(flow, reply)
        except StopIteration as stop:
            return stop.value
        with contextlib.suppress(Exception):  # What that raises is judged by itself.
            provider.sign(request, TOLD)
        reply = yield request


def _quiet(call: Callable[[], object]) -> None:
    """What it raises is judged elsewhere."""
    with contextlib.suppress(Exception):
        call()


def _seconds(call: Callable[[], object]) -> float:
    """How long this thread computed: a busy machine makes that no longer."""
    before = time.thread_time()
    call()
    return time.thread_time() - before


@contextlib.contextmanager
def _listening() -> Iterator[Callable[[], Mapping[str, str]]]:
    """What is logged, printed and warned of meanwhile."""
    log, printed, root = io.StringIO(), io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(record=True) as warned,
        ):
            warnings.simplefilter("always")
            yield lambda: {
                "the log": log.getvalue(),
                "what is printed": printed.getvalue(),
                "a warning": " ".join(str(each.message) for each in warned),
            }
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def _shows_key(text: str) -> bool:
    spelled = (TOLD, TOLD[::-1], base64.b64encode(TOLD.encode()).decode(), TOLD.encode().hex())
    return any(
        each[at : at + _PIECE] in text for each in spelled for at in range(len(each) - _PIECE + 1)
    )


def _around(text: str) -> str:
    """The line with the key, without it."""
    line = next((line for line in text.splitlines() if _shows_key(line)), "")
    return line.replace(TOLD, "***")[:80]
