"""How vcrpy plays and records cassettes: what it compares, what it keeps, and in which form."""

import copy
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import vcr  # type: ignore[import-untyped]
import yaml  # type: ignore[import-untyped]
from attrs import frozen
from vcr.errors import (  # type: ignore[import-untyped]
    CannotOverwriteExistingCassetteException as NotOnTape,
)
from vcr.request import Request  # type: ignore[import-untyped]
from vcr.serialize import deserialize, serialize  # type: ignore[import-untyped]

from .cassettes import dump
from .scrubbing import REQUEST_HEADERS, RESPONSE_HEADERS, Scrubber, allowed, parsed

__all__ = ["NotOnTape", "Tape", "open_tape", "same_json", "what_is_missing"]

_MATCH_ON = ("method", "scheme", "host", "port", "path", "query", "same_json")


class VcrRequest(Protocol):
    """A request as vcrpy has it."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes | str | None


class Tape(Protocol):
    """An open cassette, as vcrpy has it."""

    @property
    def requests(self) -> Sequence[VcrRequest]: ...

    @property
    def all_played(self) -> bool:
        """Whether every exchange was asked for."""


def open_tape(
    file: Path, source: str, scrubber: Scrubber, recording: bool
) -> AbstractContextManager[Tape]:
    """
    While it is open, requests of httpx are replied to from the file, or recorded into it.

    Raises `NotOnTape` inside a request that the file has no response for. `source` is where a
    recording comes from.
    """
    keeper = _Keeper(scrubber)
    recorder = vcr.VCR(
        record_mode="all" if recording else "none",
        serializer="reviewable",
        match_on=_MATCH_ON,
        decode_compressed_response=True,
        before_record_request=keeper.request,
        before_record_response=keeper.response,
    )
    recorder.register_serializer("reviewable", _Serializer(source))
    recorder.register_matcher("same_json", same_json)
    recorder.register_persister(_Persister)
    tape: AbstractContextManager[Tape] = recorder.use_cassette(str(file))
    return tape


def what_is_missing(error: NotOnTape) -> str:
    """Which exchange a tape lacks, and how the nearest one that it has differs."""
    asked: VcrRequest = error.failed_request
    text = f"The cassette has no response left for {asked.method} {asked.uri}"
    for found, _, failures in error.cassette.find_requests_with_most_matches(asked)[:1]:
        ways = "; ".join(f"{name}: {difference}" for name, difference in failures)
        text += f"\nThe nearest is {found.method} {found.uri}, which differs in {ways or 'nothing'}"
    return f"{text}\nRecord it again with pytest --record, or write down what is missing."


# -- what is compared --------------------------------------------------------------------------


class _HasBody(Protocol):
    @property
    def body(self) -> bytes | str | None: ...


def same_json(one: _HasBody, other: _HasBody) -> None:
    """A matcher: equal as sorted JSON text, in which true is not 1, and 5 is not 5.0 or "5"."""
    first, second = _canonical(one.body), _canonical(other.body)
    assert first == second, f"{first} is not {second}"


def _canonical(body: bytes | str | None) -> str:
    text = (body or "") if isinstance(body, str | None) else body.decode("utf-8", "replace")
    value = parsed(text)
    return text if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


# -- what is kept ------------------------------------------------------------------------------


@frozen
class _Keeper:
    """Brings requests and responses into the form in which a cassette keeps them."""

    scrubber: Scrubber

    def request(self, request: VcrRequest) -> Request:
        headers = allowed(dict(request.headers.items()), REQUEST_HEADERS)
        body, uri = self.scrubber.body(request.body), self.scrubber.uri(_by_name(request))
        return Request(request.method, uri, body, headers)

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        kept = copy.deepcopy(response)
        kept["headers"] = allowed(response["headers"], RESPONSE_HEADERS)
        kept["body"] = {"string": _bytes(self.scrubber.body(response["body"]["string"]))}
        return kept


def _by_name(request: VcrRequest) -> str:
    """A request's URL with the name of its host: the runner connects to the IP it has checked."""
    parts = urlsplit(str(request.uri))
    host = str(request.headers.get("host", parts.netloc))
    return urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


@frozen
class _Serializer:
    """Writes files that people can review."""

    source: str

    def serialize(self, cassette: dict[str, Any]) -> str:
        return dump(self.source, cassette["interactions"])

    def deserialize(self, text: str) -> object:
        value: object = yaml.safe_load(text)
        return value


class _Persister:
    """Files in UTF-8, whatever the machine's own encoding is."""

    @staticmethod
    def load_cassette(path: str, serializer: _Serializer) -> object:
        file = Path(path)
        if not file.is_file():
            raise vcr.persisters.filesystem.CassetteNotFoundError
        cassette: object = deserialize(file.read_text("utf-8"), serializer)
        return cassette

    @staticmethod
    def save_cassette(path: str, cassette: dict[str, Any], serializer: _Serializer) -> None:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(serialize(cassette, serializer), "utf-8")
