"""Cassettes that are not played, whoever made them: unreadable, with a secret, or of no source."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import vcr
import yaml
from kling26.testing import sources
from kling26.testing.cassettes import BadCassette, dump, exchange, load, problems, read
from kling26.testing.deck import stays
from kling26.testing.marker import MarkedCassette
from kling26.testing.reading import whole
from kling26.testing.refusing import reason_to_refuse
from kling26.testing.secrets import Secrets
from kling26.testing.sources import Source, told_age
from vcr.request import Request

URL = "https://api.acme.example/v1/videos"
KEY = "live-9f3c7d21-Zx81Qm40"
SOURCE = "written from https://docs.acme.example/videos on 2026-11-21"
GOOD = dump(SOURCE, [exchange(f"POST {URL}", {"prompt": "A fox"}, {"id": "v1"})])

# Not cassettes of this suite, which its other tests count.
named, recording = pytest.mark.cassette, vcr.use_cassette

Spoil = Callable[[dict[str, Any], dict[str, Any]], object]


# -- unreadable -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty."),
        ("{}", "is empty."),
        ("a: [1", "is not the YAML of a cassette: "),
        ("a: !!python/object:x.Y {}", "is not the YAML of a cassette: could not determine"),
        (b"\xff\xfe", "is not UTF-8."),
        ("just words", 'is no cassette: it has no list of "interactions".'),
        ("http_interactions: []", 'is no cassette: it has no list of "interactions".'),
        (GOOD.partition("interactions:")[0] + "interactions: []", "has no exchanges."),
        ("interactions: [1]", "is no cassette: its exchange 1 is not an object."),
        (GOOD.replace("version: 1", "version: 7"), "is of version 7, and only version 1 is known"),
        (f"{GOOD}version: 1\n", 'has "version" twice in what begins in line 1.'),
        (GOOD.replace("metadata:\n", "metadata:\n  source: x\n"), 'has "source" twice in'),
        (GOOD.replace('"id": "v1"', '"id": "v1", "id": "v2"'),
         'has "id" twice in the body of the response of exchange 1.'),
        (GOOD.replace('"prompt": "A fox"', '"prompt": "A fox", "prompt": "A cat"'),
         'has "prompt" twice in the body of the request of exchange 1.'),
        (GOOD.replace("uri:", "url:"), 'the request of exchange 1 has no "uri".'),
        (GOOD.replace(URL, "videos"), 'the "uri" in the request of exchange 1 is not a URL.'),
        (GOOD.replace("method: POST", "method: 1"), 'has a wrong "method".'),
        (GOOD.replace("code: 200", "code: ok"), 'the response of exchange 1 has a wrong "code".'),
        (GOOD.replace("  response:", "  reply:"), 'exchange 1 has no "response".'),
        (GOOD.replace("    headers:", "    headers: 1\n    more:"), 'the "headers" in'),
        (GOOD.replace("    body: |-", "    body:\n     string: |-"), 'the "body" in'),
    ],
)  # fmt: skip
def test_one_sentence_names_the_file_and_what_is_wrong(
    content: str | bytes, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "videos.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(BadCassette) as caught:
        read(path)

    said = str(caught.value)
    assert said.startswith(f"{path} ")
    assert problem in said
    assert said.endswith(".")
    assert "\n" not in said


# -- secrets --------------------------------------------------------------------------------------


def refused(spoil: Spoil, source: str = SOURCE) -> str | None:
    cassette = yaml.safe_load(GOOD)
    cassette["metadata"]["source"] = source
    spoil(cassette["interactions"][0]["request"], cassette["interactions"][0]["response"])
    return reason_to_refuse(whole(cassette), Secrets([KEY]), yaml.dump(cassette))


def replied(text: str | bytes) -> Spoil:
    return lambda _, response: response["body"].update(string=text)


SECRETS: dict[str, tuple[str, Spoil]] = {
    "a header": ("a header", lambda sent, _: sent["headers"].update(Authorization=["Key ab12cd"])),
    "a cookie": ("a header", lambda _, got: got["headers"].update({"Set-Cookie": ["sid=9a8b7c"]})),
    "a header of its own": ("a header", lambda sent, _: sent["headers"].update({"x-key": "abcd"})),
    "the key in any header": ("a header", lambda sent, _: sent["headers"].update({"x-who": KEY})),
    "the path": ("the URL", lambda sent, _: sent.update(uri=f"{URL}/{KEY}")),
    "the user of a URL": ("the URL", lambda sent, _: sent.update(uri="https://me:pw@a.example/")),
    "the query": ("the URL", lambda sent, _: sent.update(uri=f"{URL}?token=9a8b7c6d5e")),
    "the fragment": ("the URL", lambda sent, _: sent.update(uri=f"{URL}#{KEY}")),
    "the status": ("the status", lambda _, got: got["status"].update(message=f"No {KEY}")),
    "a body": ("the body", replied(f"seen: {KEY}")),
    "bytes": ("the body", replied(b"\xff\xfe" + KEY.encode())),
    "a field": ("the body", replied('{"data": [{"access_token": "9a8b7c6d5e"}]}')),
    "no path": ("the body", replied('{"key": "9a8b7c6d5e"}')),
    "a path of another name": ("the body", replied('{"api_key": "live/9a8b7c.6d5e"}')),
    "JSON in JSON": ("the body", replied('{"param": "{\\"password\\": \\"9a8b7c6d\\"}"}')),
    "a signed URL": ("the body", replied('{"put": "https://a.example/?X-Amz-Signature=0a1b2c3d"}')),
    "a name": ("the body", replied(f'{{"{KEY}": 1}}')),
    "a form": ("the body", lambda sent, _: sent.update(
        body={"form": [{"name": "api_key", "value": "9a8b7c6d"}]})),
    "a file's name": ("the body", lambda sent, _: sent.update(
        body={"form": [{"name": "file", "filename": f"{KEY}.png", "value": "x"}]})),
}  # fmt: skip


@pytest.mark.parametrize("case", SECRETS)
def test_a_secret_is_refused_and_not_quoted(case: str) -> None:
    place, spoil = SECRETS[case]

    reason = refused(spoil)

    assert reason is not None
    assert reason.startswith(f"has a secret in {place} of the re")
    assert "exchange 1" in reason
    assert KEY not in reason


def test_a_secret_in_the_metadata_or_in_a_comment_is_refused() -> None:
    last = len(GOOD.splitlines()) + 1
    for spoiled, place in (
        (GOOD.replace("docs.", f"{KEY}."), "its metadata"),
        (f"{GOOD}# {KEY}\n", f"a comment in line {last}"),
        (f"{GOOD}note: {KEY}\n", f"what it says in line {last}"),
    ):
        reason = reason_to_refuse(whole(yaml.safe_load(spoiled)), Secrets([KEY]), spoiled)
        assert str(reason).startswith(f"has a secret in {place}; strike it out")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda *_: None,
        lambda sent, _: sent["headers"].update({"User-Agent": ["python-httpx/0.28"]}),
        lambda sent, _: sent["headers"].update({"Authorization": ["Bearer REDACTED"]}),
        lambda sent, _: sent["headers"].update({"X-Api-Key": ["<KEY>"], "x-api-token": "DUMMY"}),
        lambda _, got: got["headers"].update({"X-RateLimit-Remaining-Tokens": ["100000"]}),
        replied('{"token": "scrubbed", "total_tokens": 12345678, "password": ""}'),
        replied('{"balance": 5, "user": {"id": 528618, "email": "me@example.org"}}'),
        replied('{"key": "videos/abc.mp4", "api_key": "MY_ACME_KEY_HERE", "token": "<paste it>"}'),
        replied('{"help": "Set Authorization: Bearer YOUR_API_KEY"}'),
        replied('{"message": "The Bearer token is missing", "token_url": "https://a.example/1"}'),
    ],
)
def test_what_is_merely_untidy_is_played(spoil: Spoil) -> None:
    assert refused(spoil) is None


def test_a_cassette_of_plain_vcrpy_is_refused_for_its_key_and_its_source(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    with recording(str(path)) as tape:
        headers = {"Authorization": "Bearer 9a8b7c6d5e", "User-Agent": "python-httpx/0.28"}
        reply = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": b"{}"}}
        tape.append(Request("POST", URL, b"{}", headers), reply)
    cassette = read(path)

    assert "a header of the request" in str(reason_to_refuse(cassette, Secrets()))
    del cassette["interactions"][0]["request"]["headers"]["authorization"]
    assert "does not say" in str(reason_to_refuse(cassette, Secrets()))
    cassette["metadata"]["source"] = SOURCE
    assert reason_to_refuse(cassette, Secrets()) is None


# -- sources and ages -----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "today", lambda: date(2026, 12, 1))


@pytest.mark.parametrize(
    ("text", "how", "days"),
    [
        ("recorded from https://api.acme.example on 2026-11-30", "recorded", 1),
        (SOURCE, "written", 10),
        ("played by the emulator of acme 0.1.0 on 2026-12-01", "played", 0),
        ("played by the emulator of acme on 2026-12-01", "played", 0),
        ("played by the emulator of acme 0.1.0 on 2025-12-01, written from https://a.example/x",
         "played", 365),
    ],
)  # fmt: skip
def test_a_source_says_how_and_when(text: str, how: str, days: int) -> None:
    source = Source.read(text)

    assert source is not None
    assert (source.how, source.days) == (how, days)


@pytest.mark.parametrize(
    "text",
    [None, 5, "", "the documents", "written from the documents on 2026-11-21",
     "written from https://docs.acme.example", "recorded from https://a.example on 2026-02-30",
     "played by the emulator on 2026-12-01", f"{SOURCE} or so"],
)  # fmt: skip
def test_a_vague_source_is_refused(text: Any) -> None:
    assert Source.read(text) is None
    assert "does not say" in str(refused(lambda *_: None, text))


def test_a_source_that_is_to_come_is_refused() -> None:
    late = "written from https://docs.acme.example on 2027-01-01"

    assert "still to come" in str(refused(lambda *_: None, late))
    assert refused(lambda *_: None, late.replace("2027-01-01", "2026-12-02")) is None


@pytest.mark.parametrize(
    ("source", "stranger"),
    [
        ("recorded from https://api.evil.example", "recorded from https://api.evil.example, which"),
        ("recorded from https://kie.ai.example", "recorded from https://kie.ai.example, which is"),
        ("recorded from https://api.kie.ai/api", None),
        ("recorded from https://KIEAI.redpandaai.co", None),
        ("recorded from http://127.0.0.1:8026/kie", None),
        ("written from https://a.blog.example/kie", None),
        (
            "played by the emulator of apikley 1",
            "played by the emulator of apikley, not by ",
        ),
        ("played by the emulator of kie 0.1.0", None),
    ],
)
def test_a_source_has_to_be_the_providers(
    source: str, stranger: str | None, providers: Any
) -> None:
    cassette = whole(yaml.safe_load(GOOD))
    cassette["metadata"]["source"] = f"{source} on 2026-11-21"

    reason = reason_to_refuse(cassette, Secrets(), "", providers["kie"])

    told = list(problems(cassette, providers["kie"]))
    if stranger is None:
        assert (reason, told) == (None, [])
    else:
        assert str(reason).startswith(f"says that it is {stranger}")
        assert told == [f"it {reason}"]


def test_the_age_is_that_of_the_oldest_one(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "two.yaml").write_text(GOOD.replace("2026-11-21", "2026-11-30"), "utf-8")
    (tmp_path / "broken.yaml").write_bytes(b"\xff")

    told = "cassettes: 3, the oldest from 2026-11-21, 10 days ago"
    assert told_age([tmp_path], None) == told
    assert told_age([tmp_path], 1) == f"{told}; none may be older than 1 day"
    assert told_age([tmp_path / "none"], None) is None


# -- what is left alone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD, f'it is "{SOURCE}"; delete it to have it played by the emulator'),
        (GOOD.replace("written", "recorded"), "it is \"recorded from"),
        (GOOD.replace(SOURCE, "somewhere"), "it does not say where it comes from"),
        ("", "it cannot be read"),
        (GOOD.replace(SOURCE, "played by the emulator of acme 0.1.0 on 2026-11-21"), None),
    ],
)  # fmt: skip
def test_an_emulator_replaces_only_what_an_emulator_played(
    content: str, reason: str | None, tmp_path: Path
) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "videos.yaml").write_text(content, "utf-8")
    mark = named("acme/videos").mark

    said = stays(MarkedCassette(mark, tmp_path, {}, "emulate"))

    assert (said is None) if reason is None else str(said).startswith(reason)


def told(mark: pytest.Mark) -> object:
    marked = MarkedCassette(mark, Path(), {}, "emulate")
    return marked.faults, marked.max_age


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"max_ages": 5}, 'has "max_ages", and takes key, written, fault, max_age.'),
        ({"fault": "no_creditt"}, 'There is no fault "no_creditt"; did you mean "no_credit"?'),
        ({"fault": "cut_download"}, "cut_download shows in a download, and no cassette has"),
        ({"max_age": "old"}, "has to be a number of days."),
        ({"key": 5}, "The key in the marker of acme/videos has to be a text."),
        ({"key": "sk-live-9fQ2xZ7bLmT4vR8kW1pY6cN3"}, "looks like a real one: write one that"),
        ({"written": True}, "has to say why it is never recorded, such as"),
        ({"written": " "}, "has to say why it is never recorded, such as"),
    ],
)
def test_a_marker_that_makes_no_sense_is_told(more: dict[str, Any], problem: str) -> None:
    mark = named("acme/videos", **more).mark

    with pytest.raises(BadCassette) as caught:
        told(mark)

    assert "acme/videos" in str(caught.value)
    assert problem in str(caught.value)
    assert "9fQ2" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["acme/videos", "acme/old"], "acme/videos has two names: a test has one cassette."),
        ([5], "has to be a text; got 5."),
        (["acme/videos.yaml"], "acme/videos.yaml has to be without its suffix."),
        (["../../evil"], '"../../evil" is no name of a cassette: write "provider/case"'),
        (["/etc/evil"], '"/etc/evil" is no name of a cassette'),
    ],
)
def test_a_name_that_makes_no_sense_is_told(names: list[Any], problem: str) -> None:
    with pytest.raises(BadCassette) as caught:
        told(named(*names).mark)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "key", ["not-a-key", "broke", "id:secret", "sk-wrong-key", "0000000000001a"]
)
def test_a_key_for_a_test_is_none_to_hide(key: str) -> None:
    assert MarkedCassette(named("acme/videos", key=key).mark, Path(), {}, "play").own_key == key


# -- the check of all that is untidy --------------------------------------------------------------


def test_the_check_finds_the_key_of_whoever_runs_the_tests(
    monkeypatch: pytest.MonkeyPatch, providers: Any
) -> None:
    text = GOOD.replace("A fox", f"A fox {KEY.encode().hex()}")

    assert list(problems(yaml.safe_load(text), providers["kie"])) == []
    assert len(list(problems(yaml.safe_load(text), providers["kie"], [KEY]))) == 1
    monkeypatch.setenv("KIE_API_KEY", KEY)
    (problem,) = problems(yaml.safe_load(text), providers["kie"])
    assert problem == f"the body of POST {URL} is not scrubbed"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda sent, _: sent.update(uri=f"{URL}/{KEY}"), "the URL of POST https://*"),
        (lambda _, got: got["status"].update(message=KEY), "the status of the reply to *"),
        (lambda sent, _: sent["headers"].update({"content-type": [KEY]}), "a header of POST *"),
        (
            lambda sent, _: sent.update(body={"form": [{"name": "a", "value": KEY}]}),
            "the body of *",
        ),
    ],
)
def test_the_check_never_quotes_a_key(spoil: Spoil, problem: str, providers: Any) -> None:
    cassette = yaml.safe_load(GOOD)
    spoil(cassette["interactions"][0]["request"], cassette["interactions"][0]["response"])

    (found,) = problems(cassette, providers["kie"], [KEY])

    assert found.startswith(problem.rstrip("*"))
    assert KEY not in found


def test_what_is_loaded_to_be_checked_names_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "videos.yaml"
    path.write_text(f"{GOOD}version: 1\n", "utf-8")

    with pytest.raises(BadCassette, match='has "version" twice'):
        load(path)


def test_the_check_says_that_a_cassette_is_none(providers: Any) -> None:
    assert list(problems({"interactions": []}, providers["kie"])) == ["it has no exchanges"]
    spoiled = yaml.safe_load(GOOD) | {"metadata": {"source": f"from {KEY}"}}
    assert [KEY in each for each in problems(spoiled, providers["kie"], [KEY])] == [False, False]
