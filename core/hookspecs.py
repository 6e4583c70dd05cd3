"""The two hooks for plug-ins, and the marker for their implementations."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import pluggy
from attrs import frozen

from .provider import Provider

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
    `base_url`); `hosts` are further URLs that it stands in for, such as a file store.
    """

    provider: str
    build: Callable[..., ASGIApp]
    uploads: str | None = None
    hosts: tuple[str, ...] = ()


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
