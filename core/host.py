"""The plug-ins of a process, at one `pluggy.PluginManager`: their loading, and calls of hooks."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module

import pluggy
from attrs import define, field, frozen

from . import hookspecs
from .belongings import Belongings
from .calls import FAILED, Answer, Call, guarded, made
from .hookspecs import PROJECT, hookimpl
from .installed import PlugIn
from .marks import FORMS, Hook, marked, oversights, why_none
from .problems import InvalidPlugin, Problem, recording

logger: logging.Logger = logging.getLogger("kling26")

#: After how many seconds of a plug-in's code it is named.
_LONG = 5.0


@frozen
class Loaded:
    """A plug-in at the manager: `name` is what it is called, and `hooks` are those that it has."""

    name: str
    plug_in: PlugIn
    built_in: bool
    hooks: tuple[Hook, ...]
    #: What the entry point has named, by which a second one that names the same is known.
    plugin: object = field(repr=False)

    @property
    def source(self) -> str | None:
        """The distribution that it is from, and its version; None for our own."""
        return None if self.built_in else self.plug_in.source

    @property
    def gives_more(self) -> bool:
        """Whether it has a hook that counts even if all that it brings is left out."""
        return any(FORMS[each.name] != "list" for each in self.hooks)


class _StandIn:
    """What pluggy has in place of a plug-in: its hooks, guarded."""


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


@define(eq=False)
class Host:
    """
    The plug-ins, by name in the order of their registration, and calls of their hooks.

    `traced` says whether each call is shown.
    """

    traced: bool = False
    manager: pluggy.PluginManager = field(factory=_manager, init=False)
    plug_ins: dict[str, Loaded] = field(factory=dict, init=False)
    #: All that were to be loaded, also those that could not be.
    tried: list[PlugIn] = field(factory=list, init=False)
    #: What plug-ins change that is not theirs is put back from here.
    belongings: Belongings = field(factory=Belongings, init=False)

    # -- loading ---------------------------------------------------------------------------

    def add_built_in(self, modules: Iterable[str]) -> None:
        """Register modules of our own."""
        for module in modules:
            name = module.removeprefix(f"{PROJECT}.")
            known = PlugIn(PROJECT, "", lambda: None, module=module)
            self.register(name, import_module(module), known, built_in=True)

    def add(self, plug_ins: Iterable[PlugIn]) -> list[Problem]:
        """Load and register plug-ins; returns what is wrong with them."""
        problems: list[Problem] = []
        for plug_in in plug_ins:
            name = str(plug_in)
            if not self.tried:
                self.belongings.keep_ours()
            self.tried.append(plug_in)
            with self.recording(name, problems, f'Loading the plug-in "{name}"'):
                if name in self.plug_ins:
                    raise InvalidPlugin(
                        "its entry point is declared twice; only the first one is used."
                    )
                plugin = plug_in.load()
                self.register(name, plugin, plug_in)
                problems += [Problem(name, each, "part") for each in oversights(plugin)]
        return problems

    @contextmanager
    def recording(
        self, name: str, problems: list[Problem], work: str, raised: str = ""
    ) -> Iterator[None]:
        """
        `problems.recording`, with what the plug-in has changed put back, and recorded too.

        `work` is what it is named for if it takes long. Our own neither do nor change anything.
        """
        if self._is_ours(name):
            try:
                yield
            except InvalidPlugin as error:
                problems.append(Problem(name, str(error)))
            return
        with recording(name, problems, raised), _naming(work), self.belongings.running(name):
            yield
        if changed := self.put_back(name):
            problems.append(Problem(name, changed, "nothing"))

    def put_back(self, name: str) -> str | None:
        """Put back what a plug-in has changed that is not its own; returns what, in a sentence."""
        nothing = self._is_ours(name) or not self.tried
        return None if nothing else self.belongings.put_back(name)

    def _is_ours(self, name: str) -> bool:
        return name in self.plug_ins and self.plug_ins[name].built_in

    def register(
        self, name: str, plugin: object, plug_in: PlugIn | None = None, built_in: bool = False
    ) -> None:
        """Register what has hooks; raises `InvalidPlugin` if they cannot be called."""
        for other in self.plug_ins.values():
            if other.plugin is plugin:
                raise InvalidPlugin(f'it is already loaded, as "{other.name}".')
        found = marked(self.manager, plugin)
        if not found:
            raise InvalidPlugin(why_none(plugin))
        stand_in = _StandIn()
        for attribute, hook, function in found:
            mark = hookimpl(
                wrapper=hook.wraps,
                tryfirst=hook.tryfirst,
                trylast=hook.trylast,
                specname=hook.name,
            )
            setattr(stand_in, attribute, mark(guarded(name, function, hook)))
        self.manager.register(stand_in, name=name)
        known = plug_in or PlugIn(name, "", lambda: plugin)
        hooks = tuple(hook for _, hook, _ in found)
        self.plug_ins[name] = Loaded(name, known, built_in, hooks, plugin)
        self.belongings.keep_classes(name, plugin)

    @property
    def useful(self) -> list[str]:
        """The plug-ins that have a hook which counts whatever they bring."""
        return [each.name for each in self.plug_ins.values() if each.gives_more]

    # -- calling ---------------------------------------------------------------------------

    def has(self, hook: str) -> bool:
        """Whether any plug-in has a hook."""
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook)
        return bool(caller.get_hookimpls())

    def call(
        self,
        hook: str,
        run: Callable[[str, Callable[[], object]], object],
        tell: Callable[[str, str], None],
        **facts: object,
    ) -> list[Answer]:
        """Call a hook of all plug-ins; see `Call` for `run` and `tell`. Returns the answers."""

        def watched(plugin: str, work: Callable[[], object]) -> object:
            def running() -> object:  # For longer than `run`, perhaps.
                with self.belongings.running(plugin):
                    return work()

            try:
                return run(plugin, running)
            finally:
                if changed := self.put_back(plugin):
                    tell(plugin, changed)

        keep = self.belongings.keep
        call = Call(hook, FORMS[hook], facts, watched, tell, self.traced, keep)
        return made(call, getattr(self.manager.hook, hook))

    def gather(self, hook: str, problems: list[Problem]) -> list[Answer]:
        """
        The answers to a hook that brings something, in the order in which they count.

        Those of the built-in plug-ins come first, then those of plug-ins that ask for it, and all
        others in the order of registration; what wrappers add comes last.
        """

        def run(plugin: str, work: Callable[[], object]) -> object:
            if self._is_ours(plugin):
                return work()
            text = f'{hook} of the plug-in "{plugin}"'
            with recording(plugin, problems, f"its {hook} raised "), _naming(text):
                return work()
            return FAILED

        def tell(plugin: str, reason: str) -> None:
            problems.append(Problem(plugin, reason, "nothing"))

        names = list(self.plug_ins)

        def place(answer: Answer) -> tuple[bool, int, int]:
            plug_in = self.plug_ins[answer.plugin]
            return not plug_in.built_in, _turn(plug_in, hook), names.index(answer.plugin)

        return sorted(self.call(hook, run, tell), key=place)


def _turn(plug_in: Loaded, hook: str) -> int:
    ours = (each for each in plug_in.hooks if each.name == hook)
    return min(2 if each.wraps else each.trylast - each.tryfirst for each in ours)


@contextmanager
def _naming(work: str) -> Iterator[None]:
    """Say what it is that takes long, or hangs."""
    timer = threading.Timer(_LONG, logger.error, ("%s takes unusually long.", work))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
