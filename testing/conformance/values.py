"""The values of own options arrive as they are: no number is rounded, no two are mixed up."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from ...core.options import OptionInfo, is_number, options_of
from ..wire_form import changed
from .asking import Asked, Choice, choices
from .forms import Forms
from .judging import fail, show

#: Parts of a range that no rounding leaves alone.
PARTS = (0.12345678, 0.37654321, 0.50505051, 0.87654329)
#: A range of no more whole numbers than this is tried as a whole.
ALL = 64
#: The same number in other units: 0 to 1 as 0 to 100, seconds as milliseconds.
UNITS = (0.001, 0.01, 0.1, 1, 10, 100, 1000)


class Values(Forms):
    """What own options are set to."""

    def test_own_options_keep_their_value(self) -> None:
        """
        The value of an option of `Options` is sent, and not another one that it may have.

        What to do: send `options.<name>` itself; do not round it, and mix up no two choices.
        """
        infos = {info.name: info for info in options_of(self.provider.Options)}
        for start in self._starts():
            for choice in choices(self.provider, start.request):
                if choice.name in infos:
                    self._check_values(start, choice, infos[choice.name])
        for start in self._starts()[:2]:
            for info in infos.values():
                if not info.choices:
                    self._check_numbers(start, info)

    def _check_values(self, start: Asked, choice: Choice, info: OptionInfo) -> None:
        for one, other in choice.pairs():
            forms = self._forms(start.but(choice.name, one), start.but(choice.name, other))
            paths = changed(*forms) if forms is not None else []
            for path in paths if len(paths) == 1 else ():
                for value, form in zip((one, other), forms or (), strict=True):
                    if path in form and _is_another(info, path, value, form[path]):
                        _sent_as(start, info, value, form[path], path)

    def _check_numbers(self, start: Asked, info: OptionInfo) -> None:
        """Numbers within the bounds, each beside the next."""
        for one, other in pairwise(_numbers(info)):
            forms = self._forms(start.but(info.name, one), start.but(info.name, other))
            if forms is None:
                continue
            paths = changed(*forms)
            if not paths:
                fail(
                    f"submit sends the same request {start.source} whether {info.name} is {one} "
                    f"or {other}; send it as it is."
                )
            for path in paths if len(paths) == 1 else ():
                for value, form in zip((one, other), forms, strict=True):
                    sent = form.get(path)
                    if _is_rounded(value, sent) or _is_another(info, path, value, sent):
                        _sent_as(start, info, value, sent, path)


def _sent_as(start: Asked, info: OptionInfo, value: object, sent: object, path: str) -> None:
    where = path.removeprefix("body.")
    fail(f"submit sends {info.name} {show(value)} as {show(sent)}, in {where} {start.source}.")


def _numbers(info: OptionInfo) -> Sequence[float]:
    """Numbers that an option may have: whole ones in a row, or others with many digits."""
    least, most = info.bounds.minimum, info.bounds.maximum
    low = least if least is not None else 0 if most is None or most > 0 else most - ALL
    high = most if most is not None else low + (ALL if info.type is int else 1)
    if info.type is float:
        return [round(low + (high - low) * part, 8) for part in PARTS]
    if info.type is not int:
        return []
    whole = range(math.ceil(low), math.floor(high) + 1)
    if len(whole) <= ALL:
        return whole
    step = len(whole) // (ALL // 4)
    return [number for first in whole[:-1:step] for number in (first, first + 1)]


def _is_rounded(value: float, sent: object) -> bool:
    """Whether a number was sent that is near, but not what was asked for, in any unit."""
    if isinstance(sent, str):
        try:
            sent = float(sent)
        except ValueError:
            return False
    if not is_number(sent) or any(math.isclose(sent, value * unit) for unit in UNITS):
        return False
    # A share of the service's whole per cents, or of its milliseconds, has no more digits.
    return not (isinstance(sent, int) and isinstance(value, float)) and any(
        math.isclose(sent, value * unit, rel_tol=0.3) for unit in UNITS
    )


def _is_another(info: OptionInfo, path: str, value: object, sent: object) -> bool:
    """Whether what was sent is a value of the option, but not the one that was asked for."""
    if value is None or sent is None or sent == value:
        return False
    if info.choices:
        return sent in info.choices and type(sent) is type(value)
    if info.type is bool:  # A field for the opposite is called otherwise.
        called = [re.sub("[-_]", "", name).lower() for name in (path.rpartition(".")[2], info.name)]
        return isinstance(sent, bool) and called[0] == called[1]
    least, most = info.bounds.minimum, info.bounds.maximum
    if info.type not in (int, float) or least is None or most is None or not is_number(value):
        return False
    if isinstance(sent, bool) or not is_number(sent) or not least <= sent <= most:
        return False  # In another unit: 0 to 1 as 0 to 100.
    return not any(sent == value * unit for unit in (0, *UNITS))
