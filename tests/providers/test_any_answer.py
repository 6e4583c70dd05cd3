"""Whatever comes back, a provider makes a typed value of it, or a `ProviderError` in words."""

import copy
import json
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kling26.core import (
    Flow,
    ImageFile,
    Provider,
    ProviderError,
    Status,
    Ticket,
    UnexpectedReply,
    VideoRequest,
)
from kling26.core.plugins import load_providers
from kling26.core.refusals import retry_after

pytestmark = pytest.mark.no_cover

PROVIDERS: Mapping[str, Provider] = load_providers().providers
CALLERS = [name for name, provider in PROVIDERS.items() if provider.takes_callback_url]
REQUEST = VideoRequest("A lighthouse blinks in the fog", task="k26-1")
TICKET = Ticket("task-1", {"action": "text2video"})
IMAGE = ImageFile(b"\x89PNG")
VIDEO = "https://results.example/lighthouse.mp4"

# -- what may be made of an answer ----------------------------------------------------------------


def is_ticket(value: object) -> bool:
    """It goes into a database, and into the address of the next question."""
    assert isinstance(value, Ticket)
    json.dumps([value.task_id, dict(value.data)], ensure_ascii=False).encode()
    for provider in PROVIDERS.values():
        next(provider.poll(value))
    return bool(value.task_id)


def is_status(value: object) -> bool:
    assert isinstance(value, Status)
    texts = [value.url or "", value.code or "", value.reason or "", value.task_id or ""]
    json.dumps(texts, ensure_ascii=False).encode()
    assert value.cost is None or isinstance(value.cost, float)
    assert value.position is None or type(value.position) is int
    return is_plain(value.code or "") and is_plain(value.reason or "")


def is_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def is_plain(text: str) -> bool:
    """No control characters, hence no escape codes, and nothing that turns the text around."""
    turning = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    kinds = {unicodedata.category(character) for character in text}
    return not kinds & {"Cc", "Cs"} and not turning & set(text)


#: Each flow, and whether what it returned is of the right type.
FLOWS: dict[str, tuple[Callable[[Provider], Flow[Any]], Callable[[object], bool]]] = {
    "submit": (lambda provider: provider.submit(REQUEST, provider.Options()), is_ticket),
    "poll": (lambda provider: provider.poll(TICKET), is_status),
    "upload": (lambda provider: provider.upload(IMAGE), is_address),
    "find": (
        lambda provider: provider.find(REQUEST),
        lambda value: value is None or is_ticket(value),
    ),
    "cancel": (lambda provider: provider.cancel(TICKET), lambda value: isinstance(value, bool)),
    "renew": (lambda provider: provider.renew(TICKET, VIDEO), is_address),
    "balance": (lambda provider: provider.balance(), lambda value: isinstance(value, float)),
    "quote": (
        lambda provider: provider.quote(REQUEST, provider.Options()),
        lambda value: value is None or (isinstance(value, float) and 0 < value < 1000),
    ),
}
CASES = [
    (name, flow)
    for name, provider in PROVIDERS.items()
    for flow in FLOWS
    if flow in ("submit", "poll") or provider.can(flow)
]


def hold(name: str, flow: str, replies: list[httpx.Response]) -> None:
    """The flow ends with a value of its type, or with an error fit to be shown."""
    start, fits = FLOWS[flow]
    try:
        value = converse(start(PROVIDERS[name]), replies)
    except ProviderError as error:
        hold_error(name, error)
    else:
        assert fits(value)


def hold_callback(name: str, body: bytes | str) -> None:
    try:
        status = PROVIDERS[name].read_callback(body)
    except UnexpectedReply as error:
        hold_error(name, error)
    else:
        assert is_status(status)


def hold_error(name: str, error: ProviderError) -> None:
    assert error.provider == name
    assert is_plain(f"{error}{error.code}")
    assert len(str(error)) < 1000


def converse(flow: Flow[Any], replies: list[httpx.Response]) -> object:
    """The flow's value, where its requests are answered by the replies, over and over."""
    reply: httpx.Response | None = None
    for turn in range(5):
        try:
            request = flow.send(reply)  # type: ignore[arg-type]
        except StopIteration as stop:
            return stop.value
        assert "authorization" not in request.headers, "Only the runner signs."
        reply = replies[turn % len(replies)]
    raise AssertionError("The flow goes on asking.")


# -- what may come back ----------------------------------------------------------------------------

RESULT = json.dumps({"resultUrls": [VIDEO]})
CREATE_TASK: tuple[object, ...] = (
    {"code": 200, "msg": "success", "data": {"taskId": "task-1"}},
    {
        "code": 200, "message": "success",
        "data": {"taskId": "t", "state": "success", "resultJson": RESULT, "creditsConsumed": 110},
    },
    {"code": 200, "data": {"state": "success", "resultJson": {"resultUrls": [VIDEO]}}},
    {"code": 200, "data": {"taskId": "t", "state": "fail", "failCode": "5", "failMsg": "no"}},
    {"code": 200, "msg": "success", "data": {"downloadUrl": VIDEO}},
    {"code": 200, "msg": "success", "data": VIDEO},
    {"code": 200, "msg": "success", "data": 99.5},
    {"code": 422, "msg": "recordInfo is null", "data": None},
)  # fmt: skip
ANSWERS: dict[str, tuple[object, ...]] = {
    "kie": CREATE_TASK,
    "apikley": CREATE_TASK,
    "cometapi": (
        {
            "code": 0, "message": "SUCCEED",
            "data": {"task_id": "t", "task_status": "succeed",
                     "task_result": {"videos": [{"url": VIDEO}]}},
        },
        {"code": 0, "data": {"task_id": "t", "task_status": "failed", "task_status_msg": "no"}},
        {"code": 0, "data": {"data": {"task_id": "t", "task_status": "processing"}}},
        {"code": 1303, "message": "too many"},
        {"error": {"code": "", "message": "invalid token", "type": "comet_api_error"}},
        {"task_id": "t", "task_status": "failed", "task_status_msg": "no"},
        {"username": "u", "total_quota": 2105.23, "total_used_quota": 21.06, "keys": []},
    ),
    "runcomfy": (
        {"request_id": "r", "status": "completed", "output": {"video": VIDEO}, "cost": 0.35},
        {"request_id": "r", "status": "completed", "output": {"videos": [VIDEO]}},
        {"request_id": "r", "status": "in_queue", "queue_position": 2},
        {"request_id": "r", "status": "failed", "error": {"type": "Policy", "message": "no"}},
        {"request_id": "r", "status": "failed", "error": "no"},
        {"status": "cancelled", "outcome": "cancellation_requested"},
        {"status": "in_progress", "outcome": "not_cancellable"},
        {"error_code": 400002, "error_message": "no"},
        {"detail": [{"msg": "no"}]},
        {"base_price_usd": 0.07, "price_unit": "second", "pricing_note": "Audio costs more."},
        {"balance_usd": 12.3, "currency": "USD"},
    ),
}  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 5.0, 10**400, 1e308, float("nan"), float("inf"), 200, 401, 429,
    455, 500, 1102, 1302, 400004, "", " ", "200", "success", "waiting", "completed", "polishing",
    VIDEO, "files/first.png", "/etc/passwd", "x" * 5000, RESULT, json.dumps(RESULT), "{", "[[",
    "\x1b]0;title\x07\x1b[31mred", "\u202egnp.exe", "half \ud83d a pair", "\x00", [], {}, [[]],
    ["\x1b[1m"], [None], {"": {}}, {"url": None}, {"message": "\x1b[1m", "code": 10**400},
)  # fmt: skip
ODD_BODIES = (b"", b"null", b"[]", b"\xff\xfe", b"<!DOCTYPE html><title>\x1b[2J</title>")
#: Repeated very often: too deep, too long.
TOO_MUCH = ("[", '{"data":', '{"code": 1', "9")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1")
STATUSES = (200, 200, 200, 201, 301, 400, 401, 402, 403, 404, 422, 429, 455, 503)


def places(value: object, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the values in a JSON value are: the ways of keys and indices to them."""
    inner: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = [way for key, part in inner for way in places(part, (*place, key))]
    return [place, *found] if place else found


def put(answer: object, place: tuple[Any, ...], value: object) -> object:
    """The answer with another value in a place."""
    changed: Any = copy.deepcopy(answer)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    return changed


@lru_cache
def spoilt(name: str) -> tuple[object, ...]:
    """Every documented answer, with every value in every place."""
    return tuple(
        put(answer, place, value)
        for answer in ANSWERS[name]
        for place in places(answer)
        for value in VALUES
    )


def written(answer: object, encoding: str, cut: int | None) -> bytes:
    """JSON in some encoding, perhaps cut off."""
    text = json.dumps(answer, ensure_ascii=encoding == "latin-1")
    return text.encode(encoding, "surrogatepass")[:cut]


@lru_cache  # hypothesis looks at every element of a new strategy.
def bodies_of(name: str) -> st.SearchStrategy[bytes]:
    answers = st.sampled_from(spoilt(name)).filter(lambda answer: len(repr(answer)) < 2000)
    cuts = st.none() | st.integers(0, 90)
    return st.one_of(
        st.builds(written, answers, st.sampled_from(ENCODINGS), cuts),
        st.sampled_from(ODD_BODIES) | st.binary(max_size=40),
        st.sampled_from(TOO_MUCH).map(lambda piece: piece.encode() * 50_000),
    )


@lru_cache
def replies_of(name: str) -> st.SearchStrategy[list[httpx.Response]]:
    one = st.builds(
        lambda status, body: httpx.Response(status, content=body),
        st.sampled_from(STATUSES),
        bodies_of(name),
    )
    return st.lists(one, min_size=1, max_size=2)


@lru_cache
def calls_of(name: str) -> st.SearchStrategy[bytes | str]:
    return bodies_of(name) | st.text(max_size=60)


# -- the tests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "flow"), CASES)
def test_any_value_in_any_place_of_a_documented_answer(name: str, flow: str) -> None:
    for answer in spoilt(name):
        hold(name, flow, [httpx.Response(200, content=json.dumps(answer).encode())])


@pytest.mark.parametrize(("name", "flow"), CASES)
@given(data=st.data())
def test_any_answer_at_all(name: str, flow: str, data: st.DataObject) -> None:
    hold(name, flow, data.draw(replies_of(name)))


@pytest.mark.parametrize("name", CALLERS)
def test_any_value_in_any_place_of_a_call_of_a_webhook(name: str) -> None:
    for answer in spoilt(name):
        hold_callback(name, json.dumps(answer))


@pytest.mark.parametrize("name", CALLERS)
@given(data=st.data())
def test_any_call_of_a_webhook_at_all(name: str, data: st.DataObject) -> None:
    hold_callback(name, data.draw(calls_of(name)))


@pytest.mark.parametrize("name", CALLERS)
@pytest.mark.parametrize("piece", ['\\\\"', '"param":"', ",", '"param": "x",\n', "\n", " "])
def test_a_hostile_call_of_a_webhook_is_soon_dealt_with(name: str, piece: str) -> None:
    """Twice the text takes twice the time, and not four times, which would be hours."""
    hold_callback(name, '{"data":{"param":"' + piece * (1_000_000 // len(piece)))


@pytest.mark.parametrize("name", PROVIDERS)
@given(data=st.data())
def test_a_ticket_is_saved_from_any_fragment_or_none(name: str, data: st.DataObject) -> None:
    fragment = data.draw(bodies_of(name)).decode("utf-8", "replace")
    ticket = PROVIDERS[name].recover_ticket(fragment, REQUEST)

    assert ticket is None or is_ticket(ticket)


DATES = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2099 07:28:00 -0000", "1 Jan 9999999 0:0")


@given(st.text(max_size=30) | st.sampled_from([*DATES, "12", " 7 ", "9" * 400, "-1", "1.5", "²"]))
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    headers = [(b"retry-after", value.encode("latin-1", "replace"))]
    wait = retry_after(httpx.Response(429, headers=headers))

    assert wait is None or wait >= 0
