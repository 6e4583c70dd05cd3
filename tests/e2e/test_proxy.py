"""ComfyUI behind a reverse proxy that serves it under a path of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from .graph import ADD


@pytest.fixture
def proxied(comfy: Any) -> Iterator[Any]:
    """The same ComfyUI, at the address that the proxy gives it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    program = [python, str(Path(__file__).with_name("proxy.py")), str(port), comfy.url]
    with subprocess.Popen(program) as process:
        there = evolve(comfy, url=f"http://127.0.0.1:{port}/studio")
        deadline = time.monotonic() + 20
        while True:
            try:
                there.get("/system_stats")
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield there
        process.kill()


def test_under_a_path_of_its_own_the_panel_shows_and_plays_what_the_node_made(
    comfy: Any, proxied: Any, open_page: Callable[..., Any], artefacts: Path
) -> None:
    page = open_page(evolve(proxied, url=f"{proxied.url}/"))
    values = {"prompt": "Behind a proxy", "provider": "kie", "seed": 4}
    page.evaluate(ADD, ["Kling26Video", [0, 0], values])
    page.get_by_test_id("queue-button").click()
    page.get_by_role("button", name="Kling 2.6", exact=True).click()
    panel = page.get_by_role("region", name="Kling 2.6")
    panel.get_by_label("Search prompts").fill("Behind a proxy")
    row = panel.locator("li", has_text="Behind a proxy")
    row.get_by_role("button", name="Play").click(timeout=60_000)
    page.wait_for_function("() => document.querySelector('.kling26-task video')?.duration > 0")
    page.screenshot(path=artefacts / "proxy.png")
    pictures = row.locator("img").evaluate_all("(all) => all.map((each) => each.naturalWidth)")

    assert page.locator(".kling26-status").inner_text().startswith("kie.ai · done")
    assert all(width > 0 for width in pictures)
