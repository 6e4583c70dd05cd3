"""Keys in what is logged: they are removed, whoever logs them."""

import json
import logging
from urllib.parse import quote

import pytest
from kling26.core.redaction import keep_out_of_logs, redact, redact_environment

KEY = "sk-recognisable-0123456789"
ODD = 'sk-+/=&%"recognisable'


@pytest.mark.parametrize(
    "name", ["kling26", "kling26.providers", "httpx", "httpcore.http11", "httpcore.proxy"]
)
def test_a_key_that_a_provider_quotes_is_not_logged(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep_out_of_logs(KEY)
    with caplog.at_level(logging.INFO):
        logging.getLogger(name).warning("The task's state is %r.", f"done {KEY}")
        logging.getLogger(name).info("GET https://videos.example/v.mp4?key=" + KEY)

    assert KEY not in caplog.text
    assert "The task's state is 'done [key]'." in caplog.text


@pytest.mark.parametrize(
    "spelled",
    [
        ODD,
        quote(ODD),
        quote(ODD, safe=""),
        quote(ODD, safe="").replace("%2F", "%2f"),
        quote(quote(ODD, safe=""), safe=""),
        "".join(f"%{ord(letter):02x}" for letter in ODD),
        json.dumps(ODD)[1:-1],
        json.dumps(ODD)[1:-1].replace("/", r"\/"),
        json.dumps(json.dumps(ODD)[1:-1])[1:-1],
        "".join(f"\\u{ord(letter):04X}" for letter in ODD),
    ],
)
def test_a_key_is_found_however_its_letters_are_escaped(spelled: str) -> None:
    text = f"GET https://videos.example/quota?key={spelled}&day=1"

    assert redact(text, ODD) == "GET https://videos.example/quota?key=[key]&day=1"
    assert redact(text.encode(), ODD) == redact(text, ODD).encode()


def test_what_is_not_the_key_stays() -> None:
    assert redact(f"{KEY[:-1]} 50 % \\n", KEY) == f"{KEY[:-1]} 50 % \\n"


@pytest.mark.parametrize(
    "variable", ["ACME_API_KEY", "acme_token", "ACME_CREDENTIALS", "ACME_KEY_2", "ACME_TOKEN2"]
)
def test_every_variable_that_may_have_a_key_is_a_secret(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, KEY)

    assert redact_environment(f"It said {KEY}.") == "It said [key]."
