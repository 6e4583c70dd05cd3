"""Hosts as they are spelled in URLs: what address one is, and whether that is this machine."""

import ipaddress
import re
import socket


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address means this machine, judged without resolving it."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    found = [ipaddress.ip_address(each) for each in literals(host)]
    return bool(found) and all((_mapped(each) or each).is_loopback for each in found)


def _mapped(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is really reached; Python does not look at it in every version."""
    return ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None


def literals(host: str) -> list[str]:
    """
    The IP address that a host is, however it is spelled; several if it can be read in several ways.

    What `inet_aton` reads is an address to most programs: numbers that are missing, in hexadecimal
    or octal. Some read the latter as decimal.
    """
    host = host.rstrip(".")
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if not re.fullmatch(r"[0-9a-fx]+(\.[0-9a-fx]+){0,3}", host, re.IGNORECASE):
            return []
        spellings = (host, re.sub(r"(?<![0-9a-fx])0+(?=[0-9])", "", host, flags=re.IGNORECASE))
        return list(dict.fromkeys(each for text in spellings for each in _from_numbers(text)))
    return [host]


def _from_numbers(text: str) -> list[str]:
    try:
        return [socket.inet_ntoa(socket.inet_aton(text))]
    except OSError:
        return []
