"""
Options: attrs classes whose fields carry their own label, help and bounds.

Each field is described once; the validation, the node's widgets and the command line's help are
generated from it, and the tables in the documentation are checked against it.
"""

import json
import re
import types
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from math import isfinite
from typing import Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen

from .errors import OptionRefused
from .text import did_you_mean, join_words, sanitize

_METADATA = "kling26.option"
#: What JSON or a database cannot hold: NUL, and lone surrogates.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and isfinite(value)


def _finite(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None and not is_number(value):
        raise ValueError(f"{attribute.name} must be a finite number; got {show(value)}.")


@frozen
class Bounds:
    """The bounds of an option's value, beyond its type; None and () mean unbounded."""

    minimum: float | None = attrs.field(default=None, validator=_finite)
    maximum: float | None = attrs.field(default=None, validator=_finite)
    step: float | None = attrs.field(default=None, validator=_finite)
    max_length: int | None = None
    choices: tuple[str | int, ...] = ()


@frozen
class OptionInfo:
    """What users see of an option, collected from its field."""

    name: str
    label: str
    help: str
    type: type
    optional: bool
    choices: tuple[str | int, ...]
    default: object
    bounds: Bounds
    multiline: bool
    advanced: bool

    def allowed(self) -> str:
        """The accepted values, in words."""
        if self.choices:
            return join_words(self.choices)
        if self.bounds.minimum is not None and self.bounds.maximum is not None:
            return f"{_number(self.bounds.minimum)} to {_number(self.bounds.maximum)}"
        if self.bounds.max_length is not None:
            return f"up to {self.bounds.max_length} characters"
        return _TYPE_NAMES.get(self.type, self.type.__name__)

    def requirement(self) -> str:
        """The accepted values, worded to follow "must be"."""
        if self.bounds.minimum is not None and self.bounds.maximum is not None:
            return f"between {_number(self.bounds.minimum)} and {_number(self.bounds.maximum)}"
        if self.bounds.max_length is not None:
            return f"at most {self.bounds.max_length} characters long"
        return self.allowed()


_TYPE_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    dict: "a JSON object",
}


def option(
    default: Any = attrs.NOTHING,
    *,
    label: str,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    max_length: int | None = None,
    choices: tuple[str | int, ...] = (),
    multiline: bool = False,
    advanced: bool = False,
    **field: Any,
) -> Any:
    """
    An attrs field that carries its label, its help and the values it accepts.

    `label` and `help` are shown to users; `minimum` and `maximum` are inclusive; `max_length` is in
    characters; `advanced` options may be collapsed. Other arguments go to `attrs.field`.

    For an enumeration, make the field's type a ``Literal["plain", "film"]``. `choices` is for
    fields whose values callers compute, which type checkers would not accept as a `Literal`.

    >>> @frozen
    ... class AcmeOptions:
    ...     style: Literal["plain", "film"] = option("plain", label="Style", help="The look.")
    >>> [info.name for info in options_of(AcmeOptions)]
    ['style']
    """
    bounds = Bounds(minimum, maximum, step, max_length, choices)
    shown = option_metadata(label, help, bounds, multiline=multiline, advanced=advanced)
    return attrs.field(default=default, metadata=shown, **field)


def option_metadata(
    label: str,
    help: str,
    bounds: Bounds = Bounds(),
    *,
    multiline: bool = False,
    advanced: bool = False,
) -> dict[str, object]:
    """
    The metadata that turn any attrs field into an option.

    For fields with a converter: type checkers infer its argument only from a plain `attrs.field`.
    """
    facts = {"label": label, "help": help, "bounds": bounds,
             "multiline": multiline, "advanced": advanced}  # fmt: skip
    return {_METADATA: facts}


@frozen
class NoOptions:
    """The options class of a provider that has only the shared options."""


def is_option(field: "attrs.Attribute[Any]") -> bool:
    """Whether a field of an attrs class is an option."""
    return _METADATA in field.metadata


def options_of(options: type) -> Iterator[OptionInfo]:
    """Each option of an options class, in the order of its fields."""
    yield from _options_of(options)


@lru_cache
def _options_of(options: type) -> tuple[OptionInfo, ...]:
    """Read once: annotations that are texts take long."""
    return tuple(_read_options(options))


def _read_options(options: type) -> Iterator[OptionInfo]:
    hints = get_type_hints(options)
    for field in attrs.fields(options):
        facts = field.metadata.get(_METADATA)
        if facts is None:
            continue
        kind, named, optional = _parse_hint(hints[field.name])
        choices = named or facts["bounds"].choices
        default = None if field.default is attrs.NOTHING else field.default
        yield OptionInfo(field.name, type=kind, choices=choices, optional=optional,
                         default=default, **facts)  # fmt: skip


def option_info(options: type, name: str) -> OptionInfo:
    """The option called `name`."""
    return next(info for info in options_of(options) if info.name == name)


def _parse_hint(hint: Any) -> tuple[type, tuple[str | int, ...], bool]:
    """A field's annotation as (type, choices, may be None)."""
    union = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    arms = [arm for arm in union if arm is not type(None)]
    optional = len(arms) < len(union)
    if len(arms) > 1:  # A field with several types, such as an image, has a check of its own.
        return object, (), optional
    hint = arms[0]
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        return type(choices[0]), choices, optional
    return get_origin(hint) or hint, (), optional


def check_values(
    values: object, title: str, provider: str | None = None, apart: Container[str] = ()
) -> None:
    """
    Check an options object against its own fields, but for those with a check `apart`.

    Raises `OptionRefused`: "kie.ai: sound must be true or false; got 1."
    """
    for info in options_of(type(values)):
        value = getattr(values, info.name)
        if info.name not in apart and not _fits(info, value):
            text = f"{title}: {info.name} {_objection(info, value)}"
            raise OptionRefused(text, option=info.name, provider=provider)


def _objection(info: OptionInfo, value: object) -> str:
    """What is wrong with a value that does not fit, worded to follow the option's name."""
    odd = None if info.choices else _odd_character(info.type, value)
    if odd is not None:
        name = "NUL" if odd == "\0" else "half of a surrogate pair"
        return f"must not contain the character U+{ord(odd):04X} ({name})."
    hint = did_you_mean(str(value), map(str, info.choices)) if info.type is str else ""
    return f"must be {info.requirement()}; got {_shown(info, value)}{hint or '.'}"


def _odd_character(kind: type, value: object) -> str | None:
    """The first character that cannot be kept, of a value that is of the right kind otherwise."""
    text = value if kind is str and isinstance(value, str) else ""
    if kind is dict and isinstance(value, Mapping):
        with suppress(TypeError, ValueError, RecursionError):
            text = json.dumps(dict(value), ensure_ascii=False)
    found = _UNWRITABLE.search(text)
    return None if found is None else found[0]


def _fits(info: OptionInfo, value: object) -> bool:
    if value is None:
        return info.optional
    if info.type is object:
        return True
    if info.choices:
        return any(value == choice and type(value) is type(choice) for choice in info.choices)
    if info.type is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = type(value) is info.type or (info.type is dict and isinstance(value, Mapping))
    return fits and _is_json(value) and _within(info.bounds, value)


def _is_json(value: object) -> bool:
    """Whether JSON and every database can hold it: no lone surrogates, NUL, NaN or objects."""
    if isinstance(value, str) and "\0" in value:
        return False
    try:
        plain = dict(value) if isinstance(value, Mapping) else value
        json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _within(bounds: Bounds, value: Any) -> bool:
    if bounds.minimum is not None and not value >= bounds.minimum:
        return False
    if bounds.maximum is not None and not value <= bounds.maximum:
        return False
    return bounds.max_length is None or len(value) <= bounds.max_length


def _shown(info: OptionInfo, value: object) -> str:
    """The offending value; for a text that is too long, its length."""
    longest = info.bounds.max_length
    if isinstance(value, str) and longest is not None and len(value) > longest:
        return str(len(value))
    return show(value)


def show(value: object) -> str:
    """A value as error messages quote it: on one line, shortened, strings in quotation marks."""
    return f'"{sanitize(value, 60)}"' if isinstance(value, str) else sanitize(value, 60)


def build_options(
    options: type,
    given: Mapping[str, object],
    title: str,
    provider: str | None = None,
    shared: Iterable[str] = (),
) -> object:
    """
    The options object for values given by name; strings are parsed according to the field's type.

    Raises `OptionRefused` for an unknown name, which may be a misspelt `shared` one, or an invalid
    value.
    """
    known = {info.name: info for info in options_of(options)}
    for name in given:
        if name not in known:
            names = f"it has {join_words(known, 'and')}" if known else "it has none of its own"
            others = did_you_mean(name, [*known, *shared]) or f"; {names}."
            raise OptionRefused(
                f'{title} has no option "{sanitize(name, 60)}"{others}',
                option=name,
                provider=provider,
            )
    built: object = options(**{name: _read(known[name], given[name]) for name in given})
    check_values(built, title, provider)
    return built


def _read(info: OptionInfo, value: object) -> object:
    """A value from the command line or a widget, converted to the field's type if possible."""
    if isinstance(value, str) and info.type is not str:
        value = _from_text(info, value)
    if info.type is float and type(value) is int:
        with suppress(OverflowError):
            return float(value)
    return value


def _from_text(info: OptionInfo, text: str) -> object:
    if text == "" and info.optional:
        return None
    try:
        # Python, and so many scripts, spell it "True".
        return json.loads(text.lower() if info.type is bool else text)
    except (ValueError, RecursionError):
        return text


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
