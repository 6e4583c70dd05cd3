"""Responses gone wrong: without a value, with another one, or malformed altogether."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx

#: The keys and indices that lead to a value in JSON.
Place = tuple[str | int, ...]

#: What may stand in place of any value.
VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 5.5, 10**400, "", "unheard-of", "x" * 5000, "{", "half \ud83d a pair",
    [], [None], {}, {"message": None},
)  # fmt: skip
#: What no API means to send.
MALFORMED: dict[str, bytes] = {
    "a web page": b"<!DOCTYPE html><html><title>Just a moment</title><h1>Checking</h1></html>",
    "an empty body": b"",
    "null": b"null",
    "an empty array": b"[]",
    "a JSON string": b'"ok"',
    "a number": b"7",
    "bytes that are not text": b"\xff\xfe\x00\xd8",
    "half an object": b'{"data": {"id": "task',
    "endless nesting": b'{"data":' * 50_000,
}


def spoilt(reply: httpx.Response) -> Iterator[tuple[str, httpx.Response]]:
    """Each value of a reply in turn left out and replaced by a wrong one, with what was done."""
    value = parsed(reply)
    if value is None:
        return
    for place in places(value):
        path = dotted(place)
        yield f"{path} is missing", _with(reply, without(value, place))
        for wrong in VALUES:
            shown = json.dumps(wrong)
            shown = shown if len(shown) < 40 else f"{shown[:20]}… ({len(shown)} characters)"
            yield f"{path} is {shown}", _with(reply, put(value, place, wrong))


def parsed(reply: httpx.Response) -> object:
    """The JSON object or array of a reply; None if it has neither."""
    try:
        value = json.loads(reply.content)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def places(value: object, place: Place = ()) -> list[Place]:
    """The places of all values below a JSON value."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = [way for key, part in inner for way in places(part, (*place, key))]
    return [place, *found] if place else found


def dotted(place: Place) -> str:
    """A place for people: "data.videos.0.url"."""
    return ".".join(map(str, place))


def at(value: Any, place: Place) -> Any:
    """What a JSON value has in a place."""
    for step in place:
        value = value[step]
    return value


def put(value: object, place: Place, wrong: object) -> object:
    """A copy of a JSON value with something else in a place."""
    changed = copy.deepcopy(value)
    at(changed, place[:-1])[place[-1]] = wrong
    return changed


def without(value: object, place: Place) -> object:
    """A copy of a JSON value with nothing in a place."""
    changed = copy.deepcopy(value)
    del at(changed, place[:-1])[place[-1]]
    return changed


def _with(reply: httpx.Response, value: object) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return httpx.Response(reply.status_code, headers=headers, content=json.dumps(value).encode())
