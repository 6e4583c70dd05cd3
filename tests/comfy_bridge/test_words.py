"""The texts of the node and its page, in the languages that there are."""

import pytest
from kling26.comfy_bridge.words import languages, words


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("ZH_tw", "zh"),
        ("ru-RU, ru;q=0.9, en;q=0.8", "ru"),
        ("fr-FR, fr;q=0.9, zh;q=0.4, ru;q=0.5", "ru"),
        ("ru;q=0, zh;q=0.1", "zh"),
        ("fr", "en"),
        ("*", "en"),
        ("../../en", "en"),
        (";;q=,,=,q=1;zh", "en"),
        ("x," * 100_000 + "zh", "en"),
    ],
)
def test_a_language_is_found_in_whatever_a_page_or_a_browser_asks_for(
    asked: str | None, language: str
) -> None:
    assert words(asked).language == language


def test_there_are_three_languages() -> None:
    assert languages() == {"en", "zh", "ru"}


def test_a_text_has_the_values_in_its_places_and_keeps_other_braces() -> None:
    assert words()("elapsed.of", elapsed=3, expected="{elapsed}") == "3 s of about {elapsed} s"
    assert '{"key": "…"}' in words()("routes.no_object")


def test_a_language_has_every_text_of_the_english_one() -> None:
    english = words().all()

    assert {language: words(language).all().keys() for language in languages()} == {
        language: english.keys() for language in languages()
    }
