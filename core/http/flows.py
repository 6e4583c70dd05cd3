"""Running a provider's flow, request by request, whatever the plug-in does."""

import logging
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from ..errors import Kling26Error, Unavailable
from ..provider import Flow, Provider
from ..text import sanitize

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("kling26")


async def drive(
    flow: Flow[T],
    send: Callable[[httpx.Request], Awaitable[httpx.Response]],
    provider: Provider,
    redact: Callable[[str], str],
) -> T:
    """
    What the flow returns.

    `send` gets its requests; `Unavailable` is raised inside the flow, any other error ends it. An
    exception of the plug-in itself becomes `UnexpectedReply`, and is logged after `redact`.
    """
    received: httpx.Response | Unavailable | None = None
    while True:
        try:
            request = _advance(flow, received)
        except StopIteration as stop:
            value: T = stop.value
            return value
        except Kling26Error:
            raise
        except BaseException as error:  # A panic in Rust is no `Exception`.
            if isinstance(error, KeyboardInterrupt) and _may_be_pressed():
                raise
            # A bug in the plug-in, which users can do nothing about.
            logger.info("The plug-in of %s: %s", provider.title, redact(sanitize(repr(error), 160)))
            reply = received.reply if isinstance(received, Unavailable) else received
            nothing = httpx.Response(0)
            raise provider.unexpected(
                nothing if reply is None else reply, "its plug-in cannot read it"
            ) from error
        try:
            received = await send(request)
        except Unavailable as error:
            received = error


def _may_be_pressed() -> bool:
    """Whether a `KeyboardInterrupt` may be the user's, who can interrupt the main thread only."""
    return threading.current_thread() is threading.main_thread()


def _advance(flow: Flow[T], received: httpx.Response | Unavailable | None) -> httpx.Request:
    """The flow's next request."""
    failed = isinstance(received, Unavailable)
    # None starts a generator.
    request = flow.throw(received) if failed else flow.send(received)  # type: ignore[arg-type]
    if not isinstance(request, httpx.Request):
        raise TypeError(f"a flow yields requests, not {type(request).__name__}")
    return request
