"""
Checks of the URLs and IP addresses that results are fetched from.

A URL from a provider must not reach into the user's own network. Host names are resolved and
checked here, and the connection goes to the checked IP address, so that a second lookup cannot
return another one.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import urljoin
from urllib.request import getproxies

import httpx

from ..settings import is_loopback
from ..text import sanitize

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Reserved for benchmarks (RFC 2544), so never a local network; local proxies that resolve every
# name to an address of their own use it.
_BENCHMARK = ipaddress.ip_network("198.18.0.0/15")
# IPv6 addresses that end in the IPv4 address that is really reached: through a NAT64 gateway (RFC
# 6052), "IPv4-translated" (RFC 2765), or "IPv4-compatible" (RFC 4291, section 2.5.5.1).
_ENDING_IN_IPV4 = tuple(
    ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")
)
# A network's own NAT64 gateways (RFC 8215).
_LOCAL_GATEWAY = ipaddress.IPv6Network("64:ff9b:1::/48")


class AddressRefused(ValueError):
    """A result must not be fetched from there; the message says why."""


def read_url(text: str, base: str = "") -> httpx.URL:
    """The URL in what a server sent, relative to `base`; raises `AddressRefused` if it is none."""
    try:
        url = httpx.URL(urljoin(base, text.strip()))
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
    for reached in _reached(ip):
        if reached.is_link_local or reached.is_multicast:
            raise AddressRefused(f"the link leads to the link-local address {ip}")
        if not (_is_public(reached) or local):
            raise AddressRefused(f"the link leads into a private network ({ip})")


def _reached(ip: IPAddress) -> list[IPAddress]:
    """The address itself, and the IPv4 address that it maps or is tunnelled to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    if ip.sixtofour is not None:
        return [ip, ip.sixtofour]
    if any(ip in network for network in _ENDING_IN_IPV4):
        return [ip, ipaddress.IPv4Address(ip.packed[-4:])]
    return [ip]


def _is_public(ip: IPAddress) -> bool:
    # Site-local addresses were deprecated by RFC 3879, but still lead into a private network.
    private = isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or ip in _LOCAL_GATEWAY)
    return (ip.is_global and not private) or ip in _BENCHMARK


async def resolve(url: httpx.URL, local: bool, unencrypted: bool = False) -> list[str]:
    """
    The checked IP addresses of a URL's host; empty behind a proxy, which resolves names itself.

    Raises `AddressRefused`, or `httpx.ConnectError` if the name does not resolve.
    """
    check_host(url)
    check_scheme(url, local, unencrypted)
    try:
        ipaddress.ip_address(url.host)
    except ValueError:
        if _proxied():
            return []
    else:
        check_ip(url.host, local)
        return [url.host]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.raw_host.decode("ascii"), url.port or 443, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise httpx.ConnectError(f"{sanitize(url.host, 80)} cannot be resolved") from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        check_ip(address, local)
    return addresses


def pin(request: httpx.Request, address: str) -> None:
    """Send the request to an IP address, but with its original host name for TLS and `Host`."""
    host = request.url.raw_host.decode("ascii")
    request.headers["Host"] = request.url.netloc.decode("ascii")
    request.extensions = {**request.extensions, "sni_hostname": host}
    request.url = request.url.copy_with(host=address)


def _proxied() -> bool:
    return bool({"http", "https", "all"} & set(getproxies()))
