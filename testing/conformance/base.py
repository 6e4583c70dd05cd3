"""What the standard tests stand on: what an author gives, and the samples of it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any, ClassVar

import httpx

from ...core.provider import Provider
from ...core.request import ImageFile
from ...core.status import Ticket
from .. import clock
from ..samples import Samples, play, record, start, written
from ..stage import Emulation
from .judging import fail, flow_name, show

#: Methods of requests that cannot pay.
FREE = ("GET", "HEAD")


class Suite:
    """What an author gives, and what the flows make of it."""

    #: The provider, as the plug-in's hook returns it.
    provider: ClassVar[Provider]
    #: Its emulator: a class built on `kling26.sandbox.Emulator`, or a `Sandbox`.
    sandbox: ClassVar[Emulation | None] = None
    #: Without an emulator: what the service answers to the requests of a flow in turn, by "submit",
    #: "upload", "cancel", "find", "renew", "balance", or for `poll` by the state that it tells:
    #: "queued", "running", "succeeded", "failed". JSON, bytes, or an `httpx.Response`.
    replies: ClassVar[Mapping[str, Sequence[object]]] = {}
    #: Without an emulator: HTTP status and body of the service's refusals, by "key", "credit",
    #: "rate_limit", "rate_limit_in_body", "no_such_task".
    refusals: ClassVar[Mapping[str, tuple[int, object]]] = {}
    #: The numbers and switches that the service wants as texts, by its documents: "duration".
    texts: ClassVar[Sequence[str]] = ()
    _kept: ClassVar[Samples]

    def _samples(self) -> Samples:
        """Recorded, or read, once for a class."""
        suite = type(self)
        if "_kept" not in vars(suite):
            if suite.sandbox is None:
                suite._kept = written(suite.replies, suite.provider)
            else:
                suite._kept = clock.run(record(suite.provider, suite.sandbox, self._image()))
        return suite._kept

    def _answered(self) -> list[str]:
        """The samples that may be spoilt: flows, and states of a task."""
        return [name for name in self._samples().answers if name != "unknown"]

    def _answers(self, name: str) -> list[httpx.Response]:
        """The answers to a flow; of "poll", those of a success."""
        answers = self._samples().answers.get("succeeded" if name == "poll" else name)
        if answers is None:
            error = self._samples().trouble.get(name)
            why = f": {error}" if error else "; give `sandbox`, or `replies`."
            fail(f"There is no sample answer to {name}{why}")
        return answers

    def _value(self, name: str) -> Any:
        samples = self._samples()
        if name not in samples.values:
            fail(f"{flow_name(name)} got nowhere: {samples.trouble.get(name, 'no sample answer')}")
        return samples.values[name]

    def _ticket(self) -> Ticket:
        ticket = self._value("submit")
        if not isinstance(ticket, Ticket):
            fail(f"submit returned {show(ticket)}, no Ticket.")
        return ticket

    def _image(self) -> ImageFile | None:
        return picture(self.provider)

    def _requests(self, name: str) -> list[httpx.Request]:
        """What a flow asks, answered by its sample."""
        requests: list[httpx.Request] = []
        self._outcome(name, self._answers(name), requests=requests)
        if not requests:
            fail(f"{flow_name(name)} yields no request.")
        return requests

    def _outcome(
        self,
        name: str,
        answers: Sequence[httpx.Response],
        provider: Provider | None = None,
        requests: list[httpx.Request] | None = None,
        ticket: Ticket | None = None,
    ) -> object:
        """What a flow makes of these answers: its value, or what it raised."""
        try:
            ticket = ticket or self._samples().ticket
            flow = start(provider or self.provider, name, ticket, self._image())
            return play(flow, answers, requests)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            return error


def picture(provider: Provider) -> ImageFile | None:
    """A picture that the provider takes; None if it takes no files."""
    formats = provider.limits.image_formats
    return _grey(formats[0], max(320, provider.limits.image_pixels)) if formats else None


@lru_cache
def _grey(kind: str, size: int) -> ImageFile:
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (size, size), "grey").save(file, kind)
    return ImageFile(file.getvalue())


def another(provider: Provider) -> Provider:
    """The same provider, as the runner has it when its address is another one."""
    return provider.at({})
