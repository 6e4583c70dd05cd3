"""The emulators over real HTTP, on a loopback port, for other programs and for tests."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Self

from attrs import evolve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.errors import SettingsError
from ..core.hookspecs import Sandbox
from .conditions import Conditions
from .faults import FAULTS, Fault, FaultName, Reset, fault_name
from .requests import json_of
from .schema import fields_of

HOST = "127.0.0.1"


class Site:
    """Emulators side by side, each under its provider's name, and a route to request faults."""

    def __init__(self, sandboxes: Iterable[Sandbox], conditions: Conditions) -> None:
        self.conditions: dict[str, Conditions] = {}
        self.apps: dict[str, ASGIApp] = {}
        self._sandboxes = list(sandboxes)
        for sandbox in self._sandboxes:
            # Each emulator has its own list, because a fault is requested of one provider.
            own = evolve(conditions, faults=list(conditions.faults))
            self.conditions[sandbox.provider] = own
            self.apps[sandbox.provider] = sandbox.build(own)
        self._router = Router(
            [
                Route("/", self._index),
                Route("/faults", self._add_fault, methods=["POST"]),
                Route("/faults", self._clear_faults, methods=["DELETE"]),
                *(Mount(f"/{name}", app) for name, app in self.apps.items()),
            ],
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._router(scope, receive, send)

    async def _index(self, request: Request) -> Response:
        url = f"{request.url.scheme}://{request.headers['host']}"
        providers = {
            sandbox.provider: {
                "url": f"{url}/{sandbox.provider}",
                "environment": environment(sandbox, url),
            }
            for sandbox in self._sandboxes
        }
        return JSONResponse({"providers": providers, "faults": FAULTS})

    async def _add_fault(self, request: Request) -> Response:
        fields = dict(fields_of(await json_of(request)))
        provider, name = str(fields.pop("provider", "")), str(fields.pop("fault", ""))
        if provider not in self.conditions:
            return _error(f'No provider "{provider}" is served here.')
        try:
            fault = Fault(fault_name(name), **fields)
        except (TypeError, ValueError) as error:
            return _error(str(error.args[0]))
        self.conditions[provider].faults.append(fault)
        return JSONResponse({"waiting": self._waiting()}, 201)

    async def _clear_faults(self, request: Request) -> Response:
        for conditions in self.conditions.values():
            conditions.faults.clear()
        return JSONResponse({"waiting": self._waiting()})

    def _waiting(self) -> dict[str, list[FaultName]]:
        """The names of the faults that have not shown yet, by provider."""
        return {
            provider: [fault.name for fault in conditions.faults]
            for provider, conditions in self.conditions.items()
        }


def build_site(sandboxes: Iterable[Sandbox], conditions: Conditions | None = None) -> Site:
    """The site of these emulators, as an ASGI application."""
    return Site(sandboxes, Conditions() if conditions is None else conditions)


def environment(sandbox: Sandbox, server_url: str) -> dict[str, str]:
    """The environment variables that point a client at an emulator on a server."""
    name = sandbox.provider.upper().replace("-", "_")
    url = f"{server_url.rstrip('/')}/{sandbox.provider}"
    paths = {"BASE": "", "UPLOAD": sandbox.uploads, "BALANCE": sandbox.balance}
    return {f"{name}_{what}_URL": url + path for what, path in paths.items() if path is not None}


class Server:
    """
    Serves a site on a loopback port for as long as the `with` block lasts.

    Needs uvicorn, which the extra "serve" installs; raises `SettingsError` without it.

    Port 0 picks a free one. `url` is where the site is, without a trailing slash. `protocol` is
    uvicorn's side of a connection, for whoever wants to see them come and go.
    """

    def __init__(
        self, site: ASGIApp, port: int = 0, protocol: type[asyncio.Protocol] | None = None
    ) -> None:
        self._site, self._port, self._protocol = site, port, protocol
        self.url: str = ""

    def __enter__(self) -> Self:
        uvicorn = _uvicorn()
        listening = socket.create_server((HOST, self._port))
        self.url = f"http://{HOST}:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            self._site,
            http=self._protocol or dropping_protocol(),
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), name="kling26 sandbox", daemon=True
        )
        self._thread.start()
        while self._thread.is_alive() and not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    def wait(self) -> None:
        """Return when the server ends; an interrupt by the user ends the wait, too."""
        # In short waits, because some systems cannot interrupt an indefinite one.
        while self._thread.is_alive():
            self._thread.join(0.5)


def serve(site: ASGIApp, port: int = 0, ready: Callable[[str], object] = lambda url: None) -> None:
    """Serve until interrupted, after calling `ready` with the server's URL."""
    with Server(site, port) as server:
        ready(server.url)
        server.wait()


def _uvicorn() -> ModuleType:
    """uvicorn, which only serving needs; raises `SettingsError` where it is not installed."""
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise SettingsError(
            "The emulators are served with uvicorn, which is not installed here. It comes with "
            'the extra "serve": run pip install ".[serve]" in your clone of kling26.'
        ) from error
    return uvicorn


def dropping_protocol() -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol, except that a `Reset` drops the TCP connection."""
    _uvicorn()
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class DroppingProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app = _dropping(self.app, transport)

    return DroppingProtocol


def _dropping(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def dropping(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, watch)
        except Reset:
            # uvicorn closes the connection of a response that has begun and is incomplete, and
            # what was written still arrives; `abort` might lose it.
            if not started:
                transport.abort()
                await asyncio.sleep(0)  # Lets uvicorn notice.

    return dropping


def _error(text: str) -> Response:
    return JSONResponse({"error": text}, 400)
