"""From a request to the wire: what each option does there, its JSON type, and the key."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from ...core.options import OptionInfo, options_of
from ...core.request import ImageFile, VideoRequest
from ..samples import PROMPT, TASK
from ..wire_form import changed, wire_form
from .base import another
from .forms import CALLBACK, IMAGE, Forms, candidates
from .judging import fail

#: Stands for a key.
SECRET = "k26-conformance-secret"  # noqa: S105
#: What a careless hand on the way from here to the wire would change.
AWKWARD = (
    'A "heron" – Reiher, 鷺, 🪶 – lands & <b>rests</b>,\n\tthen: {name} %s \\n 50 % of $PATH. '
)


class Requests(Forms):
    """From a request to the wire."""

    def test_the_prompt_is_sent_as_it_is(self) -> None:
        """
        Any text arrives, up to the limit's last character, and nothing is cut or changed.

        What to do: send `request.prompt` itself; what is too long is for `limits` to refuse.
        """
        for image in (None, IMAGE):
            limit = self.provider.limits.prompt("text" if image is None else "image") or 2000
            prompt = (AWKWARD * (limit // len(AWKWARD) + 1))[: limit - 1] + "."
            form = self._form(VideoRequest(prompt, image))
            if form is not None and not _carries(form, prompt):
                fail(f"submit does not send a prompt of {limit} characters as it is.")

    def test_every_shared_option_counts(self) -> None:
        """
        Prompt, image, sound, duration, aspect ratio and webhook change the request, or are refused.

        What to do: send the option, or refuse it: by `limits`, `takes_callback_url`, or in `check`.
        """
        for name, values in self._shared().items():
            for one, other in _pairs(values):
                self._both(name, one, other)

    def test_addresses_are_sent_as_they_are(self) -> None:
        """
        The addresses of the image and of the user's webhook arrive whole.

        What to do: send `request.image` and `request.callback_url` themselves.
        """
        for name, url in (("image", IMAGE), ("callback_url", CALLBACK)):
            form = self._form(VideoRequest(PROMPT, **{name: url}))  # type: ignore[arg-type]
            if form is not None and not _carries(form, url):
                fail(f"submit does not send {name} as it is: {url} is not in the request.")

    def test_every_option_of_its_own_counts(self) -> None:
        """
        Each value of each field of `Options` changes the request, or is refused.

        What to do: send the option, or take it out of `Options`.
        """
        for info in options_of(self.provider.Options):
            counted = [self._own(info, value) for value in candidates(info)]
            if not any(counted):
                fail(f"Options.{info.name} is refused whatever its value; take it out.")

    def test_sound_duration_and_shape_are_always_sent(self) -> None:
        """
        A service's own default must not decide what a video costs; many make sound by default.

        What to do: send the option whatever its value, false and the default too.
        """
        for name in ("sound", "duration", "aspect_ratio"):
            for one, other in _pairs(self._shared()[name]):
                forms = self._two({}, {name: one}, {name: other})
                if forms is None or "address" in changed(*forms):
                    continue
                sent = [all(path in form for form in forms) for path in changed(*forms)]
                if sent and not any(sent):
                    value = other if len(forms[0]) > len(forms[1]) else one
                    fail(f"submit leaves {name} out when it is {value!r}; always send it.")

    def test_numbers_and_switches_keep_their_json_type(self) -> None:
        """
        True is sent as true and 5 as 5, not as "True", "5" or 5.0.

        What to do: send the value itself; if the documents want a text, name the option in `texts`.
        """
        kinds: dict[str, tuple[type, tuple[Any, ...]]] = {
            "sound": (bool, (False, True)),
            "duration": (int, tuple(self.provider.limits.durations)),
        }
        for name, (kind, values) in kinds.items():
            for one, other in _pairs(values):
                forms = self._two({}, {name: one}, {name: other})
                self._hold_type(name, kind, forms)
        for info in options_of(self.provider.Options):
            if info.type in (bool, int, float):
                for value in candidates(info):
                    forms = self._two({info.name: value}, {}, {}, before={})
                    self._hold_type(info.name, info.type, forms)

    def test_a_picture_sets_the_shape(self) -> None:
        """
        With an image, no aspect ratio is sent.

        What to do: leave `request.aspect_ratio` out when `request.image` is not None.
        """
        shapes = self.provider.limits.aspect_ratios
        for one, other in _pairs(shapes):
            forms = self._two({}, {"aspect_ratio": one}, {"aspect_ratio": other}, image=IMAGE)
            if forms is not None and changed(*forms):
                fail(f"submit sends the aspect ratio with an image, in {changed(*forms)[0]}.")

    def test_equal_requests_are_sent_alike(self) -> None:
        """
        The seed is not sent, and nothing in the request is random or of the moment.

        What to do: where the service wants an id of ours, send `request.task`; give a multipart
        form its boundary: `headers={"Content-Type": "multipart/form-data; boundary=…"}`.
        """
        forms = [self._form(VideoRequest(PROMPT, seed=seed, task=TASK)) for seed in (0, 0, 7)]
        one, again, seeded = [form or {} for form in forms]
        if changed(one, again):
            fail(f"submit sends an equal request in another way, in {changed(one, again)[0]}.")
        if changed(one, seeded):
            fail(f"submit sends the seed, in {changed(one, seeded)[0]}.")
        for name in {"upload", "submit"} & {*self._answered()}:
            first, second = [[each.read() for each in self._requests(name)] for _ in range(2)]
            if first != second:
                fail(
                    f"{name} sends an equal body in other bytes; has its form a boundary by chance?"
                )

    def test_no_key_but_where_the_runner_puts_it(self) -> None:
        """
        Flows hold no key; `sign` puts it into a header, and leaves the rest of the request alone.

        What to do: keep the key out of the flows, and put it on the request in `sign`, if at all.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(self.provider.key_variable, SECRET)
            for name in self._answered():
                for request in self._requests(name):
                    form = wire_form(request)
                    if _carries(form, SECRET):
                        fail(f"{name} puts the key on the request itself; only sign does that.")
                    if "header.authorization" in form:
                        fail(f"{name} sets the header Authorization; only sign does that.")
        self._hold_sign()

    def test_the_address_can_be_moved(self) -> None:
        """
        The paid request goes to `base_url`, wherever that is; the runner signs it only there.

        What to do: build addresses as f"{self.base_url}/…".
        """
        base = "https://moved.example/there"
        moved = self.provider.at({"base_url": base, "upload_url": "https://moved.example/files"})
        url = str(self._submitting(VideoRequest(PROMPT), moved.Options(), moved)[-1].url)
        if not url.startswith(f"{base}/") and url != base:
            fail(f"submit goes to {url} though base_url is {base}.")

    def _both(self, name: str, one: object, other: object) -> None:
        """Two values of a shared option are told apart, or one of them is refused."""
        forms = self._two({}, {name: one}, {name: other})
        if forms is not None and not changed(*forms):
            shown = [
                value if not isinstance(value, ImageFile) else "a file" for value in (one, other)
            ]
            fail(
                f"submit sends the same request whether {name} is {shown[0]!r} or {shown[1]!r}; "
                "send it, or refuse it."
            )

    def _own(self, info: OptionInfo, value: object) -> bool:
        """Whether a value of an own option was taken somewhere; a fault if it changes nothing."""
        taken = False
        for image in (None, IMAGE):
            request = VideoRequest(PROMPT, image)
            forms = self._two_of_own(request, {info.name: value}, {})
            if forms is not None:
                taken = True
                if not changed(*forms):
                    what = "text" if image is None else "an image"
                    fail(
                        f"submit sends the same request from {what} when the option {info.name} is "
                        f"{value!r}; send it, or refuse it in check."
                    )
        return taken

    def _hold_type(
        self, name: str, kind: type, forms: tuple[dict[str, object], dict[str, object]] | None
    ) -> None:
        if forms is None or "address" in changed(*forms):
            return
        allowed: tuple[type, ...] = {bool: (bool,), int: (int,), float: (int, float)}[kind]
        allowed = (str,) if name in self.texts else allowed
        for path in changed(*forms):
            values = [form[path] for form in forms if path in form]
            for value in values if path.startswith("body.") else ():
                if type(value) in allowed and value not in ("True", "False", "None"):
                    continue
                fail(
                    f"submit sends {name} as {json.dumps(value)} in {path.removeprefix('body.')}, "
                    f"no {'text' if name in self.texts else kind.__name__} in JSON."
                )

    def _hold_sign(self) -> None:
        provider = another(self.provider)
        request = httpx.Request("POST", f"{provider.base_url}/x", json={"prompt": PROMPT})
        before = wire_form(request)
        provider.sign(request, SECRET)
        after = wire_form(request)
        if SECRET in str(request.url):
            fail("sign puts the key into the address, which ends up in logs; use a header.")
        if not _carries(after, SECRET):
            fail("sign puts the key nowhere.")
        if any(not path.startswith("header.") for path in changed(before, after)):
            fail(f"sign changes {changed(before, after)[0]}; it may only set headers.")
        if SECRET in repr(vars(provider)):
            fail("sign keeps the key on the provider.")


def _carries(form: Mapping[str, object], text: str) -> bool:
    return any(isinstance(value, str) and text in value for value in form.values())


def _pairs(values: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Every two different values."""
    known = [value for index, value in enumerate(values) if value not in values[:index]]
    for index, one in enumerate(known):
        for other in known[index + 1 :]:
            yield one, other
