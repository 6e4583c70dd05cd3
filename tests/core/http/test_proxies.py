"""How a URL travels, as the environment says; and what is said of what is wrong there."""

import os
import urllib.request

import httpx
import pytest
from kling26.core.errors import NetworkSettingsError, SettingsError, Unreachable
from kling26.core.http import proxies
from kling26.core.http.proxies import proxy_for, read_proxies

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of whoever runs the tests, nor the system's."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(proxies, "getproxies", urllib.request.getproxies_environment)


def way(url: str) -> str | None:
    """The proxy of a URL, as httpx is given it."""
    proxy = proxy_for(httpx.URL(url))
    return None if proxy is None else str(proxy.url)


def complaint() -> str:
    with pytest.raises(NetworkSettingsError) as error:
        read_proxies()
    return str(error.value)


def test_what_is_wrong_with_a_proxy_is_a_setting_and_no_outage() -> None:
    error = NetworkSettingsError("A proxy.")

    assert isinstance(error, SettingsError)
    assert isinstance(error, Unreachable)
    assert error.remedy is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_is_read_from_each_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, PROXY)

    assert way("https://api.kie.ai/") == PROXY


def test_each_scheme_has_a_proxy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)

    assert way("http://cdn.example/") is None


@pytest.mark.parametrize(
    ("value", "used"),
    [
        ("proxy.example:3128", PROXY),
        (' "http://proxy.example:3128" \n', PROXY),
        ("HTTP://proxy.example:3128/", f"{PROXY}/"),
        ("socks://127.0.0.1:7890", "socks5://127.0.0.1:7890"),
        ("socks5h://127.0.0.1:7890", "socks5://127.0.0.1:7890"),
        ("", None),
        (" ", None),
    ],
)
def test_a_proxy_is_understood_as_desktops_and_people_write_it(
    value: str, used: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "find_spec", lambda name: name)
    monkeypatch.setenv("ALL_PROXY", value)

    assert way("https://api.kie.ai/") == used


def test_a_proxy_of_another_kind_that_is_not_used_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GNOME sets all of them."""
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1080")

    read_proxies()


@pytest.mark.parametrize(
    ("value", "shown", "problem"),
    [
        ("proxy.corp:port", "proxy.corp:port", "port is not a number"),
        ("http://proxy.corp:99999", "http://proxy.corp:99999", "port is not a number"),
        ("http://proxy.corp:0", "http://proxy.corp:0", "port is not a number"),
        ("http://[::1", "http://[::1", "not the address of a proxy"),
        ("http://", "http://", "does not name a host"),
        ("http://pro xy:1", "http://pro xy:1", "does not name a host"),
        ("socks4://127.0.0.1:1", "socks4://127.0.0.1:1", "kind of proxy"),
        ("http://me:secret@proxy:x", "http://…@proxy:x", "port is not a number"),
        ("http://me:se#cret@proxy:1", "http://…@proxy:1", "have to be percent-encoded"),
        ("http://me:se/cret@:1", "http://…@:1", "have to be percent-encoded"),
        ("http://me:se@cr/et#@proxy:1", "http://…@proxy:1", "(%40 for @, %2F for /"),
        ("http://xn--a:9", "http://xn--a:9", "not the address of a proxy"),
        ("quic://me:a://secret@b", "quic://…@b", "kind of proxy"),
        ("me:a://secret@b:x", "…@b:x", "have to be percent-encoded"),
        ("http://proxy:3128:me:secret", "http://proxy:3128…", "not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    value: str, shown: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)

    said = complaint()

    assert said.startswith(f'HTTPS_PROXY is "{shown}", ')
    assert problem in said
    assert said.endswith(":PORT, or unset it.")
    assert "cret" not in said


def test_a_socks_proxy_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxies, "find_spec", lambda name: None)
    monkeypatch.setenv("all_proxy", "socks5h://127.0.0.1:7890")

    assert complaint() == (
        'all_proxy is "socks5h://127.0.0.1:7890", and a SOCKS proxy needs the package socksio. '
        "Install kling26[socks], or set the address of an http:// proxy."
    )


def test_a_proxy_of_the_system_is_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "getproxies", lambda: {"https": "socks4://127.0.0.1:1080"})

    assert complaint().startswith('The system\'s proxy for https is "socks4://127.0.0.1:1080"')


def test_what_stays_on_this_machine_is_not_sent_to_the_proxy_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key may travel by plain http only because of that."""
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    assert way("http://127.0.0.1:8026/") is None

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3128")
    assert way("http://127.0.0.1:8026/") == "http://127.0.0.1:3128"


DIRECT = [
    ("*", "https://a.example/"),
    ("cdn.example", "https://cdn.example/"),
    ("cdn.example", "https://a.cdn.example/"),
    ("CDN.example.", "https://cdn.example/"),
    (".cdn.example", "https://a.cdn.example/"),
    ("*.cdn.example", "https://a.cdn.example/"),
    ("x.example, cdn.example", "https://cdn.example/"),
    ("x.example cdn.example", "https://cdn.example/"),
    ("cdn.example:443", "https://cdn.example/"),
    ("cdn.example:8443", "https://cdn.example:8443/"),
    ("https://cdn.example", "https://cdn.example/"),
    ("93.184.215.14", "https://93.184.215.14/"),
    ("93.184.0.0/16", "https://93.184.215.14/"),
    ("93.184.215.14:8443", "https://93.184.215.14:8443/"),
    ("2606:4700::1", "https://[2606:4700::1]/"),
    ("[2606:4700::1]", "https://[2606:4700::1]/"),
    ("[2606:4700::1]:443", "https://[2606:4700::1]/"),
    ("2606:4700::/32", "https://[2606:4700::1]/"),
    ("xn--bcher-kva.example", "https://bücher.example/"),
    ("bücher.example", "https://bücher.example/"),
    ("localhost", "https://localhost/"),
]
PROXIED = [
    ("", "https://cdn.example/"),
    (".cdn.example", "https://cdn.example/"),
    ("dn.example", "https://cdn.example/"),
    ("cdn.example:8443", "https://cdn.example/"),
    ("cdn.example", "https://cdn.example.org/"),
    ("http://cdn.example", "https://cdn.example/"),
    ("93.184.0.0/16", "https://93.185.215.14/"),
    ("2606:4700::/32", "https://93.184.215.14/"),
    ("93.184.0.0/16", "https://cdn.example/"),
]


@pytest.mark.parametrize(("value", "url"), DIRECT)
def test_no_proxy_leads_past_the_proxy(
    value: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", value)

    assert way(url) is None


@pytest.mark.parametrize(("value", "url"), PROXIED)
def test_no_proxy_counts_for_nothing_else(
    value: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("no_proxy", value)

    assert way(url) == PROXY


@pytest.mark.parametrize("entry", ["http://[::1", "[x]", "a:b", ":8080", ".", "http://me:pw@a:b"])
def test_an_entry_of_no_proxy_that_means_nothing_is_named(
    entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", f"localhost,{entry}")

    said = complaint()

    assert said.startswith('In NO_PROXY, "')
    assert "is not a host or a network. Set NO_PROXY to a list such as localhost," in said
    assert "me:pw" not in said


def test_no_proxy_at_all_forgives_what_is_wrong_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.corp:port")
    monkeypatch.setenv("NO_PROXY", "*")

    read_proxies()
