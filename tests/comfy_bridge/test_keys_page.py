"""The routes of the settings page: a key goes in and never comes out."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge import keys_page
from kling26.comfy_bridge.keys_page import providers, set_key, unset_key
from kling26.core.plugins import Registry

KEY = "sk-never-to-be-seen"
BODY = json.dumps({"key": KEY}).encode()
SAME = {"Origin": "http://127.0.0.1:8188", "Host": "127.0.0.1:8188"}


def _kie(registry: Registry) -> Any:
    return providers(registry).content["providers"][0]  # type: ignore[index]


def test_every_provider_is_listed_with_its_key_and_prices(registry: Registry) -> None:
    kie = _kie(registry)

    assert (kie["name"], kie["title"], kie["key_variable"]) == ("kie", "kie.ai", "KIE_API_KEY")
    assert kie["key"] == {"set": False, "source": None, "problem": None}
    assert {
        "when": {"with_image": False, "with_end_image": False, "sound": True, "duration": 10},
        "usd": 1.1,
    } in kie["prices"]


def test_a_key_is_kept_and_not_given_back(registry: Registry, tmp_path: Any) -> None:
    answer = set_key(registry, "kie", SAME, BODY)

    assert answer.status == 200
    assert _kie(registry)["key"] == {"set": True, "source": "keys.toml", "problem": None}
    assert KEY not in json.dumps([answer.content, providers(registry).content])
    assert KEY in (tmp_path / "home" / "keys.toml").read_text()

    assert unset_key(registry, "kie", SAME).status == 200
    assert _kie(registry)["key"]["set"] is False


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (SAME, 200),
        ({**SAME, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({**SAME, "Sec-Fetch-Site": "same-site"}, 403),
        ({**SAME, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**SAME, "Origin": "http://127.0.0.1:9999"}, 403),
        ({**SAME, "Origin": "https://evil.example"}, 403),
        ({**SAME, "Origin": "null"}, 403),
        ({"Host": "127.0.0.1:8188"}, 403),
        ({}, 403),
    ],
)
def test_only_comfyuis_own_page_is_heard(
    registry: Registry, headers: dict[str, str], status: int
) -> None:
    assert set_key(registry, "kie", headers, BODY).status == status
    assert unset_key(registry, "kie", headers).status == status


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b"{}", b'{"key": 5}', b'{"key": "' + b"x" * 5000 + b'"}'],
)
def test_a_body_without_a_key_is_refused(registry: Registry, body: bytes) -> None:
    answer = set_key(registry, "kie", SAME, body)

    assert (answer.status, answer.content) == (400, {"error": 'The body must be {"key": "…"}.'})


def test_what_cannot_be_a_key_is_said_without_it(registry: Registry) -> None:
    answer = set_key(registry, "kie", SAME, json.dumps({"key": "with a space"}).encode())

    assert answer.status == 400
    assert "API key" in str(answer.content)
    assert "with a space" not in str(answer.content)


def test_an_unknown_provider_is_said(registry: Registry) -> None:
    assert "There is no provider" in str(set_key(registry, "nobody", SAME, BODY).content)
    assert "There is no provider" in str(unset_key(registry, "nobody", SAME).content)


def test_a_key_in_the_environment_is_named_as_such(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIE_API_KEY", KEY)
    assert _kie(registry)["key"]["source"] == "environment"

    class Two(type(registry["kie"])):  # type: ignore[misc]
        other_key_variables = ("KIE_TOKEN",)

    monkeypatch.delenv("KIE_API_KEY")
    monkeypatch.setenv("KIE_TOKEN", KEY)
    assert _kie(evolve(registry, providers={"kie": Two()}))["key_variable"] == "KIE_TOKEN"

    monkeypatch.setenv("KIE_API_KEY", "with a space")
    assert "KIE_API_KEY" in _kie(registry)["key"]["problem"]


def test_the_routes_hand_over_what_they_are_given(comfyui: Any, registry: Registry) -> None:
    keys_page.add_routes(registry)

    async def read(_: int) -> bytes:
        return BODY

    request = SimpleNamespace(
        match_info={"provider": "kie"}, headers=SAME, content=SimpleNamespace(read=read)
    )
    calls = {key: asyncio.run(handler(request)) for key, handler in sorted(comfyui.routes.items())}
    assert {status for status, _ in calls.values()} == {200}


def test_without_a_server_there_are_no_routes(comfyui: Any, registry: Registry) -> None:
    comfyui.modules["server"].PromptServer.instance = None
    keys_page.add_routes(registry)

    assert comfyui.routes == {}
