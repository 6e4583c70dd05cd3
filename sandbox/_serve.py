"""The emulators over real HTTP, on a loopback port, for other tools and for tests."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from attrs import evolve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.hookspecs import Sandbox
from ._conditions import Conditions
from ._faults import FAULTS, Fault, FaultName, Reset
from ._requests import json_of
from ._schema import fields_of

HOST = "127.0.0.1"

#: Built-in providers whose uploads live on a host of their own, and where that is on theirs.
UPLOADS = {"kie": "", "apikley": "/file-upload"}


class Site:
    """Emulators side by side, each under its provider's name, and a way to order faults."""

    def __init__(self, sandboxes: Iterable[Sandbox], conditions: Conditions) -> None:
        self.conditions: dict[str, Conditions] = {}
        self.apps: dict[str, ASGIApp] = {}
        self._uploads: dict[str, str | None] = {}
        for sandbox in sandboxes:
            # Every emulator has its own list of faults: a fault is ordered from one provider.
            own = evolve(conditions, faults=list(conditions.faults))
            self.conditions[sandbox.provider] = own
            self.apps[sandbox.provider] = sandbox.build(own)
            self._uploads[sandbox.provider] = sandbox.uploads
        self._router = Router(
            [
                Route("/", self._contents),
                Route("/faults", self._order, methods=["POST"]),
                Route("/faults", self._forget, methods=["DELETE"]),
                *(Mount(f"/{name}", app) for name, app in self.apps.items()),
            ],
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._router(scope, receive, send)

    async def _contents(self, request: Request) -> Response:
        url = f"{request.url.scheme}://{request.headers['host']}"
        providers = {
            name: {"url": f"{url}/{name}", "environment": addresses(name, url, uploads)}
            for name, uploads in self._uploads.items()
        }
        return JSONResponse({"providers": providers, "faults": FAULTS})

    async def _order(self, request: Request) -> Response:
        order = dict(fields_of(await json_of(request)))
        provider, name = str(order.pop("provider", "")), str(order.pop("fault", ""))
        if provider not in self.conditions:
            return _no(f'No provider "{provider}" is served here.')
        if name not in FAULTS:
            return _no(f'There is no fault "{name}".')
        try:
            fault = Fault(name, **order)
        except (TypeError, ValueError) as error:
            return _no(str(error.args[0]))
        self.conditions[provider].faults.append(fault)
        return JSONResponse({"waiting": self._waiting()}, 201)

    async def _forget(self, request: Request) -> Response:
        for conditions in self.conditions.values():
            conditions.faults.clear()
        return JSONResponse({"waiting": self._waiting()})

    def _waiting(self) -> dict[str, list[FaultName]]:
        """The names of the faults that have not shown yet."""
        return {
            provider: [fault.name for fault in conditions.faults]
            for provider, conditions in self.conditions.items()
        }


def build_site(sandboxes: Iterable[Sandbox], conditions: Conditions | None = None) -> Site:
    return Site(sandboxes, Conditions() if conditions is None else conditions)


def addresses(provider: str, server_url: str, uploads: str | None = None) -> dict[str, str]:
    """
    The environment variables that point a client at the emulator on a server.

    `uploads` is that of a plug-in's `Sandbox`: without it, pictures would go to the live API.
    """
    name, url = provider.upper().replace("-", "_"), f"{server_url.rstrip('/')}/{provider}"
    variables = {f"{name}_BASE_URL": url}
    uploads = UPLOADS.get(provider) if uploads is None else uploads
    if uploads is not None:
        variables[f"{name}_UPLOAD_URL"] = url + uploads
    return variables


class Server:
    """
    A site on a loopback port, for as long as the `with` block lasts.

    Port 0 takes a free one; `url` says which.
    """

    def __init__(self, site: ASGIApp, port: int = 0) -> None:
        self._site, self._port = site, port
        self.url = ""

    def __enter__(self) -> Self:
        import uvicorn

        listening = socket.create_server((HOST, self._port))
        self.url = f"http://{HOST}:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            self._site,
            http=dropping_protocol(),
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
        """Until the server ends, or the user interrupts it."""
        while self._thread.is_alive():  # In short waits: some systems interrupt no other.
            self._thread.join(0.5)


def serve(site: ASGIApp, port: int = 0, ready: Callable[[str], object] = lambda url: None) -> None:
    """Serve until interrupted; `ready` is told the address."""
    with Server(site, port) as server:
        ready(server.url)
        server.wait()


def dropping_protocol() -> type[asyncio.Protocol]:
    """uvicorn's HTTP, in which a `Reset` before an answer drops the TCP connection."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class DroppingProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app = _dropping(self.app, transport)

    return DroppingProtocol


def _dropping(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def dropping(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, note)
        except Reset:
            # Once it has begun, uvicorn closes the connection of an answer that is not whole,
            # and what was written still arrives; `abort` might lose it.
            if not started:
                transport.abort()
                await asyncio.sleep(0)  # so that uvicorn learns of it

    return dropping


def _no(text: str) -> Response:
    return JSONResponse({"error": text}, 400)
