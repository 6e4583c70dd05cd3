"""ComfyUI's page, as far as the routes can tell: it asks, over the stand-in for the server."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from attrs import define, field

ORIGIN = "http://127.0.0.1:8188"
OURS = (("Host", "127.0.0.1:8188"), ("Origin", ORIGIN), ("Accept-Language", "en"))


class Headers:
    """Headers as aiohttp has them: without regard to case, and perhaps several of a name."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def items(self) -> Sequence[tuple[str, str]]:
        return self._pairs

    def get(self, name: str) -> str | None:
        return next((value for each, value in self._pairs if each.lower() == name.lower()), None)


@define
class Body:
    """A body that arrives in parts of so many bytes, and ends in an error, if there is one."""

    data: bytes
    part: int = 1000
    error: Exception | None = None

    async def read(self, most: int) -> bytes:
        if not self.data and self.error is not None:
            raise self.error
        length = min(most, self.part)
        part, self.data = self.data[:length], self.data[length:]
        return part


@define
class Page:
    """Asks the routes of a stand-in; `run` runs what they do."""

    comfyui: Any
    run: Callable[[Awaitable[Any]], Any]
    headers: Sequence[tuple[str, str]] = field(default=OURS)

    def get(self, path: str, **more: Any) -> Any:
        return self.run(self.ask("GET", path, **more))

    def post(self, path: str, body: object = None, **more: Any) -> Any:
        return self.run(self.ask("POST", path, body, **more))

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Sequence[tuple[str, str]] | None = None,
    ) -> Any:
        """The status and the JSON of an answer, or what it sends."""
        if not isinstance(body, Body):
            body = Body(b"" if body is None else json.dumps(body).encode())
        handler, parts = self._route(method, path)
        request = SimpleNamespace(
            match_info=parts,
            query=query or {},
            headers=Headers(self.headers if headers is None else headers),
            content=body,
        )
        return await handler(request)

    def _route(self, method: str, path: str) -> tuple[Any, dict[str, str]]:
        for (known, route), handler in self.comfyui.routes.items():
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route))
            if known == method and (found := re.fullmatch(pattern, path)):
                return handler, found.groupdict()
        raise AssertionError(f"There is no route {method} {path}.")
