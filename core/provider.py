"""The interface that a provider plug-in implements."""

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar
from urllib.parse import quote

from attrs import evolve

from . import wire
from .images import ImageFile
from .limits import Limits
from .options import NoOptions
from .replies import Replies
from .request import VideoRequest
from .status import Status, Ticket

T = TypeVar("T")
if TYPE_CHECKING:
    import httpx

    # Type checkers bring typing_extensions along; a plain `Provider` has options of any class.
    from typing_extensions import TypeVar as TypeVarWithDefault

    OptionsT = TypeVarWithDefault("OptionsT", contravariant=True, default=Any)
else:
    OptionsT = TypeVar("OptionsT", contravariant=True)

#: The version of the interface below. Later versions add to it and remove nothing.
INTERFACE = 1

#: What stands for any provider where one is named.
AUTO = "auto"

#: A conversation with a provider: yields requests, is sent the answers, returns a value.
#: Modelled on ``httpx.Auth.auth_flow``: it uses no socket, no clock and no key.
Flow = Generator["httpx.Request", "httpx.Response", T]


class Provider(Replies, ABC, Generic[OptionsT]):
    """
    A service that makes Kling 2.6 videos.

    A plug-in subclasses this, translates requests into its service's format, and returns an
    instance from the ``kling26_providers`` hook::

        import httpx
        from kling26.core import Provider, Status, Ticket, hookimpl


        class Acme(Provider):
            name = "acme"
            title = "Acme Video"
            key_variable = "ACME_API_KEY"
            base_url = "https://api.acme.example"

            def submit(self, request, options):
                body = {
                    "text": request.prompt,
                    "seconds": request.duration,
                    "audio": request.sound,
                }
                reply = yield httpx.Request("POST", f"{self.base_url}/videos", json=body)
                return Ticket(reply.json()["id"])

            def poll(self, ticket):
                reply = yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
                video = reply.json()
                return Status("succeeded" if video["done"] else "running", url=video["url"])


        @hookimpl
        def kling26_providers():
            return [Acme()]

    with, in the plug-in's ``pyproject.toml``::

        [project.entry-points.kling26]
        acme = "kling26_acme"

    **Flows** are generators that yield an `httpx.Request`, are sent the `httpx.Response` and
    return a value. They contain no key: the runner signs requests to the hosts of `base_url`,
    `upload_url` and `balance_url`, and no others. They do not wait, retry or catch connection
    errors: the runner does. They are sent every answer below HTTP 500, and raise a `ProviderError`:
    `Refused` (or `KeyRejected`, `OutOfCredit`) for a "no" in the provider's own words, `TryLater`
    if it did not accept the request for now, `NoSuchTask`, `Unavailable` if it reports an internal
    error under an HTTP status below 500, and `UnexpectedReply` for anything they cannot read.
    `read_ticket`, `status` and `raise_for_error` do that with `states` and `errors`, and `url`,
    `read` and the methods next to them help. HTTP 5xx and broken connections are
    raised inside the flow as `Unavailable`. Most flows let it propagate, and the runner tries
    again; a flow for which a 5xx has a meaning catches it and reads its `reply`. The paid request
    is an exception: any answer of 500 or above makes the task unknown.

    `submit` and `poll` are required. `upload`, `cancel`, `find`, `renew`, `quote` and `balance` are
    optional flows; `check`, `price`, `read_callback` and `verify_callback` are plain functions, and
    so are `sign`, `ticket` and `recover_ticket`, which few services need to override. Whatever a
    task needs later goes into its `Ticket`: one instance of this class serves many tasks at once.

    With type checking, write ``class Acme(Provider[AcmeOptions])`` to name the class of `Options`.

    ``kling26 new-provider acme`` writes a working plug-in with an emulator and tests, and
    ``docs/plugins.md`` continues from there. `kling26.testing.ProviderTests` tests the rules above.
    """

    #: The version of this interface (`INTERFACE`) that the plug-in needs; an older kling26 skips
    #: the plug-in and reports it.
    interface: ClassVar[int] = 1
    #: What users type: short and lower case, with letters, digits, ``-`` and ``_``.
    name: ClassVar[str]
    #: The name that users read.
    title: ClassVar[str]
    #: The environment variable that contains the key, and others that may instead.
    key_variable: ClassVar[str]
    other_key_variables: ClassVar[tuple[str, ...]] = ()
    #: The word before the key in the header ``Authorization``.
    key_scheme: ClassVar[str] = "Bearer"
    #: The URL of the API, without a trailing slash. ``<NAME>_BASE_URL`` overrides it.
    base_url: str
    #: Where images are uploaded, if anywhere. ``<NAME>_UPLOAD_URL`` overrides it.
    upload_url: str | None = None
    #: Where the balance is asked for, if not at `base_url`. ``<NAME>_BALANCE_URL`` overrides it.
    balance_url: str | None = None
    #: What the provider accepts.
    limits: Limits = Limits()
    #: Its own options, beyond the shared ones: an attrs class of `option` fields.
    Options: ClassVar[type] = NoOptions
    #: Whether it supports `VideoRequest.callback_url`; if not, that option is refused.
    takes_callback_url: ClassVar[bool] = False
    #: The pages where users get a key, and where they see the tasks of their account.
    key_page: ClassVar[str | None] = None
    tasks_page: ClassVar[str | None] = None
    #: The unit of `Status.cost` and of `balance`.
    cost_unit: ClassVar[str] = "USD"
    #: What one `cost_unit` is worth in USD, if that is the same for everybody.
    usd_per_unit: ClassVar[float | None] = None
    #: Whether what a video cost may only be known some time after it is finished.
    cost_comes_late: ClassVar[bool] = False
    #: What a request that is refused, and a task that fails, cost, as far as that is documented: a
    #: sentence for users.
    charges: ClassVar[str | None] = None
    #: Whether a task that fails costs something, where that is documented.
    charges_failures: ClassVar[bool | None] = None
    #: The JSON name of the task's id in the answer to a submit, so that the id can be found even in
    #: a truncated answer.
    task_id_name: ClassVar[str | None] = None
    #: How URLs in that answer contain the id, as a regular expression with one group.
    task_id_pattern: ClassVar[str | None] = None

    @abstractmethod
    def submit(self, request: VideoRequest, options: OptionsT) -> Flow[Ticket]:
        """
        Request the video; the one paid request of this flow is its last.

        `request.image` is None, a URL, or an `ImageFile` if the provider has no `upload`; so is
        `request.end_image`, which only comes with an `image` and if `Limits.end_image` is set.
        `options` is an instance of `Options`. Raise `Refused` if the provider clearly said no,
        and `UnexpectedReply` if anything is unclear: the task then counts as possibly paid.
        """

    @abstractmethod
    def poll(self, ticket: Ticket) -> Flow[Status]:
        """Ask for the status of the task."""

    def upload(self, image: ImageFile) -> Flow[str]:
        """Upload an image for `submit` and return its URL; free, and may be repeated."""
        raise NotImplementedError

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Cancel the task if that is free; returns whether it was really cancelled."""
        raise NotImplementedError

    def find(self, request: VideoRequest) -> Flow[Ticket | None]:
        """
        The ticket of a submit whose answer was lost, or None.

        Only for providers that store our own id, `request.task`, and make sure that it is unique:
        if nothing is found, the runner submits again under the same id. So None is for an empty
        list, or the service's own "no such task"; raise whatever else the answer is.
        """
        raise NotImplementedError

    def renew(self, ticket: Ticket, url: str) -> Flow[str]:
        """A fresh URL for a result whose `url` has expired."""
        raise NotImplementedError

    def quote(self, request: VideoRequest, options: OptionsT) -> Flow[float | None]:
        """Ask for the price in USD; None if the provider does not say, or says 0 or less."""
        raise NotImplementedError

    def balance(self) -> Flow[float]:
        """What is left on the account, in `cost_unit`."""
        raise NotImplementedError

    def check(self, request: VideoRequest, options: OptionsT) -> None:
        """Check rules that involve several options; raise `OptionRefused` to refuse the request."""

    def read_callback(self, body: bytes | str) -> Status:
        """
        The status in a provider's call to `callback_url`, with `Status.task_id` filled in.

        A callback proves nothing: `poll` before you rely on it.
        """
        raise NotImplementedError

    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """
        Whether a call to `callback_url` was recently signed with the account's webhook secret.

        `body` is the exact body of the call, and `headers` are its headers.
        """
        raise NotImplementedError

    def price(self, request: VideoRequest, options: OptionsT) -> float | None:
        """The list price in USD, or None if it is unknown, which 0 means too."""
        return None

    def sign(self, request: "httpx.Request", key: str) -> None:
        """Add the key to a request to one of the provider's own hosts; rarely overridden."""
        request.headers["Authorization"] = f"{self.key_scheme} {key}"

    def ticket(self, task_id: str, request: VideoRequest) -> Ticket:
        """The ticket of the task that has this id, and was submitted with this request."""
        return Ticket(task_id)

    def recover_ticket(self, fragment: str, request: VideoRequest) -> Ticket | None:
        """The ticket in an answer that was truncated or is an error; rarely overridden."""
        name, pattern = self.task_id_name, self.task_id_pattern
        task_id = None if name is None else wire.find_identifier(fragment, name)
        if task_id is None and pattern is not None and (found := re.search(pattern, fragment)):
            task_id = found[1]
        return None if task_id is None else self.ticket(task_id, request)

    # -- to use, and not to override; `Replies` has the rest ---------------------------------------

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables of the environment that may contain the key; the first that is set does."""
        return self.key_variable, *self.other_key_variables

    def can(self, flow: str) -> bool:
        """Whether the provider implements the optional flow of that name."""
        return getattr(type(self), flow) is not getattr(Provider, flow)

    def at(self, urls: Mapping[str, str]) -> Self:
        """A copy of the provider with other URLs: ``{"base_url": …, "upload_url": …}``."""
        moved = copy.copy(self)
        for attribute, url in urls.items():
            setattr(moved, attribute, url.rstrip("/"))
        return moved

    def url(self, path: str, *parts: str, **query: str | None) -> str:
        """
        A URL of the API: ``self.url("v1/videos", ticket.task_id, "result", cost="true")``.

        `path` is taken as it is; each of `parts`, and of the values in `query`, is quoted, so that
        no id can lead elsewhere. A value of None is left out.
        """
        whole = "/".join((self.base_url, path, *(quote(part, safe="") for part in parts)))
        given = {name: value for name, value in query.items() if value is not None}
        pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items())
        return f"{whole}?{pairs}" if pairs else whole

    def put_image(self, url: str, image: ImageFile) -> Flow[None]:
        """
        Store an image at a URL that the service has signed: ``yield from self.put_image(url, …)``.

        The runner puts no key on a request to another host. Raises `UnexpectedReply` if the store
        does not take it.
        """
        import httpx

        kind = {"Content-Type": image.mime_type}
        reply = yield httpx.Request("PUT", url, content=image.data, headers=kind)
        if not reply.is_success:
            raise self.unexpected(reply, "the store did not take the image")

    def own_url(self, url: str | None, usual: str) -> str:
        """A URL that came in a reply, if it is below `base_url`; else the usual one."""
        import httpx

        with suppress(httpx.InvalidURL):
            if url is not None and str(httpx.URL(url)).startswith(f"{self.base_url}/"):
                return url
        return usual

    def read_ticket(
        self,
        reply: "httpx.Response",
        request: VideoRequest,
        task_id: object = None,
        keep: Iterable[str] = (),
    ) -> Ticket:
        """
        The ticket in the reply to a submit.

        The id is called `task_id_name`; `task_id` is one found elsewhere. Whoever gives an id has
        a task, whatever status or code is next to it. Without one, raises the error that the reply
        is, and `UnexpectedReply` if it is not clearly a "no". The texts next to the id that are
        called as in `keep` go into `Ticket.data`.
        """
        name = self.task_id_name or "id"
        place = wire.find_object(self.read(reply, dict), name) or {}
        found = wire.identifier(task_id) or wire.identifier(place.get(name))
        if found is None:
            self.raise_for_error(reply)
            raise self.unexpected(reply, f"reply.{name} is missing")
        ticket = self.ticket(found, request)
        texts = {each: place[each] for each in keep if isinstance(place.get(each), str)}
        return evolve(ticket, data={**ticket.data, **texts}) if texts else ticket
