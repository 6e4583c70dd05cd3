"""Connecting a provider to its emulator: in place of the provider's hosts, or on a server."""

from collections.abc import Mapping
from functools import cache

import httpx
from attrs import evolve, frozen

from ..core.hookspecs import ASGIApp, Sandbox
from ..core.http.client import ProviderClient
from ..core.http.pool import make_client
from ..core.installed import discover
from ..core.keys import Key
from ..core.plugins import load_sandboxes
from ..core.provider import Provider
from ..core.settings import url_variables
from ..sandbox import Conditions, Emulator, SandboxTransport, build_site, environment

#: An emulator as an author has it: its class, or what the hook `kling26_sandboxes` returns.
SandboxLike = Sandbox | type[Emulator]

#: Where `serve` serves.
SITE = "https://sandbox.example"


@frozen
class Emulation:
    """A provider, its emulator, and the ASGI applications that stand in for hosts, by URL."""

    provider: Provider
    emulator: Emulator
    conditions: Conditions
    apps: Mapping[str, ASGIApp]

    def transport(self) -> httpx.AsyncBaseTransport:
        """A new transport that reaches the emulator, and nothing else."""
        return SandboxTransport(self.apps)

    def client(
        self, key: str = "sandbox-key", over: httpx.AsyncBaseTransport | None = None
    ) -> ProviderClient:
        """A client as the runner has one, of which `client.client` has to be closed."""
        http = make_client(over or self.transport())
        return ProviderClient(self.provider, "sandbox", Key(key, "sandbox"), http, http)


def emulate(provider: Provider, sandbox: SandboxLike, conditions: Conditions) -> Emulation:
    """The emulator in place of all hosts of the provider."""
    offer = _offer(provider, sandbox)
    emulator = _emulator(offer.build(conditions))
    urls = [provider.base_url, provider.upload_url, provider.balance_url, *offer.hosts]
    return Emulation(provider, emulator, conditions, {url: emulator for url in urls if url})


def serve(provider: Provider, sandbox: SandboxLike, conditions: Conditions) -> Emulation:
    """
    The emulator as `kling26 sandbox serve` has it: under a path of its own, next to others.

    The provider is then the one at that URL, and the conditions are a copy of those given.
    """
    offer = _offer(provider, sandbox)
    site = build_site([offer], conditions)
    served = environment(offer, SITE)
    moved = provider.at(
        {
            attribute: served[variable]
            for attribute, variable in url_variables(provider).items()
            if variable in served
        }
    )
    emulator = _emulator(site.apps[offer.provider])
    return Emulation(moved, emulator, site.conditions[offer.provider], {SITE: site})


def _offer(provider: Provider, sandbox: SandboxLike) -> Sandbox:
    """An emulator's class is served as the plug-in's hook has it, if it is installed."""
    if isinstance(sandbox, Sandbox):
        return sandbox
    has_more = provider.upload_url or provider.balance_url
    installed = _installed(provider.name) if has_more else None
    # The host binds what the hook has to its plug-in, so that a fault is put down to it.
    if installed is not None and sandbox in getattr(installed.build, "args", ()):
        return evolve(installed, build=sandbox)
    return Sandbox(provider.name, build=sandbox)


@cache
def _installed(name: str) -> Sandbox | None:
    return load_sandboxes(discover()).get(name)


def _emulator(app: object) -> Emulator:
    if not isinstance(app, Emulator):
        raise TypeError(f"{type(app).__name__} must be a subclass of kling26.sandbox.Emulator.")
    return app
