"""Requests as an emulator receives them, and as it records them for tests."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256

from attrs import frozen
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from .faults import Reset

#: The key in a query, where it is called that.
_KEY = re.compile("(^|&)key=[^&]*")


@frozen
class SeenRequest:
    """A request as it arrived, but without its key."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    #: Whether there was an Authorization header.
    authorised: bool

    @property
    def json(self) -> object:
        return json.loads(self.body)


def record(scope: Scope, body: bytes) -> SeenRequest:
    """The request of an ASGI scope, with the key struck out of its headers and its query."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    authorised = "authorization" in headers
    if authorised:
        scheme, space, _ = headers["authorization"].partition(" ")
        headers["authorization"] = f"{scheme} …" if space else "…"
    return SeenRequest(
        method=scope["method"],
        path=path_of(scope),
        query=_KEY.sub(r"\1key=…", scope["query_string"].decode("latin-1")),
        headers=headers,
        body=body,
        authorised=authorised,
    )


def path_of(scope: Scope) -> str:
    """The path below the emulator's own URL."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


async def read_body(receive: Receive) -> bytes:
    """The whole body; raises Reset if the client disconnects before it has sent all of it."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Reset
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def replay(body: bytes) -> Receive:
    """A `receive` that returns a body which has already been read."""

    async def again() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def key_of(request: Request, scheme: str = "Bearer") -> str:
    """The key in the Authorization header; empty if there is none under this scheme."""
    given, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if given.lower() == scheme.lower() else ""


def account_of(key: str) -> str:
    """An id of the key's owner that does not reveal the key."""
    return sha256(key.encode()).hexdigest()


def base_of(request: Request) -> str:
    """The emulator's own URL, as the client reached it, without a trailing slash."""
    # Not request.base_url, which is that of the whole site and lacks the mount's path.
    host = request.headers.get("host", "localhost")
    return f"{request.url.scheme}://{host}{request.scope.get('root_path', '')}"


async def json_of(request: Request) -> object:
    """The body's JSON; None if the body is not JSON."""
    try:
        value: object = json.loads(await request.body())
    except ValueError:
        return None
    return value
