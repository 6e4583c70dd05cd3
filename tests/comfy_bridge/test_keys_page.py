"""The routes of the settings page: a key goes in and never comes out, and is judged before."""

import asyncio
import json
import logging
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve
from kling26.comfy_bridge import keys_page, money_page
from kling26.core.plugins import Registry, load_sandboxes
from kling26.core.provider import Provider
from kling26.core.runner import background
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings
from kling26.sandbox import rehearsal

from .pages import Page

KEY, WRONG = "sk-never-to-be-seen", "sk-wrong-and-never-to-be-seen"
KIE = "/kling26/keys/kie"


@pytest.fixture
def page(comfyui: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The settings page, with the emulators in place of the providers."""
    at(monkeypatch, registry, rehearsal(registry.providers, load_sandboxes(), Settings()))
    return page_of(comfyui, registry)


def page_of(comfyui: Any, registry: Registry) -> Page:
    keys_page.add_routes(registry)
    money_page.add_routes(registry)
    return Page(comfyui, asyncio.run)


def at(
    monkeypatch: pytest.MonkeyPatch, registry: Registry, transport: httpx.AsyncBaseTransport
) -> None:
    def runner(_: object) -> Runner:
        return Runner(Settings(), registry, transport)

    monkeypatch.setattr(money_page, "shared_runner", runner)


def _kie(page: Page) -> Any:
    return page.get("/kling26/providers")[1]["providers"][0]


def test_every_provider_is_listed_with_its_key_and_prices(page: Page) -> None:
    kie = _kie(page)

    assert (kie["name"], kie["title"], kie["key_variable"]) == ("kie", "kie.ai", "KIE_API_KEY")
    assert kie["tasks_page"].startswith("https://kie.ai")
    assert kie["key"] == {"set": False, "source": None, "problem": None}
    assert {
        "when": {"with_image": False, "with_end_image": False, "sound": True, "duration": 10},
        "usd": 1.1,
    } in kie["prices"]


def test_a_key_is_judged_kept_and_not_given_back(page: Page, tmp_path: Path) -> None:
    status, content = page.post(KIE, {"key": f' "{KEY}" '})

    assert status == 200
    assert content["accepted"] is True
    assert content["balance"] == {"amount": 10000.0, "unit": "credits", "usd": 50.0}
    assert content["note"] == "The quotes are not part of the key and were left out."
    assert _kie(page)["key"] == {"set": True, "source": "keys.toml", "problem": None}
    assert KEY not in json.dumps([content, page.get("/kling26/providers")[1]])
    assert KEY in (tmp_path / "home" / "keys.toml").read_text()

    assert asyncio.run(page.ask("DELETE", KIE))[0] == 200
    assert _kie(page)["key"]["set"] is False


@pytest.mark.parametrize("name", ["kie", "apikley", "cometapi", "runcomfy"])
def test_a_key_that_is_refused_is_not_kept_and_the_old_one_is(
    page: Page, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/kling26/keys/{name}"
    page.post(path, {"key": KEY})
    with caplog.at_level(logging.DEBUG):
        status, content = page.post(path, {"key": WRONG})

    assert 400 <= status < 500
    assert "does not accept the key" in content["error"]
    assert content["remedy"] == {"do": "set_key", "command": f"kling26 keys set {name}"}
    assert KEY in (tmp_path / "home" / "keys.toml").read_text()
    assert WRONG not in (tmp_path / "home" / "keys.toml").read_text()
    assert WRONG not in caplog.text + json.dumps(content)


@pytest.mark.parametrize("name", ["kie", "apikley", "cometapi", "runcomfy"])
def test_a_key_is_judged_without_being_kept(page: Page, tmp_path: Path, name: str) -> None:
    path = f"/kling26/providers/{name}/check"

    assert page.post(path, {"key": WRONG}) == (200, {"accepted": False, "balance": None})
    status, content = page.post(path, {"key": KEY})
    assert (status, content["accepted"]) == (200, True)
    assert content["balance"]["amount"] > 0
    assert not (tmp_path / "home" / "keys.toml").exists()

    assert page.post(path, {"kee": KEY})[1]["error"].startswith('"key" must be')
    status, content = page.post(path)
    assert (status, content["remedy"]["do"]) == (400, "set_key")
    page.post(f"/kling26/keys/{name}", {"key": KEY})
    assert page.post(path)[1]["accepted"] is True


def test_the_balance_is_told_to_whoever_has_a_key(page: Page) -> None:
    status, content = page.get("/kling26/providers/kie/balance")
    assert (status, content["error"]) == (400, "kie.ai needs an API key.")
    assert content["remedy"] == {"do": "set_key", "command": "kling26 keys set kie"}

    page.post(KIE, {"key": KEY})

    told = page.get("/kling26/providers/kie/balance")
    assert told == (200, {"amount": 10000.0, "unit": "credits", "usd": 50.0})


@pytest.mark.parametrize("problem", ["broken", "nonsense", "busy", "slow"])
def test_where_the_provider_does_not_say_the_key_is_kept_unchecked(
    comfyui: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, problem: str
) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if problem == "broken":
            raise httpx.ConnectError("refused")
        if problem == "slow":
            await asyncio.sleep(60)
        return httpx.Response(429 if problem == "busy" else 200, content=b"<html>")

    monkeypatch.setattr("kling26.core.runner.key_check._TIMEOUT", 0.05)
    at(monkeypatch, registry, httpx.MockTransport(answer))
    page = page_of(comfyui, registry)

    status, content = page.post(KIE, {"key": KEY})

    assert (status, content["accepted"], content["balance"]) == (200, None, None)
    assert content["note"].startswith("Kept, not checked. kie.ai ")
    assert KEY in (tmp_path / "home" / "keys.toml").read_text()
    assert page.post("/kling26/providers/kie/check", {"key": KEY}) == (
        200, {"accepted": None, "balance": None},
    )  # fmt: skip


def test_of_two_keys_the_one_that_was_entered_last_is_kept(
    comfyui: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, later = threading.Event(), asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"].endswith("-old"):
            asked.set()
            await later.wait()
        return httpx.Response(200, json={"code": 200, "msg": "success", "data": 1})

    at(monkeypatch, registry, httpx.MockTransport(answer))
    page = page_of(comfyui, registry)

    async def enter() -> tuple[int, int]:
        slow = asyncio.ensure_future(page.ask("POST", KIE, {"key": f"{KEY}-old"}))
        while not asked.is_set():
            await asyncio.sleep(0)
        status, _ = await page.ask("POST", KIE, {"key": f"{KEY}-new"})
        background.loop().call_soon_threadsafe(later.set)
        return status, (await slow)[0]

    assert asyncio.run(enter()) == (200, 409)
    assert f"{KEY}-new" in (tmp_path / "home" / "keys.toml").read_text()


def test_where_there_is_no_free_way_to_ask_the_key_is_kept_unchecked(
    comfyui: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute(type(registry["kie"])):  # type: ignore[misc]
        balance = Provider.balance

    mute = evolve(registry, providers={"kie": Mute()})
    assert not mute["kie"].can("balance")
    at(monkeypatch, mute, httpx.MockTransport(lambda _: httpx.Response(500)))
    page = page_of(comfyui, mute)

    status, content = page.post(KIE, {"key": KEY})

    assert (status, content["accepted"]) == (200, None)
    assert content["note"] == "Kept, not checked: kie.ai has no free way to ask."
    assert page.get("/kling26/providers/kie/balance")[0] == 400


def test_where_everything_is_a_rehearsal_nothing_leaves_this_machine(
    comfyui: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING26_SANDBOX", "1")
    at(monkeypatch, registry, httpx.MockTransport(lambda _: pytest.fail("It was asked.")))
    status, content = page_of(comfyui, registry).post(KIE, {"key": KEY})

    assert (status, content["accepted"]) == (200, None)
    assert "rehearsal" in content["note"]


@pytest.mark.parametrize(
    "key",
    ["", "  ", None, 5, ["x"], {"key": "x"}, "x" * 3000, "\ud800" * 9, "a\0b", "with a space"],
)
def test_what_cannot_be_a_key_is_refused_without_being_quoted(
    page: Page, tmp_path: Path, key: Any
) -> None:
    for path in (KIE, "/kling26/providers/kie/check"):
        status, content = page.post(path, {"key": key})

        assert status == 400
        assert "key" in content["error"]
        assert "with a space" not in content["error"]
    assert page.post(KIE)[0] == 400
    assert not (tmp_path / "home" / "keys.toml").exists()


@pytest.mark.parametrize("name", ["nobody", "auto", "%00", "k26\udce9"])
def test_an_unknown_provider_is_said(page: Page, name: str) -> None:
    for status, content in (
        page.post(f"/kling26/keys/{name}", {"key": KEY}),
        asyncio.run(page.ask("DELETE", f"/kling26/keys/{name}")),
        page.get(f"/kling26/providers/{name}/balance"),
        page.post(f"/kling26/providers/{name}/check"),
    ):
        assert status == 404
        assert content["error"].endswith(".")


def test_a_key_in_the_environment_is_named_as_such(
    page: Page, comfyui: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIE_API_KEY", KEY)
    assert _kie(page)["key"]["source"] == "environment"

    class Two(type(registry["kie"])):  # type: ignore[misc]
        other_key_variables = ("KIE_TOKEN",)

    monkeypatch.delenv("KIE_API_KEY")
    monkeypatch.setenv("KIE_TOKEN", KEY)
    two = page_of(comfyui, evolve(registry, providers={"kie": Two()}))
    assert _kie(two)["key_variable"] == "KIE_TOKEN"

    monkeypatch.setenv("KIE_API_KEY", "with a space")
    assert "KIE_API_KEY" in _kie(page)["key"]["problem"]


def test_where_the_keys_are_is_not_said(page: Page, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "keys.toml").write_text("kie = [")

    said = json.dumps([page.get("/kling26/providers"), page.post(KIE, {"key": KEY})])

    assert "keys.toml" in said
    assert str(tmp_path) not in said


def test_who_shares_the_keys_is_said(page: Page, comfyui: Any) -> None:
    assert page.get("/kling26/providers")[1]["shared"] is False

    comfyui.arguments.multi_user = True

    assert page.get("/kling26/providers")[1]["shared"] is True


def test_without_a_server_there_are_no_routes(comfyui: Any, registry: Registry) -> None:
    comfyui.modules["server"].PromptServer.instance = None
    keys_page.add_routes(registry)

    assert comfyui.routes == {}
