"""
What belongs to us and to the other plug-ins, and is put back when code of a plug-in has changed it.

Classes, limits and tables are shared objects, and an address on one of them is where a key is sent.
All is compared with how it was when it was loaded, whatever thread has changed it. Only what the
interface names, and code, is compared: a provider may keep to itself whatever it likes.
"""

import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

import attrs
from attrs import define, field

from .hookspecs import PROJECT, Sandbox
from .images import ImageFile
from .limits import Limits
from .options import NoOptions
from .provider import Provider
from .replies import Replies
from .request import VideoRequest
from .status import Status, Ticket
from .text import join_words, sanitize

#: Who owns what is not a plug-in's.
OURS = ""
_CLASSES = (
    Provider, Replies, Limits, Sandbox, VideoRequest, ImageFile, NoOptions, Status, Ticket
)  # fmt: skip
_MODULES = (f"{PROJECT}.core", f"{PROJECT}.providers")
_PYTHONS = ("builtins", "abc", "typing")
#: What a provider says of itself.
_FACTS = frozenset(
    {"name", "title", "key_variable", "base_url"}
    | {name for cls in (Provider, Replies) for name in vars(cls) if not name.startswith("_")}
)
#: What Python itself adds to a class, or replaces, when somebody looks.
_LAZY = ("__annotations__", "__annotations_cache__", "__annotate__", "__annotate_func__")
_MISSING: object = object()
#: So many changes are told of.
_TOLD = 4


def _counts(name: str, value: object) -> bool:
    """Whether an attribute of a class or a module is a fact, or code."""
    if name in _LAZY:
        return False
    code = isinstance(value, type) or hasattr(type(value), "__get__")
    return code or name in _FACTS or name.isupper()


def _counted(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in list(values.items()) if _counts(name, value)}


@define(eq=False)
class _Kept:
    """An object as it was: `read` returns how it is now, and `write` and `erase` change it."""

    owner: str
    target: object
    #: What a change is called, with its name in place of "{}".
    words: str
    read: Callable[[], dict[str, object]]
    write: Callable[[str, object], None]
    erase: Callable[[str], None]
    before: Mapping[str, object]

    def refresh(self) -> None:
        """Keep it as it is now: who owns it may change it."""
        self.before = self.read()

    def put_back(self) -> list[str]:
        """Put back what has changed; returns what that was."""
        now = self.read()
        changed = [
            name for name, value in self.before.items() if now.get(name, _MISSING) is not value
        ]
        added = [name for name in now if name not in self.before]
        if "{}" not in self.words and (changed or added):  # A table, whose order may count.
            changed, added = list(self.before), list(now)
        for name in added:
            self.erase(name)
        for name in changed:
            self.write(name, self.before[name])
        names = [sanitize(name, 40) for name in (*changed, *added)]
        return list(dict.fromkeys(self.words.format(name) for name in names))


def _kept(
    owner: str,
    target: object,
    words: str,
    read: Callable[[], dict[str, object]],
    write: Callable[[str, object], None],
    erase: Callable[[str], None],
) -> _Kept:
    return _Kept(owner, target, words, read, write, erase, read())


def _class(owner: str, cls: type, words: str) -> _Kept:
    return _kept(
        owner,
        cls,
        words,
        lambda: _counted(vars(cls)),
        lambda name, value: type.__setattr__(cls, name, value),
        lambda name: type.__delattr__(cls, name),
    )


def _object(owner: str, target: object, own: dict[str, object], words: str) -> _Kept:
    return _kept(owner, target, words, lambda: _counted(own), own.__setitem__, own.__delitem__)


def _module(module: ModuleType, words: str) -> _Kept:
    """What is added to one stays: some names are only there once somebody asks for them."""
    names, known = vars(module), list(_counted(vars(module)))

    def read() -> dict[str, object]:
        return {name: names[name] for name in known if name in names}

    return _kept(OURS, module, words, read, names.__setitem__, names.__delitem__)


def _table(owner: str, table: dict[str, object], words: str) -> _Kept:
    return _kept(owner, table, words, lambda: dict(table), table.__setitem__, table.__delitem__)


def _fields(owner: str, target: Limits | Sandbox, words: str) -> _Kept:
    """An instance of an attrs class, frozen or not."""
    names = [each.name for each in attrs.fields(type(target))]
    return _kept(
        owner,
        target,
        words,
        lambda: {name: object.__getattribute__(target, name) for name in names},
        lambda name, value: object.__setattr__(target, name, value),
        lambda name: None,  # It has slots, which are always there.
    )


@define(eq=False)
class Belongings:
    """All that is kept, and which plug-ins' code runs now."""

    _kept: list[_Kept] = field(factory=list, init=False)
    _known: set[int] = field(factory=set, init=False)
    _running: Counter[str] = field(factory=Counter, init=False)

    def keep_ours(self) -> None:
        """Keep what every provider builds on, and the modules of the built-in ones."""
        for cls in _CLASSES:
            self._keep_class(OURS, cls, cls.__name__)
        for name, module in list(sys.modules.items()):
            if isinstance(module, ModuleType) and name.startswith(_MODULES):
                self._keep_module(name, module)

    def _keep_module(self, name: str, module: ModuleType) -> None:
        self._add(_module(module, f"{{}} of {name}"))
        self.keep_classes(OURS, module)
        for constant, value in list(vars(module).items()):
            if isinstance(value, dict) and constant.isupper():
                words = f"{constant} of {name}"
                self._add(_table(OURS, value, words))

    def keep(self, owner: str, value: object) -> None:
        """Keep what a plug-in brings, a provider or an emulator."""
        if isinstance(value, Provider):
            self._keep_provider(owner, value)
        elif isinstance(value, Sandbox):
            words = f"{{}} of the emulator of {_plain(_fact(value, 'provider'))}"
            self._add(_fields(owner, value, words))

    def keep_classes(self, owner: str, module: object) -> None:
        """Keep the providers' classes that a module has made: it may be imported by others."""
        if not isinstance(module, ModuleType):
            return
        for cls in list(vars(module).values()):
            own = isinstance(cls, type) and cls.__module__ == module.__name__
            if own and issubclass(cls, Replies):
                self._keep_class(owner, cls, _plain(_fact(cls, "title")))

    def _keep_provider(self, owner: str, provider: Provider) -> None:
        whose = _plain(_fact(provider, "title"))
        own: dict[str, object] = object.__getattribute__(provider, "__dict__")
        for name in ("base_url", "upload_url", "balance_url"):
            # Its own, so that a key goes nowhere else until what the class has is put back.
            if isinstance(url := _fact(provider, name), str):
                own.setdefault(name, url)
        self._add(_object(owner, provider, own, f"{{}} of {whose}"))
        self._keep_facts(owner, provider, whose)
        for cls in type(provider).__mro__:
            if cls.__module__ not in _PYTHONS:
                self._keep_class(owner, cls, whose)

    def _keep_class(self, owner: str, cls: type, whose: str) -> None:
        self._add(_class(owner, cls, f"{{}} of {whose}"))
        self._keep_facts(owner, cls, whose)

    def _keep_facts(self, owner: str, target: object, whose: str) -> None:
        """Keep the parts of a provider that may be changed in place."""
        limits = _fact(target, "limits")
        if isinstance(limits, Limits):
            self._add(_fields(owner, limits, f"limits.{{}} of {whose}"))
        for name in ("states", "errors"):
            table = _fact(target, name)
            if isinstance(table, dict):
                words = f"{name} of {whose}"
                self._add(_table(owner, table, words))

    def _add(self, kept: _Kept) -> None:
        """The first that brings something owns it. What is kept lives on: no other has its id."""
        if id(kept.target) not in self._known:
            self._known.add(id(kept.target))
            self._kept.append(kept)

    @contextmanager
    def running(self, plugin: str) -> Iterator[None]:
        """While code of a plug-in runs, in whatever thread."""
        self._running[plugin] += 1
        try:
            yield
        finally:
            self._running[plugin] -= 1

    def put_back(self, plugin: str) -> str | None:
        """Put back what a plug-in has changed that is not its own; returns what, in a sentence."""
        changed: list[str] = []
        for kept in list(self._kept):
            if kept.owner == plugin:
                kept.refresh()
            else:
                changed += kept.put_back()
        if not changed:
            return None
        more = len(changed) - _TOLD
        told = [*changed[:_TOLD], f"{more} more"] if more > 0 else changed
        others = [
            f'"{each}"' for each, count in list(self._running.items()) if each != plugin and count
        ]
        who = f"it, or {join_words(others)}," if others else "it"
        were = "was" if len(changed) == 1 else "were"
        return f"{who} changed {join_words(told, 'and')}, which {were} put back."


def _plain(text: object) -> str:
    """A title or a name as it is told of, without what `str.format` would read."""
    shown = sanitize(text, 40) if isinstance(text, str) else "a provider"
    return shown.replace("{", "").replace("}", "")


def _fact(target: object, name: str) -> object:
    """An attribute, without running code of a plug-in."""
    return inspect.getattr_static(target, name, None)
