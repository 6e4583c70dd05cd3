"""Orders: requests that have passed every check that needs no network."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import httpx
from attrs import asdict, evolve, frozen

from .. import validation
from ..errors import OptionRefused, SettingsError, UnknownProvider, UsageError
from ..hosts import is_loopback
from ..http.client import ProviderClient
from ..http.pool import ClientPool
from ..journal.outputs import Output, check_output
from ..journal.task import Passed, Task, fingerprint, image_id, new_task_id
from ..options import build_options
from ..plugins import Registry
from ..provider import AUTO, Provider
from ..rehearsal import emulator
from ..request import ImageOption, VideoRequest
from ..settings import Settings
from ..status import Realm
from ..text import did_you_mean, join_sentences, join_words, sanitize, sentence
from .absence import absence
from .terms import FREELY, Terms


@frozen
class Target:
    """
    Where a task goes: the provider, the realm, and the provider's own options.

    `plugin` is the distribution that the provider is from, and its version; None for our own.
    """

    provider: Provider
    realm: Realm
    options: object
    clients: ClientPool
    plugin: str | None = None

    @cached_property
    def client(self) -> ProviderClient:
        """The client for the provider's flows; raises `MissingKey`, among others."""
        return self.clients.client(self.realm, self.provider)

    @property
    def own(self) -> dict[str, object]:
        """The provider's own options by name."""
        return asdict(self.options)  # type: ignore[arg-type]  # An attrs class, checked.

    def fingerprint(self, request: VideoRequest) -> str:
        """What is equal for requests for the same video from this provider."""
        return fingerprint(self.provider.name, self.realm, request, self.options)


@frozen
class Order:
    """
    A checked request, where it may go, and where the video is to be written.

    There is one target, or if it is for any provider ("auto") those of all that may be asked and
    take it, in menu order or, if `in_order`, in the order in which they are to be asked. `others`
    take it too, and are not to be asked; what they make already counts all the same. `asked` are
    the own options that were asked for then, and `passed` those who do not take it. `terms` are
    those on which it may be paid for.
    """

    request: VideoRequest
    targets: Sequence[Target]
    output: Output | None = None
    asked: Mapping[str, object] | None = None
    passed: Sequence[Passed] = ()
    in_order: bool = False
    others: Sequence[Target] = ()
    terms: Terms = FREELY

    @property
    def auto(self) -> bool:
        """Whether it is for any provider."""
        return self.asked is not None

    @property
    def _takers(self) -> Sequence[Target]:
        """Those of all who take it, whether they may be asked or not."""
        return (*self.targets, *self.others)

    @property
    def fingerprints(self) -> list[str]:
        """Those of all tasks that would make this video."""
        return [target.fingerprint(self.request) for target in self._takers]

    def to_be_paid(self) -> "Order":
        """The order for those who may be paid for it by now; raises `NotSent` if nobody may."""
        left, closed, passed = list[Target](), list[Target](), list[Passed]()
        for target in self.targets:
            name = target.provider.name
            if (why := self.terms.objection(name)) is None:
                left.append(target)
                continue
            if target is self.targets[-1] and not left:
                raise why
            closed.append(target)
            passed.append(Passed(name, sentence(why, 1000)))
        if not closed:
            return self
        others, before = (*self.others, *closed), (*self.passed, *passed)
        return evolve(self, targets=left, others=others, passed=before)

    def target_of(self, task: Task) -> Target | None:
        """The target that a task has; None if it has another one."""
        there = (task.provider, task.realm)
        found = (each for each in self._takers if (each.provider.name, each.realm) == there)
        return next(found, None)

    def draft(
        self,
        target: Target,
        passed: Sequence[Passed],
        image_files: Mapping[ImageOption, str],
        clock: Callable[[], float],
        price_usd: float | None,
    ) -> Task:
        """
        A new row for the journal, for one of the targets.

        `passed` are the providers that were passed over, `image_files` the names of the saved
        images, and `price_usd` is what the video will cost in USD.
        """
        moment, request = clock(), self.request
        return Task(
            id=new_task_id(),
            provider=target.provider.name,
            plugin=target.plugin,
            realm=target.realm,
            fingerprint=target.fingerprint(request),
            state="submitting",
            prompt=request.prompt,
            image=image_id(request.image),
            sound=request.sound,
            duration=request.duration,
            aspect_ratio=request.aspect_ratio,
            callback_url=request.callback_url,
            seed=request.seed,
            options=target.own,
            end_image=image_id(request.end_image),
            image_file=image_files.get("image"),
            end_image_file=image_files.get("end_image"),
            asked=self.asked,
            passed=passed,
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
        name = self._named(name)
        if name == AUTO:
            raise UsageError('"auto" is any of the providers; name one of them.')
        provider = self.registry[name]
        return provider if sandbox else self.settings.configure(provider)

    def _named(self, name: str | None) -> str:
        """The provider that is meant: the one that is named, or the default one."""
        if name is not None:
            return name
        name, where = self.settings.provider, self.settings.where("KLING26_PROVIDER")
        self._check_installed(name, f'{where} is "{sanitize(name, 60)}"')
        return name

    def _check_installed(self, name: str, said: str) -> None:
        if name in self.registry.providers or name == AUTO:
            return
        names = self.registry.providers
        others = did_you_mean(name, names) or f". Installed: {join_words(names, 'and')}."
        raise SettingsError(f"{said}, but there is no such provider{others}")

    def check_settings(self) -> None:
        """Raise `SettingsError` if a setting means nothing, and was perhaps misspelt."""
        self.settings.check(self.registry.providers.values(), self.registry.problems)

    # -- orders ----------------------------------------------------------------------------

    def order(
        self,
        request: VideoRequest,
        provider: str | None,
        options: Mapping[str, object] | object | None,
        output: str | Path | None,
        sandbox: bool,
    ) -> Order:
        """Check everything; raises `UsageError` before anything is sent or written."""
        self.check_settings()
        name = self._named(provider)
        if not sandbox:
            self.settings.check_real()
        if name == AUTO:
            checked = self._order_of_any(request, options or {}, sandbox)
        else:
            checked = Order(request, [self._target(name, request, options, sandbox)])
        place = None if output is None else check_output(output, self.settings.home)
        return evolve(checked, output=place)

    def order_again(self, task: Task, request: VideoRequest) -> Order:
        """The order that a task for any provider comes from; `request` is its request."""
        self.check_settings()
        return self._order_of_any(request, task.asked or {}, task.sandbox)

    def _order_of_any(
        self, request: VideoRequest, options: Mapping[str, object] | object, sandbox: bool
    ) -> Order:
        """An order for all providers that take a request; raises `UsageError` if none does."""
        preferred = self._preferred()
        targets: dict[str, Target] = {}
        refusals: list[OptionRefused] = []
        for name in dict.fromkeys([*preferred, *self.registry.providers]):
            try:
                targets[name] = self._target(name, request, options, sandbox)
            except OptionRefused as refusal:
                refusals.append(refusal)
            except UsageError:
                if not preferred or name in preferred:
                    raise
            except Exception as error:  # noqa: BLE001 - one plug-in must not stop the others.
                title = self.registry[name].title
                words = f"{title} cannot check a request: {sanitize(repr(error))}."
                refusals.append(OptionRefused(words, option="provider", provider=name))
        asked_of = [targets[name] for name in preferred or targets if name in targets]
        refusals = [each for each in refusals if not preferred or each.provider in preferred]
        if not asked_of:
            raise _taken_by_none(refusals)
        asked = options if isinstance(options, Mapping) else asdict(options)  # type: ignore[arg-type]
        passed = [Passed(str(each.provider), sentence(each)) for each in refusals]
        others = [each for each in targets.values() if each not in asked_of]
        return Order(
            request, asked_of, None, dict(asked), passed, in_order=bool(preferred), others=others
        )

    def _preferred(self) -> Sequence[str]:
        """The providers that the user prefers; none for any."""
        where, names = self.settings.where("KLING26_PREFER"), self.settings.preferred
        for name in names:
            self._check_installed(name, f'{where} has "{sanitize(name, 60)}"')
        if AUTO in names:
            raise SettingsError(f'{where} has "{AUTO}", which is any provider; leave it out.')
        return list(dict.fromkeys(names))

    # -- targets ---------------------------------------------------------------------------

    def _target(
        self,
        name: str,
        request: VideoRequest,
        options: Mapping[str, object] | object | None,
        sandbox: bool,
    ) -> Target:
        provider = self.provider(name, sandbox)
        own = validation.validate(provider, request, options)
        realm, plugin = realm_of(provider, sandbox), self.registry.source(provider.name)
        return Target(self.maker(provider, sandbox), realm, own, self.clients, plugin)

    def target(self, task: Task) -> Target:
        """
        The target of an existing task.

        Raises `UnknownProvider` if its provider is not here, and `SettingsError` if its URL has
        changed.
        """
        self.check_settings()
        if (why := absence(task, self.registry)) is not None:
            raise UnknownProvider(why, provider=task.provider)
        provider = self.provider(task.provider, task.sandbox)
        if task.realm != realm_of(provider, task.sandbox):
            where = "itself" if task.realm == "live" else "at a base URL on this machine"
            raise SettingsError(
                f"Task {task.id} was submitted to {provider.title} {where}, but the base URL is "
                f"now {provider.base_url}; change it back.",
                provider=provider.name,
            )
        own = build_options(provider.Options, task.options, provider.title, provider.name)
        maker = self.maker(provider, task.sandbox)
        return Target(maker, task.realm, own, self.clients, self.registry.source(provider.name))

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


def _taken_by_none(refusals: Sequence[OptionRefused]) -> UsageError:
    """The error for a request that no provider takes."""
    reasons = [sentence(each) for each in refusals]
    words = join_sentences("No provider takes this request.", *reasons)
    options = {each.option for each in refusals}
    error = OptionRefused(words, option=options.pop()) if len(options) == 1 else UsageError(words)
    error.reasons = reasons
    return error
