"""What reaches the page has no path of the machine, whatever is broken there."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from kling26.comfy_bridge.node import execute
from kling26.comfy_bridge.running import NodeError
from kling26.core import Progress, SettingsError
from kling26.core.keys import Keys
from kling26.core.plugins import Registry
from kling26.core.settings import Settings


def _break(home: Path, name: str) -> None:
    home.mkdir(exist_ok=True)
    (home / name).write_text("= broken")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["keys.toml", "config.toml", "journal.sqlite3"])
@pytest.mark.parametrize("provider", ["kie", "auto"])
def test_a_broken_file_is_named_without_its_folder(
    comfyui: Any, registry: Registry, values: dict[str, Any], hidden: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, name: str, language: str, provider: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("kling26.comfy_bridge.node.language_of", lambda _: language)
    _break(tmp_path / "home", name)
    values = {**values, "provider": {"provider": provider}}
    with pytest.raises(NodeError) as caught:
        asyncio.run(execute(registry, values, hidden))

    assert name in comfyui.last_text()
    assert str(tmp_path) not in str(caught.value) + json.dumps(comfyui.sent)


def test_why_a_provider_is_passed_over_is_told_without_a_folder(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    _break(tmp_path / "home", "keys.toml")
    with pytest.raises(SettingsError) as broken:
        Keys(Settings()).find(registry["kie"])
    runner.steps = [Progress("k1", "kie", "note", message=str(broken.value))]
    runner.go = False

    async def prompt() -> None:
        node = asyncio.create_task(execute(registry, values, hidden))
        while not any("keys.toml" in text for _, text in comfyui.texts()):
            await asyncio.sleep(0.01)
        runner.go = True
        await node

    assert str(tmp_path) in str(broken.value)
    asyncio.run(prompt())
    assert str(tmp_path) not in json.dumps(comfyui.sent)
