"""A clock that tests move by hand, and a client for each emulator."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
import pytest
from attrs import define, field
from kling26.sandbox import Conditions, Emulator, Fault, FaultName, SandboxTransport
from kling26.sandbox.apikley import ApikleySandbox
from kling26.sandbox.cometapi import CometAPISandbox
from kling26.sandbox.kie import KieSandbox
from kling26.sandbox.runcomfy import RunComfySandbox
from kling26.testing import run
from PIL import Image

PROMPT = "A heron lands on a frozen pond"


@define
class Clock:
    """Time that passes only when a test moves it, or something sleeps."""

    now: float = 1_790_000_000.0
    slept: list[float] = field(factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@define
class Client:
    """A client of one emulator; each call is a connection of its own."""

    app: Emulator
    base: str
    key: str | None = "key-1"
    patience: float = 5.0
    #: Further arguments of the httpx client.
    options: dict[str, Any] = field(factory=dict)
    #: The pieces of the last answer's body, even if it broke off.
    arrived: list[bytes] = field(factory=list)

    name: ClassVar[str]
    build: ClassVar[type[Emulator]]
    host: ClassVar[str]

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers |= more.pop("headers", {})

        async def send() -> httpx.Response:
            transport = SandboxTransport({self.base: self.app})
            async with (
                httpx.AsyncClient(
                    transport=transport, base_url=self.base, timeout=self.patience, **self.options
                ) as client,
                client.stream(method, url, headers=headers, **more) as answer,
            ):
                async for piece in answer.aiter_raw():
                    self.arrived.append(piece)
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=b"".join(self.arrived)
            )

        self.arrived = []
        return run(send())

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.request("GET", url, **more)

    def post(self, url: str, body: object = None, **more: Any) -> httpx.Response:
        return self.request("POST", url, json=body, **more)

    # How each provider spells a submit, a status request and its response

    def submit(self, prompt: str = PROMPT) -> httpx.Response:
        raise NotImplementedError

    def id_of(self, answer: httpx.Response) -> str:
        raise NotImplementedError

    def ask(self, task_id: str) -> httpx.Response:
        raise NotImplementedError

    def state_of(self, answer: httpx.Response) -> object:
        raise NotImplementedError

    def url_of(self, answer: httpx.Response) -> str | None:
        raise NotImplementedError

    def task(self, prompt: str = PROMPT) -> str:
        return self.id_of(self.submit(prompt))

    def finished(self, prompt: str = PROMPT) -> str:
        task_id = self.task(prompt)
        self.app.settle(task_id)
        return task_id

    def link(self) -> str:
        url = self.url_of(self.ask(self.finished()))
        assert url
        return url


class KieClient(Client):
    name, host = "kie", "https://api.kie.ai"
    build: ClassVar[type[Emulator]] = KieSandbox

    def create(self, model: str = "kling-2.6/text-to-video", /, **fields: object) -> httpx.Response:
        """A createTask with some fields changed, or left out where they are None."""
        usual: dict[str, object] = {"prompt": PROMPT, "sound": False, "duration": "5"}
        if model.endswith("text-to-video"):
            usual["aspect_ratio"] = "16:9"
        body: dict[str, object] = {"model": model}
        if "callBackUrl" in fields:
            body["callBackUrl"] = fields.pop("callBackUrl")
        given = {name: value for name, value in (usual | fields).items() if value is not None}
        return self.post("/api/v1/jobs/createTask", body | {"input": given})

    def submit(self, prompt: str = PROMPT) -> httpx.Response:
        return self.create(prompt=prompt)

    def id_of(self, answer: httpx.Response) -> str:
        return str(answer.json()["data"]["taskId"])

    def ask(self, task_id: str) -> httpx.Response:
        return self.get("/api/v1/jobs/recordInfo", params={"taskId": task_id})

    def state_of(self, answer: httpx.Response) -> object:
        return answer.json()["data"]["state"]

    def url_of(self, answer: httpx.Response) -> str | None:
        urls = json.loads(answer.json()["data"]["resultJson"])["resultUrls"]
        return urls[0] if urls else None


class ApikleyClient(KieClient):
    name, build, host = "apikley", ApikleySandbox, "https://api.apikley.ru"


class CometAPIClient(Client):
    name, build, host = "cometapi", CometAPISandbox, "https://api.cometapi.com"

    def submit(self, prompt: str = PROMPT) -> httpx.Response:
        return self.text2video(prompt=prompt)

    def text2video(self, **fields: object) -> httpx.Response:
        usual = {"model_name": "kling-v2-6", "prompt": PROMPT, "mode": "std"}
        return self.post("/kling/v1/videos/text2video", usual | fields)

    def image2video(self, **fields: object) -> httpx.Response:
        return self.post("/kling/v1/videos/image2video", {"model_name": "kling-v2-6"} | fields)

    def id_of(self, answer: httpx.Response) -> str:
        return str(answer.json()["data"]["task_id"])

    def ask(self, task_id: str) -> httpx.Response:
        return self.get(f"/kling/v1/videos/text2video/{task_id}")

    def state_of(self, answer: httpx.Response) -> object:
        return answer.json()["data"]["task_status"]

    def url_of(self, answer: httpx.Response) -> str | None:
        videos = answer.json()["data"]["task_result"].get("videos")
        return videos[0]["url"] if videos else None


class RunComfyClient(Client):
    name, build, host = "runcomfy", RunComfySandbox, "https://model-api.runcomfy.net"

    def submit(self, prompt: str = PROMPT) -> httpx.Response:
        return self.text_to_video(prompt=prompt)

    def text_to_video(self, **fields: object) -> httpx.Response:
        return self.post(
            "/v1/models/kling/kling-2-6/pro/text-to-video", {"prompt": PROMPT} | fields
        )

    def image_to_video(self, **fields: object) -> httpx.Response:
        return self.post(
            "/v1/models/kling/kling-2-6/pro/image-to-video", {"prompt": PROMPT} | fields
        )

    def id_of(self, answer: httpx.Response) -> str:
        return str(answer.json()["request_id"])

    def ask(self, task_id: str) -> httpx.Response:
        return self.get(f"/v1/requests/{task_id}/result")

    def state_of(self, answer: httpx.Response) -> object:
        return answer.json()["status"]

    def url_of(self, answer: httpx.Response) -> str | None:
        url: str | None = answer.json()["output"].get("video")
        return url


CLIENTS = (KieClient, ApikleyClient, CometAPIClient, RunComfyClient)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def conditions(clock: Clock) -> Conditions:
    return Conditions(clock=clock, sleep=clock.sleep)


@pytest.fixture
def kie(conditions: Conditions) -> KieClient:
    return KieClient(KieSandbox(conditions), KieClient.host)


@pytest.fixture
def apikley(conditions: Conditions) -> ApikleyClient:
    return ApikleyClient(ApikleySandbox(conditions), ApikleyClient.host)


@pytest.fixture
def cometapi(conditions: Conditions) -> CometAPIClient:
    return CometAPIClient(CometAPISandbox(conditions), CometAPIClient.host)


@pytest.fixture
def runcomfy(conditions: Conditions) -> RunComfyClient:
    return RunComfyClient(RunComfySandbox(conditions), RunComfyClient.host)


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, conditions: Conditions) -> Client:
    """A client of each emulator in turn."""
    kind: type[Client] = request.param
    return kind(kind.build(conditions), kind.host)


@pytest.fixture
def fault(conditions: Conditions) -> Callable[..., None]:
    """AddFault a fault: ``fault("slow", seconds=30)``."""

    def add(name: FaultName, **more: Any) -> None:
        conditions.faults.append(Fault(name, **more))

    return add


@pytest.fixture
def picture() -> Callable[..., bytes]:
    def make(width: int = 400, height: int = 400, kind: str = "PNG") -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (width, height), "teal").save(file, kind)
        return file.getvalue()

    return make


@pytest.fixture
def base64_picture(picture: Callable[..., bytes]) -> Callable[..., str]:
    return lambda *size: base64.b64encode(picture(*size)).decode()
