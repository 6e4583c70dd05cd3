"""Other people's text, made safe to show."""

import pytest
from kling26.core.text import (
    join_sentences,
    join_words,
    sanitize,
    sentence,
    summarize_body,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is", "as it is"),
        ("two\r\n  lines\t", "two lines"),
        ("\x1b]0;title\x07\x1b[31mred\x9b0m", "]0;title [31mred 0m"),
        ("file\u202egnp.exe", "file gnp.exe"),
        ("half \ud83d pair", "half pair"),
        (None, "None"),
        (5, "5"),
        ("", ""),
    ],
)
def test_a_text_is_shown_on_one_line_without_what_a_terminal_obeys(
    text: object, shown: str
) -> None:
    assert sanitize(text) == shown


def test_a_long_text_is_cut_where_it_says() -> None:
    assert sanitize("x" * 300) == "x" * 300
    assert sanitize("x" * 301) == "x" * 299 + "…"
    assert sanitize("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("text", "whole"),
    [("No credit", "No credit."), ("No!", "No!"), ("Why?", "Why?"), ("x" * 999, "x" * 299 + "…")],
)
def test_a_sentence_ends_like_one(text: str, whole: str) -> None:
    assert sentence(text) == whole


@pytest.mark.parametrize(
    ("values", "words"),
    [([], "nothing"), (["a"], "a"), ([5, 10], "5 or 10"), (["a", "b", "c"], "a, b or c")],
)
def test_values_are_listed_as_people_do(values: list[object], words: str) -> None:
    assert join_words(values) == words


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "It sent nothing."),
        (b" <!DOCTYPE html><h1>Bad gateway</h1>", "It sent a web page."),
        (b'{"code": 7, "detail": [{"loc": [], "msg": "No\\ncats"}]}', 'It said: "No cats".'),
        (b'{"error": {"message": ""}, "error_message": "Closed"}', 'It said: "Closed".'),
        (b'"ok"', 'It said: "ok".'),
        (b'{"code": 200, "data": null}', ""),
        (b'{"data": {"taskId": "x', ""),
        (b"[" * 5000, ""),
        (b"upstream\x1b[31m connect error", 'It said: "upstream [31m connect error".'),
        (b"x" * 500, f'It said: "{"x" * 119}…".'),
    ],
)
def test_an_odd_answer_is_quoted_without_its_markup(content: bytes, told: str) -> None:
    assert summarize_body(content) == told


@pytest.mark.parametrize(
    ("sentences", "text"),
    [
        (["It broke off"], "It broke off"),
        (["It broke off", "Run: kling26 resume"], "It broke off. Run: kling26 resume"),
        (["It broke off.", "", "Really?", "Yes."], "It broke off. Really? Yes."),
        (["It broke off", ""], "It broke off"),
    ],
)
def test_only_a_sentence_that_another_one_follows_gets_a_full_stop(
    sentences: list[str], text: str
) -> None:
    assert join_sentences(*sentences) == text
