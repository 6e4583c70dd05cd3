"""Prices, costs and balances of each provider, through the runner and its emulator."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kling26.core import Balance, Flow, ImageFile, Price, UsageError, VideoRequest
from kling26.core.provider import Provider
from kling26.providers.kie import Kie
from kling26.providers.runcomfy import RunComfy, RunComfyOptions
from kling26.sandbox.kie import KieSandbox
from kling26.sandbox.runcomfy import RunComfySandbox
from kling26.testing import Stage

Stages = Callable[..., Stage]
PRO = {"mode": "pro"}


def left(stage: Stage) -> Balance:
    async def work() -> Balance:
        async with stage.runner() as runner:
            return await runner.balance(stage.provider.name, sandbox=True)

    return stage.run(work())


@pytest.mark.parametrize(
    ("name", "sound", "options", "price"),
    [
        ("kie", True, None, Price(110, "credits", 0.55, "list")),
        ("kie", False, None, Price(55, "credits", 0.275, "list")),
        ("apikley", False, None, Price()),
        ("cometapi", False, None, Price(0.21, "USD", 0.21, "list")),
        ("cometapi", True, PRO, Price(0.7, "USD", 0.7, "list")),
        ("runcomfy", False, None, Price(0.35, "USD", 0.35, "quote")),
        # Its emulator says in words alone that sound costs more, as the service may.
        ("runcomfy", True, None, Price()),
    ],
)
def test_the_price_before_is_what_is_taken(
    stage: Stages, name: str, sound: bool, options: dict[str, object] | None, price: Price
) -> None:
    at = stage(name)

    async def preview() -> Price:
        async with at.runner() as runner:
            request = VideoRequest("A heron", sound=sound)
            return (await runner.preview(request, name, options, sandbox=True)).price

    assert at.run(preview()) == price
    before = left(at)
    at.generate(sound=sound, options=options)
    if price.amount is not None:
        assert before.amount - left(at).amount == pytest.approx(price.amount)


@pytest.mark.parametrize(
    ("name", "balance"),
    [
        ("kie", Balance(10_000, "credits", 50.0)),
        ("apikley", Balance(10_000, "credits")),
        ("cometapi", Balance(100, "USD", 100)),
        ("runcomfy", Balance(100, "USD", 100)),
    ],
)
def test_a_balance_is_in_usd_too_where_the_unit_has_a_price(
    stage: Stages, name: str, balance: Balance
) -> None:
    assert left(stage(name)) == balance


class Silent(Kie):
    balance = Provider.balance


def test_a_provider_that_cannot_be_asked_says_where_to_look(stage: Stages) -> None:
    with pytest.raises(UsageError, match=r"kie\.ai has no API .*; see https://kie\.ai/logs\."):
        left(stage(Silent(), KieSandbox))


@pytest.mark.parametrize("times", [1, 2])
def test_a_cost_that_comes_late_is_known_in_the_end(stage: Stages, times: int) -> None:
    at = stage("runcomfy")
    at.fault("late_cost", times=times)
    at.generate()

    assert (at.task().cost, at.task().cost_usd) == (0.35, 0.35)
    assert at.paid == 1


class Misquoted(RunComfy):
    """Asks where a web page, or nothing, is."""

    path = ""

    def quote(self, request: VideoRequest, options: RunComfyOptions) -> Flow[float | None]:
        asked = self.at({"base_url": f"{self.base_url}{self.path}"})
        return RunComfy.quote(asked, request, options)


@pytest.mark.parametrize("path", ["/nowhere", "/v1/requests"])
def test_a_quote_that_cannot_be_read_stops_no_video(stage: Stages, path: str) -> None:
    provider = Misquoted()
    provider.path = path
    at = stage(provider, RunComfySandbox)

    assert at.generate().file.exists()
    assert at.task().price_usd is None


# -- images -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["file", "URL"])
def test_a_last_frame_reaches_cometapi(stage: Stages, picture: ImageFile, kind: str) -> None:
    at = stage("cometapi")
    end = picture if kind == "file" else "https://pictures.example/fog.png"
    at.generate(image=picture, end_image=end, options=PRO)

    (task,) = at.emulator.accepted
    tail = end.base64() if isinstance(end, ImageFile) else end
    assert (task.body["image"], task.body["image_tail"]) == (picture.base64(), tail)


def test_a_file_reaches_runcomfy_as_a_data_uri(
    stage: Stages, picture: ImageFile, tmp_path: Path
) -> None:
    file: Any = tmp_path / "sea.png"
    file.write_bytes(picture.data)
    at = stage("runcomfy")
    at.generate(image=file)

    (task,) = at.emulator.accepted
    assert task.body["image_url"] == f"data:image/png;base64,{picture.base64()}"
