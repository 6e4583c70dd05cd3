"""
The entries of NO_PROXY: what is reached without a proxy.

They mean what they mean to curl and Go: a domain and all below it; after a leading dot, only what
is below it; an address or a network, such as ``10.0.0.0/8``; ``*``. A port may follow, and, as
httpx has it, a scheme may precede.
"""

import ipaddress
import re

import httpx
from attrs import frozen

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PLACE = re.compile(r"(\[[^\[\]]+\]|[^\[\]:]+)(?::(\d+))?", re.ASCII)


class NotAHost(ValueError):
    """An entry that means nothing; the message is the entry."""


@frozen
class DirectHost:
    """An entry: without a scheme or a port, it counts for each of them; the host may be ``*``."""

    scheme: str
    host: str
    network: _Network | None
    port: int | None

    @classmethod
    def read(cls, entry: str) -> "DirectHost":
        """An entry of NO_PROXY; raises `NotAHost`."""
        scheme, _, rest = entry.lower().rpartition("://")
        rest = rest.rpartition("@")[2]
        if (network := _network(rest)) is not None:
            return cls(scheme, "", network, None)
        found = _PLACE.fullmatch(rest.partition("/")[0])
        host = found[1] if found else ""
        network = _network(host)
        bare = "*" if host == "*" else host.lstrip("*").rstrip(".")
        if found is None or not bare or (network is None and "[" in host):
            raise NotAHost(rest or entry)
        return cls(scheme, bare, network, int(found[2]) if found[2] else None)

    @property
    def is_any(self) -> bool:
        """Whether nothing is reached through a proxy."""
        return self.host == "*" and not self.scheme and self.port is None

    def matches(self, url: httpx.URL) -> bool:
        port = _DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port
        if self.scheme not in ("", "all", url.scheme) or self.port not in (None, port):
            return False
        if self.network is not None:
            return _is_in(url.host, self.network)
        names = {url.host.rstrip("."), url.raw_host.decode("ascii").rstrip(".")}
        below = self.host if self.host.startswith(".") else f".{self.host}"
        return self.host in ("*", *names) or any(name.endswith(below) for name in names)


def _network(text: str) -> _Network | None:
    """The network that is only this address if it has no prefix; brackets do not count."""
    try:
        return ipaddress.ip_network(re.sub(r"^\[([^\]]*)\](?=/|$)", r"\1", text), strict=False)
    except ValueError:
        return None


def _is_in(host: str, network: _Network) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]) in network
    except ValueError:
        return False
