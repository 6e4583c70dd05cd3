"""What a provider says of itself."""

import re

import attrs

from ...core.options import options_of
from ...core.plugins import flaw
from ...core.request import VideoRequest
from ...core.text import sanitize
from ..samples import PROMPT
from .base import Suite
from .forms import IMAGE
from .judging import fail, is_number


class Names(Suite):
    """What it says of itself."""

    def test_names_and_limits_are_well_formed(self) -> None:
        """
        The registry takes the provider, and people can read what it is.

        What to do: mend the attribute that is named; `Provider` says what each one holds.
        """
        provider = self.provider
        reason = flaw(provider)
        if reason is None and not re.fullmatch("[A-Z][A-Z0-9_]*", provider.key_variable):
            reason = (
                f'key_variable "{provider.key_variable}" is no name of a variable, like ACME_KEY.'
            )
        if reason is None and (
            not provider.title.strip() or provider.title != sanitize(provider.title)
        ):
            reason = "title is empty, or has line breaks or control characters."
        for name in ("base_url", "upload_url", "key_page", "tasks_page"):
            url = getattr(provider, name)
            if reason is None and url is not None and not url.startswith("https://"):
                reason = f'{name} "{url}" is no https:// address.'
            if reason is None and name.endswith("_url") and url is not None and url.endswith("/"):
                reason = f'{name} "{url}" ends in a slash.'
        if reason is not None:
            fail(reason)

    def test_options_can_be_shown(self) -> None:
        """
        Each field of `Options` is an `option`, with a label and a help that is a sentence.

        What to do: make the field with `kling26.core.option(…, label=…, help=…)`.
        """
        options = self.provider.Options
        shown = {info.name: info for info in options_of(options)}
        shared = {info.name for info in options_of(VideoRequest)}
        for name in attrs.fields_dict(options):
            if name not in shown:
                fail(f"Options.{name} is no option(…): nobody could see or set it.")
            if name in shared:
                fail(f"Options.{name} has the name of an option that all providers share.")
            if not shown[name].label.strip() or not shown[name].help.strip().endswith("."):
                fail(f"Options.{name} has no label, or a help that is no sentence.")

    def test_the_price_is_a_number_or_unknown(self) -> None:
        """
        `price` returns a number, or None, for whatever may be asked.

        What to do: return None where no price is known, and never raise.
        """
        for kind, sound in ((None, False), (None, True), (IMAGE, False), (IMAGE, True)):
            for duration in self.provider.limits.durations:
                request = VideoRequest(PROMPT, kind, sound, duration)  # type: ignore[arg-type]
                price = self.provider.price(request, self.provider.Options())
                if price is not None and not is_number(price):
                    fail(f"price gave {price!r} for {duration} s: no number, and not None.")
