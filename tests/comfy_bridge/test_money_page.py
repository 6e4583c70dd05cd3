"""The route of the budget: what holds is shown, and what is set counts at once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from kling26.comfy_bridge import money_page
from kling26.comfy_bridge.running import DEFAULTS
from kling26.core.plugins import Registry
from kling26.core.settings import Settings

from .pages import Body, Page

BUDGET = "/kling26/budget"
NONE = {"max_cost_per_day": None, "max_tasks_per_day": None, "max_tasks_per_hour": None}


@pytest.fixture
def page(comfyui: Any, registry: Registry) -> Page:
    money_page.add_routes(registry)
    return Page(comfyui, asyncio.run)


def test_there_are_30_tasks_an_hour_until_the_user_says_otherwise(page: Page) -> None:
    assert page.get(BUDGET) == (200, NONE | {"max_tasks_per_hour": 30})


def test_what_is_given_changes_and_nothing_else(page: Page, tmp_path: Path) -> None:
    page.post(BUDGET, {"max_tasks_per_day": 100})

    changed = page.post(BUDGET, {"max_tasks_per_hour": None, "max_cost_per_day": 2.5})

    assert changed == page.get(BUDGET)
    assert changed == (200, NONE | {"max_cost_per_day": 2.5, "max_tasks_per_day": 100})
    assert Settings(defaults=DEFAULTS).budget.max_tasks_per_hour is None
    assert page.post(BUDGET, {}) == changed
    assert page.post(BUDGET, {"max_tasks_per_day": None, "max_cost_per_day": 0}) == (
        200, NONE | {"max_cost_per_day": 0.0},
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"max_cost_per_day": "5"}, {"max_cost_per_day": True}, {"max_cost_per_day": -1},
        {"max_tasks_per_day": 1.5}, {"max_tasks_per_day": [3]}, {"max_tasks_per_hour": 10**12},
        {"provider": "kie"}, {"max_tasks_per_month": 3}, {"": 1}, {"\ud800": 1},
        Body(b'{"max_cost_per_day": 1e999}'), Body(b'{"max_cost_per_day": NaN}'), [5],
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_nothing_changes(
    page: Page, tmp_path: Path, body: Any
) -> None:
    if isinstance(body, dict):
        body = {"max_tasks_per_day": 7} | body

    status, content = page.post(BUDGET, body)

    assert (status, content["remedy"]) == (400, None)
    assert content["error"].endswith(".")
    assert page.get(BUDGET)[1]["max_tasks_per_day"] is None
    assert not (tmp_path / "home" / "config.toml").exists()


def test_where_the_environment_decides_that_is_said(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING26_MAX_TASKS_PER_HOUR", "5")

    status, content = page.post(BUDGET, {"max_tasks_per_hour": 6, "max_cost_per_day": 1})

    assert (status, "KLING26_MAX_TASKS_PER_HOUR" in content["error"]) == (400, True)
    assert page.get(BUDGET) == (200, NONE | {"max_tasks_per_hour": 5})
    assert not (tmp_path / "home" / "config.toml").exists()


def test_a_wrong_setting_is_said_without_its_place_and_can_be_mended(
    page: Page, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text('max_tasks_per_day = "many"')

    status, content = page.get(BUDGET)
    assert status == 400
    assert content["error"] == (
        '"max_tasks_per_day" in config.toml must be a whole number from 0 up, or "none"; got '
        '"many".'
    )

    assert page.post(BUDGET, {"max_tasks_per_day": 5})[1]["max_tasks_per_day"] == 5
