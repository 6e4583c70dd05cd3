"""
ComfyUI started anew: after a crash, with a plug-in, with a copy of the package beside the folder.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PLUGIN = '''"""A third party's provider, with an option of its own."""

from typing import Literal

import httpx
from attrs import frozen
from kling26.core import Provider, Status, Ticket, hookimpl, option


@frozen
class AcmeOptions:
    style: Literal["plain", "film"] = option("film", label="Style", help="The look.")


class Acme(Provider):
    name = "acme"
    title = "Acme Video"
    key_variable = "ACME_API_KEY"
    base_url = "https://api.acme.example"
    Options = AcmeOptions

    def submit(self, request, options):
        reply = yield httpx.Request("POST", f"{self.base_url}/videos", json={})
        return Ticket(reply.json()["id"])

    def poll(self, ticket):
        reply = yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
        return Status("succeeded", url=reply.json()["url"])

    def price(self, request, options):
        return 0.1 if options.style == "plain" else 0.2


@hookimpl
def kling26_providers():
    return [Acme()]
'''


def test_a_third_partys_provider_shows_after_a_restart(
    start: Callable[..., Any],
    install: Callable[..., None],
    tmp_path: Path,
    node: Callable[..., Any],
    save: Callable[..., Any],
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    before = start(tmp_path / "comfyui", {}, python_path=str(packages))
    choice = _choice(before)
    before.stop()
    install(packages, "kling26-acme", {"kling26_acme": PLUGIN}, "acme = kling26_acme")
    after = start(tmp_path / "comfyui", {}, python_path=str(packages))
    options = {each["key"]: each["inputs"].get("optional", {}) for each in _choice(after)}
    run = after.run({"1": node("Acme", "acme", provider__style="plain"), "2": save("1")})

    assert [each["key"] for each in choice] == ["auto", "kie", "apikley", "cometapi", "runcomfy"]
    assert list(options) == ["auto", "kie", "apikley", "cometapi", "runcomfy", "acme"]
    assert options["acme"]["style"][1]["default"] == "film"
    assert "Acme Video needs an API key" in run.error


def _choice(comfy: Any) -> list[Any]:
    info = comfy.get("/object_info/Kling26Video")["Kling26Video"]
    return list(info["input"]["optional"]["provider"][1]["options"])


def test_a_removed_plug_in_is_named_and_nothing_else_is_paid(
    start: Callable[..., Any], tmp_path: Path, node: Callable[..., Any], save: Callable[..., Any]
) -> None:
    comfy = start(tmp_path / "comfyui", {"KIE_API_KEY": "any"})
    run = comfy.run({"1": node("Acme", "acme"), "2": save("1")})

    assert 'There is no provider "acme"' in run.error


@pytest.mark.parametrize("name", ["kling26", "ComfyUI Kling-2.6 (copy)"])
def test_an_installed_package_beside_the_folder_is_one_copy(
    start: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    packages = tmp_path / "packages"
    ignored = shutil.ignore_patterns(".*", "tests", "cassettes", "__pycache__")
    shutil.copytree(REPOSITORY, packages / "kling26", ignore=ignored)
    comfy = start(tmp_path / "comfyui", {}, name=name, python_path=str(packages))
    modules = comfy.get("/kling26-probe/modules")

    assert list(modules) == ["kling26.core.provider"]
    assert len(_choice(comfy)) == 5  # auto, and the four
    assert comfy.trouble == []


def test_a_killed_comfyui_pays_for_nothing_twice(
    start: Callable[..., Any],
    providers: Any,
    tmp_path: Path,
    node: Callable[..., Any],
    save: Callable[..., Any],
) -> None:
    providers.pace("kie", queued=0.5, running=4.0)
    environment = {**providers.environment, "KIE_API_KEY": "any"}
    before = len(providers.tasks("kie"))
    prompt = {"1": node("Killed on the way"), "2": save("1", "killed")}
    comfy = start(tmp_path / "comfyui", environment)
    comfy.request("POST", "/prompt", {"prompt": prompt})
    deadline = time.monotonic() + 20
    while len(providers.tasks("kie")) == before and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.3)
    comfy.process.kill()
    comfy.process.wait()
    again = start(tmp_path / "comfyui", environment)
    run = again.run(prompt)

    assert run.end == "execution_success"
    assert len(providers.tasks("kie")) == before + 1
    assert list(again.output.glob("killed_*.mp4"))
