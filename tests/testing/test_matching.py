"""How a request is compared with the one that a cassette has."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from kling26.testing.cassettes import exchange, file
from kling26.testing.form_bodies import URLENCODED, MediaType, form
from kling26.testing.keeping import readable
from kling26.testing.matching import differences

URL = "https://api.acme.example/v1/videos"
PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


def written(body: object, line: str = f"POST {URL}", kind: str = "application/json") -> Any:
    return exchange(line, body, None, content_type=kind)["request"]


def raw(body: str | bytes | None, kind: str = "application/json", line: str = f"POST {URL}") -> Any:
    method, _, uri = line.partition(" ")
    headers = {"content-type": [kind]} if kind else {}
    return readable({"method": method, "uri": uri, "headers": headers, "body": body})


def sent(**parts: Any) -> Any:
    """What httpx sends, with a boundary of its own making."""
    request = httpx.Request("POST", URL, **parts)
    return raw(request.read(), request.headers["content-type"])


def places(asked: Mapping[str, Any], has: Mapping[str, Any]) -> list[str]:
    return [str(place) for place in differences(asked, has)]


# -- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [true]}', '{"b":[true],"a":1}'),
        ('{"a": "\xfc"}', r'{"a": "\u00fc"}'),
        ('{"a": 5}', '{\n  "a": 5\n}'),
        ("", None),
        ("plain", "plain"),
    ],
)
def test_spacing_and_order_do_not_matter(one: Any, other: Any) -> None:
    assert places(raw(one), raw(other)) == []


@pytest.mark.parametrize(
    ("asked", "has"),
    [("true", "1"), ("true", '"on"'), ("true", '"true"'), ("5", "5.0"), ("5", '"5"'),
     ("0", "false"), ("null", '""'), ("[1, 2]", "[2, 1, 3]"), ('"a"', '"A"')],
)  # fmt: skip
def test_types_matter(asked: str, has: str) -> None:
    requests = (raw(f'{{"input": {{"sound": {value}}}}}') for value in (asked, has))

    assert places(*requests) == [f"body.input.sound: asked {asked}, the cassette has {has}"]


def test_each_place_is_named() -> None:
    asked = raw('{"a": {"b": [1, {"c": 2}]}, "more": 1}')
    has = raw('{"a": {"b": [1, {"c": 3}]}, "other": 1}')

    assert places(asked, has) == [
        "body.a.b[1].c: asked 2, the cassette has 3",
        "body.more: asked 1, the cassette has nothing",
        "body.other: asked nothing, the cassette has 1",
    ]


def test_of_long_texts_the_place_where_they_differ_is_shown() -> None:
    begin = "A heron lands on a frozen pond, ice cracks, " * 3
    (place,) = places(raw(f'{{"p": "{begin}x"}}'), raw(f'{{"p": "{begin}y"}}'))

    assert place.startswith("body.p: asked …")
    assert 'x"' in place
    assert 'y"' in place
    assert len(place) < 160


# -- URLs and types of content --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "has"),
    [
        (f"{URL}?a=1&b=2", f"{URL}?b=2&a=1"),
        (URL, "https://api.acme.example:443/v1/videos"),
        (f"{URL}/%3CKEY%3E", f"{URL}/<KEY>"),
        (f"{URL}?a=%2F", f"{URL}?a=/"),
    ],
)
def test_one_url_may_be_spelled_in_several_ways(asked: str, has: str) -> None:
    assert places(raw(None, "", f"GET {asked}"), raw(None, "", f"GET {has}")) == []


def test_another_url_is_another_request() -> None:
    asked = raw(None, "", f"GET {URL}?id=1&all=")

    assert places(asked, raw(None, "", f"GET {URL}?id=2")) == [
        'query.id: asked "1", the cassette has "2"',
        'query.all: asked "", the cassette has nothing',
    ]
    for line in (
        f"PUT {URL}?id=1&all=",
        f"GET {URL}/x?id=1&all=",
        "GET https://a.example/v1/videos?id=1&all=",
    ):
        (place,) = differences(asked, raw(None, "", line))
        assert place.path == "request"


def test_the_type_of_content_is_compared() -> None:
    assert places(raw("{}"), raw("{}", "Application/JSON; charset=UTF-8")) == []
    assert places(raw("{}"), raw("{}", "text/plain")) == [
        "content-type: asked application/json, the cassette has text/plain"
    ]
    assert places(raw("{}"), raw("{}", "")) == [
        "content-type: asked application/json, the cassette has none"
    ]


def test_other_bytes_are_compared_by_their_digest() -> None:
    assert places(raw(PNG, "image/png"), raw(PNG, "image/png")) == []
    assert "body.sha256" in {place.path for place in differences(raw(PNG), raw(PNG[:-1] + b"x"))}


# -- forms ----------------------------------------------------------------------------------------

FIELDS = {"purpose": "first frame", "tag": ["a", "b"]}
FILES = {"file": ("fox.png", PNG, "image/png")}
FORM = written({**FIELDS, "file": file("fox.png", PNG, "image/png")}, kind="multipart/form-data")


def test_a_form_is_the_same_whatever_its_boundary() -> None:
    one, other = sent(data=FIELDS, files=FILES), sent(data=FIELDS, files=FILES)

    assert places(one, other) == places(one, FORM) == []
    assert one["headers"]["content-type"] == ["multipart/form-data"]


@pytest.mark.parametrize(
    ("data", "files", "place"),
    [
        (FIELDS | {"purpose": "last frame"}, FILES, "body.purpose"),
        (FIELDS | {"tag": ["b", "a"]}, FILES, "body.tag[0]"),
        (FIELDS | {"more": "1"}, FILES, "body.more"),
        ({"tag": ["a", "b"]}, FILES, "body.purpose"),
        (FIELDS, {"file": ("fox.png", PNG + b"x", "image/png")}, "body.file.length"),
        (FIELDS, {"file": ("fox.png", PNG, "image/jpeg")}, "body.file.content_type"),
        (FIELDS, {"file": ("egret.png", PNG, "image/png")}, "body.file.filename"),
    ],
)
def test_each_part_of_a_form_counts(data: Any, files: Any, place: str) -> None:
    assert differences(sent(data=data, files=files), FORM)[0].path == place


def test_a_form_in_a_url_s_spelling_is_compared_by_field() -> None:
    has = written({"prompt": "A fox & a hen", "seconds": 5}, kind=URLENCODED)

    assert has["body"] == {
        "form": [{"name": "prompt", "value": "A fox & a hen"}, {"name": "seconds", "value": "5"}]
    }
    assert places(sent(data={"seconds": "5", "prompt": "A fox & a hen"}), has) == []
    assert places(sent(data={"seconds": "10", "prompt": "A fox & a hen"}), has) == [
        'body.seconds: asked "10", the cassette has "5"'
    ]


def test_a_form_that_was_kept_as_it_was_sent_can_still_be_compared() -> None:
    """As plain vcrpy keeps it, even if its boundary or its line ends were lost since."""
    body = (
        b'--b0\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfirst frame\r\n--b0--\r\n'
    )
    now = sent(files={"purpose": (None, "first frame")})

    for kind in ("multipart/form-data; boundary=b0", 'multipart/form-data; boundary="b0"'):
        assert places(now, raw(body, kind)) == []
    assert form("multipart/form-data", body) == form(
        "multipart/form-data", body.replace(b"\r", b"")
    )


def test_a_file_may_be_written_down_in_a_cassette() -> None:
    by_hand = {
        **FORM,
        "body": {
            "form": [
                {"name": "file", "filename": "fox.png", "content_type": "image/png", "value": PNG}
            ]
        },
    }

    assert places(sent(files=FILES), by_hand) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [("multipart/form-data; boundary=b0", b"no form"), ("multipart/form-data", b"--b0\r\ncut"),
     (URLENCODED, b"\xff"), ("application/json", b"{}")],
)  # fmt: skip
def test_what_is_no_form_stays_as_it_is(kind: str, body: bytes) -> None:
    assert form(kind, body) is None
    assert raw(body, kind)["body"] == body


def test_a_type_is_read_with_its_parameters() -> None:
    kind = MediaType.read('Multipart/Mixed; Boundary="x y"; type=a/b; charset=utf-8')

    assert (kind.name, kind.boundary, str(kind)) == (
        "multipart/mixed",
        "x y",
        "multipart/mixed; type=a/b",
    )
