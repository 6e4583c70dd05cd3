"""An emulator by declaration: what its tables say is what its service does."""

import base64
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from kling26.sandbox import (
    JSON,
    Answer,
    Base64Upload,
    Conditions,
    DeclaredEmulator,
    EmulatedTask,
    Fields,
    FormUpload,
    PutUpload,
    Submission,
    TaskPhase,
    endpoint,
    object_of,
)
from starlette.requests import Request

from .conftest import Client, Clock

INPUT = object_of(
    {"prompt": {"type": "string"}},
    seconds={"enum": ["5s", "10s"], "default": "10s"},
    audio={"enum": ["off", "loud"], "default": "loud"},
    ratio={"enum": ["16:9", "portrait_9_16", "4:3"]},
    pictures={"type": "array", "items": {"type": "string"}},
)


class Loom(DeclaredEmulator):
    """A service with everything."""

    provider = "loom"
    failure = "The thread is torn."
    submits = {"POST /weave": object_of({"input": INPUT}, hook={}, own={})}
    polls = "GET /cloth/{id}"
    results = "GET /cloth/{id}/film"
    cancels = "DELETE /cloth/{id}"
    balances = "GET /purse"
    credit = 10.0
    uploads = {
        "POST /form": FormUpload(file="thread", urls=["link"]),
        "POST /base64": Base64Upload(data="bytes", name="called"),
        "POST /announce": PutUpload(),
    }
    links = {"me": polls, "film": results}
    fields = Fields(
        prompt="input.prompt",
        duration="input.seconds",
        sound="input.audio",
        aspect_ratio="input.ratio",
        image="input.pictures",
        callback_url="hook",
        external_id="own",
    )
    states = {"queued": "waiting", "succeeded": "woven"}
    refusals = {"credit": (402, 7, "Poor"), "invalid": (400, 9, "Bad: {problem}")}
    ids = "cloth-{}"
    cancellable: ClassVar[tuple[TaskPhase, ...]] = ("queued", "running")
    told: ClassVar[tuple[TaskPhase, ...]] = (
        "queued",
        "running",
        "succeeded",
        "failed",
        "cancelled",
    )
    standard_webhooks = True

    def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        return {"id": task.id, "state": self.state(task, phase), "url": url, **self.urls(task)}

    def refusal(self, code: int | str | None, text: str) -> JSON:
        return {"code": code, "text": text}

    def check(self, asked: Submission, body: JSON) -> str | None:
        return "own: no smoke" if asked.external_id == "smoke" else None

    def cost(self, task: EmulatedTask) -> float:
        return 2.5

    @endpoint("GET /looms")
    async def looms(self, request: Request) -> Answer:
        return 203, {"looms": request.query_params.get("n")}


class LoomClient(Client):
    name, build, host = "loom", Loom, "https://loom.example"

    def weave(self, /, **fields: object) -> Any:
        top = {name: fields.pop(name) for name in ("hook", "own") if name in fields}
        return self.post("/weave", {"input": {"prompt": "Warp", **fields}, **top}).json()

    def ask(self, task_id: str) -> httpx.Response:
        return self.get(f"/cloth/{task_id}")


@pytest.fixture
def loom(conditions: Conditions) -> LoomClient:
    return LoomClient(Loom(conditions), LoomClient.host)


def states(loom: LoomClient) -> list[object]:
    return [body["state"] for _, body in loom.app.callbacks]


def test_a_task_comes_to_its_end(loom: LoomClient, clock: Clock) -> None:
    made = loom.weave()
    clock.now += 1.5
    running = loom.ask(made["id"]).json()
    clock.now += 2.0
    done, film = loom.ask(made["id"]).json(), loom.get(f"/cloth/{made['id']}/film").json()

    assert [made["state"], running["state"], done["state"]] == ["waiting", "running", "woven"]
    assert made["id"].startswith("cloth-1790000000")
    assert (made["me"], made["film"]) == tuple(
        f"https://loom.example/cloth/{made['id']}{end}" for end in ("", "/film")
    )
    # The video is in the result, and only there.
    assert (running["url"], done["url"]) == (None, None)
    assert loom.get(film["url"].removeprefix(loom.base)).content


def test_what_a_body_leaves_out_is_what_its_schema_says(loom: LoomClient) -> None:
    loom.weave()
    loom.weave(seconds="5s", audio="off", ratio="portrait_9_16", hook="https://me.example", own="w")
    loom.weave(ratio="4:3")
    usual, other, third = loom.app.accepted

    assert (usual.clip.seconds, usual.clip.sound) == (10, True)
    assert (usual.clip.width, usual.clip.height) == (320, 180)
    assert (other.clip.seconds, other.clip.sound) == (5, False)
    assert (other.clip.width, other.clip.height) == (180, 320)
    assert (other.callback_url, other.external_id, other.model) == (
        "https://me.example",
        "w",
        "weave",
    )
    assert (third.clip.width, third.clip.height) == (320, 240)


def test_pictures_are_kept_as_they_were_given(
    loom: LoomClient, picture: Callable[..., bytes]
) -> None:
    tall, wide = picture(200, 400), picture(400, 200)
    form = {"thread": ("tall.png", tall, "image/png")}
    stored = loom.request("POST", "/form", files=form).json()["link"]
    inline = f"data:image/png;base64,{base64.b64encode(wide).decode()}"
    loom.weave(pictures=[stored, inline])
    loom.weave(pictures=["https://elsewhere.example/1.png"])
    task, other = loom.app.accepted

    assert task.images == (tall, wide)
    assert (task.clip.width, task.clip.height) == (160, 320)
    assert other.images == ("https://elsewhere.example/1.png",)


@pytest.mark.parametrize("picture", ["nonsense", "data:image/png;base64,AAAA", "ftp://a.example/1"])
def test_a_picture_that_is_none(loom: LoomClient, picture: str) -> None:
    refused = loom.weave(pictures=[picture])

    assert refused["code"] == 9
    assert refused["text"].endswith("input.pictures is neither a URL nor an image")
    assert loom.app.accepted == []


def test_the_bytes_of_pictures_are_not_written_into_a_folder(
    tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    tasks = [Loom(Conditions(folder=tmp_path)) for _ in range(2)]
    loom = LoomClient(tasks[0], LoomClient.host)
    inline = base64.b64encode(picture()).decode()
    loom.weave(pictures=[inline, "https://elsewhere.example/1.png"])

    ((digest, url),) = [task.images for task in tasks[1].accepted]
    assert str(digest).startswith("sha256:")
    assert url == "https://elsewhere.example/1.png"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"seconds": 5}, "Bad: input.seconds: 5 is not one of ['5s', '10s']"),
        ({"colour": "red"}, "Bad: input: Additional properties are not allowed"),
        ({"own": "smoke"}, "Bad: own: no smoke"),
    ],
)
def test_a_wrong_body(loom: LoomClient, fields: dict[str, object], words: str) -> None:
    assert loom.weave(**fields)["text"].startswith(words)


def test_an_id_of_the_client_is_taken_once(loom: LoomClient) -> None:
    assert "id" in loom.weave(own="mine")
    assert loom.weave(own="mine")["text"] == "Bad: own: a task with this id already exists"


def test_refusals_are_those_of_http_unless_the_table_has_them(loom: LoomClient) -> None:
    said = {reason: loom.app.no(reason) for reason in ("key", "credit", "error_in_200")}

    assert said["key"] == (401, {"code": None, "text": "The key is not valid"})
    assert said["credit"] == (402, {"code": 7, "text": "Poor"})
    assert said["error_in_200"][0] == 200
    assert loom.app.no("maintenance")[0] == 503
    assert loom.get("/nowhere").status_code == 404


def test_refusals_may_be_problem_json(conditions: Conditions) -> None:
    class Plain(Loom):
        problem_json = True
        refusals: ClassVar[dict[str, Any]] = {"credit": (402, 7, "Poor")}

    loom = LoomClient(Plain(conditions), LoomClient.host)
    refused = loom.post("/weave", {})
    gone = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Not found"}

    assert loom.ask("none").json() == gone
    assert loom.app.no("credit") == (
        402,
        {
            "type": "about:blank",
            "title": "Payment Required",
            "status": 402,
            "detail": "Poor",
            "code": 7,
        },
    )
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "'input' is a required property",
    )


def test_the_webhook_is_told_of_each_phase(loom: LoomClient, clock: Clock) -> None:
    loom.weave(hook="https://me.example")
    assert states(loom) == ["waiting"]
    clock.now += 1.5
    assert states(loom) == ["waiting", "running"]
    clock.now += 2.0
    assert states(loom) == ["waiting", "running", "woven"]


def test_the_webhook_is_told_of_a_failure(loom: LoomClient, clock: Clock) -> None:
    loom.weave(hook="https://me.example", prompt="Warp [fail]")
    clock.now += 9.0

    assert states(loom) == ["waiting", "running", "failed"]


@pytest.mark.parametrize(("after", "passed"), [(0.0, ["waiting"]), (1.5, ["waiting", "running"])])
def test_the_webhook_is_told_of_a_cancel(
    loom: LoomClient, clock: Clock, after: float, passed: list[str]
) -> None:
    made = loom.weave(hook="https://me.example")
    clock.now += after
    cancelled = loom.request("DELETE", f"/cloth/{made['id']}")
    clock.now += 60.0

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert states(loom) == [*passed, "cancelled"]


def test_what_is_done_is_not_cancelled(loom: LoomClient, clock: Clock) -> None:
    made = loom.weave()
    clock.now += 60.0

    assert loom.request("DELETE", f"/cloth/{made['id']}").json()["state"] == "woven"
    assert loom.request("DELETE", "/cloth/none").status_code == 404


def test_a_call_is_signed_as_standard_webhooks_are(loom: LoomClient) -> None:
    secret = "whsec_" + base64.b64encode(b"weft").decode()
    headers = loom.app.sign_call(b"{}", secret, 1_790_000_000.0)
    signed = f"{headers['webhook-id']}.1790000000.{{}}".encode()
    expected = base64.b64encode(hmac.digest(b"weft", signed, "sha256")).decode()

    assert headers["webhook-timestamp"] == "1790000000"
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_balance_is_what_tasks_have_left(loom: LoomClient, clock: Clock) -> None:
    loom.weave()
    loom.weave(prompt="Warp [fail]")
    assert loom.get("/purse").json() == {"balance": 5.0}
    clock.now += 60.0
    assert loom.get("/purse").json() == {"balance": 7.5}


def test_files_are_kept_however_they_come(loom: LoomClient) -> None:
    text = {"bytes": base64.b64encode(b"silk").decode(), "called": "silk.txt"}
    place = loom.post("/announce", {"file_name": "silk.txt", "content_type": "text/plain"}).json()
    path = place["upload_url"].removeprefix(loom.base)
    put = loom.request("PUT", path, content=b"wool", headers={"Content-Type": "text/plain"})
    again = loom.post("/base64", text).json()["url"]

    assert put.status_code == 200
    assert place["file_url"] != again
    assert loom.get(path).content == b"wool"
    assert loom.get(again.removeprefix(loom.base)).content == b"silk"


def test_the_url_of_a_file_is_where_its_upload_says(conditions: Conditions) -> None:
    class Deep(Loom):
        uploads = {"POST /form": FormUpload(urls=["link", "urls.get", "urls.own.self"])}

    loom = LoomClient(Deep(conditions), LoomClient.host)
    stored = loom.request("POST", "/form", files={"file": ("silk.txt", b"silk")}).json()

    url = stored["link"]
    assert url.startswith("https://loom.example/")
    assert stored == {"link": url, "urls": {"get": url, "own": {"self": url}}}


@pytest.mark.parametrize(("after", "began"), [(0.0, False), (1.5, True)])
def test_a_task_that_was_cancelled_in_the_queue_never_began(
    loom: LoomClient, clock: Clock, after: float, began: bool
) -> None:
    made = loom.weave()
    (task,) = loom.app.accepted
    assert not task.began(clock.now)
    clock.now += after
    loom.request("DELETE", f"/cloth/{made['id']}")
    clock.now += 60.0

    assert (task.phase(clock.now), task.began(clock.now)) == ("cancelled", began)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/form", {}, "thread is missing"),
        ("/base64", {"bytes": "?"}, "bytes is missing, or not base64"),
        ("/announce", {"file_name": "a"}, "content_type is missing"),
        ("/announce", {"file_name": "a/b", "content_type": "c"}, "file_name must not have a slash"),
    ],
)
def test_a_wrong_upload(loom: LoomClient, path: str, body: object, words: str) -> None:
    assert loom.post(path, body).json()["text"] == f"Bad: {words}"


def test_an_upload_may_fail(loom: LoomClient, fault: Callable[..., None]) -> None:
    fault("upload_500")

    assert loom.post("/base64", {}).status_code == 500


def test_a_place_that_was_not_announced_takes_nothing(loom: LoomClient) -> None:
    assert loom.request("PUT", "/store/other.txt", content=b"").status_code == 403
    assert loom.get("/store/other.txt").status_code == 404


def test_a_method_answers_at_an_endpoint_of_its_own(loom: LoomClient) -> None:
    answer = loom.get("/looms?n=3")
    loom.key = None

    assert (answer.status_code, answer.json()) == (203, {"looms": "3"})
    assert loom.get("/looms").status_code == 401


def test_several_tasks_are_told_at_once(conditions: Conditions) -> None:
    class Looms(Loom):
        polls = "GET /cloth?ids={ids}&own={external_ids}"
        links: ClassVar[dict[str, str]] = {}

    loom = LoomClient(Looms(conditions), LoomClient.host)
    first, second = loom.weave(), loom.weave(own="w")
    asked = loom.get("/cloth", params={"ids": f"{first['id']},none", "own": "w"})

    assert [each["id"] for each in asked.json()["data"]] == [first["id"], second["id"]]
    assert loom.get("/cloth?ids=none").json() == {"data": []}


@pytest.mark.parametrize("line", ["/cloth/{id}", "GET cloth", "get /cloth", "GET /cloth?id={x}"])
def test_an_endpoint_that_is_none_is_named(line: str) -> None:
    kind = type("Torn", (Loom,), {"polls": line})

    with pytest.raises(ValueError, match=f'^"{line.split("?")[0]}'):
        kind()
