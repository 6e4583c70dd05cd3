"""How what is asked for is spelled: always, in the right type, and the same each time."""

import json
import time
from collections.abc import Sequence

import pytest

from ...core.images import ImageFile
from ...core.options import is_number, options_of
from ...core.request import VideoRequest
from ..samples import TASK
from ..wire_form import WireForm, changed, is_wrapping
from .asking import ANOTHER_IMAGE, IMAGE, Asked, Choice, choices, varied
from .forms import Forms, uploaded
from .judging import fail

#: The JSON types of options, as JSON calls them, and the Python types that are written as such.
JSON_TYPES: dict[type, tuple[str, tuple[type, ...]]] = {
    bool: ("boolean", (bool,)),
    int: ("integer", (int,)),
    float: ("number", (int, float)),
    str: ("string", (str,)),
}
#: How Python and JSON spell nothing, as a text.
NOTHING = ("None", "null", "undefined")


class Requests(Forms):
    """From a request to the wire."""

    def test_the_last_frame_is_sent(self) -> None:
        """
        With `Limits.end_image`, the image to end with arrives, as a URL and as a file.

        What to do: send `request.end_image` as you send `request.image`, or leave `end_image` out
        of `limits`; refuse in `check` only what the service refuses.
        """
        if not self.provider.limits.end_image:
            return
        for kind, first, last in (
            ("a URL", IMAGE, ANOTHER_IMAGE),
            ("a file", self._image(), self._end_image()),
        ):
            if first is None or last is None:
                continue
            whole = Asked(varied(self._plain(first), "end_image", last))
            if self._settled(whole) is None:
                fail(f"Limits.end_image is set, but an end_image that is {kind} is refused.")
            for name, other in (("end_image", first), ("end_image", None), ("image", last)):
                forms = self._forms(whole, whole.but(name, other))
                if forms is not None and not changed(*forms):
                    fail(f"submit drops the {name} of two that are each {kind}.")

    def test_sound_duration_and_aspect_ratio_are_always_sent(self) -> None:
        """
        The service's own defaults must not decide what a video costs; many turn sound on.

        What to do: send the option whatever its value, even if it is false or the default.
        """
        for start in self._starts():
            for choice in choices(self.provider, start.request):
                if choice.name in ("sound", "duration", "aspect_ratio"):
                    self._check_always_sent(start, choice)

    def test_numbers_and_booleans_keep_their_json_type(self) -> None:
        """
        True is sent as true and 5 as 5, not as "True", "5" or 5.0.

        What to do: send the value itself; if the service documents a string, list the option in
        `texts`.
        """
        kinds: dict[str, type] = {"sound": bool, "duration": int}
        kinds |= {info.name: info.type for info in options_of(self.provider.Options)}
        for start in self._starts():
            for choice in choices(self.provider, start.request):
                for one, other in choice.pairs():
                    asked = [start.but(choice.name, value) for value in (one, other)]
                    forms = self._forms(*asked)
                    if forms is not None:
                        self._check_type(choice, kinds.get(choice.name), asked, forms)
                        self._check_nothing(choice, forms)

    def test_no_aspect_ratio_is_sent_with_an_image(self) -> None:
        """
        The picture decides the shape of the video.

        What to do: leave `request.aspect_ratio` out when `request.image` is not None.
        """
        name, ratios = "aspect_ratio", self.provider.limits.aspect_ratios
        for start in self._starts()[1:]:
            for one, other in Choice(name, ratios).pairs():
                forms = self._forms(start.but(name, one), start.but(name, other))
                if forms is not None and changed(*forms):
                    fail(f"submit sends the aspect ratio with an image, in {changed(*forms)[0]}.")

    def test_equal_requests_are_sent_identically(self) -> None:
        """
        The seed is not sent, and nothing in the request is random or depends on the time.

        What to do: where the service wants an id of ours, send `request.task`; give a multipart
        form a fixed boundary: `headers={"Content-Type": "multipart/form-data; boundary=…"}`.
        """
        for start in self._starts():
            settled = self._settled(start.but("task", TASK))
            if settled is None:
                continue
            seeds = (0, 7, 2**63 + 1)
            one, *seeded = [self._send(settled[0].but("seed", seed)) for seed in seeds]
            with pytest.MonkeyPatch.context() as patch:
                _an_hour_later(patch)
                again = self._send(settled[0].but("seed", 0))
            if changed(one, again):
                fail(f"submit sends equal requests differently: see {changed(one, again)[0]}.")
            for other in seeded:
                if changed(one, other):
                    fail(f"submit sends the seed, in {changed(one, other)[0]}.")
        for name in {"upload", "submit"} & {*self._sampled()}:
            first, second = [[each.read() for each in self._requests(name)] for _ in range(2)]
            if first != second:
                fail(
                    f"{name} sends equal bodies as different bytes; is its form's boundary random?"
                )

    def _check_always_sent(self, start: Asked, choice: Choice) -> None:
        for one, other in choice.pairs():
            forms = self._forms(start.but(choice.name, one), start.but(choice.name, other))
            if forms is None or "url" in changed(*forms):
                continue
            sent = [all(path in form for form in forms) for path in changed(*forms)]
            if sent and not any(sent):
                value = other if len(forms[0]) > len(forms[1]) else one
                fail(f"submit leaves {choice.name} out when it is {value!r}; always send it.")

    def _check_type(
        self, choice: Choice, kind: type | None, asked: Sequence[Asked], forms: Sequence[WireForm]
    ) -> None:
        """Where an option's value is, it has its JSON type."""
        paths, name = changed(*forms), choice.name
        if kind not in (bool, int, float) or "url" in paths:
            return
        called, allowed = JSON_TYPES[str if name in self.texts else kind]
        for path in paths:
            if not path.startswith("body.") or any(is_wrapping(form, path) for form in forms):
                continue
            for each, form in zip(asked, forms, strict=True):
                value = form.get(path)
                if value is None or (type(value) in allowed and value not in ("True", "False")):
                    continue
                alone = len(paths) == 1 and not _is_of_another(each.request, value)
                if alone or _spells(value, each.value(name)):
                    fail(
                        f"submit sends {name} as {json.dumps(value)} in "
                        f"{path.removeprefix('body.')}, which is not a JSON {called}."
                    )

    def _check_nothing(self, choice: Choice, forms: Sequence[WireForm]) -> None:
        """What is not set is not sent as a word for nothing."""
        if None not in choice.values:
            return
        for path in changed(*forms):
            for value in [form[path] for form in forms if path in form]:
                if isinstance(value, str) and value in NOTHING:
                    fail(
                        f'submit sends {choice.name} as the text "{value}" in '
                        f"{path.removeprefix('body.')} when it is not set; leave it out."
                    )


def _an_hour_later(patch: pytest.MonkeyPatch) -> None:
    for name, unit in (("time", 1), ("time_ns", 10**9)):
        now = getattr(time, name)()
        patch.setattr(time, name, lambda now=now, unit=unit: now + 3600 * unit)


def _is_of_another(request: VideoRequest, value: object) -> bool:
    """Whether a text has what another option says, such as the prompt or the URL of an image."""
    images = (
        uploaded(each) if isinstance(each, ImageFile) else each
        for each in (request.image, request.end_image)
    )
    texts = (request.prompt, request.callback_url, *images)
    return isinstance(value, str) and any(text in value for text in texts if text)


def _spells(sent: object, value: object) -> bool:
    """Whether what is sent says an option's value, if in another type: other places do not."""
    if isinstance(value, bool):
        return str(sent).lower() in (("true", "yes", "on") if value else ("false", "no", "off"))
    if not is_number(value) or isinstance(sent, bool) or not isinstance(sent, str | int | float):
        return False
    try:
        return float(sent) == value
    except ValueError:
        return False
