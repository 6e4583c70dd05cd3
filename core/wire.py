"""
Reading replies: tolerant of new fields, strict about types.

By default, cattrs would turn ``null`` into "None" and "false" into True; here, types must match. A
provider's module describes its replies as attrs classes and calls `Provider.read`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import attrs

from .status import State
from .text import bare_url, sanitize

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

#: The maximum size of an API's answer, in bytes.
MAX_REPLY = 1_000_000
#: How deep a value is searched, counting JSON inside strings.
_DEPTH = 8
#: Some servers leave blanks in a file's name as they are.
_URL = re.compile(r"https?://\S+(?: [^\s:]+)*", re.IGNORECASE)
_BETWEEN_URLS = re.compile(r"(?<=\S)\s+(?=https?://)", re.IGNORECASE)
_PICTURE = re.compile(r"[^?#]*\.(avif|gif|jpe?g|png|webp)([?#].*)?", re.IGNORECASE)


class _Mismatch(ValueError):
    """A value of the wrong JSON type."""


def _exactly(kind: type) -> Callable[[object, object], object]:
    def structure(value: object, _: object) -> object:
        if type(value) is not kind:
            raise _Mismatch(f"expected {_JSON_NAMES[kind]}, got {_json_name(value)}")
        return value

    return structure


def _number(value: object, _: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Mismatch(f"expected a number, got {_json_name(value)}")
    try:
        return float(value)
    except OverflowError:
        raise _Mismatch("the number is too large") from None


_JSON_NAMES: dict[type, str] = {
    str: "a string", int: "an integer", bool: "true or false", dict: "an object",
}  # fmt: skip


def _json_name(value: object) -> str:
    names = {list: "an array", float: "a number", type(None): "null"}
    return (_JSON_NAMES | names).get(type(value), type(value).__name__)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


@cache
def _converter() -> "Converter":
    # Imported with the first reply, so that it does not slow down the start of ComfyUI.
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(detailed_validation=True)
    for kind in (str, int, bool, dict):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _number)

    @converter.register_structure_hook_factory(attrs.has)
    def _object(cls: Any) -> Callable[[object, object], object]:
        fields = make_dict_structure_fn(cls, converter)

        def structure(value: object, hint: object) -> object:
            if not isinstance(value, Mapping):
                raise _Mismatch(f"expected an object, got {_json_name(value)}")
            return fields(value, hint)

        return structure

    @converter.register_structure_hook_factory(_is_list)
    def _list(kind: Any) -> Callable[[object, object], object]:
        (item,) = get_args(kind)

        def structure(value: object, _: object) -> object:
            if not isinstance(value, list):
                raise _Mismatch(f"expected an array, got {_json_name(value)}")
            return [converter.structure(each, item) for each in value]

        return structure

    return converter


def structure(value: object, cls: type[T], path: str = "reply") -> T:
    """
    `value` (parsed JSON) as an instance of the attrs class `cls`, or as it is for `dict`.

    Raises `ValueError`, which says what does not fit, and where below `path`.
    """
    from cattrs import BaseValidationError, transform_error

    try:
        return _converter().structure(value, cls)
    except BaseValidationError as error:
        problems = transform_error(error, path=path, format_exception=_words)
        raise ValueError("; ".join(problems)) from error
    except ValueError as error:
        raise ValueError(f"{error} @ {path}") from error


def _words(error: BaseException, kind: type | None) -> str:
    if isinstance(error, KeyError):
        return "missing"
    return str(error)


def parse(text: bytes | str) -> object:
    """
    Parsed JSON, with None for a number that is none.

    Raises `ValueError`, also for JSON that is nested too deeply.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "replace")
        value: object = json.loads(text, parse_constant=_nothing, parse_float=_finite)
        if "\\ud" in text.lower():  # No database accepts a lone surrogate.
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    return value


def _nothing(_: str) -> None:
    """NaN and Infinity are not JSON, but what is next to them counts."""


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if isfinite(value) else None


# -- values that are read with care, because services spell them in more than one way --------------


def get(value: object, *names: str) -> Any:
    """
    What is in an object, or in objects within it, under these names; None if nothing is.

    An object may also be JSON inside a string, even if encoded several times.

    >>> get({"result": '{"urls": [1]}'}, "result", "urls")
    [1]
    """
    for name in names:
        inner = _unpacked(value)
        value = inner.get(name) if isinstance(inner, Mapping) else None
    return value


def objects(value: object) -> list[Mapping[str, Any]]:
    """
    The objects in an array, or the one that is there instead of it; no others.

    >>> objects([{"id": 1}, None, {"id": 2}]), objects({"id": 1}), objects("no")
    ([{'id': 1}, {'id': 2}], [{'id': 1}], [])
    """
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, Mapping)]


def find_object(value: object, *names: str) -> Mapping[str, Any] | None:
    """
    The object with one of these fields: `value` itself, or one that it wraps in "data".

    The first name counts most. An array with a single object is like that object.

    >>> find_object({"code": 0, "data": {"data": {"state": "done"}}}, "state")
    {'state': 'done'}
    """
    wrapped: list[Mapping[str, Any]] = []
    while isinstance(value := _alone(_unpacked(value)), Mapping) and len(wrapped) < _DEPTH:
        wrapped.append(value)
        value = value.get("data")
    return next((each for name in names for each in wrapped if name in each), None)


def _alone(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def find_url(*values: object) -> str | None:
    """The first URL in the first of these values that contains one; None if none does."""
    return next((url for value in values for url in _urls(value, _DEPTH)), None)


def find_video(*values: object) -> str | None:
    """
    `find_url` for a video: the documented place first, then whatever contains it.

    URLs that end like a picture's are skipped, and those in objects whose "type" is that of
    a picture or a sound, unless there is nothing else.

    >>> find_video(None, {"cover": "https://a.example/1.jpg", "clip": ["https://a.example/1.mp4"]})
    'https://a.example/1.mp4'
    """
    typed = (url for value in values for url in _urls(value, _DEPTH, videos=True))
    other = (url for value in values for url in _urls(value, _DEPTH))
    return next((url for url in chain(typed, other) if not _PICTURE.fullmatch(url)), None)


def _urls(value: object, depth: int, videos: bool = False) -> Iterator[str]:
    """The URLs in strings, arrays and objects, in their order; of `videos` alone, if types tell."""
    if isinstance(value, str):
        pieces = [bare_url(piece) for piece in _BETWEEN_URLS.split(value)]
        if all(map(_URL.fullmatch, pieces)):
            yield from (piece.replace(" ", "%20") for piece in pieces)
            return
    inner = _unpacked(value)
    if videos and isinstance(inner, Mapping) and inner.get("type") in ("image", "audio"):
        return
    parts = list(inner.values()) if isinstance(inner, Mapping) else inner
    if depth and isinstance(parts, list):
        for part in parts:
            yield from _urls(part, depth - 1, videos)


def _unpacked(value: object) -> object:
    """What is in a string that contains JSON, even if encoded several times; else the value."""
    for _ in range(_DEPTH):
        if not isinstance(value, str):
            break
        try:
            value = parse(value)
        except ValueError:
            break
    return value


def state(said: object, known: Mapping[str, State]) -> State | None:
    """Our name for a state; case and surrounding blanks do not count. None if it is not known."""
    if not isinstance(said, str):
        return None
    spelled = said.strip().casefold()
    return next((state for name, state in known.items() if name.casefold() == spelled), None)


def text(value: object) -> str | None:
    """A reason or code, sent as a string or a number; None if empty or of another type."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return sanitize(value, 1000) or None
    return None


def identifier(value: object) -> str | None:
    """
    A task's id, sent as a string or a whole number; None if it is neither, or empty.

    A number with a fraction or an exponent is no id: JSON libraries round those.

    >>> identifier(1234567890123456789), identifier(" task-1 "), identifier(1e18)
    ('1234567890123456789', 'task-1', None)
    """
    if type(value) is int and value > 0:
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def find_identifier(fragment: str, name: str) -> str | None:
    """
    The id called `name` in a fragment of JSON; a number counts only if its end is there, too.

    >>> find_identifier('{"id": 12, "sta', "id"), find_identifier('{"id": 12', "id")
    ('12', None)
    """
    value = r'(?:"([^"\\\x00-\x1f\ufffd]+)"|([1-9][0-9]*)(?=[\s,}\]]))'
    for found in re.finditer(rf'"{re.escape(name)}"\s*:\s*{value}', fragment):
        if (task_id := identifier(found[1] or found[2])) is not None:
            return task_id
    return None


def integer(value: object) -> int | None:
    """An optional whole number, such as a place in a queue; None if of another type."""
    return value if type(value) is int else None


def number(value: object) -> float | None:
    """An optional number, such as a cost, possibly sent as a string; None if it is not one."""
    try:
        found = float(value) if isinstance(value, str) else _number(value, float)
    except ValueError:
        return None
    return found if isfinite(found) else None
