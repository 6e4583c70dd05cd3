"""The refusals of a service, as a table; what it leaves out is what HTTP itself has."""

from collections.abc import Mapping
from http.client import responses

from .schema import JSON

#: HTTP status, code and text of a refusal; without the code where the service has none.
Refusal = tuple[int, str] | tuple[int, int | str, str]

_USUAL: Mapping[str, Refusal] = {
    "key": (401, "The key is not valid"),
    "credit": (402, "The account has no credit left"),
    "rate_limit": (429, "Too many requests"),
    "error": (500, "Internal server error"),
    "no_such_task": (404, "Not found"),
}
#: The refusals that are others, unless a table has them, and their HTTP status.
_INSTEAD: Mapping[str, tuple[str, int | None]] = {
    "rate_limit_in_body": ("rate_limit", None),
    "maintenance": ("error", 503),
    "error_in_200": ("error", 200),
    "no_such_path": ("no_such_task", 404),
}


def look_up(table: Mapping[str, Refusal], reason: str) -> tuple[int, int | str | None, str]:
    """HTTP status, code and text of a refusal."""
    if reason not in table and reason in _INSTEAD:
        other, changed = _INSTEAD[reason]
        status, code, text = look_up(table, other)
        return changed or status, code, text
    row = table.get(reason) or _USUAL[reason]
    return (row[0], None, row[1]) if len(row) == 2 else row


def problem_details(status: int, code: int | str | None, text: str) -> JSON:
    """A refusal as problem JSON (RFC 9457), with the code, if there is one, beside its fields."""
    title = responses.get(status, "Error")
    body = {"type": "about:blank", "title": title, "status": status, "detail": text}
    return body if code is None else {**body, "code": code}
