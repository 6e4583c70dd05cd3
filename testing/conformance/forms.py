"""The wire form of the paid request, for anything that may be asked for."""

from collections.abc import Generator, Iterator

import httpx

from ...core.errors import Kling26Error, OptionRefused
from ...core.images import ImageFile
from ...core.options import options_of
from ...core.provider import Provider
from ...core.request import VideoRequest
from ...core.validation import validate
from ..wire_form import WireForm, wire_form
from .asking import ANOTHER_IMAGE, IMAGE, Asked, candidates, plain
from .base import FREE, Suite
from .judging import fail, show


class Forms(Suite):
    """From a request to the form in which it is sent."""

    def _plain(self, image: str | ImageFile | None = None) -> VideoRequest:
        return plain(self.provider, image)

    def _starts(self) -> list[Asked]:
        """From text, from an image by URL and as a file, and each with an image to end with."""
        pictures: list[tuple[object, object]] = [(None, None), (IMAGE, None)]
        first, last = self._image(), self._end_image()
        pictures += [(first, None)] if first is not None else []
        if self.provider.limits.end_image:
            pictures += [(IMAGE, ANOTHER_IMAGE)]
            pictures += [(first, last)] if first is not None else []
        starts = [
            Asked(plain(self.provider)).but("image", one).but("end_image", two)
            for one, two in pictures
        ]
        return [start for start in starts if self._settled(start) is not None]

    def _taken(self, asked: Asked) -> object | None:
        """The options object, if the checks let this pass; None if they refuse it."""
        known: dict[object, object | None] = vars(self).setdefault("_known_options", {})
        if asked.key not in known:
            known[asked.key] = self._checked(asked)
        return known[asked.key]

    def _checked(self, asked: Asked) -> object | None:
        try:
            return self._validate(asked)
        except OptionRefused:
            return None

    def _validate(self, asked: Asked) -> object:
        """The options object; raises what a user may see, and fails for anything else."""
        try:
            return validate(self.provider, asked.request, dict(asked.own))
        except OptionRefused:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, a user would see it.
            fail(
                f"check raises {show(error)} {asked.source}; it may only raise "
                "self.option_refused(…)."
            )

    def _settled(self, *asked: Asked, partners: int = 2) -> list[Asked] | None:
        """
        The same with own options under which all of them pass the checks; None if none do.

        At most so many `partners` are added.
        """
        given = {name for each in asked for name in each.own}
        for own in self._partners(given):
            if len(own) > partners:
                break
            settled = [Asked(each.request, {**own, **each.own}) for each in asked]
            if all(self._taken(each) is not None for each in settled):
                return settled
        return None

    def _partners(self, without: set[str]) -> Iterator[dict[str, object]]:
        """Own options that others may need: none, one, and then two of them."""
        infos = [info for info in options_of(self.provider.Options) if info.name not in without]
        singles = [{info.name: value} for info in infos for value in candidates(info)]
        yield {}
        yield from singles
        for index, one in enumerate(singles):
            yield from (
                {**one, **other} for other in singles[index + 1 :] if not one.keys() & other
            )

    def _options_for(self, *requests: VideoRequest) -> object | None:
        """Options with which all these requests pass the checks; None if there are none."""
        settled = self._settled(*map(Asked, requests))
        return None if settled is None else self._taken(settled[0])

    def _form(self, asked: Asked) -> WireForm | None:
        """The paid request as it is sent; None if the checks refuse it."""
        forms = self._forms(asked)
        return None if forms is None else forms[0]

    def _forms(self, *asked: Asked) -> list[WireForm] | None:
        """The forms in which these are sent, otherwise alike; None if the checks refuse one."""
        settled = self._settled(*asked)
        return None if settled is None else [self._sent(each) for each in settled]

    def _sent(self, asked: Asked) -> WireForm:
        """The form of what passes the checks."""
        known: dict[object, WireForm] = vars(self).setdefault("_known_forms", {})
        if asked.key not in known:
            known[asked.key] = self._send(asked)
        return known[asked.key]

    def _send(self, asked: Asked) -> WireForm:
        """The form, made anew."""
        return wire_form(self._submitting(asked.request, self._taken(asked))[-1])

    def _submitting(
        self, request: VideoRequest, options: object, provider: Provider | None = None
    ) -> list[httpx.Request]:
        """The requests of a submit up to the paid one; the runner has uploaded the pictures."""
        provider = provider or self.provider
        if request.files and provider.can("upload"):
            files = request.files.items()
            request = request.with_urls(**{name: uploaded(file) for name, file in files})
        replies = iter(self._samples().replies.get("submit", ()))
        flow = provider.submit(request, options)
        if not isinstance(flow, Generator):
            fail(f"submit is not a generator: it returned {show(flow)} and yielded no request.")
        try:
            requests = [next(flow)]
            while requests[-1].method in FREE:
                requests.append(flow.send(next(replies)))
        except (StopIteration, Kling26Error):
            fail("submit ends without a request that could be charged for.")
        except Exception as error:  # noqa: BLE001 - whatever it is, a user would see it.
            fail(f"submit raises {show(error)} {Asked(request).source}.")
        return requests


def uploaded(file: ImageFile) -> str:
    """The URL that stands for an uploaded picture; many stores sign theirs."""
    return f"https://files.example/{file.name}?X-Sig=a%2Fb%3D&x=1"
