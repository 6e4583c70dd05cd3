"""Who may use the routes."""

import pytest
from kling26.comfy_bridge.guard import Guard, Headers

HERE = "127.0.0.1:8188"


def headers(**values: str | tuple[str, ...]) -> Headers:
    """``headers(sec_fetch_site="none")``"""
    return {
        name.replace("_", "-"): (value,) if isinstance(value, str) else value
        for name, value in values.items()
    }


def problem(
    given: Headers, *hosts: str, method: str = "POST", loopback_only: bool = True
) -> str | None:
    return Guard(loopback_only, lambda: hosts).problem(method, given)


@pytest.mark.parametrize(
    ("given", "of_get", "of_post"),
    [
        (headers(host=HERE, origin=f"http://{HERE}"), None, None),
        (headers(host=HERE, origin=f"HTTP://{HERE}", sec_fetch_site="same-origin"), None, None),
        (headers(host=HERE, sec_fetch_site="same-origin"), None, None),
        (headers(host="localhost", origin="http://localhost:80"), None, None),
        (headers(host="[::1]:8188", origin="http://[::1]:8188"), None, None),
        # The user's own doing, or an old browser: only where nothing is changed.
        (headers(host=HERE), None, "foreign"),
        (headers(host=HERE, sec_fetch_site="none"), None, "foreign"),
        (headers(host=HERE, sec_fetch_site="none", origin=f"http://{HERE}"), None, "foreign"),
        # Another page.
        (headers(host=HERE, sec_fetch_site="cross-site"), "foreign", "foreign"),
        (headers(host=HERE, sec_fetch_site="same-site"), "foreign", "foreign"),
        (headers(host=HERE, sec_fetch_site=""), "foreign", "foreign"),
        (headers(host=HERE, sec_fetch_site=("same-origin", "cross-site")), "foreign", "foreign"),
        (headers(host=HERE, origin="null"), "foreign", "foreign"),
        (headers(host=HERE, origin="null", sec_fetch_site="same-origin"), "foreign", "foreign"),
        (headers(host=HERE, origin=""), "foreign", "foreign"),
        (headers(host=HERE, origin="http://evil.example"), "foreign", "foreign"),
        (headers(host=HERE, origin="http://evil.example", sec_fetch_site="same-origin"),
         "foreign", "foreign"),
        (headers(host=HERE, origin="http://127.0.0.1:9999"), "foreign", "foreign"),
        (headers(host=HERE, origin="http://localhost:8188"), "foreign", "foreign"),
        (headers(host=HERE, origin=f"ftp://{HERE}"), "foreign", "foreign"),
        (headers(host=HERE, origin=f"http://{HERE}/"), "foreign", "foreign"),
        (headers(host=HERE, origin=f"http://{HERE}@evil.example"), "foreign", "foreign"),
        (headers(host=HERE, origin=(f"http://{HERE}", "http://evil.example")),
         "foreign", "foreign"),
        # A name that is not ours, or none.
        (headers(host="evil.example", origin="http://evil.example"), "host", "host"),
        (headers(host="evil.example", sec_fetch_site="same-origin"), "host", "host"),
        (headers(host="127.0.0.1.evil.example"), "host", "host"),
        (headers(host="0.0.0.0:8188", sec_fetch_site="same-origin"), "host", "host"),
        (headers(host=(HERE, "evil.example"), sec_fetch_site="same-origin"), "host", "host"),
        (headers(sec_fetch_site="same-origin"), "host", "host"),
        (headers(host="", sec_fetch_site="same-origin"), "host", "host"),
        (headers(host="user@127.0.0.1", sec_fetch_site="same-origin"), "host", "host"),
        (headers(host="127.0.0.1:x", sec_fetch_site="same-origin"), "host", "host"),
        (headers(host="\xff", sec_fetch_site="same-origin"), "host", "host"),
    ],
)  # fmt: skip
def test_a_server_of_one_machine_answers_to_its_own_page(
    given: Headers, of_get: str | None, of_post: str | None
) -> None:
    assert problem(given, method="GET") == of_get
    assert problem(given, method="HEAD") == of_get
    assert problem(given) == of_post
    assert problem(given, method="DELETE") == of_post


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (headers(host="studio.lan:8188", origin="http://studio.lan:8188"), None),
        (headers(host="10.0.0.7", origin="https://10.0.0.7"), None),
        (headers(host="studio.lan:8188", origin="http://evil.example"), "foreign"),
        (headers(host="studio.lan:8188", origin="null"), "foreign"),
        (headers(host="studio.lan:8188"), "foreign"),
        (headers(host="studio.lan:8188", sec_fetch_site="cross-site"), "foreign"),
    ],
)
def test_a_server_that_was_opened_answers_to_any_name(given: Headers, expected: str | None) -> None:
    assert problem(given, loopback_only=False) == expected


@pytest.mark.parametrize(
    ("named", "given", "expected"),
    [
        # A proxy that passes its own name on, and one that does not.
        ("kling.example", headers(host="kling.example", origin="https://kling.example"), None),
        ("kling.example", headers(host=HERE, origin="https://kling.example"), None),
        ("kling.example", headers(host=HERE, origin="https://kling.example:8443"), None),
        ("kling.example:8443", headers(host=HERE, origin="https://kling.example:8443"), None),
        ("kling.example:8443", headers(host=HERE, origin="https://kling.example"), "foreign"),
        ("HTTPS://Kling.example./comfy/", headers(host="kling.example", sec_fetch_site="none"),
         "foreign"),
        ("HTTPS://Kling.example./comfy/", headers(host="KLING.EXAMPLE",
                                                  sec_fetch_site="same-origin"), None),
        ("m\xfcnchen.example", headers(host="xn--mnchen-3ya.example",
                                     sec_fetch_site="same-origin"), None),
        ("[fe80::1]", headers(host="[fe80::1]:8188", sec_fetch_site="same-origin"), None),
        ("kling.example", headers(host="evil.kling.example", sec_fetch_site="same-origin"),
         "host"),
        ("kling.example", headers(host="kling.example", origin="https://evil.example"),
         "foreign"),
        ("*", headers(host="evil.example", sec_fetch_site="same-origin"), "host"),
        ("https://", headers(host="evil.example", sec_fetch_site="same-origin"), "host"),
    ],
)  # fmt: skip
def test_a_setting_names_more_hosts(named: str, given: Headers, expected: str | None) -> None:
    assert problem(given, "other.example", named) == expected
