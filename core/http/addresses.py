"""
Where a result may be fetched from.

A provider says where the video is; that address is not to be trusted with the user's own network.
Names are resolved here, checked, and connected to by the checked address, so that a second
resolution cannot give another answer.
"""

import asyncio
import ipaddress
import socket
from urllib.request import getproxies

import httpx

from ..settings import is_loopback
from ..text import sanitize

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Set aside for benchmarks, never a local network; local proxies that answer every name with an
# address of their own use it.
_BENCHMARK = ipaddress.ip_network("198.18.0.0/15")


class AddressRefused(ValueError):
    """A result's address is not one to fetch from; the text says why."""


def check_scheme(url: httpx.URL, local: bool, unencrypted: bool) -> None:
    """https, or plain http: on this machine where that is `local`, elsewhere if `unencrypted`."""
    if url.scheme == "https" and url.host:
        return
    if url.scheme == "http" and (unencrypted or (local and is_loopback(url.host))):
        return
    raise AddressRefused(f'the link "{sanitize(url, 100)}" is no https:// address')


def check_ip(address: str, local: bool) -> None:
    """Raise `AddressRefused` for a link-local address, and for a private one unless `local`."""
    ip: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_link_local or ip.is_multicast:
        raise AddressRefused(f"the link leads to the link-local address {ip}")
    if not (ip.is_global or local or ip in _BENCHMARK):
        raise AddressRefused(f"the link leads into a private network ({ip})")


async def resolve(url: httpx.URL, local: bool, unencrypted: bool = False) -> list[str]:
    """
    The checked addresses of a URL's host; empty behind a proxy, which resolves names itself.

    Raises `AddressRefused`, and `httpx.ConnectError` for a name that does not resolve.
    """
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
            url.host, url.port or 443, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise httpx.ConnectError(f"{sanitize(url.host, 80)} cannot be resolved") from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        check_ip(address, local)
    return addresses


def pin(request: httpx.Request, address: str) -> None:
    """Send the request to `address`, still under the name it was meant for."""
    host = request.url.host
    request.headers["Host"] = request.url.netloc.decode("ascii")
    request.extensions = {**request.extensions, "sni_hostname": host}
    request.url = request.url.copy_with(host=address)


def _proxied() -> bool:
    return bool({"http", "https", "all"} & set(getproxies()))
