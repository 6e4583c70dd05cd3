"""The usual answers of a provider, in words."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from kling26.core import (
    ImageRefused,
    KeyRejected,
    Kling26Error,
    NoSuchTask,
    OptionRefused,
    OutOfCredit,
    Provider,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
    refusals,
)


@pytest.fixture
def kie(providers: Mapping[str, Provider]) -> Provider:
    return providers["kie"]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (refusals.refused, Refused, "kie.ai refused the request: No cats. (code 422)"),
        (
            refusals.key_rejected,
            KeyRejected,
            "kie.ai does not accept the key: No cats. (code 422) "  # noqa: ISC004
            "Set KIE_API_KEY, or run: kling26 keys set kie",
        ),
        (
            refusals.out_of_credit,
            OutOfCredit,
            "The account at kie.ai has too little credit: No cats. (code 422) "  # noqa: ISC004
            "Top it up and run this again.",
        ),
        (
            refusals.no_such_task,
            NoSuchTask,
            "kie.ai does not know the task: No cats. (code 422)",
        ),
        (
            refusals.try_later,
            TryLater,
            "kie.ai takes no more requests right now: No cats. (code 422)",
        ),
        (refusals.unavailable, Unavailable, "kie.ai is in trouble: No cats. (code 422)"),
    ],
)
def test_an_error_says_who_what_and_what_to_do(
    kie: Provider, make: Callable[..., Kling26Error], kind: type[Kling26Error], text: str
) -> None:
    error = make(kie, httpx.Response(422), "No cats", 422)

    assert (type(error), str(error)) == (kind, text)
    assert (error.provider, error.code) == ("kie", "422")


@pytest.mark.parametrize(("words", "code"), [(None, None), ("", "")])
def test_no_words_and_no_code(kie: Provider, words: object, code: object) -> None:
    error = refusals.refused(kie, httpx.Response(400), words, code)

    assert str(error) == "kie.ai refused the request: it gave no reason."
    assert error.code is None


def test_the_providers_words_are_made_safe_to_show(kie: Provider) -> None:
    error = refusals.refused(kie, httpx.Response(400), "\x1b[31mNo\r\ncats", "4\x1b22" * 50)

    assert str(error).startswith("kie.ai refused the request: [31mNo cats. (code 4 22")
    assert "\x1b" not in f"{error}{error.code}"
    assert len(error.code or "") <= 40


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("30", 30, 30), (" 5 ", 5, 5), ("0", 0, 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
     ("in a minute", 50, 60)],
)  # fmt: skip
def test_the_wait_that_is_asked_for_is_in_seconds_or_a_date(
    kie: Provider, header: str, least: float, most: float
) -> None:
    if header == "in a minute":
        header = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)
    error = refusals.try_later(kie, httpx.Response(429, headers={"Retry-After": header}), "Slow")

    assert isinstance(error, TryLater)
    assert error.retry_after is not None
    assert least <= error.retry_after <= most


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "²"])
def test_any_other_wait_is_unknown(kie: Provider, header: str | None) -> None:
    headers = [] if header is None else [(b"retry-after", header.encode("latin-1", "replace"))]

    assert refusals.retry_after(httpx.Response(429, headers=headers)) is None


def test_trouble_keeps_the_reply(kie: Provider) -> None:
    reply = httpx.Response(200, json={"code": 500})

    assert refusals.unavailable(kie, reply, None).reply is reply


@pytest.mark.parametrize(("option", "kind"), [("mode", OptionRefused), ("image", ImageRefused)])
def test_an_option_is_refused_by_name(kie: Provider, option: str, kind: type[Exception]) -> None:
    error = refusals.option_refused(kie, option, "takes no such thing; leave it out.")

    assert (type(error), str(error)) == (kind, "kie.ai takes no such thing; leave it out.")
    assert (error.option, error.provider) == (option, "kie")


def test_what_is_no_callback_is_told_in_a_line(kie: Provider) -> None:
    error = refusals.no_callback(kie, ValueError("\x1bnot\nJSON"))

    assert isinstance(error, UnexpectedReply)
    assert str(error) == "This is no callback of kie.ai: not JSON."


def test_a_state_is_told_in_our_word(kie: Provider, caplog: pytest.LogCaptureFixture) -> None:
    assert refusals.state(kie, "making", {"making": "running", "done": "succeeded"}) == "running"
    assert not caplog.records


def test_an_unknown_state_is_running_and_logged(
    kie: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    assert refusals.state(kie, "moderating" * 9, {"done": "succeeded"}) == "running"

    (record,) = caplog.records
    assert record.getMessage().startswith("kie.ai: unknown task state 'moderating")
    assert len(record.getMessage()) < 120


def test_an_unknown_state_is_logged_once(kie: Provider, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        refusals.state(kie, "polishing", {})

    assert len(caplog.records) == 1
