"""
All that the code of a provider can reach between two flows, so that two moments can be compared.

Followed are the object, its class and the classes below `Provider`, their functions with what these
close over, and the names of their modules that they use: not those that only an emulator uses.
"""

import contextvars
import functools
import os
import random
import sys
import sysconfig
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..core.provider import Provider

#: More than this is no memory of tasks, and would take too long.
_MOST, _DEPTH = 20_000, 14
_FOLDERS = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")}
#: These are not of the plug-in, wherever they are installed.
_FOREIGN = {
    "kling26",
    "httpx",
    "attr",
    "attrs",
    "cattrs",
    "pytest",
    "_pytest",
    *sys.stdlib_module_names,
}
_PLAIN = (str, int, float, bytes, bool, complex, type(None))

Footprint = Mapping[str, object]


def footprint(provider: Provider) -> Footprint:
    """Every value that may be kept from one flow to the next, under the place where it is."""
    walk = _Walk(provider)
    walk.visit("provider", provider, 0)
    for name, value in vars(Provider).items():
        if not callable(value) and not name.startswith("__"):
            walk.found[f"Provider.{name}"] = repr(value)
    walk.found |= {f"os.environ[{name!r}]": value for name, value in os.environ.items()}
    walk.found["the working folder"] = os.getcwd()
    return walk.found


def differences(before: Footprint, after: Footprint) -> list[str]:
    """The places that differ, those that are new last."""
    changed = [place for place in before if after.get(place) != before[place]]
    return changed + [place for place in after if place not in before]


class _Walk:
    def __init__(self, provider: Provider) -> None:
        self._own = own_modules(provider)
        self.found: dict[str, object] = {}
        self._seen: dict[int, object] = {}  # Kept alive, so that no id is used twice.

    def visit(self, place: str, value: Any, depth: int) -> None:
        if isinstance(value, _PLAIN) and not isinstance(value, Enum):
            self.found[place] = value
            return
        if id(value) in self._seen or depth > _DEPTH or len(self.found) > _MOST:
            return
        self._seen[id(value)] = value
        for where, inner in self._parts(place, value):
            self.visit(where, inner, depth + 1)

    def _parts(self, place: str, value: Any) -> Iterator[tuple[str, object]]:
        """What a value consists of, each with its place."""
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        if hasattr(value, "cache_info"):
            kept = value.cache_info()
            self.found[f"the cache of {_name(value)}"] = (kept.currsize, kept.misses)
            yield place, value.__wrapped__
        elif isinstance(value, FunctionType):
            yield from self._parts_of_function(value)
        elif isinstance(value, property | functools.cached_property):
            yield place, getattr(value, "fget", None) or getattr(value, "func", None)
        elif isinstance(value, functools.partial):
            yield from ((place, part) for part in (value.func, value.args, value.keywords))
        elif isinstance(value, type):
            yield from self._parts_of_class(value)
        elif isinstance(value, contextvars.ContextVar):
            yield f"the context variable {value.name}", value.get(None)
        elif isinstance(value, random.Random):
            self.found[place] = hash(value.getstate())
        elif isinstance(value, Mapping):
            yield f"{place}'s size", len(value)
            for key, inner in list(value.items()):
                yield f"{place}[{_short(key)}]", inner
        elif isinstance(value, list | tuple | deque):
            yield f"{place}'s size", len(value)
            yield from ((f"{place}[{index}]", inner) for index, inner in enumerate(list(value)))
        elif isinstance(value, set | frozenset):
            self.found[place] = sorted(map(repr, value))
        elif not isinstance(value, ModuleType):
            yield from self._parts_of_object(place, value)

    def _parts_of_function(self, function: FunctionType) -> Iterator[tuple[str, object]]:
        if not self._is_own(function.__module__):
            return
        name = _name(function)
        yield f"{name}'s defaults", function.__defaults__
        yield f"{name}'s defaults", function.__kwdefaults__
        for attribute, value in vars(function).items():
            yield f"{name}.{attribute}", value
        for free, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=False
        ):
            with_value = getattr(cell, "cell_contents", None) if cell is not None else None
            yield f"{free} in {name}", with_value
        used = set(_names(function.__code__))
        for each in sorted(used & function.__globals__.keys()):
            value = function.__globals__[each]
            if isinstance(value, ModuleType):
                yield from self._parts_of_module(value, used)
            else:
                yield f"{function.__module__}.{each}", value

    def _parts_of_module(self, module: ModuleType, used: set[str]) -> Iterator[tuple[str, object]]:
        if self._is_own(module.__name__):
            for name in sorted(used & vars(module).keys()):
                yield f"{module.__name__}.{name}", vars(module)[name]

    def _parts_of_class(self, kind: type) -> Iterator[tuple[str, object]]:
        if not self._is_own(kind.__module__):
            return
        for name, value in list(vars(kind).items()):
            if not name.startswith("__") and not name.startswith("_abc_"):
                yield f"{kind.__qualname__}.{name}", value
        yield from ((kind.__qualname__, base) for base in kind.__bases__)

    def _parts_of_object(self, place: str, value: Any) -> Iterator[tuple[str, object]]:
        kind = type(value)
        yield place, kind
        if kind.__module__ == "itertools":
            self.found[place] = repr(value)
        inner = dict(getattr(value, "__dict__", None) or {})
        for each in kind.__mro__:
            slots = vars(each).get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if name != "__weakref__" and hasattr(value, name):
                    inner[name] = getattr(value, name)
        if self._is_own(kind.__module__) or kind.__module__ in ("types", "_thread", "threading"):
            yield f"{place}'s fields", len(inner)
        for name, part in inner.items():
            yield f"{place}.{name}", part

    def _is_own(self, module: str | None) -> bool:
        return is_own_module(module, self._own)


def own_modules(provider: Provider) -> Collection[str]:
    """The modules of a provider's classes, and the names at the top of them."""
    kinds = [kind for kind in type(provider).__mro__ if issubclass(kind, Provider)]
    modules = {kind.__module__ for kind in kinds if kind is not Provider}
    return modules | {name.partition(".")[0] for name in modules} - _FOREIGN


def is_own_module(module: str | None, own: Collection[str]) -> bool:
    """Whether a module is the plug-in's: not of kling26, Python or another distribution."""
    top = (module or "").partition(".")[0]
    if module in own or top in own:
        return True
    if top == "kling26":
        return (module or "").startswith("kling26.providers")
    return top not in _FOREIGN and _is_outside(module or "")


@functools.cache
def _is_outside(module: str) -> bool:
    """Whether a module's file is in no folder of installed packages."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and not _FOLDERS & {*Path(file).parents}


def _names(code: CodeType) -> Iterator[str]:
    """The global names and attributes that a function, and those within it, may use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", None) or type(function).__name__)


def _short(key: object) -> str:
    text = repr(key)
    return text if len(text) <= 40 else f"{text[:39]}…"
