"""
The files of cassettes: writing them, reading them, and checking them for secrets.

`kling26.testing.replay` plays and records them. Where there is no account yet, write one from the
service's documents::

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

#: A request and its response, as JSON in a cassette.
Exchange = dict[str, Any]

_SOURCE = re.compile(r"(written|recorded) from https?://\S+ on \d{4}-\d\d-\d\d")


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes text of several lines as a block."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def exchange(
    line: str,
    sent: object,
    reply: object,
    status: int = 200,
    *,
    content_type: str = "application/json",
    retry_after: int | None = None,
) -> Exchange:
    """
    An exchange as the documents show it.

    `line` is "METHOD URL". `sent` is JSON, raw bytes of a `content_type`, or None; `reply` is JSON,
    or None for an empty body. `retry_after` is in seconds.
    """
    method, _, uri = line.partition(" ")
    headers = {"accept": ["application/json"]}
    if sent is not None:
        headers["content-type"] = [content_type]
    replied = {} if reply is None else {"content-type": ["application/json"]}
    if retry_after is not None:
        replied["retry-after"] = [str(retry_after)]
    return {
        "request": {
            "method": method,
            "uri": uri,
            "headers": headers,
            "body": sent if sent is None or isinstance(sent, bytes) else _reviewable(sent),
        },
        "response": {
            "status": {"code": status, "message": httpx.codes.get_reason_phrase(status)},
            "headers": replied,
            "body": {"string": "" if reply is None else _reviewable(reply)},
        },
    }


def _reviewable(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def dump(source: str, interactions: Sequence[Mapping[str, Any]]) -> str:
    """The text of a cassette, for people to review; `source` says where it comes from."""
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
    What is wrong with a cassette of the provider, in words: secrets, headers that do not belong
    there, or a source that does not say where and when it comes from.
    """
    source = cassette.get("metadata", {}).get("source", "")
    if not _SOURCE.fullmatch(source):
        yield f'the source "{source}" does not say where and when it comes from'
    scrubber = Scrubber(own={usual: usual for usual in urls(provider).values()})
    for each in cassette["interactions"]:
        request, response = each["request"], each["response"]
        sent = set(request["headers"]) - set(REQUEST_HEADERS)
        got = set(response["headers"]) - set(RESPONSE_HEADERS)
        yield from (f'the header "{name}" does not belong in it' for name in sorted(sent | got))
        bodies = request["body"], response["body"]["string"]
        if request["uri"] != scrubber.uri(request["uri"]):
            yield f"the URL {request['uri']} is not scrubbed"
        if any(body and body != scrubber.body(body) for body in bodies):
            yield f"a body of {request['method']} {request['uri']} is not scrubbed"


def urls(provider: Provider) -> dict[str, str]:
    """The URLs of a provider's API, by the attribute of the provider."""
    named = {name: getattr(provider, name) for name in ("balance_url", "upload_url", "base_url")}
    return {name: str(url) for name, url in named.items() if url}
