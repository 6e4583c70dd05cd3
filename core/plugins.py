"""
The installed providers, by name: the built-in ones first, then those of plug-ins.

Each plug-in is loaded separately, and a broken one is reported and skipped: nobody's provider may
stop working because of another package.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import Factory, evolve, field, frozen

from .errors import UnknownProvider
from .events import Events
from .hookspecs import Sandbox
from .installed import PlugIn, chosen, discover
from .problems import InvalidPlugin, Problem, told, type_name
from .provider import AUTO, Provider
from .settings import Settings, variable_stem
from .text import did_you_mean, join_words, sanitize

if TYPE_CHECKING:
    import httpx

    from .emulators import Emulators
    from .host import Host

#: Registered by module name: a clone inside ComfyUI has no metadata, hence no entry points.
PROVIDERS = (
    "kling26.providers.kie",
    "kling26.providers.apikley",
    "kling26.providers.cometapi",
    "kling26.providers.runcomfy",
)


# What loads plug-ins is imported where they are loaded: a help needs none of it.


def _host() -> "Host":
    from .host import Host

    return Host()


def _emulators(registry: "Registry") -> "Emulators":
    from .emulators import Emulators

    return Emulators(registry.host, registry.providers, registry.origins)


@frozen
class Registry:
    """
    The installed `providers` by name, in menu order, and what was skipped.

    `origins` says which plug-in each is of, and `events` reaches the plug-ins that want to know
    what happens to tasks. All of them are at one `host`; `left_out` are those that
    ``KLING26_LOAD_PLUGINS`` does not name.
    """

    providers: Mapping[str, Provider]
    origins: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    events: Events = Events()
    host: "Host" = field(factory=_host, eq=False)
    emulators: "Emulators" = field(default=Factory(_emulators, takes_self=True), eq=False)
    left_out: tuple[PlugIn, ...] = ()

    def source(self, provider: str) -> str | None:
        """The distribution that a provider is from, and its version; None for our own."""
        found = self.host.plug_ins.get(self.origins.get(provider, ""))
        return None if found is None else found.source

    def __getitem__(self, name: str) -> Provider:
        try:
            return self.providers[name]
        except KeyError:
            installed = f". Installed: {join_words(self.providers, 'and')}."
            others = did_you_mean(name, [*self.providers, AUTO]) or installed
            raise UnknownProvider(
                f'There is no provider "{sanitize(name, 60)}"{others}', provider=name
            ) from None


def load_installed(settings: Settings) -> Registry:
    """
    The built-in providers, and those of the installed plug-ins that the settings let be loaded.

    Raises `SettingsError` if a setting is wrong.
    """
    only, traced = settings.load_plugins, settings.trace_plugins
    every = discover()
    wanted = every if only is None else chosen(every, only)
    left_out = [each for each in every if each not in wanted]
    return evolve(load_providers(wanted, traced=traced), left_out=tuple(left_out))


def load_providers(plug_ins: Iterable[PlugIn] = (), *, traced: bool = False) -> Registry:
    """The built-in providers, and those of these plug-ins."""
    from .emulators import Emulators
    from .host import Host

    host = Host(traced)
    host.add_built_in(PROVIDERS)
    problems = host.add(plug_ins)
    found: dict[str, Provider] = {}
    origins: dict[str, str] = {}
    for answer in host.gather("kling26_providers", problems):
        work = f'Checking the plug-in "{answer.plugin}"'
        with host.recording(answer.plugin, problems, work):
            provider = _checked(answer.value)
            _check_ownership(answer.plugin, provider, found, origins)
            found[provider.name], origins[provider.name] = provider, answer.plugin
    known, by = MappingProxyType(found), MappingProxyType(origins)
    skipped = {each.plugin for each in problems if each.skipped != "nothing"}
    emulators = Emulators(host, known, by, skipped)
    problems_told = told(problems, {*by.values(), *host.useful})
    return Registry(known, by, problems_told, Events(host), host, emulators)


def _checked(value: object) -> Provider:
    """What a plug-in returns as a provider; raises `InvalidPlugin` if it is none, or is wrong."""
    if not isinstance(value, Provider):
        fix = ""
        if isinstance(value, type) and issubclass(value, Provider):
            fix = f" Return an instance: {sanitize(value.__name__, 60)}()."
        raise InvalidPlugin(
            f"kling26_providers returned {type_name(value)}, which is not a Provider.{fix}"
        )
    from .vetting import validate_provider

    validate_provider(value)
    return value


def _check_ownership(
    plugin: str, provider: Provider, found: Mapping[str, Provider], origins: Mapping[str, str]
) -> None:
    """
    Raise `InvalidPlugin` if a name or a variable of the provider already belongs to another.

    Whoever shared the variable of a key would be sent that key. Case does not count: it does not
    in the environment of Windows.
    """
    from .vetting import own_variables

    name = provider.name
    if name in found and origins[name] == plugin:
        what = "the provider" if found[name] is provider else "a provider called"
        raise InvalidPlugin(f'it returns {what} "{name}" twice; the first one counts.')
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


def load_sandboxes(plug_ins: Iterable[PlugIn] = ()) -> Mapping[str, Sandbox]:
    """The built-in emulators and those of plug-ins, by the name of their provider."""
    return load_providers(plug_ins).emulators.found()


#: Builds a transport that answers for the providers' APIs, from their emulators.
Rehearsal = Callable[
    [Mapping[str, Provider], Mapping[str, Sandbox], Settings], "httpx.AsyncBaseTransport"
]


def load_rehearsal() -> Rehearsal:
    """The function that builds it; imported by name, because core must not import the sandbox."""
    rehearsal: Rehearsal = import_module("kling26.sandbox").rehearsal
    return rehearsal
