"""A provider's "no", its states and its waits, in words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from kling26.core import (
    KeyRejected,
    NoSuchTask,
    OutOfCredit,
    Provider,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
)
from kling26.core.errors import Remedy
from kling26.core.refusals import retry_after


@pytest.fixture
def kie(providers: Mapping[str, Provider]) -> Provider:
    return providers["kie"]


@pytest.mark.parametrize(
    ("kind", "text", "remedy"),
    [
        (Refused, "kie.ai refused the request", None),
        (
            KeyRejected,
            "kie.ai does not accept the key",
            Remedy("set_key", variable="KIE_API_KEY", page="https://kie.ai/api-key"),
        ),
        (
            OutOfCredit,
            "The account at kie.ai has too little credit",
            Remedy("top_up", page="https://kie.ai/api-key"),
        ),
        (NoSuchTask, "kie.ai does not know the task", None),
        (TryLater, "kie.ai is not accepting requests right now", Remedy("wait")),
        (Unavailable, "kie.ai is temporarily unavailable", Remedy("wait")),
    ],
)
def test_an_error_says_who_and_what_and_carries_what_helps(
    kie: Provider, kind: type[ProviderError], text: str, remedy: Remedy | None
) -> None:
    reply = httpx.Response(422)
    error = kie.error(kind, reply, "No cats.", 422)

    assert (type(error), str(error)) == (kind, f"{text}: No cats (code 422).")
    assert (error.provider, error.code, error.reply) == ("kie", "422", reply)
    assert error.remedy == remedy


def test_an_error_of_a_plug_ins_own_says_what_its_base_class_says(kie: Provider) -> None:
    class Blocked(KeyRejected):
        pass

    error = kie.error(Blocked, httpx.Response(403), "Blocked")

    assert str(error) == "kie.ai does not accept the key: Blocked."
    assert error.remedy is not None
    assert error.remedy.do == "set_key"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (None, None, "no reason given."),
        ("", "", "no reason given."),
        (None, 500, "no reason given (code 500)."),
        ("No cats", None, "No cats."),
        ("Why cats?", None, "Why cats?"),
        ("Why cats?", 7, "Why cats? (code 7)."),
    ],
)
def test_the_words_and_the_code_make_a_sentence(
    kie: Provider, words: object, code: object, text: str
) -> None:
    error = kie.error(Refused, httpx.Response(400), words, code)

    assert str(error) == f"kie.ai refused the request: {text}"


def test_the_providers_words_are_made_safe_to_show(kie: Provider) -> None:
    error = kie.error(Refused, httpx.Response(400), "\x1b[31mNo\r\ncats", "4\x1b22" * 50)

    assert str(error).startswith("kie.ai refused the request: [31mNo cats (code 4 22")
    assert "\x1b" not in f"{error}{error.code}"
    assert len(error.code or "") <= 40


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("30", 30, 30), (" 5 ", 5, 5), ("0", 0, 0), ("1.5", 1.5, 1.5), ("9" * 400, 1e7, 1e9),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 1e7, 1e9),
     ("in a minute", 50, 60)],
)  # fmt: skip
def test_the_wait_that_is_asked_for_is_in_seconds_or_a_date(
    kie: Provider, header: str, least: float, most: float
) -> None:
    if header == "in a minute":
        header = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)
    error = kie.error(TryLater, httpx.Response(429, headers={"Retry-After": header}), "Slow")

    assert error.retry_after is not None
    assert least <= error.retry_after <= most


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "soon",
        "-5",
        "nan",
        "inf",
        "1e9",
        "5, 10",
        "²",
        "Mon, 01 Jan 2029 00:00:00 +99999999",
    ],
)
def test_any_other_wait_is_unknown(header: str | None) -> None:
    headers = [] if header is None else [(b"retry-after", header.encode("latin-1", "replace"))]

    assert retry_after(httpx.Response(429, headers=headers)) is None


def test_a_date_counts_from_the_servers_clock() -> None:
    """This machine's may be an hour off, or years."""
    headers = {
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2015 07:28:40 GMT",
    }

    assert retry_after(httpx.Response(429, headers=headers)) == 40


def test_a_known_state_is_our_word_for_it(kie: Provider, caplog: pytest.LogCaptureFixture) -> None:
    assert kie.state("making", {"making": "queued", "done": "succeeded"}) == "queued"
    assert not caplog.records


def test_an_unknown_state_is_running_and_logged(
    kie: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    assert kie.state("moderating" * 9, {"done": "succeeded"}) == "running"

    (record,) = caplog.records
    assert record.getMessage().startswith("kie.ai reported the unknown state 'moderating")
    assert len(record.getMessage()) < 120


def test_an_unknown_state_is_logged_once(kie: Provider, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        kie.state("polishing", {})

    assert len(caplog.records) == 1
