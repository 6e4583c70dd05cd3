"""The hooks for plug-ins, and the marker for their implementations."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import frozen

from .provider import Provider

if TYPE_CHECKING:
    from .money import Price
    from .request import VideoRequest

#: The entry-point group, the prefix of the hooks, and the package: all have this name.
PROJECT = "kling26"

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker(PROJECT)
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker(PROJECT)

#: An ASGI application (https://asgi.readthedocs.io).
ASGIApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


@frozen
class Sandbox:
    """
    An emulator of a provider's HTTP API, for rehearsals and tests.

    `build` takes the conditions of the rehearsal (`kling26.sandbox.Conditions`: clock, speed,
    faults) and returns the emulator, which serves all of the provider's hosts by path. `uploads` is
    the path that replaces the provider's `upload_url`, if it has one ("" for the same root as
    `base_url`), and `balance` that of its `balance_url`; `hosts` are further URLs that it stands in
    for, such as a file store.
    """

    provider: str
    build: Callable[..., ASGIApp]
    uploads: str | None = None
    hosts: tuple[str, ...] = ()
    balance: str | None = None


@hookspec
def kling26_providers() -> Iterable[Provider]:  # type: ignore[empty-body]
    """
    Return the providers that this plug-in adds::

        @hookimpl
        def kling26_providers():
            return [Acme()]
    """


@hookspec
def kling26_sandboxes() -> Iterable[Sandbox]:  # type: ignore[empty-body]
    """
    Return the emulators that this plug-in brings::

        @hookimpl
        def kling26_sandboxes():
            return [Sandbox("acme", build=AcmeSandbox)]
    """


@hookspec
def kling26_before_paying(
    request: "VideoRequest", provider: Provider, price: "Price"
) -> str | None:
    """
    Judge whether a video may be paid for; return a sentence to forbid it, or else None.

    It is called before an image or the request is sent, also for dry runs and rehearsals; the
    provider may have been asked for the price.
    ``price.usd`` is None if the price is unknown. A plug-in that raises anything else than a
    `Kling26Error`, or takes longer than five seconds, forbids nothing::

        @hookimpl
        def kling26_before_paying(price):
            return "No more than half a dollar for a video." if (price.usd or 0) > 0.5 else None
    """


@hookspec
def kling26_submitted(task: object) -> None:
    """Take note that a provider has accepted a task, a `kling26.core.Task`: it is paid for now."""


@hookspec
def kling26_ended(task: object) -> None:
    """
    Take note that a task, a `kling26.core.Task`, has ended; ``task.state`` says how.

    It is "stored", "refused", "failed", "cancelled" or "unknown": an unknown task may go on, and
    then ends once more. ``task.sandbox`` says that it was a rehearsal, which cost nothing.
    """
