"""From a request to the wire: what each option changes, its JSON type, and the key."""

import json
from collections.abc import Iterator, Sequence

import httpx
import pytest

from ...core.images import ImageFile
from ...core.options import OptionInfo, options_of
from ...core.request import VideoRequest
from ..samples import TASK
from ..stage import PROMPT
from ..wire_form import WireForm, changed, contains, wire_form
from .base import copy_of
from .forms import (
    ANOTHER_IMAGE,
    CALLBACK,
    FROM_IMAGE,
    FROM_TEXT,
    IMAGE,
    Forms,
    base_for,
    candidates,
    varied,
)
from .judging import fail

#: Stands for a key.
SECRET = "k26-conformance-secret"  # noqa: S105
#: What careless code between here and the wire would change.
AWKWARD = (
    'A "heron" – Reiher, 鷺, 🪶 – lands & <b>rests</b>,\n\tthen: {name} %s \\n 50 % of $PATH. '
)
#: The JSON types of options, as JSON calls them, and the Python types that are written as such.
JSON_TYPES: dict[type, tuple[str, tuple[type, ...]]] = {
    bool: ("boolean", (bool,)),
    int: ("integer", (int,)),
    float: ("number", (int, float)),
    str: ("string", (str,)),
}


class Requests(Forms):
    """From a request to the wire."""

    def test_the_prompt_is_sent_unchanged(self) -> None:
        """
        Any text arrives as it is, up to the last character that `limits` allows.

        What to do: send `request.prompt` itself; `limits` refuses a prompt that is too long.
        """
        for request in (FROM_TEXT, FROM_IMAGE):
            limit = self.provider.limits.prompt(request.kind) or 2000
            prompt = (AWKWARD * (limit // len(AWKWARD) + 1))[: limit - 1] + "."
            form = self._form(varied(request, "prompt", prompt))
            if form is not None and not contains(form, prompt):
                fail(f"submit changes a prompt of {limit} characters.")

    def test_every_shared_option_is_sent_or_refused(self) -> None:
        """
        Prompt, images, sound, duration, shape and webhook change the request, or are refused.

        What to do: send the option, or refuse it with `limits`, `takes_callback_url` or `check`.
        """
        for name, values in self._shared().items():
            for one, other in _pairs(values):
                self._check_difference(name, one, other)

    def test_urls_are_sent_unchanged(self) -> None:
        """
        The URLs of the images and of the user's webhook arrive whole.

        What to do: send `request.image`, `request.end_image` and `request.callback_url` themselves.
        """
        urls = {"image": IMAGE, "end_image": ANOTHER_IMAGE, "callback_url": CALLBACK}
        for name, url in urls.items():
            form = self._form(varied(base_for(name), name, url))
            if form is not None and not contains(form, url):
                fail(f"submit changes {name}: {url} is not in the request.")

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
            whole = VideoRequest(PROMPT, first, end_image=last)
            options = self._options_for(whole)
            if options is None:
                fail(f"Limits.end_image is set, but an end_image that is {kind} is refused.")
            form = self._form_with(whole, options)
            for name, other in (("end_image", first), ("end_image", None), ("image", last)):
                if not changed(form, self._form_with(varied(whole, name, other), options)):
                    fail(f"submit drops the {name} of two that are each {kind}.")

    def test_every_own_option_is_sent_or_refused(self) -> None:
        """
        Each value of each field of `Options` changes the request, or is refused.

        What to do: send the option, or remove it from `Options`.
        """
        for info in options_of(self.provider.Options):
            counted = [self._counts(info, value) for value in candidates(info)]
            if not any(counted):
                fail(f"Options.{info.name} is refused whatever its value; remove it.")

    def test_sound_duration_and_aspect_ratio_are_always_sent(self) -> None:
        """
        The service's own defaults must not decide what a video costs; many turn sound on.

        What to do: send the option whatever its value, even if it is false or the default.
        """
        for name in ("sound", "duration", "aspect_ratio"):
            for one, other in _pairs(self._shared()[name]):
                forms = self._forms(varied(FROM_TEXT, name, one), varied(FROM_TEXT, name, other))
                if forms is None or "url" in changed(*forms):
                    continue
                sent = [all(path in form for form in forms) for path in changed(*forms)]
                if sent and not any(sent):
                    value = other if len(forms[0]) > len(forms[1]) else one
                    fail(f"submit leaves {name} out when it is {value!r}; always send it.")

    def test_numbers_and_booleans_keep_their_json_type(self) -> None:
        """
        True is sent as true and 5 as 5, not as "True", "5" or 5.0.

        What to do: send the value itself; if the service documents a string, list the option in
        `texts`.
        """
        kinds: dict[str, type] = {"sound": bool, "duration": int}
        for name, kind in kinds.items():
            for one, other in _pairs(self._shared()[name]):
                forms = self._forms(varied(FROM_TEXT, name, one), varied(FROM_TEXT, name, other))
                self._check_type(name, kind, forms)
        for info in options_of(self.provider.Options):
            if info.type in (bool, int, float):
                for value in candidates(info):
                    forms = self._forms_of_own(FROM_TEXT, {info.name: value})
                    self._check_type(info.name, info.type, forms)

    def test_no_aspect_ratio_is_sent_with_an_image(self) -> None:
        """
        The picture decides the shape of the video.

        What to do: leave `request.aspect_ratio` out when `request.image` is not None.
        """
        name = "aspect_ratio"
        for one, other in _pairs(self.provider.limits.aspect_ratios):
            forms = self._forms(varied(FROM_IMAGE, name, one), varied(FROM_IMAGE, name, other))
            if forms is not None and changed(*forms):
                fail(f"submit sends the aspect ratio with an image, in {changed(*forms)[0]}.")

    def test_equal_requests_are_sent_identically(self) -> None:
        """
        The seed is not sent, and nothing in the request is random or depends on the time.

        What to do: where the service wants an id of ours, send `request.task`; give a multipart
        form a fixed boundary: `headers={"Content-Type": "multipart/form-data; boundary=…"}`.
        """
        forms = [self._form(VideoRequest(PROMPT, seed=seed, task=TASK)) for seed in (0, 0, 7)]
        one, again, seeded = [form or {} for form in forms]
        if changed(one, again):
            fail(f"submit sends equal requests differently: see {changed(one, again)[0]}.")
        if changed(one, seeded):
            fail(f"submit sends the seed, in {changed(one, seeded)[0]}.")
        for name in {"upload", "submit"} & {*self._sampled()}:
            first, second = [[each.read() for each in self._requests(name)] for _ in range(2)]
            if first != second:
                fail(
                    f"{name} sends equal bodies as different bytes; is its form's boundary random?"
                )

    def test_only_sign_handles_the_key(self) -> None:
        """
        Flows have no key; `sign` puts it into a header and leaves the rest of the request alone.

        What to do: keep the key out of the flows; if the service wants it elsewhere than in the
        header Authorization, override `sign`.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(self.provider.key_variable, SECRET)
            for name in self._sampled():
                for request in self._requests(name):
                    form = wire_form(request)
                    if contains(form, SECRET):
                        fail(f"{name} puts the key on the request itself; only sign may do that.")
                    if "header.authorization" in form:
                        fail(f"{name} sets the header Authorization; only sign may do that.")
        self._check_sign()

    def test_the_base_url_can_be_changed(self) -> None:
        """
        The paid request goes to `base_url`, whatever that is; the runner signs only requests there.

        What to do: build URLs as f"{self.base_url}/…".
        """
        base = "https://moved.example/there"
        elsewhere = {"upload_url": "https://moved.example/files", "balance_url": f"{base}/balance"}
        moved = self.provider.at({"base_url": base, **elsewhere})
        url = str(self._submitting(FROM_TEXT, moved.Options(), moved)[-1].url)
        if not url.startswith(f"{base}/") and url != base:
            fail(f"submit goes to {url} though base_url is {base}.")

    def _check_difference(self, name: str, one: object, other: object) -> None:
        """Two values of a shared option make two requests, or one of them is refused."""
        base = base_for(name)
        forms = self._forms(varied(base, name, one), varied(base, name, other))
        if forms is not None and not changed(*forms):
            first, second = [
                "a file" if isinstance(value, ImageFile) else repr(value) for value in (one, other)
            ]
            fail(
                f"submit sends the same request whether {name} is {first} or {second}; "
                "send it, or refuse it."
            )

    def _counts(self, info: OptionInfo, value: object) -> bool:
        """Whether any request may have this value; fails if it then changes nothing."""
        taken = False
        for request in (FROM_TEXT, FROM_IMAGE):
            forms = self._forms_of_own(request, {info.name: value})
            if forms is None:
                continue
            taken = True
            if not changed(*forms):
                source = "text" if request.image is None else "an image"
                fail(
                    f"submit sends the same request from {source} when the option {info.name} is "
                    f"{value!r}; send it, or refuse it in check."
                )
        return taken

    def _check_type(self, name: str, kind: type, forms: tuple[WireForm, WireForm] | None) -> None:
        """What an option changes in the body has its JSON type."""
        if forms is None or "url" in changed(*forms):
            return
        called, allowed = JSON_TYPES[str if name in self.texts else kind]
        for path in changed(*forms):
            values = [form[path] for form in forms if path in form]
            for value in values if path.startswith("body.") else ():
                if type(value) not in allowed or value in ("True", "False", "None"):
                    fail(
                        f"submit sends {name} as {json.dumps(value)} in "
                        f"{path.removeprefix('body.')}, which is not a JSON {called}."
                    )

    def _check_sign(self) -> None:
        provider = copy_of(self.provider)
        request = httpx.Request("POST", f"{provider.base_url}/x", json={"prompt": PROMPT})
        before = wire_form(request)
        provider.sign(request, SECRET)
        after = wire_form(request)
        if SECRET in str(request.url):
            fail("sign puts the key into the URL, which ends up in logs; use a header.")
        if not contains(after, SECRET):
            fail("sign does not put the key on the request.")
        if any(not path.startswith("header.") for path in changed(before, after)):
            fail(f"sign changes {changed(before, after)[0]}; it may only set headers.")
        for asked in self._requests("balance") if "balance" in self._sampled() else ():
            provider.sign(asked, SECRET)
            if not contains(wire_form(asked), SECRET):
                fail("sign does not put the key on a request of balance.")
        if SECRET in repr(vars(provider)):
            fail("sign stores the key on the provider.")


def _pairs(values: Sequence[object]) -> Iterator[tuple[object, object]]:
    """Every two different values."""
    known = [value for index, value in enumerate(values) if value not in values[:index]]
    for index, one in enumerate(known):
        for other in known[index + 1 :]:
            yield one, other
