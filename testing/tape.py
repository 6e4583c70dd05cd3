"""How vcrpy plays and records cassettes: in the order of the exchanges, one after the other."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import vcr  # type: ignore[import-untyped]
from attrs import define, field
from vcr.request import Request  # type: ignore[import-untyped]

from .keeping import Keeper, VcrRequest, as_sent, readable
from .matching import Place, differences, line_of

_LONGEST = 160


class NotOnTape(Exception):
    """A request that is not the next one of a cassette; the text compares the two."""


class Tape(Protocol):
    """An open cassette."""

    @property
    def requests(self) -> Sequence[VcrRequest]: ...

    @property
    def all_played(self) -> bool:
        """Whether every exchange was asked for."""

    @property
    def mismatch(self) -> str | None:
        """What was asked for that is not on it, if anything was."""


@define
class Playing:
    """
    A cassette that is played: the n-th request has to be that of the n-th exchange.

    `name` and `remedy` are for messages: the file, and what to do about a difference.
    """

    name: str
    exchanges: Sequence[Mapping[str, Any]]
    keeper: Keeper
    remedy: str
    mismatch: str | None = None
    #: vcrpy's side of it.
    _tape: Any = field(default=None, init=False, repr=False)

    @property
    def requests(self) -> Sequence[VcrRequest]:
        return list(self._tape.requests)

    @property
    def all_played(self) -> bool:
        return self._played == len(self.exchanges)

    @property
    def left_over(self) -> str | None:
        """The first exchange that nobody has asked for, in words."""
        if self.all_played:
            return None
        line = _cut(line_of(self._has(self._played)))
        return (
            f"{self.name} has exchanges that the test did not ask for: the first is number "
            f"{self._played + 1} of {len(self.exchanges)}, {line}."
        )

    @property
    def _played(self) -> int:
        return int(self._tape.play_count)

    def _has(self, number: int) -> Mapping[str, Any]:
        request: Mapping[str, Any] = self.exchanges[number]["request"]
        return request

    def is_next(self, asked: VcrRequest, stored: VcrRequest) -> bool:
        """A matcher for vcrpy; raises `NotOnTape` if `asked` is not the next request of all."""
        if self.mismatch is None and self._played < len(self.exchanges):
            if stored is not self._tape.requests[self._played]:
                return False
            if not self._differences(as_sent(asked), self._played):
                return True
        # Whatever follows a difference only follows from it.
        self.mismatch = self.mismatch or self._comparison(as_sent(asked))
        raise NotOnTape(self.mismatch)

    def _differences(self, asked: Mapping[str, Any], number: int) -> list[Place]:
        """
        A cassette may have a request as it was sent, or with private values struck out.

        A recording has the latter; the former stays exact even where a name looks private.
        """
        plain = differences(readable(asked), self._has(number))
        if not plain:
            return plain
        scrubbed = differences(*map(self.keeper.request, (asked, self._has(number))))
        return min(scrubbed, plain, key=len)

    def _comparison(self, asked: Mapping[str, Any]) -> str:
        line, all_of_them = line_of(self.keeper.request(asked)), len(self.exchanges)
        number = self._played
        if number == all_of_them:
            has, places = f"nothing more after its {all_of_them} exchanges", []
        else:
            has, places = line_of(self._has(number)), self._differences(asked, number)
        equal = [at for at in range(all_of_them) if not self._differences(asked, at)]
        lines = [
            f"{self.name}: request {number + 1} is not the one that the cassette has.",
            f"asked:        {_cut(line)}",
            f"cassette has: {_cut(has)}",
            _where(places, equal, number),
            self.remedy,
        ]
        return "\n".join(filter(None, lines))


def _where(places: Sequence[Place], equal: Sequence[int], number: int) -> str:
    """Where two requests differ, or where the one that was asked for is."""
    if equal:
        when = "which is not due yet" if equal[0] > number else "which was played before"
        return f"What was asked for is exchange {equal[0] + 1} of the cassette, {when}."
    told = [place for place in places if place.path != "request"]
    if not told:
        return ""
    others = ", ".join(place.path for place in told[1:4]) + (", …" if len(told) > 4 else "")
    return f"{told[0]}{f' (also {others})' if others else ''}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@contextmanager
def play(tape: Playing) -> Iterator[None]:
    """While it lasts, requests of httpx are replied to from the cassette, and no other leaves."""
    stored = _as_vcr_has_them(tape.exchanges)
    replies = [
        {**each["response"], "body": {"string": _bytes(each["response"]["body"]["string"])}}
        for each in tape.exchanges
    ]
    player = vcr.VCR(record_mode="none", match_on=("is_next",))
    player.register_matcher("is_next", tape.is_next)
    player.register_persister(_Kept(stored, replies))
    with player.use_cassette(tape.name) as tape._tape:
        yield


def _as_vcr_has_them(exchanges: Sequence[Mapping[str, Any]]) -> list[Request]:
    return [
        Request(
            each["request"]["method"],
            each["request"]["uri"],
            _bytes(each["request"]["body"]),
            {name: ", ".join(values) for name, values in each["request"]["headers"].items()},
        )
        for each in exchanges
    ]


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    return b"" if body is None else text.encode()


@define
class Recording:
    """What was asked for and replied while a cassette is recorded, as it went over the wire."""

    exchanges: list[Mapping[str, Any]] = field(factory=list, repr=False)
    #: Why nothing can be recorded any more.
    mismatch: str | None = None

    @property
    def requests(self) -> Sequence[VcrRequest]:
        return _as_vcr_has_them(self.exchanges)

    @property
    def all_played(self) -> bool:
        return True


@contextmanager
def record(tape: Recording) -> Iterator[None]:
    """While it lasts, requests of httpx leave, and are recorded with their replies."""
    recorder = vcr.VCR(record_mode="all", match_on=(), decode_compressed_response=True)
    recorder.register_persister(_Kept([], []))
    with recorder.use_cassette("recording") as whole:
        yield
        pairs = zip(whole.requests, whole.responses, strict=True)
        tape.exchanges += [{"request": as_sent(one), "response": other} for one, other in pairs]


@contextmanager
def shut() -> Iterator[None]:
    """While it lasts, no request of httpx leaves at all."""

    def refuse(request: VcrRequest) -> None:
        target = f"{request.method} {request.uri}"
        raise NotOnTape(f"Only the emulator can be reached here, and not {_cut(target)}.")

    guard = vcr.VCR(record_mode="none", before_record_request=refuse)
    guard.register_persister(_Kept([], []))
    with guard.use_cassette("shut"):
        yield


@define
class _Kept:
    """What vcrpy loads; what it would save is written by others, who look at it first."""

    requests: Sequence[Request]
    replies: Sequence[Mapping[str, Any]]

    def load_cassette(self, *_: object, **__: object) -> object:
        return self.requests, self.replies

    def save_cassette(self, *_: object, **__: object) -> None:
        """Nothing is saved here."""
