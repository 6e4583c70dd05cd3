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

A form is given by the names of its fields, and kept part by part::

    upload = exchange(
        "POST https://files.acme.example/pictures",
        {"purpose": "first frame", "file": file("fox.png", PICTURE, "image/png")},
        {"url": "https://files.acme.example/fox.png"},
        content_type="multipart/form-data",
    )
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml  # type: ignore[import-untyped]

from ..core.provider import Provider
from .form_bodies import MediaType, file, parts_of
from .keeping import Keeper, readable
from .reading import BadCassette, loaded, read, whole
from .scrubbing import REQUEST_HEADERS, RESPONSE_HEADERS, Scrubber
from .secrets import keys_in
from .sources import Source

__all__ = [
    "BadCassette", "Exchange", "dump", "exchange", "file", "load", "problems", "read", "urls",
]  # fmt: skip

#: A request and its response, as JSON in a cassette.
Exchange = dict[str, Any]


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

    `line` is "METHOD URL". `sent` is JSON, raw bytes of a `content_type`, the fields of a form if
    that is what the `content_type` says, or None; `reply` is JSON, or None for an empty body.
    `retry_after` is in seconds.
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
            "body": _sent(sent, content_type),
        },
        "response": {
            "status": {"code": status, "message": httpx.codes.get_reason_phrase(status)},
            "headers": replied,
            "body": {"string": "" if reply is None else _reviewable(reply)},
        },
    }


def _sent(sent: object, content_type: str) -> object:
    if sent is None or isinstance(sent, bytes):
        return sent
    if isinstance(sent, Mapping) and MediaType.read(content_type).is_form:
        return {"form": parts_of(sent)}
    return _reviewable(sent)


def _reviewable(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def dump(source: str, interactions: Sequence[Mapping[str, Any]]) -> str:
    """
    The text of a cassette, for people to review; `source` says where it comes from.

    `interactions` are those of `exchange`, or of vcrpy.
    """
    ordered = [
        {
            "request": {
                name: readable(each["request"])[name]
                for name in ("method", "uri", "headers", "body")
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
    """
    A cassette's metadata and interactions, as they are in the file.

    Raises `BadCassette` if it names something twice.
    """
    try:
        cassette: dict[str, Any] = loaded(path.read_text("utf-8"))
    except BadCassette as error:
        raise BadCassette(f"{path} {error}.") from None
    return cassette


def problems(
    cassette: Mapping[str, Any], provider: Provider, keys: Sequence[str] | None = None
) -> Iterator[str]:
    """
    What is wrong with a cassette of the provider, in words: secrets, headers that do not belong
    there, or a source that does not say where and when it comes from.

    `keys` are looked for in all their spellings; by default, those in the environment.
    """
    if keys is None:
        keys = keys_in(os.environ, provider.key_variables)
    scrubber = Scrubber(keys, {usual: usual for usual in urls(provider).values()})
    try:
        in_full = whole(cassette)
    except BadCassette as error:
        yield f"it {error}"
        return
    metadata = in_full["metadata"]
    source = Source.read(metadata.get("source"))
    if source is None:
        said = scrubber.text(str(metadata.get("source", "")))
        yield f'the source "{said}" does not say where and when it comes from'
    elif stranger := source.stranger(provider):
        yield f"it says that it is {scrubber.text(stranger)}"
    if json.dumps(metadata, default=str) in scrubber.secrets:
        yield "the metadata is not scrubbed"
    for each in in_full["interactions"]:
        yield from _problems(each["request"], each["response"], Keeper(scrubber))


def _problems(
    request: Mapping[str, Any], response: Mapping[str, Any], keeper: Keeper
) -> Iterator[str]:
    sent = set(request["headers"]) - set(REQUEST_HEADERS)
    got = set(response["headers"]) - set(RESPONSE_HEADERS)
    yield from (f'the header "{name}" does not belong in it' for name in sorted(sent | got))
    kept, replied = keeper.request(request), keeper.response(response)
    line = f"{request['method']} {kept['uri']}"
    if request["uri"] != kept["uri"]:
        yield f"the URL of {line} is not scrubbed"
    if _told(readable(request)["body"]) != _told(kept["body"]):
        yield f"the body of {line} is not scrubbed"
    if _told(response["body"]["string"]) != _told(replied["body"]["string"]):
        yield f"the body of the reply to {line} is not scrubbed"
    headers = (request["headers"], kept["headers"]), (response["headers"], replied["headers"])
    if any(own[name] != now[name] for own, now in headers for name in now if name in own):
        yield f"a header of {line} is not scrubbed"
    if response["status"] != replied["status"]:
        yield f"the status of the reply to {line} is not scrubbed"


def _told(body: object) -> object:
    """A body, of which nothing may be spelled in several ways."""
    return body or None


def urls(provider: Provider) -> dict[str, str]:
    """The URLs of a provider's API, by the attribute of the provider."""
    named = {name: getattr(provider, name) for name in ("balance_url", "upload_url", "base_url")}
    return {name: str(url) for name, url in named.items() if url}
