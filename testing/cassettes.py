"""
The files of cassettes: how they are written, read, and held to have no secrets in them.

`kling26.testing.replay` plays and records them. Where there is no account yet, one is
written from the documents::

    refused = exchange(
        "POST https://api.acme.example/v1/videos",
        {"prompt": "A red fox", "seconds": 5, "sound": False},
        {"error": "This key is not known."},
        status=401,
    )
    text = dump("written from https://docs.acme.example/errors on 2026-11-21", [refused])
    Path("cassettes/acme/refused_key.yaml").write_text(text, "utf-8")
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml  # type: ignore[import-untyped]

from ..core.provider import Provider
from .scrubbing import REQUEST_HEADERS, RESPONSE_HEADERS, Scrubber

#: A request and its answer, as a cassette has them.
Exchange = dict[str, Any]

_SOURCE = re.compile(r"(written|recorded) from https?://\S+ on \d{4}-\d\d-\d\d")


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes texts of several lines as such."""


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def exchange(
    line: str,
    sent: object,
    answer: object,
    status: int = 200,
    *,
    content_type: str = "application/json",
    retry_after: int | None = None,
) -> Exchange:
    """
    An exchange as the documents have it.

    `line` is "METHOD address". `sent` is JSON, raw bytes of a `content_type`, or None; `answer` is
    JSON, or None where the answer is empty. `retry_after` is in seconds.
    """
    method, _, uri = line.partition(" ")
    headers = {"accept": ["application/json"]}
    if sent is not None:
        headers["content-type"] = [content_type]
    answered = {} if answer is None else {"content-type": ["application/json"]}
    if retry_after is not None:
        answered["retry-after"] = [str(retry_after)]
    return {
        "request": {
            "method": method,
            "uri": uri,
            "headers": headers,
            "body": sent if sent is None or isinstance(sent, bytes) else _reviewable(sent),
        },
        "response": {
            "status": {"code": status, "message": httpx.codes.get_reason_phrase(status)},
            "headers": answered,
            "body": {"string": "" if answer is None else _reviewable(answer)},
        },
    }


def _reviewable(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def dump(source: str, interactions: Sequence[Mapping[str, Any]]) -> str:
    """The text of a cassette, to be reviewed by people; `source` says where it is from."""
    ordered = [
        {
            "request": {
                "method": each["request"]["method"],
                "uri": each["request"]["uri"],
                "headers": each["request"]["headers"],
                "body": each["request"]["body"],
            },
            "response": {
                "status": each["response"]["status"],
                "headers": each["response"]["headers"],
                "body": each["response"]["body"],
            },
        }
        for each in interactions
    ]
    whole = {"metadata": {"source": source}, "interactions": ordered, "version": 1}
    text: str = yaml.dump(whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text


def load(path: Path) -> dict[str, Any]:
    """A cassette's metadata and interactions."""
    cassette: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return cassette


def problems(cassette: Mapping[str, Any], provider: Provider) -> Iterator[str]:
    """
    What must not be in a cassette of the provider, in words: secrets, unknown headers, no or an
    odd source.
    """
    source = cassette.get("metadata", {}).get("source", "")
    if not _SOURCE.fullmatch(source):
        yield f'the source "{source}" does not say where it is from, and when'
    scrubber = Scrubber(own={usual: usual for usual in addresses(provider).values()})
    for each in cassette["interactions"]:
        request, response = each["request"], each["response"]
        sent = set(request["headers"]) - set(REQUEST_HEADERS)
        got = set(response["headers"]) - set(RESPONSE_HEADERS)
        yield from (f'the header "{name}" has no place in it' for name in sorted(sent | got))
        bodies = request["body"], response["body"]["string"]
        if request["uri"] != scrubber.uri(request["uri"]):
            yield f"the address {request['uri']} is not scrubbed"
        if any(body and body != scrubber.body(body) for body in bodies):
            yield f"a body of {request['method']} {request['uri']} is not scrubbed"


def addresses(provider: Provider) -> dict[str, str]:
    """Where a provider's API is, by the attribute that says so."""
    named = {name: getattr(provider, name) for name in ("upload_url", "base_url")}
    return {name: str(address) for name, address in named.items() if address}
