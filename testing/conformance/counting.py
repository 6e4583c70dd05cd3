"""Nothing that a user asks for is dropped: every option counts, whatever the others are."""

from ...core.options import options_of
from ..wire_form import changed
from .asking import ANOTHER_IMAGE, IMAGE, Asked, Choice, choices, spelled
from .forms import Forms
from .judging import fail


class Counting(Forms):
    """Every value of every option makes a difference, or is refused."""

    def test_every_shared_option_is_sent_or_refused(self) -> None:
        """
        Prompt, images, sound, duration, shape and webhook change the request, or are refused.

        What to do: send the option, or refuse it with `limits`, `takes_callback_url` or `check`.
        """
        own = {info.name for info in options_of(self.provider.Options)}
        text = Asked(self._plain())
        pictures = [None, IMAGE, ANOTHER_IMAGE, *filter(None, [self._image()])]
        self._check_counts(text, Choice("image", pictures))
        self._check_counts(text.but("image", IMAGE), Choice("end_image", pictures))
        for start in self._starts():
            for choice in choices(self.provider, start.request):
                if choice.name not in own:
                    self._check_counts(start, choice)

    def test_every_own_option_is_sent_or_refused(self) -> None:
        """
        Each value of each field of `Options` changes the request, or is refused.

        What to do: send the option, or remove it from `Options`.
        """
        own = {info.name for info in options_of(self.provider.Options)}
        taken: set[str] = set()
        for start in self._starts():
            for choice in choices(self.provider, start.request):
                if choice.name in own and self._check_counts(start, choice):
                    taken.add(choice.name)
        for name in own - taken:
            fail(f"Options.{name} is refused whatever its value; remove it.")

    def test_every_option_counts_whatever_the_others_are(self) -> None:
        """
        An option that counts alone counts beside every value of every other one, too.

        What to do: decide about each option by itself; refuse in `check` what does not go together.
        """
        for start in self._starts()[:2]:
            found = [choice.thinned() for choice in choices(self.provider, start.request)]
            for other in found:
                for value in other.values[1:]:
                    beside = start.but(other.name, value)
                    for choice in found:
                        if choice is not other:
                            self._check_counts(
                                beside, choice, f" beside {spelled(other.name, value)}"
                            )

    def _check_counts(self, start: Asked, choice: Choice, beside: str = "") -> bool:
        """Whether any two values were allowed; fails if they make the same request."""
        any_allowed = False
        for one, other in choice.pairs():
            asked = start.but(choice.name, one), start.but(choice.name, other)
            settled = self._settled(*asked, partners=1)
            if settled is None:
                continue
            any_allowed = True
            if not changed(*map(self._sent, settled)):
                first, second = (spelled("", value).strip() for value in (one, other))
                fail(
                    f"submit sends the same request {start.source} whether {choice.name} is "
                    f"{first} or {second}{beside}; send it, or refuse it in check."
                )
        return any_allowed
