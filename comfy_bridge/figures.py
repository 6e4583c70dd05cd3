"""Numbers, money, dates, lists and sentences, as a language writes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from ..core.money import USD, usd_text
from .words import Said, Words

_ENDS = tuple(".!?…。！？")
#: The marks at the end of a sentence that are as wide as a letter of Chinese: no blank follows.
_WIDE = tuple("。！？")


def number(words: Words, value: float | str) -> str:
    """
    A number with the decimal sign of a language; as text, it keeps its digits.

    >>> from kling26.comfy_bridge.words import words
    >>> number(words("ru"), 1.50), number(words("ru"), "1.50")
    ('1,5', '1,50')
    """
    text = value if isinstance(value, str) else f"{value:.15g}"
    return text.replace(".", words("number.decimal"))


def money(words: Words, amount: float, unit: str | None) -> str:
    """
    An amount of money, or of the unit that a provider charges in.

    >>> from kling26.comfy_bridge.words import words
    >>> money(words("ru"), 0.275, "USD"), money(words("en"), 55.0, "credits")
    ('0,275 $', '55 credits')
    """
    if unit == USD:
        digits = usd_text(amount).removesuffix(f" {USD}")
        return words("money.usd", amount=number(words, digits))
    shown = number(words, f"{amount:g}")
    if unit == "credits":
        return words(f"money.credits.{plural(words, amount)}", amount=shown)
    return f"{shown} {unit or ''}".rstrip()


def cost(words: Words, amount: float, unit: str | None, usd: float | None) -> str:
    """What a video cost: in USD as far as that is known, and in the unit that was charged."""
    if usd is None or unit == USD:
        return money(words, amount, unit)
    return words("money.both", usd=money(words, usd, USD), units=money(words, amount, unit))


def plural(words: Words, amount: float) -> str:
    """Which form of a noun follows a number; Russian has three, and one after a fraction."""
    if words.language != "ru":
        return "one" if amount == 1 else "many"
    if amount != int(amount):
        return "few"
    last, teens = int(amount) % 10, int(amount) % 100 in range(11, 15)
    if last == 1 and not teens:
        return "one"
    return "few" if last in (2, 3, 4) and not teens else "many"


def moment(words: Words, seconds: float) -> str:
    """
    A date and a time of day on this machine's clock; `seconds` are since the epoch.

    The day comes before the time, to the minute: "2026-11-27 14:05".
    """
    then = datetime.fromtimestamp(seconds).astimezone()
    parts = {"month": then.month, "day": then.day, "hour": then.hour, "minute": then.minute}
    padded = {name: f"{value:02}" for name, value in parts.items()}
    return words("moment", year=then.year, **padded)


def listed(words: Words, names: Sequence[str], kind: Literal["or", "and"]) -> str:
    """Names as a list: "a, b or c"."""
    *others, last = names
    joined = words("list.between").join(others)
    return words(f"list.{kind}", others=joined, last=last) if others else last


def join(words: Words, *sentences: str) -> Said:
    """Sentences as one text, with a full stop after each but the last; empty ones are dropped."""
    *others, last = [each for each in sentences if each] or [""]
    ended = (each if each.endswith(_ENDS) else f"{each}{words('sentence.stop')}" for each in others)
    return Said("".join(each if each.endswith(_WIDE) else f"{each} " for each in ended) + last)
