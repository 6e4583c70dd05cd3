"""
How a URL travels: directly, or through a proxy.

What decides is what httpx reads: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in upper or lower
case, or else the proxies that are set in Windows or macOS. httpx fails on a value that it cannot
use, in words for programmers; here, it ends in a sentence for whoever has set it.
"""

import os
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from urllib.request import getproxies

import httpx
from attrs import field, frozen

from ..errors import NetworkSettingsError
from ..hosts import is_loopback
from ..text import sanitize
from .direct import DirectHost, NotAHost

#: The kinds of proxies, as httpx calls them. Its SOCKS proxies resolve names themselves, so
#: "socks5h" is the same; "socks" is what desktops write.
_KINDS = {kind: kind for kind in ("http", "https", "socks5")}
_KINDS |= {"socks": "socks5", "socks5h": "socks5"}
#: What surrounds a value that was copied together with its quotes.
_AROUND = " \t\r\n\"'"
#: Host and port, as far as they can be told apart from the rest.
_PLACE = re.compile(r"(\[[^\]]*\]?|[^:/?#]*)(:[^:/?#]*)?")


@frozen
class Setting:
    """What a proxy was set to: the variable, None if it is the system's, and the value."""

    scheme: str
    variable: str | None
    value: str = field(repr=False)

    def refuse(self, problem: str, advice: str | None = None) -> NetworkSettingsError:
        """The error that says what is wrong with it, and what to do."""
        example = "socks5://HOST:PORT" if "socks" in self.kind else "http://HOST:PORT"
        usual = f"Set {self.variable} to {example}, or unset it."
        if self.variable is None:
            usual = f"Change it in the system's settings, or set HTTPS_PROXY to {example}."
        name = self.variable or f"The system's proxy for {self.scheme}"
        return NetworkSettingsError(f'{name} is "{self.shown}", {problem}. {advice or usual}')

    @property
    def kind(self) -> str:
        """What stands before "://"; "" if nothing does."""
        kind, mark, _ = self.value.partition("://")
        return kind.lower() if mark and re.fullmatch(r"[\w+.-]+", kind) else ""

    @property
    def address(self) -> str:
        """What stands after "://"."""
        return self.value.partition("://")[2] if self.kind else self.value

    @property
    def shown(self) -> str:
        """The value without what may be a password."""
        host, port, more = self._place
        shown = f"{self.kind}://" if self.kind else ""
        shown += "…@" if "@" in self.address else ""
        shown += host + (port if not more or port[1:].isdigit() else "")
        return sanitize(shown + ("…" if more else ""), 100)

    @property
    def port_is_none(self) -> bool:
        """Whether something that is no port stands in its place."""
        host, port, _ = self._place
        return bool(port[1:]) and "[" not in host and not port[1:].isdigit()

    @property
    def has_bare_signs(self) -> bool:
        """Whether a sign in a user name or a password ends it, so that its rest would be a host."""
        login, mark, _ = self.address.rpartition("@")
        return bool(mark) and re.search(r"[@/?#\\]", login) is not None

    @property
    def _place(self) -> tuple[str, str, str]:
        """Host, port and what follows."""
        place = self.address.rpartition("@")[2]
        found = _PLACE.match(place)
        assert found is not None
        return found[1], found[2] or "", place[found.end() :].strip("/")


@frozen
class Proxy:
    """A proxy that can be used, and where it is set."""

    url: httpx.URL = field(repr=False)
    setting: Setting

    @property
    def named(self) -> str:
        """What the proxy is called in the middle of a sentence."""
        return f'the proxy "{self.setting.shown}" of {self.setting.variable or "the system"}'


@frozen
class Proxies:
    """The proxies by the scheme of the URLs they are for, and what is reached without them."""

    by_scheme: Mapping[str, Proxy]
    direct: Sequence[DirectHost]

    def of(self, url: httpx.URL) -> Proxy | None:
        """The proxy that a URL is reached through; None if directly."""
        proxy = self.by_scheme.get(url.scheme)
        if proxy is None or any(each.matches(url) for each in self.direct):
            return None
        # A key may be sent as plain text within this machine, so that must not leave it.
        leaves = is_loopback(url.host) and not is_loopback(proxy.url.host)
        return None if leaves else proxy


def proxy_for(url: httpx.URL) -> Proxy | None:
    """The proxy that a URL is reached through; None if directly. Raises `NetworkSettingsError`."""
    return read_proxies().of(url)


def read_proxies() -> Proxies:
    """The proxies as they are set now; raises `NetworkSettingsError` if one cannot be used."""
    found = getproxies()
    direct = _direct_hosts(found.get("no", ""))
    if any(host.is_any for host in direct):
        return Proxies({}, direct)
    proxies: dict[str, Proxy] = {}
    for scheme in ("http", "https"):
        values = {source: found.get(source, "").strip(_AROUND) for source in (scheme, "all")}
        source = next((source for source, value in values.items() if value), None)
        if source is not None:
            proxies[scheme] = _proxy(Setting(scheme, _variable(source), values[source]))
    return Proxies(proxies, direct)


def _direct_hosts(value: str) -> list[DirectHost]:
    entries = [each.strip(_AROUND) for each in re.split(r"[\s,]+", value)]
    try:
        return [DirectHost.read(entry) for entry in entries if entry]
    except NotAHost as error:
        name = _variable("no") or "NO_PROXY"
        raise NetworkSettingsError(
            f'In {name}, "{error}" is not a host or a network. Set {name} to a list such as '
            "localhost,.example.com,10.0.0.0/8, or unset it."
        ) from None


def _variable(source: str) -> str | None:
    """The variable with these proxies; None if they are set in the system."""
    name = f"{source}_proxy"
    names = [each for each, value in os.environ.items() if value and each.lower() == name]
    return name if name in names else next(iter(names), None)


def _proxy(setting: Setting) -> Proxy:
    scheme = _KINDS.get(setting.kind or "http")
    if scheme is None:
        raise setting.refuse("a kind of proxy that cannot be used")
    if scheme == "socks5" and find_spec("socksio") is None:
        advice = "Install kling26[socks], or set the address of an http:// proxy."
        raise setting.refuse("and a SOCKS proxy needs the package socksio", advice)
    if setting.has_bare_signs:
        raise setting.refuse(
            "and special characters in its user name or password have to be percent-encoded "
            "(%40 for @, %2F for /, %23 for #, %3F for ?)"
        )
    not_a_port = setting.refuse("whose port is not a number from 1 to 65535")
    try:
        url = httpx.URL(f"{scheme}://{setting.address}")
        host = url.host  # Reading an international name may fail, too.
    except (httpx.InvalidURL, ValueError):
        # Without the cause, which may quote a part of the password.
        nowhere = setting.refuse("which is not the address of a proxy")
        raise (not_a_port if setting.port_is_none else nowhere) from None
    if not host or "%" in host:
        raise setting.refuse("which does not name a host")
    if url.port is not None and not 0 < url.port < 2**16:
        raise not_a_port
    return Proxy(url, setting)
