"""Orders: requests that have passed every check that needs no network."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import httpx
from attrs import asdict, frozen

from .. import validation
from ..errors import SettingsError
from ..hosts import is_loopback
from ..http.client import ProviderClient
from ..http.pool import ClientPool
from ..journal.outputs import Output, check_output
from ..journal.task import Task, fingerprint, image_id, new_task_id
from ..options import build_options
from ..plugins import Registry
from ..provider import Provider
from ..rehearsal import emulator
from ..request import ImageOption, VideoRequest
from ..settings import Settings
from ..status import Realm
from ..text import did_you_mean, join_words, sanitize


@frozen
class Target:
    """Where a task goes: the provider, the realm, and the provider's own options."""

    provider: Provider
    realm: Realm
    options: object
    clients: ClientPool

    @cached_property
    def client(self) -> ProviderClient:
        """The client for the provider's flows; raises `MissingKey`, among others."""
        return self.clients.client(self.realm, self.provider)


@frozen
class Order:
    """A checked request, its target, and where the video is to be written."""

    request: VideoRequest
    target: Target
    output: Output | None

    @property
    def fingerprint(self) -> str:
        target = self.target
        return fingerprint(target.provider.name, target.realm, self.request, target.options)

    def draft(
        self,
        image_files: Mapping[ImageOption, str],
        clock: Callable[[], float],
        price_usd: float | None,
    ) -> Task:
        """
        A new row for the journal.

        `image_files` are the names of the saved images, and `price_usd` is what the video will cost
        in USD.
        """
        moment, request = clock(), self.request
        return Task(
            id=new_task_id(),
            provider=self.target.provider.name,
            realm=self.target.realm,
            fingerprint=self.fingerprint,
            state="submitting",
            prompt=request.prompt,
            image=image_id(request.image),
            sound=request.sound,
            duration=request.duration,
            aspect_ratio=request.aspect_ratio,
            callback_url=request.callback_url,
            seed=request.seed,
            options=asdict(self.target.options),  # type: ignore[arg-type]  # An attrs class, checked.
            end_image=image_id(request.end_image),
            image_file=image_files.get("image"),
            end_image_file=image_files.get("end_image"),
            price_usd=price_usd,
            created=moment,
            updated=moment,
        )


@frozen
class Resolver:
    """Turns requests and tasks into targets: installed providers at their configured URLs."""

    settings: Settings
    registry: Registry
    clients: ClientPool

    def provider(self, name: str | None, sandbox: bool) -> Provider:
        """A provider by name, or the default one; in the sandbox, at its original URLs."""
        self.check_settings()
        provider = self.registry[self._default() if name is None else name]
        return provider if sandbox else self.settings.configure(provider)

    def _default(self) -> str:
        name, where = self.settings.provider, self.settings.where("KLING26_PROVIDER")
        if name not in self.registry.providers:
            names = self.registry.providers
            others = did_you_mean(name, names) or f". Installed: {join_words(names, 'and')}."
            raise SettingsError(
                f'{where} is "{sanitize(name, 60)}", but there is no such provider{others}'
            )
        return name

    def check_settings(self) -> None:
        """Raise `SettingsError` if a setting means nothing, and was perhaps misspelt."""
        self.settings.check(self.registry.providers.values(), self.registry.problems)

    def order(
        self,
        request: VideoRequest,
        provider: str | None,
        options: Mapping[str, object] | object | None,
        output: str | Path | None,
        sandbox: bool,
    ) -> Order:
        """Check everything; raises `UsageError` before anything is sent or written."""
        chosen = self.provider(provider, sandbox)
        if not sandbox:
            self.settings.check_real()
        own = validation.validate(chosen, request, options)
        place = None if output is None else check_output(output, self.settings.home)
        realm = realm_of(chosen, sandbox)
        return Order(request, Target(self.maker(chosen, sandbox), realm, own, self.clients), place)

    def target(self, task: Task) -> Target:
        """The target of an existing task; raises `SettingsError` if its URL has changed."""
        provider = self.provider(task.provider, task.sandbox)
        if task.realm != realm_of(provider, task.sandbox):
            where = "itself" if task.realm == "live" else "at a base URL on this machine"
            raise SettingsError(
                f"Task {task.id} was submitted to {provider.title} {where}, but the base URL is "
                f"now {provider.base_url}; change it back.",
                provider=provider.name,
            )
        own = build_options(provider.Options, task.options, provider.title, provider.name)
        return Target(self.maker(provider, task.sandbox), task.realm, own, self.clients)

    def maker(self, provider: Provider, sandbox: bool) -> Provider:
        """The provider, or its emulator; one that stands in for it in a test is spoken of as it."""
        return emulator(provider) if self.rehearses(sandbox) else provider

    def rehearses(self, sandbox: bool) -> bool:
        """Whether this is a rehearsal, in which nothing is paid."""
        return sandbox and self.clients.sandbox is None

    def maker_of(self, task: Task) -> Provider:
        """Who makes a task's video."""
        return self.maker(self.registry[task.provider], task.sandbox)


def realm_of(provider: Provider, sandbox: bool) -> Realm:
    """The realm of the provider at its current base URL."""
    if sandbox:
        return "sandbox"
    return "loopback" if is_loopback(httpx.URL(provider.base_url).host) else "live"
