"""Few requests in which every two values of two options meet."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from .asking import Asked, Choice
from .forms import Forms

#: The name of an option, and the place of one of its values.
Value = tuple[str, int]


class Covering(Forms):
    """Requests that the checks let pass."""

    def _covering(self, start: Asked, choices: Sequence[Choice]) -> Iterator[Asked]:
        """Requests in which every two values meet that may: about as many as two options have."""
        known = {choice.name: choice for choice in choices}
        left = dict.fromkeys(
            pair for one, other in combinations(choices, 2) for pair in _meetings(one, other)
        )
        while left:
            row = dict(next(iter(left)))
            asked = self._allowed(start, known, row)
            left.pop(_pair(*row.items()))
            if asked is None:
                continue
            for choice in choices:
                best = max(
                    range(len(choice.values)), key=lambda index: _gain(left, row, choice, index)
                )
                if choice.name not in row and _gain(left, row, choice, best):
                    wider = self._allowed(start, known, {**row, choice.name: best})
                    if wider is not None:
                        row[choice.name], asked = best, wider
            for one, other in combinations(row.items(), 2):
                left.pop(_pair(one, other), None)
            yield asked

    def _allowed(self, start: Asked, known: dict[str, Choice], row: dict[str, int]) -> Asked | None:
        asked = start
        for name, index in row.items():
            asked = asked.but(name, known[name].values[index])
        settled = self._settled(asked, partners=1)
        return None if settled is None else settled[0]


def _meetings(one: Choice, other: Choice) -> Iterator[tuple[Value, Value]]:
    for first in range(len(one.values)):
        for second in range(len(other.values)):
            yield _pair((one.name, first), (other.name, second))


def _pair(one: Value, other: Value) -> tuple[Value, Value]:
    return (one, other) if one < other else (other, one)


def _gain(
    left: dict[tuple[Value, Value], None], row: dict[str, int], choice: Choice, index: int
) -> int:
    """How many meetings a value would add to those of a row."""
    return sum(_pair(value, (choice.name, index)) in left for value in row.items())
