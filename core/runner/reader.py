"""What a runner can be asked: what there is, what it would do, and what that would cost."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
from attrs import Factory, define, evolve, field

from ..errors import Kling26Error, UsageError
from ..http.pacing import now
from ..http.pool import ClientPool, SandboxFactory
from ..isolation import occupy
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.reading import furthest
from ..journal.task import Task
from ..keys import Keys
from ..money import Balance
from ..plugins import Registry, load_installed
from ..request import VideoRequest
from ..settings import TIMEOUT, Settings
from ..threads import in_thread
from .auto import Turns
from .jobs import JobPool
from .key_check import KeyCheck, check_key
from .many import CheckedRow, Row, check_rows
from .order import Order, Resolver, realm_of
from .preview import Preview, balance_of, preview
from .preview_many import ManyPreview, preview_many
from .prices import Prices


def _registry(runner: "RunnerReader") -> Registry:
    return load_installed(runner.settings)


def _journal(runner: "RunnerReader") -> Journal:
    settings = runner.settings
    return Journal(
        settings.journal,
        settings.home,
        source=settings.journal_source,
        budget=lambda: settings.budget,
    )


@define
class RunnerReader:
    """
    The part of the `Runner` that changes nothing, and pays for nothing.

    The arguments after `settings` are for tests: the providers, replacements for the network and
    for the installed emulators, and the journal.
    """

    settings: Settings = field(factory=Settings)
    # A `Factory` instead of a decorated method, which pyright does not understand.
    registry: Registry = field(default=Factory(_registry, takes_self=True))
    transport: httpx.AsyncBaseTransport | None = None
    sandbox: SandboxFactory | None = None
    journal: Journal = field(default=Factory(_journal, takes_self=True))
    _clients: ClientPool = field(init=False)
    _resolver: Resolver = field(init=False)
    _jobs: JobPool = field(init=False)
    _prices: Prices = field(init=False)
    _store: Store = field(init=False)

    def __attrs_pre_init__(self) -> None:
        occupy()

    def __attrs_post_init__(self) -> None:
        self._store = Store(self.settings.home)
        self._clients = ClientPool(self.settings, self.registry, self.transport, self.sandbox)
        self._resolver = Resolver(self.settings, self.registry, self._clients)
        self._prices = Prices(self.journal)
        turns = Turns(self._resolver, self._prices, self.journal)
        self._jobs = JobPool(self._resolver, self.journal, self._store, turns)

    # -- what there is ---------------------------------------------------------------------

    async def tasks(self, only_open: bool = False, limit: int | None = None) -> list[Task]:
        """The journal's tasks, oldest first; at most `limit`, the open ones and the newest."""
        self._resolver.check_settings()  # A misspelt "journal" would be another journal.
        return await self.journal.tasks(only_open, limit)

    async def task(self, name: str) -> Task:
        """A task by its id, the beginning of that, or the provider's; raises `UnknownTask`."""
        return await self.journal.get(name.strip())

    async def balance(self, provider: str | None = None, *, sandbox: bool | None = None) -> Balance:
        """What is left on the account with a provider."""
        rehearsal = self._in_sandbox(sandbox)
        chosen = self._resolver.provider(provider, rehearsal)
        chosen = self._resolver.maker(chosen, rehearsal)
        if not chosen.can("balance"):
            page = f"; see {chosen.tasks_page}" if chosen.tasks_page else ""
            raise UsageError(
                f"{chosen.title} has no API for account balances{page}.",
                provider=chosen.name,
            )
        client = self._clients.client(realm_of(chosen, rehearsal), chosen)
        return await balance_of(chosen, client)

    async def check_key(self, provider: str, key: str | None = None) -> KeyCheck:
        """
        Whether a provider accepts a key, as it was pasted, or else the one that is kept.

        Raises `MissingKey` if there is none, and `SettingsError` for what cannot be one.
        """
        chosen = self._resolver.provider(provider, sandbox=False)
        keys, realm = Keys(self.settings), realm_of(chosen, sandbox=False)
        judged = keys.need(chosen) if key is None else keys.read(chosen, key)[0]
        if self.settings.sandbox:  # Nothing leaves this machine.
            return KeyCheck(None)
        return await check_key(chosen, lambda: self._clients.client(realm, chosen, judged))

    async def check(
        self,
        request: VideoRequest,
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        sandbox: bool | None = None,
    ) -> None:
        """
        Raise what `generate` would raise for the same arguments, whatever was paid before.

        Needs no network: prices, balances and the budget are not looked at.
        """
        await self._order(request, provider, options, None, sandbox)

    async def preview(
        self,
        request: VideoRequest,
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        output: str | Path | None = None,
        sandbox: bool | None = None,
        timeout: float = TIMEOUT,
    ) -> Preview:
        """
        What `generate` would do with the same arguments: nothing is paid, and nothing written.

        Raises what that would raise before anything is sent.
        """
        deadline = now() + timeout
        rehearsal = self._in_sandbox(sandbox)
        order = await self._order(request, provider, options, output, rehearsal)
        prices = Prices(self.journal, kept=False)
        return await preview(order, self.journal, prices, self.registry, rehearsal, deadline)

    async def check_rows(
        self,
        rows: Sequence[Row],
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        sandbox: bool | None = None,
    ) -> list[CheckedRow | Kling26Error]:
        """
        Check rows as `generate_many` does, which takes the checked ones as they are.

        Returns each as a checked one, or else what is wrong with it. Needs no network. Outputs are
        left out: whoever wants them checks them, and adds them to the orders.
        """
        check = self._row_check(provider, options, sandbox)
        return await check_rows(rows, lambda row: check(evolve(row, output=None)))

    async def equal_tasks(self, rows: Sequence[CheckedRow]) -> list[Task | None]:
        """For each row, the task that it would join, or whose video it would get, if any."""
        names = {name for row in rows for name in row.order.fingerprints}
        tasks = await self.journal.find_all_equal(names)
        return [
            furthest([tasks[name] for name in row.order.fingerprints if name in tasks])
            for row in rows
        ]

    async def preview_many(self, rows: Sequence[CheckedRow], sandbox: bool) -> ManyPreview:
        """What `generate_many` would do with checked rows: nothing is paid, and nothing written."""
        equal = await self.equal_tasks(rows)
        return await preview_many(
            rows, equal, self.journal, Prices(self.journal, kept=False), sandbox
        )

    # -- orders ----------------------------------------------------------------------------

    async def _order(
        self,
        request: VideoRequest,
        provider: str | None,
        options: Mapping[str, object] | object | None,
        output: str | Path | None,
        sandbox: bool | None,
    ) -> Order:
        rehearsal = self._in_sandbox(sandbox)
        # In a thread: a large picture takes a second to decode.
        return await in_thread(self._resolver.order, request, provider, options, output, rehearsal)

    def _row_check(
        self,
        provider: str | None,
        options: Mapping[str, object] | object | None,
        sandbox: bool | None,
    ) -> Callable[[Row], Order]:
        """Makes an order of a row, which may be checked already; raises `UsageError`."""
        rehearsal, resolver = self._in_sandbox(sandbox), self._resolver

        def check(row: Row) -> Order:
            if isinstance(row, CheckedRow):
                return row.order
            own = options if row.options is None else row.options
            name = row.provider or provider
            return resolver.order(row.request, name, own, row.output, rehearsal)

        return check

    def _in_sandbox(self, sandbox: bool | None) -> bool:
        return self.settings.sandbox if sandbox is None else sandbox
