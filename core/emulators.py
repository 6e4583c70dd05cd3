"""The emulators that plug-ins bring, checked, and the one of each provider that counts."""

import re
import threading
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType

from attrs import define, evolve, field

from .calls import Answer
from .errors import SettingsError
from .hookspecs import ASGIApp, Sandbox
from .host import Host
from .options import show
from .problems import InvalidPlugin, Problem, log_once, told, type_name, words
from .provider import Provider
from .settings import is_safe_url
from .text import did_you_mean, sanitize

SANDBOXES = (
    "kling26.sandbox.kie",
    "kling26.sandbox.apikley",
    "kling26.sandbox.cometapi",
    "kling26.sandbox.runcomfy",
)
#: "" or a path below the emulator's URL, to which the provider's own paths are appended.
_PATH = re.compile(r"(/[^/\s]+)*")


@define(eq=False)
class Emulators:
    """
    The emulators by the name of their provider, loaded when they are asked for first.

    Our own import what takes long, and only a rehearsal needs them.
    """

    _host: Host
    _providers: Mapping[str, Provider]
    #: Which plug-in each provider is of.
    _origins: Mapping[str, str]
    #: The plug-ins that something is wrong with, as far as providers go.
    _faulty: Collection[str] = ()
    problems: tuple[Problem, ...] = field(default=(), init=False)
    #: Which plug-in each emulator is of.
    origins: dict[str, str] = field(factory=dict, init=False)
    #: Why an emulator could not be built, by the name of its provider.
    broken: dict[str, str] = field(factory=dict, init=False)
    _found: Mapping[str, Sandbox] | None = field(default=None, init=False)
    _has_ours: bool = field(default=False, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def found(self) -> Mapping[str, Sandbox]:
        """The emulators; what is wrong with those of plug-ins is logged, and in `problems`."""
        with self._lock:
            if self._found is None:
                if not self._has_ours:
                    self._host.add_built_in(SANDBOXES)
                    self._has_ours = True  # The rest may be interrupted, and begun anew.
                self._found = self._load()
            return self._found

    def _load(self) -> Mapping[str, Sandbox]:
        problems: list[Problem] = []
        found: dict[str, Sandbox] = {}
        answers = self._host.gather("kling26_sandboxes", problems)
        # Of two for one provider, that of the plug-in which brings the provider counts.
        for answer in sorted(answers, key=lambda each: not self._is_owners(each)):
            work = f'Checking the plug-in "{answer.plugin}"'
            with self._host.recording(answer.plugin, problems, work):
                sandbox = _checked(answer.value)
                provider = self._provider_of(answer.plugin, sandbox)
                if provider is None:
                    continue
                build = partial(self._built, answer.plugin, provider, sandbox.build)
                found[provider.name] = evolve(sandbox, build=build)
                self.origins[provider.name] = answer.plugin
                if sandbox.uploads is not None and provider.upload_url is None:
                    reason = f'its sandbox has uploads, but "{provider.name}" has no upload_url.'
                    problems.append(Problem(answer.plugin, reason, "nothing"))
        self.problems = told(
            problems, {*self._origins.values(), *self.origins.values(), *self._host.useful}
        )
        return MappingProxyType(found)

    def _is_owners(self, answer: Answer) -> bool:
        provider = getattr(answer.value, "provider", None)
        owner = self._origins.get(provider) if isinstance(provider, str) else None
        return self._is_built_in(answer.plugin) or owner == answer.plugin

    def _provider_of(self, plugin: str, sandbox: Sandbox) -> Provider | None:
        """
        The provider that an emulator is for; None if that was skipped, which was said.

        Raises `InvalidPlugin` if there is no such provider, or if it has another emulator.
        """
        name = sandbox.provider
        if name not in self._providers:
            if plugin in self._faulty:
                return None
            others = did_you_mean(name, self._providers) or ", and there is no such provider."
            raise InvalidPlugin(f'its sandbox is for "{sanitize(name, 60)}"{others}')
        if self._is_built_in(self._origins[name]) and not self._is_built_in(plugin):
            raise InvalidPlugin(
                f'its sandbox for "{name}" does not count: that provider is built in, and has its '
                "own."
            )
        other = self.origins.get(name)
        if other == plugin:
            raise InvalidPlugin(f'it has a second sandbox for "{name}"; the first one counts.')
        if other is not None:
            raise InvalidPlugin(f'its sandbox for "{name}" does not count: "{other}" has one.')
        return self._providers[name]

    def _built(
        self,
        plugin: str,
        provider: Provider,
        build: Callable[..., ASGIApp],
        *args: object,
        **kwargs: object,
    ) -> ASGIApp:
        """An emulator; or what says that it cannot be built, which is in nobody else's way."""
        try:
            with self._host.belongings.running(plugin):
                return build(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything.
            problem = (
                f'{provider.title} has no emulator: that of the plug-in "{plugin}" cannot be built '
                f"({words(error)})."
            )
        finally:
            if changed := self._host.put_back(plugin):
                log_once(Problem(plugin, changed, "nothing"))
        self.broken[provider.name] = problem

        async def app(*_: object) -> None:
            raise SettingsError(problem)

        return app

    def _is_built_in(self, plugin: str) -> bool:
        found = self._host.plug_ins.get(plugin)
        return found is not None and found.built_in


def _checked(value: object) -> Sandbox:
    """What a plug-in returns as an emulator; raises `InvalidPlugin` if it is none."""
    if not isinstance(value, Sandbox):
        raise InvalidPlugin(
            f"kling26_sandboxes returned {type_name(value)}, which is not a Sandbox."
        )
    if not isinstance(value.provider, str):
        raise _invalid("provider", "the name of a provider", value.provider)
    if not callable(value.build):
        raise _invalid("build", "what builds the emulator, such as its class", value.build)
    for field_name in ("uploads", "balance"):
        path: object = getattr(value, field_name)
        if path is not None and not (isinstance(path, str) and _PATH.fullmatch(path)):
            raise _invalid(field_name, 'a path such as "/files", "" or None', path)
    if not isinstance(value.hosts, tuple | list):
        hint = f": write ({show(value.hosts)},)" if isinstance(value.hosts, str) else ""
        raise _invalid("hosts", "a tuple of URLs", value.hosts, hint)
    for url in value.hosts:
        if not (isinstance(url, str) and is_safe_url(url)):
            raise _invalid("hosts", "a tuple of https:// URLs", url)
    return value


def _invalid(field_name: str, required: str, got: object, hint: str = "") -> InvalidPlugin:
    return InvalidPlugin(f"Sandbox.{field_name} must be {required}; got {show(got)}{hint}.")
