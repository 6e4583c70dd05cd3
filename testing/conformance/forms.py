"""The wire form of the paid request, for whatever may be asked."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import httpx

from ...core.errors import Kling26Error, OptionRefused
from ...core.options import OptionInfo, options_of
from ...core.provider import Provider
from ...core.request import ImageFile, VideoRequest
from ...core.validation import validate
from ..samples import PROMPT
from ..wire_form import wire_form
from .base import FREE, Suite
from .judging import fail, show

IMAGE, ANOTHER_IMAGE = "https://pictures.example/heron.png", "https://pictures.example/egret.png"
CALLBACK = "https://me.example/hook?task=1"


class Forms(Suite):
    """From a request to the form in which it leaves."""

    def _shared(self) -> dict[str, Sequence[Any]]:
        """The shared options, and values that have to be told apart."""
        return {
            "prompt": (PROMPT, "An egret lifts off"),
            "image": (None, IMAGE, ANOTHER_IMAGE, self._image()),
            "sound": (False, True),
            "duration": self.provider.limits.durations,
            "aspect_ratio": self.provider.limits.aspect_ratios,
            "callback_url": (None, CALLBACK),
        }

    def _choose(self, *requests: VideoRequest) -> object | None:
        """Options with which all these requests pass the checks; None: they are refused."""
        infos = list(options_of(self.provider.Options))
        choices: list[dict[str, object]] = [{}]
        choices += [{info.name: value} for info in infos for value in candidates(info)]
        for own in choices:
            try:
                taken = [validate(self.provider, request, own) for request in requests]
            except OptionRefused:
                continue
            return taken[0]
        return None

    def _form(self, request: VideoRequest, options: object = None) -> dict[str, object] | None:
        """The paid request as it leaves; None if the checks refuse it."""
        options = self._choose(request) if options is None else options
        if options is None:
            return None
        return wire_form(self._submitting(request, options)[-1])

    def _submitting(
        self, request: VideoRequest, options: object, provider: Provider | None = None
    ) -> list[httpx.Request]:
        """The requests of a submit up to the paid one; the runner has uploaded the picture."""
        provider = provider or self.provider
        if isinstance(request.image, ImageFile) and provider.can("upload"):
            request = request.with_image(f"https://files.example/{request.image.name}")
        answers = iter(self._samples().answers.get("submit", ()))
        flow = provider.submit(request, options)
        if not isinstance(flow, Generator):
            fail(f"submit is no generator: it returned {show(flow)} and yielded no request.")
        try:
            requests = [next(flow)]
            while requests[-1].method in FREE:
                requests.append(flow.send(next(answers)))
        except (StopIteration, Kling26Error):
            fail("submit ends without a request that could pay.")
        return requests

    def _two(
        self,
        own: Mapping[str, object],
        one: Mapping[str, Any],
        other: Mapping[str, Any],
        *,
        image: str | None = None,
        before: Mapping[str, object] | None = None,
    ) -> tuple[dict[str, object], dict[str, object]] | None:
        """The forms of two requests that both pass the checks with the same options."""
        requests = [
            VideoRequest(**{"prompt": PROMPT, "image": image} | {**wish}) for wish in (one, other)
        ]
        if own:
            return self._two_of_own(requests[0], own, before or {})
        options = self._choose(*requests)
        if options is None:
            return None
        first, second = [self._form(request, options) for request in requests]
        return first or {}, second or {}

    def _two_of_own(
        self, request: VideoRequest, own: Mapping[str, object], before: Mapping[str, object]
    ) -> tuple[dict[str, object], dict[str, object]] | None:
        forms = []
        for given in (before, own):
            try:
                options = validate(self.provider, request, dict(given))
            except OptionRefused:
                return None
            forms.append(self._form(request, options) or {})
        return forms[0], forms[1]


def candidates(info: OptionInfo) -> list[Any]:
    """Values of an own option that differ from its default."""
    least, most = info.bounds.minimum, info.bounds.maximum
    kinds: dict[type, list[Any]] = {
        bool: [True, False],
        int: [least, most, int(least or 0) + 1],
        float: [least, most, (least or 0.0) + 0.25],
        str: ["a word of the suite's"[: info.bounds.max_length]],
        dict: [{"type": "simple", "config": {"zoom": 1}}],
    }
    values = list(info.choices) or kinds.get(info.type, [])
    return [value for value in values if value is not None and value != info.default]
