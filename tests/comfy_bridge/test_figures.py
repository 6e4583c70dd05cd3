"""Numbers, money, dates and lists, as each language writes them."""

from datetime import datetime

import pytest
from kling26.comfy_bridge.figures import cost, join, listed, moment, money, number
from kling26.comfy_bridge.words import words

NOON = datetime(2026, 11, 27, 14, 5).astimezone().timestamp()


@pytest.mark.parametrize(
    ("language", "date", "usd", "both"),
    [
        ("en", "2026-11-27 14:05", "0.275 USD", "0.275 USD (55 credits)"),
        ("zh", "2026年11月27日 14:05", "0.275 美元", "0.275 美元（55 积分）"),
        ("ru", "27.11.2026 14:05", "0,275 $", "0,275 $ (55 кредитов)"),
    ],
)
def test_dates_and_money_are_written_as_the_language_writes_them(
    language: str, date: str, usd: str, both: str
) -> None:
    said = words(language)

    assert moment(said, NOON) == date
    assert money(said, 0.275, "USD") == usd
    assert cost(said, 55.0, "credits", 0.275) == both
    assert cost(said, 0.275, "USD", 0.275) == usd


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 кредитов"),
        (1, "1 кредит"),
        (3, "3 кредита"),
        (5, "5 кредитов"),
        (11, "11 кредитов"),
        (14, "14 кредитов"),
        (21, "21 кредит"),
        (112, "112 кредитов"),
        (1.5, "1,5 кредита"),
    ],
)
def test_russian_nouns_follow_their_number(amount: float, text: str) -> None:
    assert money(words("ru"), amount, "credits") == text


def test_units_that_nobody_has_heard_of_stay_as_they_are() -> None:
    assert [money(words("ru"), 2.5, unit) for unit in ("RUB", None)] == ["2,5 RUB", "2,5"]
    assert [money(words(), each, "credits") for each in (1, 55)] == ["1 credit", "55 credits"]


def test_a_number_has_the_sign_of_the_language() -> None:
    assert [number(words(each), 1.25) for each in ("en", "zh", "ru")] == ["1.25", "1.25", "1,25"]


@pytest.mark.parametrize(
    ("language", "text"), [("en", "a, b or c"), ("zh", "a、b 或 c"), ("ru", "a, b или c")]
)
def test_a_list_ends_in_a_word_of_the_language(language: str, text: str) -> None:
    said = words(language)

    assert listed(said, ["a", "b", "c"], "or") == text
    assert listed(said, ["a"], "and") == "a"


def test_sentences_have_the_stops_and_the_gaps_of_their_language() -> None:
    assert join(words(), "One", "", "Two!", "three") == "One. Two! three"
    assert join(words("zh"), "一", "", "二！", "Three.", "四") == "一。二！Three. 四"
    assert join(words("ru"), "Раз", "Два.") == "Раз. Два."
