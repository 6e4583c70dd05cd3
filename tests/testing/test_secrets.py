"""Keys are found wherever they hide, and nothing else is."""

import base64
import gzip
import html
import json
from urllib.parse import quote

import pytest
from kling26.testing.secrets import KEY, Secrets, keys_in

LIVE = "ak+Live/9f3c7d21:Zx81Qm40-kd77="
SECRETS = Secrets([LIVE])


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS = {
    "plain": LIVE,
    "in base64": in_base64(LIVE),
    "in base64 for URLs": base64.urlsafe_b64encode(LIVE.encode()).decode(),
    "in base64 twice": in_base64(in_base64(LIVE)),
    "somewhere in base64": in_base64(f'{{"login": "{LIVE}"}}'),
    "a part of it in base64": in_base64(f"xyz{LIVE[:9]}"),
    "as the password of Basic": f"Basic {in_base64(f'api:{LIVE}')}",
    "base64 in a path": f"/v1/videos/{in_base64(LIVE)}/status",
    "base64 in lines": "\n".join(in_base64(LIVE)[at : at + 20] for at in range(0, 60, 20)),
    "in hexadecimal digits": LIVE.encode().hex(),
    "in large hexadecimal digits": LIVE.encode().hex().upper(),
    "quoted in a URL": quote(LIVE, safe=""),
    "quoted twice": quote(quote(LIVE, safe=""), safe=""),
    "with every letter quoted": "".join(f"%{ord(letter):02x}" for letter in LIVE),
    "in JSON with escaped slashes": json.dumps({"seen": LIVE}).replace("/", "\\/"),
    "in JSON with escaped letters": "".join(f"\\u{ord(letter):04x}" for letter in LIVE),
    "in JSON in JSON in JSON": json.dumps(json.dumps(json.dumps({"seen": LIVE}))),
    "in HTML": html.escape(LIVE).replace("+", "&#43;"),
    "its beginning": f"{LIVE[:8]}…",
    "its end": f"…{LIVE[-8:]}",
    "its middle": f"…{LIVE[6:18]}…",
    "one of its two parts": "the id Zx81Qm40-kd is wrong",
    "in small letters": f"https://{LIVE[8:16].lower()}.acme.example",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_key_is_found_and_struck_out_in_any_spelling(spelling: str) -> None:
    text = f"It says: {SPELLINGS[spelling]} and more"

    assert text in SECRETS
    struck_out = SECRETS.without(text)
    assert KEY in struck_out
    assert struck_out not in SECRETS
    assert (struck_out[:8], struck_out[-9:]) == ("It says:", " and more")


@pytest.mark.parametrize(
    "text",
    [
        "Bearer 3f9a-77", "Basic dXNlcjpwYXNzd29yZA==", "Key 11d0:9a8b7c6d5e", "sk-proj-1234567890",
        "Authorization: Key 11d0-9a8b", '"x-api-key": "9a8b7c6d"', "curl -H 'X-Acme-Token: 12ab34'",
        "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhayJ9.c2ln", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "eyJpc3MiOiJhayIsImV4cCI6MX0", in_base64("Authorization: Bearer 9a8b7c6d"),
    ],
)  # fmt: skip
def test_what_looks_like_a_key_is_found_although_nobody_knows_it(text: str) -> None:
    assert text in Secrets()
    assert Secrets().without(text) not in Secrets()


@pytest.mark.parametrize(
    "text",
    [
        "The Bearer token is missing.", "Basic subscription", "Key frames are not supported.",
        "www-authenticate: Bearer realm=acme", "Authorization: Bearer <KEY>", "Bearer scrubbed",
        "Set Authorization: Bearer YOUR_API_KEY", "Bearer followed by your key", "Bearer YOUR-KEY.",
        "k26-0000000000000000", "https://api.acme.example/v1/videos/8a1f0000-0000-4000-8000-1",
        '{"model": "kling-2.6/text-to-video", "prompt": "A keyhole, and a tokenized basic bearer"}',
    ],
)  # fmt: skip
def test_words_are_no_keys(text: str) -> None:
    assert text not in SECRETS
    assert SECRETS.without(text) == text


def test_a_key_is_found_in_a_body_that_is_packed() -> None:
    assert gzip.compress(f"seen: {LIVE}".encode()) in SECRETS
    assert gzip.compress(b"seen: nothing") not in SECRETS
    assert b"\x1f\x8bbroken" not in SECRETS
    assert b"\xff\xfe" + LIVE.encode() in SECRETS


def test_a_short_key_is_no_secret_but_struck_out_where_it_stands() -> None:
    short = Secrets(["k-12"])

    assert "k-12" not in short
    assert short.without("sent k-12") == f"sent {KEY}"


def test_a_part_of_zeros_is_no_secret() -> None:
    assert "k26-0000000000000000" not in Secrets(["00000000-ab12-cd34"])


def test_nobody_reads_the_keys_in_a_repr() -> None:
    assert LIVE not in repr(SECRETS)


def test_the_keys_are_those_of_the_variables_as_they_are_and_as_they_are_sent() -> None:
    environ = {"ACME_API_KEY": f" Bearer {LIVE} ", "ACME_TOKEN": "", "OTHER_KEY": f"other-{LIVE}"}

    assert keys_in(environ, ("ACME_API_KEY", "ACME_TOKEN")) == tuple(
        sorted([f"Bearer {LIVE}", LIVE])
    )


@pytest.mark.parametrize(
    "value", ["ee58ef36", "application", "uncharacteristically", "key-12345678"]
)
def test_a_short_value_or_a_word_is_not_looked_for(value: str) -> None:
    assert keys_in({"ACME_API_KEY": value}, ["ACME_API_KEY"]) == (
        (value,) if value == "key-12345678" else ()
    )
