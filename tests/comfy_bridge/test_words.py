"""The texts of the node and its page, in the languages that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from kling26.comfy_bridge.words import Said, languages, words

LOCALES = Path(__file__).parents[2] / "locales"
OTHERS = ("zh", "ru")
#: What is the same in every language: names, units and words of computing.
_NAMES = re.compile(
    r"\b(Kling 2\.6|kling26|ComfyUI|API|Bearer|HTTP|HTTPS|JSON|URL|MB|MiB|kB|USD|none|true|false)\b"
)


def texts(language: str) -> dict[str, str]:
    """What the file of a language has itself, by key."""
    content = json.loads((LOCALES / language / "main.json").read_text("utf-8"))
    return dict(_flat(content["kling26"]))


def _flat(value: Any, start: str = "") -> Any:
    for name, each in value.items():
        if isinstance(each, str):
            yield f"{start}{name}", each
        else:
            yield from _flat(each, f"{start}{name}.")


def _places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


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
    assert languages() == {"en", *OTHERS}


def test_a_text_has_the_values_in_its_places_and_keeps_other_braces() -> None:
    assert words()("elapsed.of", elapsed=3, expected="{elapsed}") == "3 s of about {elapsed} s"
    assert '{"key": "…"}' in words()("routes.no_object")


def test_a_text_is_known_to_be_in_the_language_already() -> None:
    assert isinstance(words("zh")("phase.stored"), Said)


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_texts_with_the_same_places(language: str) -> None:
    assert {key: _places(text) for key, text in texts(language).items()} == {
        key: _places(text) for key, text in texts("en").items()
    }


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    english = texts("en")
    same = [key for key, text in texts(language).items() if text == english[key]]

    assert [key for key in same if _has_words(english[key])] == []


def _has_words(text: str) -> bool:
    return re.search("[A-Za-z]", _NAMES.sub("", re.sub(r"\{\w+\}", "", text))) is not None


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_letters_and_the_stops_of_its_language(language: str) -> None:
    script, stop = {"zh": ("[一-鿿]", "。"), "ru": ("[а-яё]", ".")}[language]
    english = texts("en")
    for key, text in texts(language).items():
        if _has_words(english[key]):
            assert re.search(script, text, re.IGNORECASE), key
        if english[key].endswith(".") and len(english[key]) > 1:
            assert text.endswith((stop, '"}。')), key


@pytest.mark.parametrize("language", ["en", *OTHERS])
def test_no_text_names_a_command_of_the_shell(language: str) -> None:
    for key, text in texts(language).items():
        assert not re.search(r"\bkling26 [a-z]|\bpip\b", text), key


def test_the_names_of_the_inputs_are_known_by_their_ids() -> None:
    named = ("prompt", "negative_prompt", "end_image")

    assert [words("zh")(f"option.{name}") for name in named] == ["提示词", "反向提示词", "结束图像"]
