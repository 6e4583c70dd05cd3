"""No option meddles with another: what is sent for one is the same beside any two others."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from ...core.images import ImageFile
from ...core.options import options_of
from ...core.provider import Provider
from ..wire_form import WireForm, changed
from .asking import CALLBACK, SHARED, Asked, Choice, choices, spelled
from .covering import Covering
from .forms import uploaded
from .judging import fail

#: A text of an own option, told from all others by its name.
OWN = "cranes of {}"


class Apart(Covering):
    """What is sent for an option is that option's own affair."""

    def test_no_option_changes_another(self) -> None:
        """
        Prompt, images and webhook are the same beside every option; each option, beside any two.

        What to do: decide about each option by itself; refuse in `check` what does not go together.
        """
        for start in self._starts():
            base = self._furnished(start)
            for choice in choices(self.provider, base.request):
                self._check_leaves(base, choice)
        for start in self._starts():
            if not start.request.files:
                self._check_threes(start)

    def _furnished(self, start: Asked) -> Asked:
        """The same with a webhook, and a text in each of the texts of `Options`, if allowed."""
        texts = {
            info.name: OWN.format(info.name)[: info.bounds.max_length]
            for info in options_of(self.provider.Options)
            if info.type is str and not info.choices
        }
        if self.provider.takes_callback_url:
            texts["callback_url"] = CALLBACK
        for name, text in texts.items():
            if self._taken(start.but(name, text)) is not None:
                start = start.but(name, text)
        return start

    def _check_leaves(self, base: Asked, choice: Choice) -> None:
        """An option changes none of the texts and images that another one stands for."""
        if choice.name == "callback_url":
            base = base.but(choice.name, None)
        texts = {name: text for name, text in _texts(base).items() if name != choice.name}
        alone = self._changes(base, choice)
        for value in choice.values:
            forms = self._forms(base, base.but(choice.name, value))
            for name, text in texts.items() if forms is not None else ():
                before, after = forms or ({}, {})
                for path in [path for path, each in before.items() if each == text]:
                    if _is_spoilt(before, after, path, text, texts, alone):
                        what = "the prompt" if name == "prompt" else name
                        fail(
                            f"submit changes {what} {base.source} when {choice.name} is "
                            f"{spelled('', value).strip()}: see {path.removeprefix('body.')}."
                        )

    def _changes(self, base: Asked, choice: Choice) -> set[str]:
        """Where a request differs between any two values of an option."""
        forms = (
            self._forms(base.but(choice.name, a), base.but(choice.name, b))
            for a, b in choice.pairs()
        )
        return {path for pair in forms if pair is not None for path in changed(*pair)}

    def _check_threes(self, start: Asked) -> None:
        """Beside any two others, a value is sent as it is alone, and not as another one."""
        found = [choice.thinned() for choice in choices(self.provider, start.request)]
        tables = list(self._tables(start, found))
        for row in self._covering(start, found, strength=3) if tables else ():
            for table in tables:
                if table.mistaken(row, self._sent(row)) is not None:
                    self._mistaken(self._fewer(row, found, table), start, table)

    def _tables(self, start: Asked, found: Sequence[Choice]) -> Iterator["Table"]:
        places = {choice.name: self._changes(start, choice) for choice in found}
        for choice in found:
            others = (each for name, each in places.items() if name != choice.name)
            paths = sorted(places[choice.name].difference(*others))
            asked = [(value, start.but(choice.name, value)) for value in choice.values]
            sent = [(value, self._sent(each)) for value, each in asked if self._taken(each)]
            if paths and len(sent) > 1:
                yield Table(choice, paths, sent)

    def _fewer(self, row: Asked, found: Sequence[Choice], table: "Table") -> Asked:
        """The request with no more options than it takes."""
        for choice in [*found, *found]:  # One may be needed by another, which goes first.
            fewer = row.but(choice.name, choice.values[0])
            if choice is not table.choice and self._taken(fewer) is not None:
                row = fewer if table.mistaken(fewer, self._sent(fewer)) is not None else row
        return row

    def _mistaken(self, row: Asked, start: Asked, table: "Table") -> None:
        name, other = table.choice.name, table.mistaken(row, self._sent(row))
        start = Asked(start.request, _defaults(self.provider))
        beside = row.but(name, table.choice.values[0]).beside(start)
        fail(
            f"submit sends {spelled(name, table.value(row))} {row.source}{beside} as if it were "
            f"{other}; send it, or refuse it in check."
        )


@frozen
class Table:
    """What is sent for each value of an option, where no other option has a say."""

    choice: Choice
    paths: Sequence[str]
    sent: Sequence[tuple[object, WireForm]]

    def value(self, asked: Asked) -> object:
        name = self.choice.name
        return asked.value(name) if name in SHARED else asked.own.get(name, self.choice.values[0])

    def mistaken(self, asked: Asked, form: WireForm) -> str | None:
        """The value, in words, that was sent instead of the one that was asked for."""
        known = {repr(value): self._at(sent) for value, sent in self.sent}
        found, value = self._at(form), repr(self.value(asked))
        if known.get(value, found) == found:
            return None
        others = (value for value, sent in self.sent if self._at(sent) == found)
        return next((spelled("", other).strip() for other in others), None)

    def _at(self, form: WireForm) -> list[tuple[bool, str]]:
        return [(path in form, repr(form.get(path))) for path in self.paths]


def _defaults(provider: Provider) -> dict[str, object]:
    return {info.name: info.default for info in options_of(provider.Options)}


def _texts(asked: Asked) -> Mapping[str, str]:
    """The texts that arrive as they are: by name, as they are sent."""
    request = asked.request
    images = {"image": request.image, "end_image": request.end_image}
    texts: dict[str, object] = {
        "prompt": request.prompt,
        "callback_url": request.callback_url,
        **{
            name: uploaded(each) if isinstance(each, ImageFile) else each
            for name, each in images.items()
        },
        **{name: value for name, value in asked.own.items() if value == OWN.format(name)},
    }
    return {name: text for name, text in texts.items() if isinstance(text, str) and text}


def _is_spoilt(
    before: WireForm,
    after: WireForm,
    path: str,
    text: str,
    texts: Mapping[str, str],
    alone: set[str],
) -> bool:
    """Whether a text is no longer where it was, and neither moved nor made part of a longer one."""
    found = after.get(path)
    if found == text:
        return False
    if found in texts.values():
        return True
    if text in after.values():
        return False
    mine = [each for each in alone if before.get(each) not in texts.values()]
    return bool(mine) or not (isinstance(found, str) and text in found)
