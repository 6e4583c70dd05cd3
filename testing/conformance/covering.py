"""Few requests in which every two values of two options meet."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product

from .asking import Asked, Choice
from .forms import Forms

#: The name of an option, and the place of one of its values.
Value = tuple[str, int]
#: Values that meet, by name.
Meeting = tuple[Value, ...]


class Covering(Forms):
    """Requests that the checks let pass."""

    def _covering(
        self, start: Asked, choices: Sequence[Choice], strength: int = 2
    ) -> Iterator[Asked]:
        """
        Requests in which every two values meet that may: about as many as two options have.

        With a `strength` of 3, every three values meet, if they may by themselves.
        """
        known = {choice.name: choice for choice in choices}
        left = dict.fromkeys(_meetings(choices, strength))
        while left:
            row = dict(next(iter(left)))
            asked = self._allowed(start, known, row, 3 - strength)
            left.pop(_meeting(row.items()))
            if asked is None:
                continue
            for choice in choices if left else ():
                if choice.name in row:
                    continue
                gains = [
                    _gain(left, row, (choice.name, index), strength)
                    for index in range(len(choice.values))
                ]
                best = gains.index(max(gains))
                if gains[best]:
                    wider = self._allowed(start, known, {**row, choice.name: best}, 3 - strength)
                    if wider is not None:
                        row[choice.name], asked = best, wider
            for meeting in combinations(row.items(), strength):
                left.pop(_meeting(meeting), None)
            yield asked

    def _allowed(
        self, start: Asked, known: dict[str, Choice], row: dict[str, int], partners: int
    ) -> Asked | None:
        asked = start
        for name, index in row.items():
            asked = asked.but(name, known[name].values[index])
        settled = self._settled(asked, partners=partners)
        return None if settled is None else settled[0]


def _meetings(choices: Sequence[Choice], strength: int) -> Iterator[Meeting]:
    for some in combinations(choices, strength):
        for row in product(*(range(len(choice.values)) for choice in some)):
            yield _meeting(zip((choice.name for choice in some), row, strict=True))


def _meeting(values: Iterable[Value]) -> Meeting:
    return tuple(sorted(values))


def _gain(left: dict[Meeting, None], row: dict[str, int], value: Value, strength: int) -> int:
    """How many meetings a value would add to those of a row."""
    others = combinations(row.items(), strength - 1)
    return sum(_meeting((*each, value)) in left for each in others)
