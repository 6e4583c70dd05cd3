"""
The installed providers, by name: the built-in ones first, then those of plug-ins.

Each plug-in is loaded separately, and a broken one is reported and skipped: nobody's provider may
stop working because of another package.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import pluggy
from attrs import frozen

from . import hookspecs
from .errors import UnknownProvider
from .events import Events
from .hookspecs import PROJECT, Sandbox
from .installed import PlugIn
from .isolation import isolated
from .provider import AUTO, Provider
from .redaction import redact_environment
from .settings import Settings, variable_stem
from .text import did_you_mean, join_words, sanitize
from .validation import InvalidPlugin, own_variables, validate_provider

if TYPE_CHECKING:
    import httpx

logger: logging.Logger = logging.getLogger("kling26")

#: Registered by module name: a clone inside ComfyUI has no metadata, hence no entry points.
PROVIDERS = (
    "kling26.providers.kie",
    "kling26.providers.apikley",
    "kling26.providers.cometapi",
    "kling26.providers.runcomfy",
)
SANDBOXES = (
    "kling26.sandbox.kie",
    "kling26.sandbox.apikley",
    "kling26.sandbox.cometapi",
    "kling26.sandbox.runcomfy",
)

#: After how many seconds of loading a plug-in is named.
_LONG = 5.0

T = TypeVar("T")


@frozen
class Problem:
    """Why a plug-in, or a part of it, was skipped."""

    plugin: str
    reason: str

    def __str__(self) -> str:
        return f'The plug-in "{self.plugin}" was skipped: {self.reason}'


@frozen
class Registry:
    """
    The installed `providers` by name, in menu order, and what was skipped.

    `events` reaches the plug-ins that want to know what happens to tasks.
    """

    providers: Mapping[str, Provider]
    origins: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    events: Events = Events()

    def __getitem__(self, name: str) -> Provider:
        try:
            return self.providers[name]
        except KeyError:
            installed = f". Installed: {join_words(self.providers, 'and')}."
            others = did_you_mean(name, [*self.providers, AUTO]) or installed
            raise UnknownProvider(
                f'There is no provider "{sanitize(name, 60)}"{others}', provider=name
            ) from None


def load_providers(plug_ins: Iterable[PlugIn] = ()) -> Registry:
    """The built-in providers, and those of these plug-ins."""
    problems: list[Problem] = []
    manager = _manager(PROVIDERS, plug_ins, problems)
    found: dict[str, Provider] = {}
    origins: dict[str, str] = {}
    for plugin, provider in _hook_results(manager, "kling26_providers", Provider, problems):  # type: ignore[type-abstract]
        with _recording(plugin, problems):
            validate_provider(provider)
            _check_ownership(provider, found, origins)
            found[provider.name], origins[provider.name] = provider, plugin
    told = _log_all(problems)
    return Registry(MappingProxyType(found), MappingProxyType(origins), told, Events(manager))


def _check_ownership(
    provider: Provider, found: Mapping[str, Provider], origins: Mapping[str, str]
) -> None:
    """
    Raise `InvalidPlugin` if a name or a variable of the provider already belongs to another.

    Whoever shared the variable of a key would be sent that key. Case does not count: it does not
    in the environment of Windows.
    """
    name = provider.name
    if name in found:
        raise InvalidPlugin(f'the name "{name}" already belongs to "{origins[name]}".')
    for other in found.values():
        if variable_stem(other.name) == variable_stem(name):
            owner = f'"{other.name}" of "{origins[other.name]}"'
            raise InvalidPlugin(f'the name "{name}" is too similar to {owner}.')
        taken = {variable.upper() for variable in own_variables(other)}
        for variable in own_variables(provider):
            if variable.upper() in taken:
                raise InvalidPlugin(f'the variable {variable} belongs to "{other.name}".')


def load_sandboxes(plug_ins: Iterable[PlugIn] = ()) -> dict[str, Sandbox]:
    """The built-in emulators and those of plug-ins, by the name of their provider."""
    problems: list[Problem] = []
    manager = _manager(SANDBOXES, plug_ins, problems)
    found: dict[str, Sandbox] = {}
    for _, sandbox in _hook_results(manager, "kling26_sandboxes", Sandbox, problems):
        found.setdefault(sandbox.provider, sandbox)
    _log_all(problems)
    return found


#: Builds a transport that answers for the providers' APIs, from their emulators.
Rehearsal = Callable[
    [Mapping[str, Provider], Mapping[str, Sandbox], Settings], "httpx.AsyncBaseTransport"
]


def load_rehearsal() -> Rehearsal:
    """The function that builds it; imported by name, because core must not import the sandbox."""
    rehearsal: Rehearsal = import_module("kling26.sandbox").rehearsal
    return rehearsal


@contextmanager
def _recording(plugin: str, problems: list[Problem]) -> Iterator[None]:
    """
    Run code of a plug-in, and record what it raises instead of letting it through.

    That may be anything, such as the panic of a library in Rust, or an interrupt of its own making;
    only that of a signal is let through.
    """
    with isolated():
        try:
            yield
        except InvalidPlugin as error:
            problems.append(Problem(plugin, redact_environment(str(error))))
        except BaseException as error:  # noqa: BLE001
            problems.append(Problem(plugin, _words(error)))


def _words(error: BaseException) -> str:
    """What was raised; its own text may be missing, or raise something itself."""
    try:
        text = sanitize(redact_environment(str(error)))
    except BaseException:  # noqa: BLE001
        text = ""
    return ": ".join(filter(None, (type(error).__name__, text)))


def _manager(
    built_in: Iterable[str], plug_ins: Iterable[PlugIn], problems: list[Problem]
) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    for module in built_in:
        manager.register(import_module(module), name=module.removeprefix(f"{PROJECT}."))
    for plug_in in plug_ins:
        with _recording(str(plug_in), problems), _naming(plug_in):
            _register(manager, str(plug_in), plug_in.load)
    return manager


@contextmanager
def _naming(plug_in: PlugIn) -> Iterator[None]:
    """Say which plug-in it is that takes long to load, or hangs."""
    text = 'Loading the plug-in "%s" takes unusually long.'
    timer = threading.Timer(_LONG, logger.error, (text, plug_in))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _register(manager: pluggy.PluginManager, name: str, load: Callable[[], object]) -> None:
    """Register a plug-in, unless loading or checking it raises anything."""
    if manager.has_plugin(name):
        raise InvalidPlugin("it is already loaded.")
    try:
        plugin = load()
        manager.register(plugin, name=name)
        manager.check_pending()
        if not any(hook.has_spec() for hook in manager.get_hookcallers(plugin) or ()):
            raise InvalidPlugin('it has no hook; is "@hookimpl" missing?')
    except BaseException:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise


def _hook_results(
    manager: pluggy.PluginManager, hook: str, kind: type[T], problems: list[Problem]
) -> Iterator[tuple[str, T]]:
    """What each plug-in's hook returns, with the plug-in's name, in the order of registration."""
    # A plug-in may ask pluggy to be called first or last, but the built-in ones come first.
    order = [name for name, _ in manager.list_name_plugin()]
    implementations = getattr(manager.hook, hook).get_hookimpls()
    for implementation in sorted(implementations, key=lambda each: order.index(each.plugin_name)):
        plugin = implementation.plugin_name
        results: list[object] = []
        with _recording(plugin, problems):
            results = list(implementation.function())
        for result in results:
            if isinstance(result, kind):
                yield plugin, result
            else:
                reason = f"{hook} returned {_type_name(result)}, which is not a {kind.__name__}."
                problems.append(Problem(plugin, reason))


def _type_name(value: object) -> str:
    """The type of a value; its own repr might raise."""
    kind = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    return sanitize(kind, 80)


def _log_all(problems: list[Problem]) -> tuple[Problem, ...]:
    """The distinct problems: a string instead of a list of providers has one per letter."""
    unique = tuple(dict.fromkeys(problems))
    for problem in unique:
        _log_problem(problem)
    return unique


@cache
def _log_problem(problem: Problem) -> None:
    """Once per process, because runners and rehearsals load the plug-ins again."""
    logger.warning("%s", problem)
