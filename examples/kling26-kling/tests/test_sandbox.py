"""The emulator by itself: it turns away what Kling would."""

from typing import Any

import httpx
import pytest
from kling26.sandbox import SandboxTransport
from kling26.testing import run
from kling26_kling_sandbox import KlingSandbox

HOST = "https://api-singapore.klingai.com"
TEXT, IMAGE = "/text-to-video/kling-2.6", "/image-to-video/kling-2.6"


def ask(*lines: tuple[str, str, Any], key: str = "any") -> list[httpx.Response]:
    async def work() -> list[httpx.Response]:
        transport = SandboxTransport({HOST: KlingSandbox()})
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=transport, headers=headers, base_url=HOST) as client:
            return [await client.request(method, url, json=body) for method, url, body in lines]

    return run(work())


def contents(url: str, last: str | None = None, **settings: object) -> dict[str, object]:
    frames = [{"type": "prompt", "text": "x"}, {"type": "first_frame", "url": url}]
    frames += [{"type": "last_frame", "url": last}] if last else []
    return {"contents": frames, "settings": settings}


URL = "https://pictures.example/kiln.jpg"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (TEXT, {}, "prompt"),
        (TEXT, [], "object"),
        (TEXT, {"prompt": "x" * 2501}, "prompt"),
        (TEXT, {"prompt": "x", "duration": 5}, "duration"),
        (TEXT, {"prompt": "x", "settings": {"duration": "5"}}, "duration"),
        (TEXT, {"prompt": "x", "settings": {"audio": True}}, "audio"),
        (TEXT, {"prompt": "x", "settings": {"audio": "native"}}, "only at 1080p"),
        (TEXT, {"prompt": "x", "options": {"callback_url": "me"}}, "callback_url"),
        (IMAGE, {"prompt": "x"}, "contents"),
        (IMAGE, contents("data:image/png;base64,AAAA"), "first_frame"),
        (IMAGE, contents("AAAA"), "first_frame"),
        (IMAGE, {"contents": [{"type": "prompt", "text": "x"}]}, "first_frame is missing"),
        (IMAGE, contents(URL, "AAAA", resolution="1080p"), "last_frame is neither"),
        (IMAGE, contents(URL, URL), "last_frame only at 1080p"),
        (IMAGE, contents(URL, URL, resolution="1080p", audio="native"), "without sound"),
    ],
)
def test_a_wrong_body(path: str, body: object, words: str) -> None:
    (reply,) = ask(("POST", path, body))

    assert (reply.status_code, reply.json()["code"]) == (400, 1201)
    assert words in reply.json()["message"]


def test_an_id_of_ours_is_taken_once() -> None:
    body = {"prompt": "x", "options": {"external_task_id": "mine"}}

    first, second = ask(("POST", TEXT, body), ("POST", TEXT, body))

    assert first.json()["data"]["external_id"] == "mine"
    assert (second.status_code, second.json()["code"]) == (400, 1201)


def test_tasks_are_told_in_an_array() -> None:
    one = {"prompt": "x", "options": {"external_task_id": "one"}}
    two = {"prompt": "x", "options": {"external_task_id": "two"}}

    *_, both, none = ask(
        ("POST", TEXT, one),
        ("POST", TEXT, two),
        ("GET", "/tasks?external_task_ids=one,two,three", None),
        ("GET", "/tasks?task_ids=1", None),
    )

    assert [task["external_id"] for task in both.json()["data"]] == ["one", "two"]
    assert none.json()["data"] == []


def test_what_is_not_known() -> None:
    (path,) = ask(("POST", "/smell-to-video/kling-2.6", {"prompt": "x"}))
    (key,) = ask(("GET", "/tasks?task_ids=1", None), key="wrong")

    assert (path.status_code, path.json()["code"]) == (404, 1202)
    assert (key.status_code, key.json()["code"]) == (401, 1002)
