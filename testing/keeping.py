"""In which form a cassette keeps requests and responses, and what is struck out of them."""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen

from .form_bodies import MediaType, Part, form
from .scrubbing import REQUEST_HEADERS, RESPONSE_HEADERS, Scrubber, allowed


class VcrRequest(Protocol):
    """A request as vcrpy has it."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes | str | None


def as_sent(request: VcrRequest) -> dict[str, Any]:
    """A request with all that a cassette may keep of it."""
    headers = allowed(dict(request.headers.items()), REQUEST_HEADERS)
    return {
        "method": request.method,
        "uri": _by_name(request),
        "headers": {name: [value] for name, value in headers.items()},
        "body": request.body or None,
    }


def _by_name(request: VcrRequest) -> str:
    """A request's URL with the name of its host: the runner connects to the IP it has checked."""
    parts = urlsplit(str(request.uri))
    host = str(request.headers.get("host", parts.netloc))
    return urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))


def readable(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request with its form, if its body is one, part by part; it has no boundary then."""
    kind = ", ".join(request["headers"].get("content-type", []))
    body = request["body"]
    if isinstance(body, Mapping) or not body:
        return dict(request)
    parts = form(kind, body.encode() if isinstance(body, str) else body)
    if parts is None:
        return dict(request)
    headers = {**request["headers"], "content-type": [str(MediaType.read(kind))]}
    return {**request, "headers": headers, "body": {"form": parts}}


@frozen
class Keeper:
    """Brings requests and responses into the form in which a cassette keeps them."""

    scrubber: Scrubber

    def request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        whole = readable(request)
        body = whole["body"]
        if isinstance(body, Mapping):
            body = {"form": [self._part(part) for part in body["form"]]}
        else:
            body = self.scrubber.body(body)
        headers = self._headers(allowed(whole["headers"], REQUEST_HEADERS))
        return {
            "method": whole["method"],
            "uri": self.scrubber.uri(whole["uri"]),
            "headers": headers,
            "body": body,
        }

    def response(self, response: Mapping[str, Any]) -> dict[str, Any]:
        status = response["status"]
        return {
            "status": {**status, "message": self.scrubber.text(status["message"] or "")},
            "headers": self._headers(allowed(response["headers"], RESPONSE_HEADERS)),
            "body": {"string": self.scrubber.body(response["body"]["string"]) or ""},
        }

    def _part(self, part: Part) -> Part:
        scrubbed = {
            key: self.scrubber.text(value) if isinstance(value, str) else value
            for key, value in part.items()
        }
        if isinstance(value := part.get("value"), str):
            scrubbed["value"] = self.scrubber.field(str(part.get("name", "")), value)
        return scrubbed

    def _headers(self, headers: Mapping[str, list[str]]) -> dict[str, list[str]]:
        return {
            name: [self.scrubber.text(each) for each in values] for name, values in headers.items()
        }
