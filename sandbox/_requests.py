"""What arrives at an emulator, kept for tests to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from attrs import frozen
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from ._faults import Reset


@frozen
class SeenRequest:
    """A request as it arrived, except that a key is never kept."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    authorised: bool

    @property
    def json(self) -> object:
        return json.loads(self.body)


def seen(scope: Scope, body: bytes) -> SeenRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    authorised = "authorization" in headers
    if authorised:
        scheme, space, _ = headers["authorization"].partition(" ")
        headers["authorization"] = f"{scheme} …" if space else "…"
    return SeenRequest(
        method=scope["method"],
        path=scope["path"].removeprefix(scope.get("root_path", "")),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        authorised=authorised,
    )


async def read(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":  # the client left before it had said all
            raise Reset
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def replay(body: bytes) -> Receive:
    """A `receive` that tells a body that was read already."""

    async def again() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def key_of(request: Request, scheme: str = "Bearer") -> str:
    given, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if given.lower() == scheme.lower() else ""


def account_of(key: str) -> str:
    """A name for the key's owner that does not give the key away."""
    return sha256(key.encode()).hexdigest()


def base_of(request: Request) -> str:
    """The address at which the emulator itself is reached, without a slash at the end."""
    # Not request.base_url: that is the address of the whole site, without the mount.
    host = request.headers.get("host", "localhost")
    return f"{request.url.scheme}://{host}{request.scope.get('root_path', '')}"


async def json_of(request: Request) -> object:
    """The body's JSON; None when it has none."""
    try:
        value: object = json.loads(await request.body())
    except ValueError:
        return None
    return value
