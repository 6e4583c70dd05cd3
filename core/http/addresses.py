"""
Checks of the URLs and IP addresses that results are fetched from.

A URL from a provider must not reach into the user's own network. Host names are resolved and
checked here, and the connection goes to the checked IP address, so that a second lookup cannot
return another one.
"""

import asyncio
import ipaddress
import re
import socket
from urllib.parse import urljoin

import httpx

from ..hosts import is_loopback, literals
from ..text import bare_url, sanitize
from .outbound import DIRECT, words
from .proxies import proxy_for

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Reserved for benchmarks (RFC 2544), so never a local network; local proxies that resolve every
# name to an address of their own use it.
_BENCHMARK = ipaddress.ip_network("198.18.0.0/15")
# IPv6 addresses that end in the IPv4 address that is really reached: through a NAT64 gateway (RFC
# 6052), "IPv4-translated" (RFC 2765), or "IPv4-compatible" (RFC 4291, section 2.5.5.1).
_ENDING_IN_IPV4 = tuple(
    ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")
)
# A network's own NAT64 gateways (RFC 8215), and where the IPv4 address may be in theirs (RFC 6052,
# section 2.2).
_LOCAL_GATEWAY = ipaddress.IPv6Network("64:ff9b:1::/48")
_IN_GATEWAY = ((6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))
# How ISATAP (RFC 5214, section 6.1) marks that the last bytes are an IPv4 address.
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
# Where clouds answer questions about a machine, beside the usual link-local address: AWS, Azure,
# Alibaba, Oracle.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("fd00:ec2::254", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    )
)
# Names of this machine (RFC 6761, section 6.3, and what Linux distributions write in /etc/hosts).
_THIS_MACHINE = re.compile(
    r"(.+\.)?(localhost[46]?(\.localdomain[46]?)?|ip6-(localhost|loopback)|loopback)"
)
# Names that only a private network has (RFC 6762, RFC 8375, ICANN's .internal), which a proxy would
# find in its own.
_PRIVATE_NAME = re.compile(r"[^.]+|.+\.(local|localdomain|internal|home\.arpa)")


class AddressRefused(ValueError):
    """A result must not be fetched from there; the message says why."""


def read_url(text: str, base: str = "") -> httpx.URL:
    """The URL in what a server sent, relative to `base`; raises `AddressRefused` if it is none."""
    try:
        url = httpx.URL(urljoin(base, bare_url(text)))
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(f'the link "{sanitize(text, 100)}" is not a URL') from error
    check_host(url)
    return url


def check_host(url: httpx.URL) -> None:
    """Raise `AddressRefused` for a host name or a port with which no connection can be made."""
    try:
        # Opening a connection encodes the name like this; reading it back must work too.
        url.raw_host.decode("ascii").encode("idna")
        # What httpx has percent-encoded is in no name; an IPv6 address may have a zone.
        named = url.host and ("%" not in url.host or ":" in url.host)
        usable = bool(named) and 0 < (443 if url.port is None else url.port) < 2**16
    except ValueError:
        usable = False
    if not usable:
        raise AddressRefused(f'the link "{sanitize(url, 100)}" does not name a host')


def check_scheme(url: httpx.URL, local: bool, unencrypted: bool) -> None:
    """Raise `AddressRefused` unless it is https; or http if `unencrypted`, or `local` and here."""
    if url.scheme == "https" and url.host:
        return
    if url.host and url.scheme == "http" and (unencrypted or (local and is_loopback(url.host))):
        return
    raise AddressRefused(f'the link "{sanitize(url, 100)}" is not an https:// URL')


def check_ip(address: str, local: bool) -> None:
    """Raise `AddressRefused` for a link-local address, and for a private one unless `local`."""
    ip: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    reached = _reached(ip)
    if any(each.is_link_local or each in _METADATA for each in reached):
        raise AddressRefused(f"the link leads to the link-local address {ip}")
    if any(each.is_multicast for each in reached):
        raise AddressRefused(f"the link leads to the multicast address {ip}")
    if not (local or all(map(_is_public, reached))):
        raise AddressRefused(f"the link leads into a private network ({ip})")


def _reached(ip: IPAddress) -> list[IPAddress]:
    """The address itself, and the IPv4 addresses that it maps or is tunnelled to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    inner = [ip.sixtofour] if ip.sixtofour is not None else []
    inner += ip.teredo or ()
    if any(ip in network for network in _ENDING_IN_IPV4) or ip.packed[8:12] in _ISATAP:
        inner.append(ipaddress.IPv4Address(ip.packed[-4:]))
    if ip in _LOCAL_GATEWAY:
        inner += [ipaddress.IPv4Address(bytes(ip.packed[at] for at in way)) for way in _IN_GATEWAY]
    return [ip, *inner]


def _is_public(ip: IPAddress) -> bool:
    # Site-local addresses were deprecated by RFC 3879, but still lead into a private network.
    private = isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or ip in _LOCAL_GATEWAY)
    return (ip.is_global and not private) or ip in _BENCHMARK


async def resolve(url: httpx.URL, local: bool, unencrypted: bool = False) -> list[str]:
    """
    The checked IP addresses of a URL's host; empty if a proxy is to be asked for it.

    Raises `AddressRefused`; `httpx.ConnectError` if the name does not resolve; and
    `NetworkSettingsError`.
    """
    check_host(url)
    check_scheme(url, local, unencrypted)
    spelled = literals(url.host)
    for address in spelled:
        check_ip(address, local)
    name = url.host.lower().rstrip(".")
    if not local and _THIS_MACHINE.fullmatch(name):
        raise AddressRefused(f'the link leads to this machine ("{name}")')
    if proxy_for(url) is not None:
        # The proxy resolves names itself, so nobody can check what they lead to.
        if not (spelled or local) and _PRIVATE_NAME.fullmatch(name):
            raise AddressRefused(f'the link leads into a private network ("{sanitize(name, 80)}")')
        return []
    return spelled[:1] or await _look_up(url, local)


async def _look_up(url: httpx.URL, local: bool) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.raw_host.decode("ascii"), url.port or 443, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise httpx.ConnectError(
            f"{sanitize(url.host, 80)} cannot be resolved ({words(error)})"
        ) from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        check_ip(address, local)
    return addresses


def pin(request: httpx.Request, address: str) -> None:
    """
    Send the request directly to an IP address, which was checked.

    It keeps its original host name for TLS and `Host`.
    """
    host = request.url.raw_host.decode("ascii")
    request.headers["Host"] = request.url.netloc.decode("ascii")
    request.extensions = {**request.extensions, "sni_hostname": host, DIRECT: True}
    request.url = request.url.copy_with(host=address)
