"""The emulator by itself: it turns away what fal.ai would."""

from typing import Any

import httpx
import pytest
from kling26.sandbox import Conditions, SandboxTransport
from kling26.testing import run
from kling26_fal_sandbox import STORE, FalSandbox

MODEL = "https://queue.fal.run/fal-ai/kling-video/v2.6/pro/text-to-video"
REQUESTS = "https://queue.fal.run/fal-ai/kling-video/requests"
INITIATE = "https://rest.fal.ai/storage/upload/initiate"
SIGNED = {"Authorization": "Key any"}


def ask(*lines: tuple[str, str, Any], headers: dict[str, str] = SIGNED) -> list[httpx.Response]:
    emulator = FalSandbox()
    hosts = ("https://queue.fal.run", "https://rest.fal.ai", STORE)

    async def work() -> list[httpx.Response]:
        transport = SandboxTransport(dict.fromkeys(hosts, emulator))
        async with httpx.AsyncClient(transport=transport, headers=headers) as client:
            return [await client.request(method, url, json=body) for method, url, body in lines]

    return run(work())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"prompt": "x", "duration": 5}, "duration"),
        ({"prompt": "x", "generate_audio": "on"}, "generate_audio"),
        ({"prompt": "x", "sound": True}, "body"),
        ({"prompt": "x", "cfg_scale": 2}, "cfg_scale"),
        ({"prompt": "x", "end_image_url": "https://a.example/1.png"}, "body"),
    ],
)
def test_a_wrong_body(body: object, field: str) -> None:
    (reply,) = ask(("POST", MODEL, body))

    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"][-1] == field


def test_sound_is_on_unless_it_is_switched_off() -> None:
    emulator = FalSandbox()

    async def work() -> None:
        transport = SandboxTransport({"https://queue.fal.run": emulator})
        async with httpx.AsyncClient(transport=transport, headers=SIGNED) as client:
            await client.post(MODEL, json={"prompt": "x"})

    run(work())

    assert emulator.accepted[0].clip.sound


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer any"}])
def test_a_key_goes_behind_the_word_key(headers: dict[str, str]) -> None:
    (reply,) = ask(("POST", MODEL, {"prompt": "x"}), headers=headers)

    assert reply.status_code == 401


def test_what_is_not_known() -> None:
    replies = ask(
        ("GET", f"{REQUESTS}/x/status", None),
        ("GET", f"{REQUESTS}/x", None),
        ("PUT", f"{REQUESTS}/x/cancel", None),
        ("POST", MODEL.replace("text", "smell"), {"prompt": "x"}),
    )

    assert [reply.status_code for reply in replies] == [404, 404, 404, 404]


def test_a_result_before_its_time_and_a_cancel_after_it() -> None:
    now = [0.0]
    emulator = FalSandbox(Conditions(clock=lambda: now[0]))

    async def work() -> list[int]:
        transport = SandboxTransport({"https://queue.fal.run": emulator})
        async with httpx.AsyncClient(transport=transport, headers=SIGNED) as client:
            taken = (await client.post(MODEL, json={"prompt": "x"})).json()
            early = await client.get(taken["response_url"])
            now[0] = 2.0
            running = await client.put(taken["cancel_url"])
            now[0] = 9.0
            late = await client.put(taken["cancel_url"])
            return [early.status_code, running.status_code, late.status_code]

    assert run(work()) == [400, 202, 400]


def test_the_store_takes_what_was_announced_and_no_key() -> None:
    place = ("POST", INITIATE, {"file_name": "a.png", "content_type": "image/png"})
    odd = ("POST", INITIATE, {"file_name": "../a.png", "content_type": "image/png"})

    first, second, keyed = ask(place, odd, ("PUT", f"{STORE}/store/a.png", {}))

    assert first.json()["upload_url"] == f"{STORE}/store/a.png"
    assert (second.status_code, keyed.status_code) == (422, 400)
