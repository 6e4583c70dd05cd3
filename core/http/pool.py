"""The HTTP clients of a runner."""

from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal

import httpx
from attrs import define, field

from ..errors import SettingsError
from ..keys import Key, Keys
from ..plugins import Registry, load_rehearsal
from ..provider import Provider
from ..settings import Settings
from ..status import Realm
from .client import ProviderClient
from .concurrency import ProviderConcurrency
from .outbound import Network, Outbound

#: Builds a transport that answers for these providers' APIs.
SandboxFactory = Callable[[Mapping[str, Provider]], httpx.AsyncBaseTransport]

_Use = Literal["free", "paid", "downloads", "sandbox"]

#: The key that sandboxed requests are signed with.
_SANDBOX_KEY = Key("sandbox-key", "sandbox")


def make_client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """An HTTP client that follows no redirects and stores no cookies."""
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


@define
class ClientPool:
    """
    Clients, created on first use, all for one event loop.

    `transport` replaces the network, and `sandbox` the installed emulators.
    """

    settings: Settings
    registry: Registry
    transport: httpx.AsyncBaseTransport | None = None
    sandbox: SandboxFactory | None = None
    _network: Network = field(factory=Network, init=False)
    _clients: dict[str, httpx.AsyncClient] = field(factory=dict, init=False)
    _concurrency: dict[str, ProviderConcurrency] = field(factory=dict, init=False)
    #: The names of the providers with an emulator, once the emulators are loaded.
    _emulated: frozenset[str] | None = field(default=None, init=False)

    def client(self, realm: Realm, provider: Provider, key: Key | None = None) -> ProviderClient:
        """
        The client for a provider's flows, with the user's key, or another one.

        Raises `MissingKey` if there is no key for it; `NetworkSettingsError` if the proxy or the
        certificates cannot be used; `SettingsError` for a rehearsal with a provider that has no
        emulator.
        """
        if realm == "sandbox":
            client = self._client("sandbox")
            if self._emulated is not None and provider.name not in self._emulated:
                title = self.registry[provider.name].title
                raise SettingsError(
                    f"{title} has no emulator, so it cannot be used in the sandbox.",
                    provider=provider.name,
                )
            if (problem := self.registry.emulators.broken.get(provider.name)) is not None:
                raise SettingsError(problem, provider=provider.name)
            concurrency = self.concurrency(realm, provider)
            return ProviderClient(provider, realm, _SANDBOX_KEY, client, client, concurrency)
        key = key or Keys(self.settings).need(provider)
        if self.transport is None:
            self._network.check()
        free, paid = self._client("free"), self._client("paid")
        return ProviderClient(provider, realm, key, free, paid, self.concurrency(realm, provider))

    def downloads(self, realm: Realm) -> httpx.AsyncClient:
        """The client that downloads results; it never gets a key."""
        return self._client("sandbox" if realm == "sandbox" else "downloads")

    def concurrency(self, realm: Realm, provider: Provider) -> ProviderConcurrency:
        """How much may go on at once at a provider."""
        return self._concurrency.setdefault(f"{realm}:{provider.name}", ProviderConcurrency())

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _client(self, use: _Use) -> httpx.AsyncClient:
        if use not in self._clients:
            self._clients[use] = make_client(self._transport(use))
        return self._clients[use]

    def _transport(self, use: _Use) -> httpx.AsyncBaseTransport:
        if use == "sandbox":
            return self._emulators()
        # On a connection used before, a server that has just closed it looks like one that may have
        # accepted a paid request.
        return self.transport or Outbound(self._network, keep_alive=use != "paid")

    def _emulators(self) -> httpx.AsyncBaseTransport:
        if self.sandbox is not None:
            return self.sandbox(self.registry.providers)
        emulators = self.registry.emulators.found()
        self._emulated = frozenset(emulators)
        return load_rehearsal()(self.registry.providers, emulators, self.settings)
