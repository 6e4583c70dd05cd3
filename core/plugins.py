"""
The installed providers, by name: the built-in ones, then those of plug-ins.

A paying user's provider must not die of a stranger's package, so each plug-in is loaded on its
own; a broken one is named and left out.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from math import isfinite
from types import MappingProxyType
from typing import TypeVar

import attrs
import httpx
import pluggy
from attrs import frozen

from . import hookspecs
from .errors import UnknownProvider
from .hookspecs import PROJECT, Sandbox
from .options import options_of
from .provider import INTERFACE, Limits, Provider
from .request import ASPECT_RATIOS, DURATIONS
from .settings import Settings, is_safe
from .text import join_words, sanitize

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
    wanted = {_normal(name) for name in only}
    return [entry for entry in found if _normal(_distribution(entry)) in wanted]


def load_providers(outside: Iterable[EntryPoint] = ()) -> Registry:
    """The built-in providers and those of the plug-ins `outside`."""
    manager, problems = _manager(PROVIDERS, outside)
    found: dict[str, tuple[str, Provider]] = {}
    for plugin, provider in _offers(manager, "kling26_providers", Provider, problems):  # type: ignore[type-abstract]
        try:
            reason = flaw(provider)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as below
            reason = f"{type(error).__name__}: {sanitize(error)}"
        if reason is None and provider.name in found:
            first = found[provider.name][0]
            reason = f'the name "{provider.name}" belongs to "{first}" already.'
        if reason is None:
            found[provider.name] = plugin, provider
        else:
            problems.append(Problem(plugin, reason))
    for problem in problems:
        _tell(problem)
    return Registry(
        MappingProxyType({name: provider for name, (_, provider) in found.items()}),
        MappingProxyType({name: plugin for name, (plugin, _) in found.items()}),
        tuple(problems),
    )


def load_sandboxes(outside: Iterable[EntryPoint] = ()) -> dict[str, Sandbox]:
    """The emulators, built in and of the plug-ins `outside`, by the name of their provider."""
    manager, problems = _manager(SANDBOXES, outside)
    found: dict[str, Sandbox] = {}
    for _, sandbox in _offers(manager, "kling26_sandboxes", Sandbox, problems):
        found.setdefault(sandbox.provider, sandbox)
    for problem in problems:
        _tell(problem)
    return found


#: Builds the transport that takes the place of the providers' APIs, out of their emulators.
Rehearsal = Callable[
    [Mapping[str, Provider], Mapping[str, Sandbox], Settings], httpx.AsyncBaseTransport
]


def load_rehearsal() -> Rehearsal:
    """What plays the emulators; by name, as all that is built in and stands above core."""
    rehearsal: Rehearsal = import_module("kling26.sandbox").rehearsal
    return rehearsal


def _manager(
    built_in: Iterable[str], outside: Iterable[EntryPoint]
) -> tuple[pluggy.PluginManager, list[Problem]]:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    problems: list[Problem] = []
    for module in built_in:
        manager.register(import_module(module), name=module.removeprefix(f"{PROJECT}."))
    for entry in outside:
        name = f"{_distribution(entry)}:{entry.name}"
        reason = _register(manager, name, entry.load)
        if reason is not None:
            problems.append(Problem(name, reason))
    return manager, problems


def _register(manager: pluggy.PluginManager, name: str, load: Callable[[], object]) -> str | None:
    """Register one plug-in; why it could not be, in words."""
    if manager.has_plugin(name):
        return "it was loaded before."
    plugin: object = None
    try:
        plugin = load()
        manager.register(plugin, name=name)
        manager.check_pending()
    # Whatever a plug-in raises is its own matter, and so is a script that exits when imported.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        if manager.has_plugin(name):
            manager.unregister(name=name)
        return f"{type(error).__name__}: {sanitize(error)}"
    if not any(hook.has_spec() for hook in manager.get_hookcallers(plugin) or ()):
        manager.unregister(name=name)
        return 'it has no hook; is "@hookimpl" missing?'
    return None


def _offers(
    manager: pluggy.PluginManager, hook: str, kind: type[T], problems: list[Problem]
) -> Iterator[tuple[str, T]]:
    """What each plug-in's hook returns, in the order of registration, with the plug-in's name."""
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        name = implementation.plugin_name
        try:
            offered = list(implementation.function())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
            problems.append(Problem(name, f"{type(error).__name__}: {sanitize(error)}"))
            continue
        for offer in offered:
            if isinstance(offer, kind):
                yield name, offer
            else:
                reason = f"{hook} gave {_named(offer)}, which is no {kind.__name__}."
                problem = Problem(name, reason)
                if problem not in problems:  # A text instead of a list gives its letters.
                    problems.append(problem)


def _named(offer: object) -> str:
    """An object by its type: its own words may fail."""
    kind = f"the class {offer.__name__}" if isinstance(offer, type) else type(offer).__name__
    return sanitize(kind, 80)


def flaw(provider: Provider) -> str | None:
    """What is wrong with a provider's names, addresses, options and limits; None: nothing."""
    if type(provider.interface) is not int or provider.interface > INTERFACE:
        return (
            f"it needs version {sanitize(provider.interface, 20)} of the plug-in interface, and "
            f"this kling26 has version {INTERFACE}; upgrade kling26."
        )
    return (
        _names_flaw(provider)
        or _addresses_flaw(provider)
        or _options_flaw(provider)
        or _limits_flaw(provider.limits)
    )


def _names_flaw(provider: Provider) -> str | None:
    for attribute in ("name", "title", "key_variable", "base_url", "cost_unit"):
        if not isinstance(getattr(provider, attribute, None), str):
            return f"{type(provider).__name__}.{attribute} is missing or no text."
    for attribute in ("upload_url", "key_page", "tasks_page", "task_id_name"):
        if not isinstance(getattr(provider, attribute), str | None):
            return f"{type(provider).__name__}.{attribute} is no text."
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", provider.name):
        return (
            f'the provider name "{sanitize(provider.name, 60)}" has other than a-z, 0-9, - and _.'
        )
    return None


def _addresses_flaw(provider: Provider) -> str | None:
    for attribute in ("base_url", "upload_url"):
        address = getattr(provider, attribute)
        if address is not None and not is_safe(address):
            return f'the {attribute} "{sanitize(address, 80)}" is no https:// address.'
        if address is not None and address.endswith("/"):
            return f'the {attribute} "{sanitize(address, 80)}" ends with a slash; leave it out.'
    return None


def _options_flaw(provider: Provider) -> str | None:
    where = f"{type(provider).__name__}.Options"
    if not (isinstance(provider.Options, type) and attrs.has(provider.Options)):
        return f"{where} is no attrs class."
    try:
        options = list(options_of(provider.Options))
        provider.Options()  # Every option has a default.
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as below
        return f"{where} cannot be read: {sanitize(error)}"
    for option in options:
        bounds = option.bounds.minimum, option.bounds.maximum, option.bounds.step
        if not all(bound is None or _is_number(bound) for bound in bounds):
            return f"{where}.{option.name} has a bound that is no number."
        if not all(type(choice) in (str, int) for choice in option.choices):
            return f"{where}.{option.name} has a choice that is neither a text nor a whole number."
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _limits_flaw(limits: object) -> str | None:
    if not isinstance(limits, Limits):
        return "its limits are no kling26.core.Limits."
    lengths = (limits.text_prompt, limits.image_prompt)
    if not all(length is None or _is_count(length) for length in lengths):
        return "its limits allow no prompt."
    if not _some_of(limits.durations, DURATIONS):
        return f"its limits have to name durations out of {join_words(DURATIONS, 'and')}."
    if not _some_of(limits.aspect_ratios, ASPECT_RATIOS):
        return f"its limits have to name aspect ratios out of {join_words(ASPECT_RATIOS, 'and')}."
    if not all(isinstance(name, str) and name == name.lower() for name in limits.image_formats):
        return 'its limits name image formats otherwise than in lower case, such as "jpeg".'
    if not (_is_count(limits.image_bytes) and _is_count(limits.image_pixels)):
        return "its limits allow no image."
    submissions = () if limits.submissions is None else limits.submissions
    if not all(_is_number(each) and each > 0 for each in submissions):
        return "its limits allow no submissions."
    return None


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _some_of(values: Collection[object], known: Collection[object]) -> bool:
    return len(values) > 0 and set(values) <= set(known)


@cache
def _tell(problem: Problem) -> None:
    """Once in a process: a runner, and a rehearsal, load the plug-ins again."""
    logger.warning("%s", problem)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "unknown"


def _normal(name: str) -> str:
    """A distribution's name in its one normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
