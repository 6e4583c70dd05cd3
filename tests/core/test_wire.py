"""Reading replies: tolerant of what is new, strict about types."""

import json
from typing import Any

import pytest
from attrs import frozen
from kling26.core.wire import (
    find_identifier,
    find_url,
    find_video,
    identifier,
    integer,
    number,
    parse,
    structure,
    text,
)


@frozen
class Part:
    url: str


@frozen
class Reply:
    code: int
    ok: bool = False
    text: str | None = None
    cost: float = 0.0
    parts: list[Part] | None = None
    rest: Any = None


def test_a_reply_becomes_a_typed_object() -> None:
    value = {"code": 5, "ok": True, "text": "x", "cost": 1.5, "parts": [{"url": "u"}], "rest": [1]}

    assert structure(value, Reply) == Reply(5, True, "x", 1.5, [Part("u")], [1])


def test_a_new_field_is_no_outage() -> None:
    assert structure({"code": 5, "brand_new": {"x": 1}}, Reply) == Reply(5)


def test_a_whole_number_may_stand_for_a_fraction() -> None:
    cost = structure({"code": 5, "cost": 2}, Reply).cost

    assert (cost, type(cost)) == (2.0, float)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "expected an object, got an array @ reply"),
        (None, "expected an object, got null @ reply"),
        ("x", "expected an object, got a string @ reply"),
        ({}, "missing @ reply.code"),
        ({"code": "5"}, "expected an integer, got a string @ reply.code"),
        ({"code": 5.0}, "expected an integer, got a number @ reply.code"),
        ({"code": True}, "expected an integer, got true or false @ reply.code"),
        ({"code": None}, "expected an integer, got null @ reply.code"),
        ({"code": 5, "ok": "false"}, "expected true or false, got a string @ reply.ok"),
        ({"code": 5, "ok": 0}, "expected true or false, got an integer @ reply.ok"),
        ({"code": 5, "text": 7}, "expected a string, got an integer @ reply.text"),
        ({"code": 5, "cost": "1"}, "expected a number, got a string @ reply.cost"),
        ({"code": 5, "cost": True}, "expected a number, got true or false @ reply.cost"),
        ({"code": 5, "cost": 10**400}, "the number is too large @ reply.cost"),
        ({"code": 5, "parts": "http"}, "expected an array, got a string @ reply.parts"),
        ({"code": 5, "parts": {}}, "expected an array, got an object @ reply.parts"),
        ({"code": 5, "parts": [{"url": None}]}, "expected a string, got null @ reply.parts"),
    ],
)
def test_what_does_not_fit_is_reported_in_words_and_by_its_place(
    value: object, problem: str
) -> None:
    """Nothing is converted: null is no "None", "false" is not true, and a text is no list."""
    with pytest.raises(ValueError, match="reply") as caught:
        structure(value, Reply)

    assert problem in str(caught.value)


def test_several_problems_are_reported_at_once() -> None:
    with pytest.raises(ValueError, match=r"@ reply\.code; .* @ reply\.text"):
        structure({"code": None, "text": 5}, Reply)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"<html>", b"{", b"[" * 100_000, b"1" * 5000, '{"a"', "\ufeff{}",
    ],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_what_is_not_json_is_a_value_error(text: bytes | str) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        parse(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_is_no_number_hides_nothing_next_to_it(number: str) -> None:
    assert parse(f'{{"cost": {number}, "url": "https://a.example"}}') == {
        "cost": None,
        "url": "https://a.example",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_is_read_in_any_of_its_encodings(encoding: str) -> None:
    assert parse('{"a": "Zürich 雪"}'.encode(encoding)) == {"a": "Zürich 雪"}


def test_broken_characters_do_not_cost_the_rest_of_a_reply() -> None:
    assert parse(b'{"id": "task-1", "msg": "\xff"}') == {"id": "task-1", "msg": "\ufffd"}


@pytest.mark.parametrize("text", [r'{"a": "\ud83d"}', b'{"a": "\xed\xa0\xbd"}', r'["\uD83D x"]'])
def test_half_a_surrogate_pair_becomes_something_that_can_be_stored(text: bytes | str) -> None:
    json.dumps(parse(text), ensure_ascii=False).encode()


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse(r'{"a": "\ud83e\udd8a", "b": "\\ud83d"}') == {"a": "🦊", "b": r"\ud83d"}


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        ("500", "500"), (500, "500"), (0, "0"), ("", None), (None, None), (True, None), (5.5, None),
        ([], None), ({}, None), (" \n ", None), ("a\x1b[31m\nb", "a [31m b"),
    ],
)  # fmt: skip
def test_a_reason_is_text_or_a_number(value: object, read_as: str | None) -> None:
    assert text(value) == read_as


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (5, 5.0), (0.35, 0.35), ("0.35", 0.35), ("five", None), ("nan", None), ("1e999", None),
        (True, None), (None, None), ([], None), (10**400, None),
    ],
)  # fmt: skip
def test_a_number_that_is_only_good_to_know(value: object, read_as: float | None) -> None:
    assert number(value) == read_as


@pytest.mark.parametrize(
    ("value", "read_as"), [(3, 3), (0, 0), (True, None), (3.0, None), ("3", None)]
)
def test_a_whole_number_that_is_only_good_to_know(value: object, read_as: int | None) -> None:
    assert integer(value) == read_as


@pytest.mark.parametrize(
    ("value", "task_id"),
    [
        ("task-1", "task-1"),
        (" task-1\n", "task-1"),
        (1234567890123456789, "1234567890123456789"),
        (True, None),
        (1.0, None),
        (1e18, None),
        (0, None),
        (-1, None),
        ("", None),
        ("  ", None),
        (None, None),
        ({}, None),
        (["task-1"], None),
    ],
)
def test_an_id_is_a_text_or_a_whole_number(value: object, task_id: str | None) -> None:
    assert identifier(value) == task_id


@pytest.mark.parametrize(
    ("fragment", "task_id"),
    [
        ('{"id": "task-1", "sta', "task-1"),
        ('{"id": 1234567890123456789, "sta', "1234567890123456789"),
        ('{"id":7}', "7"),
        ('{"id": 7\n', "7"),
        ('{"id": 123', None),  # More digits may have followed.
        ('{"id": "task-', None),
        ('{"id": 1.5, "', None),
        ('{"id": 1e18, "', None),
        ('{"id": true, "', None),
        ('{"id": "", "', None),
        ('{"id": null, "data": {"id": 7}}', "7"),
        ('{"video_id": 7}', None),
        ('{"param": "{\\"id\\": \\"no\\"}", ', None),
    ],
)
def test_an_id_is_found_in_a_fragment(fragment: str, task_id: str | None) -> None:
    assert find_identifier(fragment, "id") == task_id


@pytest.mark.parametrize(
    "text",
    [
        '"https://a.example/1.mp4"',
        "\n <https://a.example/1.mp4>\r\n",
        "'https://a.example/1.mp4'",
        "\u201chttps://a.example/1.\nmp4\u201d",
        "https://a.example/1.mp4\nhttps://a.example/2.mp4",
        "https://a.example/1.mp4 https://a.example/2.mp4",
    ],
)
def test_a_url_is_found_between_what_was_pasted_with_it(text: str) -> None:
    assert find_url({"urls": [text]}) == "https://a.example/1.mp4"
    assert find_video(None, text) == "https://a.example/1.mp4"


def test_an_apostrophe_at_the_end_of_a_url_is_part_of_it() -> None:
    assert find_url("https://a.example/fox'") == "https://a.example/fox'"
