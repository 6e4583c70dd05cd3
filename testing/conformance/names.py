"""What a provider says about itself."""

from collections.abc import Iterator
from itertools import product

from ...core.money import pricing_options
from ...core.options import options_of
from ...core.provider import Provider
from ...core.text import sanitize
from ...core.vetting import validate_provider
from .asking import IMAGE, plain, varied
from .base import Suite
from .judging import fail, is_price


class Names(Suite):
    """What it says about itself."""

    def test_names_and_limits_are_well_formed(self) -> None:
        """
        The provider can be loaded, and its names and URLs make sense to people.

        What to do: fix the attribute named; the guide to plug-ins describes each of them, under
        "Names and limits".
        """
        try:
            validate_provider(self.provider)
        except ValueError as error:
            fail(str(error))
        for oddity in _oddities(self.provider):
            fail(oddity)

    def test_options_can_be_shown(self) -> None:
        """
        Each field of `Options` has a label and a sentence of help.

        What to do: define the field with `kling26.core.option(…, label=…, help=…)`.
        """
        for info in options_of(self.provider.Options):
            if not info.label.strip() or not info.help.strip().endswith("."):
                fail(
                    f"Options.{info.name} needs a label, and a help text that ends with a full "
                    "stop."
                )

    def test_the_price_is_a_number_or_none(self) -> None:
        """
        `price` returns a number above 0 or None, for every request and every choice of an option.

        What to do: return None where no price is known, and never raise.
        """
        choices = pricing_options(self.provider)
        own = [{}, *({info.name: value} for info, values in choices for value in values)]
        for given, sound, seconds in product(own, (False, True), self.provider.limits.durations):
            for request in (plain(self.provider), plain(self.provider, IMAGE)):
                asked = varied(varied(request, "sound", sound), "duration", seconds)
                price = self.provider.price(asked, self.provider.Options(**given))
                if price is not None and not is_price(price):
                    fail(f"price returned {price!r} for {seconds} s, not a number above 0 or None.")


def _oddities(provider: Provider) -> Iterator[str]:
    """What works, but is surely not meant."""
    if provider.key_variable != provider.key_variable.upper():
        yield f'key_variable is "{provider.key_variable}"; it must look like ACME_API_KEY.'
    if not provider.title.strip() or provider.title != sanitize(provider.title):
        yield "title is empty, or has line breaks or control characters."
    for name in ("base_url", "upload_url", "balance_url", "key_page", "tasks_page"):
        url = getattr(provider, name)
        if url is not None and not url.startswith("https://"):
            yield f'{name} is "{url}"; it must start with https://.'
        if url is not None and name.endswith("_url") and url.endswith("/"):
            yield f'{name} is "{url}"; it must not end with a slash.'
