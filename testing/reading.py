"""Reading a cassette's file, whoever wrote it, and saying what is wrong with one."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ..core.text import sanitize

_VERSION = 1
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[misc]
    """Of a name that occurs twice, YAML would keep one, and say nothing of the other."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := _twice(names):
            line = node.start_mark.line + 1
            raise BadCassette(f'has "{sanitize(twice, 60)}" twice in what begins in line {line}')
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


class BadCassette(Exception):
    """A cassette that is not played or not saved; the text is a sentence that names the file."""


def read(path: Path) -> dict[str, Any]:
    """
    The metadata and the interactions of a cassette, each of them in full.

    Raises `BadCassette`, which says what is wrong with the file.
    """
    try:
        return whole(loaded(path.read_bytes().decode()))
    except BadCassette as error:
        raise BadCassette(f"{path} {error}.") from None
    except UnicodeDecodeError:
        raise BadCassette(f"{path} is not UTF-8.") from None
    except yaml.YAMLError as error:
        raise BadCassette(f"{path} is not the YAML of a cassette: {_words(error)}.") from None


def loaded(text: str) -> Any:
    """The YAML of a text; raises `BadCassette`, to follow its name, if it names something twice."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is safe.


def _words(error: yaml.YAMLError) -> str:
    problem = sanitize(getattr(error, "problem", None) or error, 120)
    mark = getattr(error, "problem_mark", None)
    return problem if mark is None else f"{problem}, in line {mark.line + 1}"


def whole(value: Any) -> dict[str, Any]:
    """A cassette with all that it may leave out; raises `BadCassette`, to follow its name."""
    if not value:
        raise BadCassette("is empty")
    if not isinstance(value, dict) or not isinstance(value.get("interactions"), list):
        raise BadCassette('is no cassette: it has no list of "interactions"')
    if not value["interactions"]:
        raise BadCassette("has no exchanges")
    if value.get("version", _VERSION) != _VERSION:
        version = sanitize(value["version"], 20)
        raise BadCassette(f"is of version {version}, and only version {_VERSION} is known here")
    metadata = value.get("metadata")
    exchanges = [
        {"request": _request(each, where), "response": _response(each, where)}
        for where, each in _numbered(value["interactions"])
    ]
    said = metadata if isinstance(metadata, dict) else {}
    return {**value, "metadata": said, "interactions": exchanges}


def _numbered(exchanges: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, each in enumerate(exchanges, 1):
        if not isinstance(each, dict):
            raise BadCassette(f"is no cassette: its exchange {number} is not an object")
        yield f"exchange {number}", each


def _request(each: Mapping[str, Any], where: str) -> dict[str, Any]:
    request = _part(each, "request", dict, where)
    where = f"the request of {where}"
    uri = _part(request, "uri", str, where)
    if not uri.lower().startswith(("http://", "https://")):
        raise BadCassette(f'is no cassette: the "uri" in {where} is not a URL')
    return {
        "method": _part(request, "method", str, where).upper(),
        "uri": uri,
        "headers": _headers(request, where),
        "body": _sent(request.get("body"), where),
    }


def _sent(body: Any, where: str) -> Any:
    """The body of a request, which may be a form."""
    if body is None or isinstance(body, str | bytes):
        _check_names(body or "", where)
        return body
    parts = body.get("form") if isinstance(body, dict) else None
    if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
        return {"form": parts}
    raise BadCassette(f'is no cassette: the "body" in {where} is neither text, bytes nor a "form"')


def _response(each: Mapping[str, Any], where: str) -> dict[str, Any]:
    response = _part(each, "response", dict, where)
    where = f"the response of {where}"
    status = _part(response, "status", dict, where)
    body = response.get("body") or {}
    string = body.get("string") if isinstance(body, dict) else body
    if string is not None and not isinstance(string, str | bytes):
        raise BadCassette(f'is no cassette: the "body" in {where} is neither text nor bytes')
    _check_names(string or "", where)
    return {
        "status": {
            "code": _part(status, "code", int, f"the status in {where}"),
            "message": str(status.get("message") or ""),
        },
        "headers": _headers(response, where),
        "body": {"string": string or ""},
    }


def _check_names(body: str | bytes, where: str) -> None:
    """Refuse JSON with a name that occurs twice: which of the two is meant cannot be told."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if twice := _twice([name for name, _ in pairs]):
            raise BadCassette(f'has "{sanitize(twice, 60)}" twice in the body of {where}')

    with suppress(ValueError, RecursionError):
        json.loads(body, object_pairs_hook=check)


def _twice(names: Sequence[str]) -> str | None:
    """The first name that occurs more than once."""
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _headers(message: Mapping[str, Any], where: str) -> dict[str, list[str]]:
    """The headers, with a list of values each."""
    headers = message.get("headers") or {}
    if not isinstance(headers, dict):
        raise BadCassette(f'is no cassette: the "headers" in {where} are not an object')
    return {
        str(name).lower(): [str(each) for each in (value if isinstance(value, list) else [value])]
        for name, value in headers.items()
    }


def _part(value: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    found = value.get(name)
    if isinstance(found, kind):
        return found
    what = "no" if found is None else "a wrong"
    raise BadCassette(f'is no cassette: {where} has {what} "{name}"')
