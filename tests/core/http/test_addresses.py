"""Where a result may be fetched from, in every spelling of an address."""

import asyncio
import socket

import httpx
import pytest
from kling26.core.http.addresses import AddressRefused, check_ip, check_scheme, read_url, resolve

#: The ways of a URL: each variable of the environment that is set for it.
DIRECT: dict[str, str] = {}
BY_PROXY = {"ALL_PROXY": "http://proxy.example:3128"}
PAST_PROXY = {**BY_PROXY, "NO_PROXY": "*"}

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
    "64:ff9b:1:a9fe:a9:fe00::",  # 169.254.169.254 by a gateway of the network's own
    "64:ff9b:1::a9fe:a9fe",
    "2001:0:808:808::5601:5601",  # by Teredo
    "2606:4700::5efe:a9fe:a9fe",  # by ISATAP
    "fd00:ec2::254",  # of AWS
    "168.63.129.16",  # of Azure
    "100.100.100.200",  # of Alibaba
]
MULTICAST = ["224.0.0.1", "239.255.255.250", "ff02::1", "::ffff:224.0.0.1"]


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


@pytest.mark.parametrize("address", MULTICAST)
def test_a_multicast_address_is_always_refused(address: str) -> None:
    with pytest.raises(AddressRefused, match="to the multicast address"):
        check_ip(address, local=True)


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


LOCAL_SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0177.1",
    "00000177.1",
    "127.0.0.1.",
    "127\u30020\uff0e0\uff611",  # dots of other scripts
    "0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "10.1",
    "010.1",  # 8.0.0.1 to most, 10.0.0.1 to some
    "[fd00::1]",
    "[fec0::1]",
    "public.example@127.0.0.1",
    "public.example%40@127.0.0.1",
    "public.example\\@127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost\u3002",
    "a.localhost",
    "localhost.localdomain",
    "localhost4.localdomain4",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
]


@pytest.fixture
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that say how URLs travel, and names that resolve to this machine."""

    async def getaddrinfo(self: object, host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.delenv(name, raising=False)
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)


def addresses(url: str, local: bool = False) -> list[str]:
    return asyncio.run(resolve(read_url(url), local, unencrypted=True))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", [DIRECT, BY_PROXY, PAST_PROXY], indirect=True)
@pytest.mark.parametrize("host", LOCAL_SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_this_machine_is_refused_in_every_spelling_and_on_every_way(host: str, scheme: str) -> None:
    with pytest.raises(AddressRefused, match=r"private network|this machine"):
        addresses(f"{scheme}://{host}/1.mp4")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", [BY_PROXY, PAST_PROXY], indirect=True)
@pytest.mark.parametrize("host", ["169.254.169.254", "0xa9fea9fe", "[::ffff:a9fe:a9fe]"])
def test_a_link_local_address_is_refused_even_beside_a_provider_on_this_machine(host: str) -> None:
    with pytest.raises(AddressRefused, match="link-local"):
        addresses(f"http://{host}/latest/meta-data", local=True)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", [DIRECT, PAST_PROXY], indirect=True)
def test_a_name_that_goes_past_the_proxy_is_checked_once_it_is_resolved() -> None:
    with pytest.raises(AddressRefused, match=r"private network \(127\.0\.0\.1\)"):
        addresses("https://cdn.example/1.mp4")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", [BY_PROXY], indirect=True)
@pytest.mark.parametrize("host", ["cdn.example", "8.8.8.8", "134744072"])
def test_what_a_proxy_is_asked_for_is_left_to_it(host: str) -> None:
    assert addresses(f"https://{host}/1.mp4") == []


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", [BY_PROXY], indirect=True)
@pytest.mark.parametrize(
    "host", ["intranet", "nas.local", "metadata.google.internal", "a.home.arpa."]
)
def test_a_name_of_private_networks_is_not_asked_of_a_proxy(host: str) -> None:
    with pytest.raises(AddressRefused, match="leads into a private network"):
        addresses(f"https://{host}/1.mp4")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", [DIRECT, PAST_PROXY], indirect=True)
@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("localhost", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("134744072", "8.8.8.8"),
    ],
)
def test_beside_a_provider_on_this_machine_it_may_be_fetched_from(host: str, address: str) -> None:
    assert addresses(f"http://{host}:8026/1.mp4", local=True) == [address]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", [{"HTTPS_PROXY": "http://proxy.example:3128"}], indirect=True)
def test_a_proxy_of_the_other_scheme_does_not_count() -> None:
    assert addresses("https://cdn.example/1.mp4") == []
    with pytest.raises(AddressRefused, match="private network"):
        addresses("http://cdn.example/1.mp4")


@pytest.mark.parametrize(
    "text",
    [
        " https://a.example/1.mp4\n",
        '"https://a.example/1.mp4"',
        "'https://a.example/1.mp4'",
        "<https://a.example/1.mp4>",
        "\ufeff\u201chttps://a.example/1.mp4\u201d",
        "`https://a.example/1.\r\nmp4`",
    ],
)
def test_what_surrounds_a_url_is_not_part_of_it(text: str) -> None:
    assert read_url(text) == "https://a.example/1.mp4"
