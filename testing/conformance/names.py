"""What a provider says about itself."""

import re
from collections.abc import Iterator

import attrs

from ...core.options import options_of
from ...core.provider import Provider
from ...core.request import VideoRequest
from ...core.text import sanitize
from ...core.validation import validate_provider
from .base import Suite
from .forms import FROM_IMAGE, FROM_TEXT, varied
from .judging import fail, is_number


class Names(Suite):
    """What it says about itself."""

    def test_names_and_limits_are_well_formed(self) -> None:
        """
        The provider can be loaded, and its names and URLs make sense to people.

        What to do: fix the attribute named; the docstring of `Provider` describes each of them.
        """
        try:
            validate_provider(self.provider)
        except ValueError as error:
            fail(str(error))
        for oddity in _oddities(self.provider):
            fail(oddity)

    def test_options_can_be_shown(self) -> None:
        """
        Each field of `Options` is an `option` with a label and a sentence of help.

        What to do: define the field with `kling26.core.option(…, label=…, help=…)`.
        """
        options = self.provider.Options
        shown = {info.name: info for info in options_of(options)}
        shared = {info.name for info in options_of(VideoRequest)}
        for name in attrs.fields_dict(options):
            if name not in shown:
                fail(f"Options.{name} is not made with option(…), so nobody can see or set it.")
            if name in shared:
                fail(f"Options.{name} has the name of an option that all providers share.")
            if not shown[name].label.strip() or not shown[name].help.strip().endswith("."):
                fail(f"Options.{name} needs a label, and a help text that ends with a full stop.")

    def test_the_price_is_a_number_or_none(self) -> None:
        """
        `price` returns a number or None, for every request.

        What to do: return None where no price is known, and never raise.
        """
        for request in (FROM_TEXT, FROM_IMAGE):
            for sound in (False, True):
                for seconds in self.provider.limits.durations:
                    asked = varied(varied(request, "sound", sound), "duration", seconds)
                    price = self.provider.price(asked, self.provider.Options())
                    if price is not None and not is_number(price):
                        fail(f"price returned {price!r} for {seconds} s, not a number or None.")


def _oddities(provider: Provider) -> Iterator[str]:
    """What works, but is surely not meant."""
    if not re.fullmatch("[A-Z][A-Z0-9_]*", provider.key_variable):
        yield f'key_variable is "{provider.key_variable}"; it must look like ACME_API_KEY.'
    if not provider.title.strip() or provider.title != sanitize(provider.title):
        yield "title is empty, or has line breaks or control characters."
    for name in ("base_url", "upload_url", "key_page", "tasks_page"):
        url = getattr(provider, name)
        if url is not None and not url.startswith("https://"):
            yield f'{name} is "{url}"; it must start with https://.'
        if url is not None and name.endswith("_url") and url.endswith("/"):
            yield f'{name} is "{url}"; it must not end with a slash.'
