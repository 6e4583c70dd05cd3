"""
The installed providers, by name: the built-in ones, then those of plug-ins.

A paying user's provider must not fail because of someone else's package, so each plug-in is loaded
on its own; a broken one is named and left out.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TypeVar

import httpx
import pluggy
from attrs import frozen

from . import hookspecs
from .errors import UnknownProvider
from .hookspecs import PROJECT, Sandbox
from .provider import Provider
from .settings import Settings
from .text import join_words, sanitize
from .validation import InvalidPlugin, validate_provider

logger: logging.Logger = logging.getLogger("kling26")

#: Registered by module name: a bare clone in ComfyUI has no metadata, hence no entry points.
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

T = TypeVar("T")


@frozen
class Problem:
    """Why a plug-in, or a part of it, was left out."""

    plugin: str
    reason: str

    def __str__(self) -> str:
        return f'The plug-in "{self.plugin}" was skipped: {self.reason}'


@frozen
class Registry:
    """What is installed: `providers` by name in menu order, and what was left out."""

    providers: Mapping[str, Provider]
    origins: Mapping[str, str]
    problems: tuple[Problem, ...] = ()

    def __getitem__(self, name: str) -> Provider:
        try:
            return self.providers[name]
        except KeyError:
            raise UnknownProvider(
                f'There is no provider "{sanitize(name, 60)}". Installed: '
                f"{join_words(self.providers, 'and')}.",
                provider=name,
            ) from None


def discover(only: Collection[str] | None = None) -> list[EntryPoint]:
    """The installed plug-ins, or those of the named distributions."""
    found = entry_points(group=PROJECT)
    if only is None:
        return list(found)
    wanted = {_normalized(name) for name in only}
    return [entry for entry in found if _normalized(_distribution(entry)) in wanted]


def load_providers(entries: Iterable[EntryPoint] = ()) -> Registry:
    """The built-in providers and those of the plug-ins `entries`."""
    problems: list[Problem] = []
    manager = _manager(PROVIDERS, entries, problems)
    found: dict[str, Provider] = {}
    origins: dict[str, str] = {}
    for plugin, provider in _hook_results(manager, "kling26_providers", Provider, problems):  # type: ignore[type-abstract]
        with _recording(plugin, problems):
            validate_provider(provider)
            name = provider.name
            if name in found:
                raise InvalidPlugin(f'the name "{name}" already belongs to "{origins[name]}".')
            found[name], origins[name] = provider, plugin
    return Registry(MappingProxyType(found), MappingProxyType(origins), _log_once(problems))


def load_sandboxes(entries: Iterable[EntryPoint] = ()) -> dict[str, Sandbox]:
    """The emulators, built in and of the plug-ins `entries`, by the name of their provider."""
    problems: list[Problem] = []
    manager = _manager(SANDBOXES, entries, problems)
    found: dict[str, Sandbox] = {}
    for _, sandbox in _hook_results(manager, "kling26_sandboxes", Sandbox, problems):
        found.setdefault(sandbox.provider, sandbox)
    _log_once(problems)
    return found


#: Builds the transport that takes the place of the providers' APIs, out of their emulators.
Rehearsal = Callable[
    [Mapping[str, Provider], Mapping[str, Sandbox], Settings], httpx.AsyncBaseTransport
]


def load_rehearsal() -> Rehearsal:
    """What plays the emulators; by name, as all that is built in and stands above core."""
    rehearsal: Rehearsal = import_module("kling26.sandbox").rehearsal
    return rehearsal


@contextmanager
def _recording(plugin: str, problems: list[Problem]) -> Iterator[None]:
    """Note what a plug-in raises: that is its own matter, and so is a script that exits."""
    try:
        yield
    except InvalidPlugin as error:
        problems.append(Problem(plugin, str(error)))
    except (Exception, SystemExit) as error:  # noqa: BLE001
        problems.append(Problem(plugin, f"{type(error).__name__}: {sanitize(error)}"))


def _manager(
    built_in: Iterable[str], entries: Iterable[EntryPoint], problems: list[Problem]
) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    for module in built_in:
        manager.register(import_module(module), name=module.removeprefix(f"{PROJECT}."))
    for entry in entries:
        name = f"{_distribution(entry)}:{entry.name}"
        with _recording(name, problems):
            _register(manager, name, entry.load)
    return manager


def _register(manager: pluggy.PluginManager, name: str, load: Callable[[], object]) -> None:
    """Register one plug-in; one that raises anything is not registered."""
    if manager.has_plugin(name):
        raise InvalidPlugin("it was loaded before.")
    try:
        plugin = load()
        manager.register(plugin, name=name)
        manager.check_pending()
        if not any(hook.has_spec() for hook in manager.get_hookcallers(plugin) or ()):
            raise InvalidPlugin('it has no hook; is "@hookimpl" missing?')
    except (Exception, SystemExit):
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise


def _hook_results(
    manager: pluggy.PluginManager, hook: str, kind: type[T], problems: list[Problem]
) -> Iterator[tuple[str, T]]:
    """What each plug-in's hook returns, in the order of registration, with the plug-in's name."""
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        plugin = implementation.plugin_name
        offered: list[object] = []
        with _recording(plugin, problems):
            offered = list(implementation.function())
        for offer in offered:
            if isinstance(offer, kind):
                yield plugin, offer
            else:
                reason = f"{hook} returned {_type_name(offer)}, which is not a {kind.__name__}."
                problems.append(Problem(plugin, reason))


def _type_name(offer: object) -> str:
    """An object by its type: its own words may fail."""
    kind = f"the class {offer.__name__}" if isinstance(offer, type) else type(offer).__name__
    return sanitize(kind, 80)


def _log_once(problems: list[Problem]) -> tuple[Problem, ...]:
    """The problems, each once: a string instead of a list of providers has one per letter."""
    unique = tuple(dict.fromkeys(problems))
    for problem in unique:
        _log_problem(problem)
    return unique


@cache
def _log_problem(problem: Problem) -> None:
    """Once in a process: a runner, and a rehearsal, load the plug-ins again."""
    logger.warning("%s", problem)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "unknown"


def _normalized(name: str) -> str:
    """A distribution's name in its one normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
