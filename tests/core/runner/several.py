"""A stage with all built-in providers at once."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, Unpack

import httpx
from attrs import define, evolve, field
from kling26.core.events import Events
from kling26.core.host import Host
from kling26.core.http.pool import SandboxFactory
from kling26.core.journal.journal import Journal
from kling26.core.plugins import Registry
from kling26.core.request import VideoRequest
from kling26.core.runner.results import Video
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings
from kling26.sandbox import Conditions, Fault, FaultName, SandboxTransport
from kling26.testing.emulation import Emulation, emulate
from kling26.testing.stage import PROMPT, RequestFields

from ..conftest import PROVIDERS, Stage, built_in

#: How each provider refuses what it is asked to show: HTTP status and body.
_REFUSALS: Mapping[str, tuple[int, dict[str, object]]] = {
    "kie": (200, {"code": 422, "msg": "The prompt is not allowed", "data": None}),
    "apikley": (200, {"code": 422, "message": "The prompt is not allowed", "data": None}),
    "cometapi": (400, {"code": 1301, "message": "The prompt is not allowed"}),
    "runcomfy": (400, {"error_code": 400001, "error_message": "The prompt is not allowed"}),
}


@define
class _Network(httpx.AsyncBaseTransport):
    """A network in which some hosts cannot be reached, and some refuse every paid request."""

    inner: httpx.AsyncBaseTransport
    cut_off: set[str]
    refusing: dict[str, str]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host in self.cut_off:
            raise httpx.ConnectError("Connection refused")
        if request.method == "POST" and request.url.host in self.refusing:
            status, body = _REFUSALS[self.refusing[request.url.host]]
            return httpx.Response(status, json=body)
        return await self.inner.handle_async_request(request)


@define
class Several(Stage):
    """The user's providers, which "auto" chooses from in the order of `prefer`, or by price."""

    prefer: str = ""
    environ: dict[str, str] = field(factory=dict)
    companies: dict[str, Emulation] = field(factory=dict, init=False)
    cut_off: set[str] = field(factory=set, init=False)
    refusing: dict[str, str] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        for name in PROVIDERS:
            conditions = Conditions(clock=self.clock, queued=20.0, running=40.0)
            self.companies[name] = emulate(*built_in(name), conditions)

    @property
    def _settings(self) -> Settings:
        return Settings(
            {"KLING26_HOME": str(self.home), "KLING26_PREFER": self.prefer, **self.environ}
        )

    @property
    def registry(self) -> Registry:
        providers = {name: each.provider for name, each in self.companies.items()}
        origins: Mapping[str, str] = dict.fromkeys(providers, "this test")
        return Registry(MappingProxyType(providers), MappingProxyType(origins))

    def transport(self) -> httpx.AsyncBaseTransport:
        apps = {url: app for each in self.companies.values() for url, app in each.apps.items()}
        return _Network(SandboxTransport(apps), self.cut_off, self.refusing)

    def runner(
        self,
        alive: bool = False,
        *,
        journal: Journal | None = None,
        sandbox: SandboxFactory | None = None,
    ) -> Runner:
        runner = Runner(
            settings=self._settings,
            registry=self.registry,
            sandbox=sandbox or (lambda _: self.transport()),
            journal=journal or self._journal(alive),
        )
        runner.journal.budget = lambda: self._settings.budget
        self._journals.append(runner.journal)
        return runner

    # -- the providers ---------------------------------------------------------------------

    def fault_at(
        self, name: str, fault: FaultName, *, times: int = 1, retry_after: float | None = None
    ) -> None:
        """Make one provider misbehave."""
        faults = self.companies[name].conditions.faults
        faults.append(Fault(fault, times=times, retry_after=retry_after))

    def refuse_key_at(self, name: str) -> None:
        """Let a provider know no key."""
        self.companies[name].conditions.keys = ()

    def cut(self, name: str) -> None:
        """Let a provider's API not be reached."""
        self.cut_off.add(self._host(name))

    def refuse_content_at(self, name: str) -> None:
        """Let a provider refuse what the video is to show."""
        self.refusing[self._host(name)] = name

    def _host(self, name: str) -> str:
        return httpx.URL(self.companies[name].provider.base_url).host

    @property
    def payments(self) -> dict[str, int]:
        """How many tasks each provider has accepted."""
        return {
            name: len(each.emulator.accepted)
            for name, each in self.companies.items()
            if each.emulator.accepted
        }

    # -- the user --------------------------------------------------------------------------

    async def ask(
        self,
        runner: Runner,
        provider: str = "auto",
        *,
        prompt: str = PROMPT,
        options: Mapping[str, object] | None = None,
        output: Path | None = None,
        timeout: float = 3600.0,
        **fields: Unpack[RequestFields],
    ) -> Video:
        """Ask for a video, of any provider."""
        return await runner.generate(
            VideoRequest(prompt, **fields),
            provider,
            options,
            output=output,
            sandbox=True,
            timeout=timeout,
            progress=self.progress.append,
        )

    def auto(self, provider: str = "auto", **more: object) -> Video:
        """`ask`, by a runner that is closed properly."""

        async def work() -> Video:
            async with self.runner() as runner:
                return await self.ask(runner, provider, **more)  # type: ignore[arg-type]

        return self.run(work())

    @property
    def said(self) -> str:
        """The notes that the user has read."""
        return " ".join(each.message or "" for each in self.progress)


def events(*plugins: object) -> Events:
    """What reaches these plug-ins."""
    host = Host()
    for number, plugin in enumerate(plugins):
        host.register(f"plugin-{number}", plugin)
    return Events(host)


class WithPlugins(Several):
    """The built-in providers, and plug-ins that are told of tasks."""

    plugins: tuple[object, ...] = ()

    @property
    def registry(self) -> Registry:
        return evolve(super().registry, events=events(*self.plugins))


S = TypeVar("S", bound=Several)


def several(home: Path, prefer: str = "", kind: type[S] = Several, **environ: str) -> S:  # type: ignore[assignment]
    """All providers, in an order."""
    return kind(home, *built_in("kie"), prefer=prefer, environ=environ)
