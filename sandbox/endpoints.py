"""Where a request goes, in one line: ``GET /v1/videos/{id}`` or ``GET /tasks?task_id={id}``."""

import re
from collections.abc import Awaitable, Callable
from typing import Self
from urllib.parse import quote

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_LINE = re.compile(
    r"([A-Z]+) (/[^?\s]*)"
    r"(?:\?([^=&\s]+)=\{(ids?)\}(?:&([^=&\s]+)=\{external_ids\})?)?"
)  # fmt: skip


@frozen
class Endpoint:
    """
    A method and a path; the task's id is in the path, or in a parameter of the query.

    With ``{ids}`` there are several, separated by commas, and perhaps the client's own ids too:
    ``GET /tasks?ids={ids}&own={external_ids}``.
    """

    method: str
    path: str
    parameter: str | None
    several: bool
    own: str | None

    @classmethod
    def of(cls, line: str) -> Self:
        """The endpoint in a line; raises `ValueError` if there is none."""
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f'"{line}" is not like "GET /tasks/{{id}}" or "GET /tasks?id={{id}}".')
        method, path, parameter, kind, own = found.groups()
        return cls(method, path, parameter, kind == "ids", own)

    def route(self, handler: Callable[[Request], Awaitable[Response]]) -> Route:
        """The route that leads to the handler."""
        return Route(self.path, handler, methods=[self.method])

    def at(self, task_id: str) -> str:
        """The path, and the query, for a task."""
        path = self.path.replace("{id}", quote(task_id, safe=""))
        if self.parameter is None:
            return path
        return f"{path}?{self.parameter}={quote(task_id, safe='')}"

    def task_id(self, request: Request) -> str:
        """The task's id in a request; empty if there is none."""
        if self.parameter is None:
            return str(request.path_params.get("id", ""))
        return request.query_params.get(self.parameter, "")

    def task_ids(self, request: Request) -> tuple[list[str], list[str]]:
        """The ids of several tasks, and the client's own ids of others."""
        ids, own = (request.query_params.get(name or "", "") for name in (self.parameter, self.own))
        return ids.split(","), own.split(",")
