"""
Who may use the routes: ComfyUI's own page, and nobody else's.

Any page that a user has open can send requests to this machine, and one whose name has been
rebound to it (DNS rebinding) even counts as its own page for the browser. So the name that was
asked for must be known, and what the browser says of the sender must agree with it.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Literal

from attrs import frozen

from ..core.hosts import is_loopback

#: The values of each header, by its name in lower case.
Headers = Mapping[str, Sequence[str]]
#: Requests by these methods change nothing.
_SAFE = ("GET", "HEAD")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s\[\]:/\\@?#%,;\"'<>]+)(?::([0-9]{1,5}))?", re.I)
_PORTS = {"http": "80", "https": "443"}


@frozen
class Guard:
    """
    Judges requests.

    A server that only listens to its own machine (`loopback_only`) answers to the names of that,
    and one that the user has opened to the names that its user has for it. `hosts` are more names
    (``KLING26_HOSTS``), each with or without a port: those of a proxy in front of it, for example.
    """

    loopback_only: bool
    hosts: Callable[[], Collection[str]]

    def problem(self, method: str, headers: Headers) -> Literal["host", "foreign"] | None:
        """What is wrong with a request: the name that was asked for, or the page that asks."""
        host = _host(_only(headers, "host"))
        if host is None or not self._answers_to(host):
            return "host"
        return None if self._from_own_page(method, headers, host) else "foreign"

    def _answers_to(self, host: "_Host") -> bool:
        return not self.loopback_only or is_loopback(host.name) or self._is_named(host)

    def _is_named(self, host: "_Host") -> bool:
        """Whether a name is one of the settings, with any port unless that says which."""
        return any(
            host.name == named.name and named.port in (None, host.port)
            for named in map(_named, self.hosts())
            if named is not None
        )

    def _from_own_page(self, method: str, headers: Headers, host: "_Host") -> bool:
        site, origin = _only(headers, "sec-fetch-site"), _only(headers, "origin")
        # "none" is the user: an address that was typed in, or a bookmark.
        if site is not None and site != "same-origin" and not (site == "none" and method in _SAFE):
            return False
        if origin is None:
            # Only old browsers say neither, and only of what changes nothing.
            return site == "same-origin" or method in _SAFE
        sender = _origin(origin)
        return sender is not None and (sender.same_as(host) or self._is_named(sender))


@frozen
class _Host:
    """A host by its `name`, in lower case, its `port`, if that is said, and its usual one."""

    name: str
    port: str | None
    usual: str | None = None

    def same_as(self, other: "_Host") -> bool:
        """Whether another is the same; it has the usual port of this one if it says none."""
        ports = self.port or self.usual, other.port or self.usual
        return self.name == other.name and ports[0] == ports[1]


def _only(headers: Headers, name: str) -> str | None:
    """The one value of a header, None if there is none; several mean nothing."""
    values = headers.get(name, ())
    return "" if len(values) > 1 else next(iter(values), None)


def _host(text: str | None, usual: str | None = None) -> _Host | None:
    """A host as it is spelled in a header; None if it is none."""
    found = _HOST.fullmatch(text or "")
    if found is None or not found[0].isascii() or not found[0].isprintable():
        return None
    port = None if found[2] is None else str(int(found[2]))
    return _Host(found[1].strip("[]").lower().removesuffix("."), port, usual)


def _origin(text: str) -> _Host | None:
    """The host of a page, None if it has none, as "null" says."""
    scheme, separator, rest = text.partition("://")
    usual = _PORTS.get(scheme.lower())
    return _host(rest, usual) if separator and usual else None


def _named(text: str) -> _Host | None:
    """A host in a setting, which may be pasted as the URL of a page."""
    rest = re.sub(r"^https?://|/.*$", "", text.strip(), flags=re.I | re.S)
    name, separator, port = rest.partition(":")
    with suppress(UnicodeError):  # An address with colons, or no name at all.
        rest = name.encode("idna").decode() + separator + port
    return _host(rest)
