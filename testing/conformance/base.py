"""What all standard tests build on: what an author provides, and the samples made from it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from typing import ClassVar

import httpx

from ...core.images import ImageFile
from ...core.provider import Provider
from ...core.status import Ticket
from ..clock import run
from ..emulation import SandboxLike
from ..recorder import record
from ..samples import Samples, from_replies, play, start
from .judging import fail, flow_name, show

#: Methods of requests that cannot be charged for.
FREE = ("GET", "HEAD")


class Suite:
    """What an author provides, and what the flows make of it."""

    #: The provider, as the plug-in's hook returns it.
    provider: ClassVar[Provider]
    #: Its emulator: a class built on `kling26.sandbox.Emulator`, or a `Sandbox`.
    sandbox: ClassVar[SandboxLike | None] = None
    #: Without an emulator: the service's replies to the requests of a flow in turn, by "submit",
    #: "upload", "cancel", "find", "renew", "quote", "balance", or for `poll` by the task's state:
    #: "queued", "running", "succeeded", "failed". JSON, bytes, or an `httpx.Response`.
    replies: ClassVar[Mapping[str, Sequence[object]]] = {}
    #: Without an emulator: HTTP status and body of the service's refusals, by "key", "credit",
    #: "rate_limit", "rate_limit_in_body", "no_such_task".
    refusals: ClassVar[Mapping[str, tuple[int, object]]] = {}
    #: The numbers and booleans that the service documents as strings, such as "duration".
    texts: ClassVar[Sequence[str]] = ()
    #: For a service that gives no other link once that to a video has expired: a sentence that says
    #: so. A video may then be lost with the fault "expired_link".
    no_fresh_links: ClassVar[str] = ""
    _kept: ClassVar[Samples]

    def _samples(self) -> Samples:
        """Recorded, or read, once per class."""
        suite = type(self)
        if "_kept" not in vars(suite):
            if suite.sandbox is None:
                suite._kept = from_replies(suite.replies, suite.provider)
            else:
                suite._kept = run(record(suite.provider, suite.sandbox, self._image()))
        return suite._kept

    def _sampled(self) -> list[str]:
        """The names of the samples that may be spoilt: flows, and states of a task."""
        return [name for name in self._samples().replies if name != "unknown"]

    def _replies(self, name: str) -> list[httpx.Response]:
        """The replies to a flow; for "poll", those about a success."""
        replies = self._samples().replies.get("succeeded" if name == "poll" else name)
        if replies is None:
            error = self._samples().errors.get(name)
            why = f": {error}" if error else "; set `sandbox` or `replies`."
            fail(f"There is no sample reply to {name}{why}")
        return replies

    def _value(self, name: str) -> object:
        samples = self._samples()
        if name not in samples.values:
            why = samples.errors.get(name, "there is no sample reply.")
            fail(f"{flow_name(name)} returned nothing: {why}")
        return samples.values[name]

    def _ticket(self) -> Ticket:
        ticket = self._value("submit")
        if not isinstance(ticket, Ticket):
            fail(f"submit returned {show(ticket)} instead of a Ticket.")
        return ticket

    def _image(self) -> ImageFile | None:
        return picture(self.provider)

    def _end_image(self) -> ImageFile | None:
        return picture(self.provider, "teal") if self.provider.limits.end_image else None

    def _requests(self, name: str) -> list[httpx.Request]:
        """The requests of a flow that gets its sample replies."""
        requests: list[httpx.Request] = []
        self._outcome(name, self._replies(name), requests=requests)
        if not requests:
            if name == "upload":  # It did yield some when the samples were recorded.
                fail(
                    "upload sends nothing for a picture that it has seen before, or takes for "
                    "one; upload each picture, and keep nothing of it."
                )
            fail(f"{flow_name(name)} yields no request.")
        return requests

    def _outcome(
        self,
        name: str,
        replies: Sequence[httpx.Response],
        provider: Provider | None = None,
        requests: list[httpx.Request] | None = None,
        ticket: Ticket | None = None,
    ) -> object:
        """What a flow returns, or raises, when it gets these replies."""
        try:
            ticket = ticket or self._samples().ticket_of(name)
            flow = start(provider or self.provider, name, ticket, self._image())
            return play(flow, replies, requests)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            return error


def picture(provider: Provider, colour: str = "grey") -> ImageFile | None:
    """A picture that the provider accepts; None if it accepts no files."""
    formats = provider.limits.image_formats
    return _plain(colour, formats[0], max(320, provider.limits.image_pixels)) if formats else None


@lru_cache
def _plain(colour: str, kind: str, size: int) -> ImageFile:
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (size, size), colour).save(file, kind)
    return ImageFile(file.getvalue())


def copy_of(provider: Provider) -> Provider:
    """The same provider as another object, as the runner has it at another base URL."""
    return provider.at({})
