"""Where a result may be fetched from, in every spelling of an address."""

import asyncio

import httpx
import pytest
from kling26.core.http.addresses import AddressRefused, check_ip, check_scheme, read_url, resolve

PUBLIC = [
    "8.8.8.8",
    "2606:4700::1111",
    "198.18.0.1",  # of local proxies
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",  # 8.8.8.8 by a NAT64 gateway
    "2002:808:808::1",  # 8.8.8.8 by 6to4
]
PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.7",
    "100.64.0.1",  # of carriers
    "0.0.0.0",  # noqa: S104
    "::",
    "::1",
    "fd00::1",
    "fec0::1",  # site-local
    "::ffff:127.0.0.1",
    "::ffff:192.168.0.7",
    "::127.0.0.1",  # IPv4-compatible
    "::ffff:0:127.0.0.1",  # IPv4-translated
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:c0a8:7::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
]
LINK_LOCAL = [
    "169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "224.0.0.1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_fetched_from(address: str) -> None:
    check_ip(address, local=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_but_where_the_provider_is_on_this_machine(
    address: str,
) -> None:
    check_ip(address, local=True)
    with pytest.raises(AddressRefused, match="into a private network"):
        check_ip(address, local=False)


@pytest.mark.parametrize("address", LINK_LOCAL)
@pytest.mark.parametrize("local", [True, False])
def test_a_link_local_address_is_always_refused(address: str, local: bool) -> None:
    with pytest.raises(AddressRefused, match="link-local"):
        check_ip(address, local=local)


@pytest.mark.parametrize(
    ("url", "local", "unencrypted", "allowed"),
    [
        ("https://videos.example/a.mp4", False, False, True),
        ("http://videos.example/a.mp4", False, False, False),
        ("http://videos.example/a.mp4", False, True, True),
        ("http://127.0.0.1/a.mp4", True, False, True),
        ("ftp://videos.example/a.mp4", True, True, False),
        ("https:///a.mp4", True, True, False),
    ],
)
def test_the_scheme_is_https_unless_nothing_secret_travels(
    url: str, local: bool, unencrypted: bool, allowed: bool
) -> None:
    if allowed:
        check_scheme(httpx.URL(url), local, unencrypted)
    else:
        with pytest.raises(AddressRefused, match="is not an https:// URL"):
            check_scheme(httpx.URL(url), local, unencrypted)


@pytest.mark.parametrize(
    "url",
    [
        "https://a..b/v",
        "https://xn--/v",
        f"https://{'a' * 300}/v",
        "https://8.8.8.8:99999/v",
        "https://8.8.8.8:0/v",
        "http:///v",
        "mailto:x",
    ],
)
def test_a_url_to_which_nothing_can_connect_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match="does not name a host"):
        asyncio.run(resolve(httpx.URL(url), local=False, unencrypted=True))
    with pytest.raises(AddressRefused, match="does not name a host"):
        read_url(url)


@pytest.mark.parametrize("text", ["https://8.8.8.8:x/", "https://8.8.8.8/\0", "https://1.2.3.999/"])
def test_a_text_that_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused, match="is not a URL"):
        read_url(text)
