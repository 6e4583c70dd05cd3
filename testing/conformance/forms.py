"""The wire form of the paid request, for any request that may be made."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import httpx
from attrs import evolve

from ...core.errors import Kling26Error, OptionRefused
from ...core.images import ImageFile
from ...core.options import OptionInfo, options_of
from ...core.provider import Provider
from ...core.request import VideoRequest
from ...core.validation import validate
from ..stage import PROMPT
from ..wire_form import WireForm, wire_form
from .base import FREE, Suite
from .judging import fail, show

IMAGE, ANOTHER_IMAGE = "https://pictures.example/heron.png", "https://pictures.example/egret.png"
CALLBACK = "https://me.example/hook?task=1"
FROM_TEXT, FROM_IMAGE = VideoRequest(PROMPT), VideoRequest(PROMPT, IMAGE)


class Forms(Suite):
    """From a request to the form in which it is sent."""

    def _shared(self) -> dict[str, Sequence[object]]:
        """The shared options, with values that have to make a difference."""
        return {
            "prompt": (PROMPT, "An egret lifts off"),
            "image": (None, IMAGE, ANOTHER_IMAGE, self._image()),
            "end_image": (None, IMAGE, ANOTHER_IMAGE, self._image()),
            "sound": (False, True),
            "duration": self.provider.limits.durations,
            "aspect_ratio": self.provider.limits.aspect_ratios,
            "callback_url": (None, CALLBACK),
        }

    def _options_for(self, *requests: VideoRequest) -> object | None:
        """Options with which all these requests pass the checks; None if there are none."""
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

    def _form(self, request: VideoRequest) -> WireForm | None:
        """The paid request as it is sent; None if the checks refuse it."""
        options = self._options_for(request)
        return None if options is None else self._form_with(request, options)

    def _form_with(self, request: VideoRequest, options: object) -> WireForm:
        return wire_form(self._submitting(request, options)[-1])

    def _forms(self, one: VideoRequest, other: VideoRequest) -> tuple[WireForm, WireForm] | None:
        """The forms of two requests with the same options; None if the checks refuse one."""
        options = self._options_for(one, other)
        if options is None:
            return None
        return self._form_with(one, options), self._form_with(other, options)

    def _forms_of_own(
        self, request: VideoRequest, own: Mapping[str, object]
    ) -> tuple[WireForm, WireForm] | None:
        """The forms of a request without and with own options; None if the checks refuse one."""
        try:
            usual, changed = [validate(self.provider, request, each) for each in ({}, dict(own))]
        except OptionRefused:
            return None
        return self._form_with(request, usual), self._form_with(request, changed)

    def _submitting(
        self, request: VideoRequest, options: object, provider: Provider | None = None
    ) -> list[httpx.Request]:
        """The requests of a submit up to the paid one; the runner has uploaded the pictures."""
        provider = provider or self.provider
        if provider.can("upload"):
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
        return requests


def uploaded(file: ImageFile) -> str:
    """The URL that stands for an uploaded picture."""
    return f"https://files.example/{file.name}"


def base_for(name: str) -> VideoRequest:
    """The request in which a shared option is varied: there is no last frame without a first."""
    return FROM_IMAGE if name == "end_image" else FROM_TEXT


def varied(request: VideoRequest, name: str, value: object) -> VideoRequest:
    """The same request with another value of a shared option."""
    changes: dict[str, Any] = {name: value}  # By a name that no type checker knows.
    return evolve(request, **changes)


def candidates(info: OptionInfo) -> list[object]:
    """Values of an own option that differ from its default."""
    least, most = info.bounds.minimum, info.bounds.maximum
    kinds: dict[type, list[object]] = {
        bool: [True, False],
        int: [least, most, int(least or 0) + 1],
        float: [least, most, (least or 0.0) + 0.25],
        str: ["a word of the suite's"[: info.bounds.max_length]],
        dict: [{"type": "simple", "config": {"zoom": 1}}],
    }
    values = list(info.choices) or kinds.get(info.type, [])
    return [value for value in values if value is not None and value != info.default]
