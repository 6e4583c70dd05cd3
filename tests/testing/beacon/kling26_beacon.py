"""A good provider that can do everything, in which the tests of the suite seed faults."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import httpx
from attrs import evolve, frozen
from kling26.core import (
    Flow,
    ImageFile,
    KeyRejected,
    Limits,
    NoSuchTask,
    OutOfCredit,
    Provider,
    Refused,
    Status,
    Ticket,
    TryLater,
    VideoRequest,
    option,
)
from kling26.core.wire import find_video, get, identifier, number, text

STATES = {
    "waiting": "queued",
    "making": "running",
    "ready": "succeeded",
    "broken": "failed",
    "stopped": "cancelled",
}
NO = {401: KeyRejected, 402: OutOfCredit, 429: TryLater}
UNCLEAR = (408, 409, 425)
BOUNDARY = "beacon-7f3a"
MAX_AGE = 300.0


@frozen
class BeaconOptions:
    look: Literal["plain", "film", "ink"] = option("plain", label="Look", help="The look.")
    strength: float | None = option(
        None, label="Strength", help="How much of the look.", minimum=0, maximum=1
    )
    steps: int = option(20, label="Steps", help="How many steps.", minimum=10, maximum=50)
    watermark: bool = option(False, label="Watermark", help="Ask for a mark.")
    negative_prompt: str = option("", label="Negative", help="What not to show.", max_length=300)


@frozen
class Reply:
    id: Any = None
    state: Any = None
    video: Any = None
    credits: Any = None
    fault: Any = None


class Beacon(Provider[BeaconOptions]):
    name = "beacon"
    title = "Beacon"
    key_variable = "BEACON_API_KEY"
    base_url = "https://api.beacon.example"
    upload_url = "https://files.beacon.example"
    key_page = "https://beacon.example/keys"
    tasks_page = "https://beacon.example/jobs"
    Options = BeaconOptions
    takes_callback_url = True
    cost_unit = "credits"
    usd_per_unit = 0.01
    task_id_name = "id"
    limits = Limits(text_prompt=1500, image_prompt=1000, image_pixels=300, end_image=True)

    def body(self, request: VideoRequest, options: BeaconOptions) -> dict[str, object]:
        body: dict[str, object] = {
            "text": request.prompt,
            "seconds": request.duration,
            "audio": request.sound,
            "look": options.look,
            "steps": options.steps,
            "watermark": options.watermark,
            "own_id": request.task,
        }
        if request.image is None:
            body["shape"] = request.aspect_ratio
        else:
            body["first"] = request.image
        if request.end_image is not None:
            body["last"] = request.end_image
        if options.strength is not None:
            body["strength"] = options.strength
        if options.negative_prompt:
            body["not"] = options.negative_prompt
        if request.callback_url is not None:
            body["hook"] = request.callback_url
        return body

    def submit(self, request: VideoRequest, options: BeaconOptions) -> Flow[Ticket]:
        body = self.body(request, options)
        reply = yield httpx.Request("POST", f"{self.base_url}/v1/jobs", json=body)
        task_id = identifier(self.read(reply, Reply).id)
        if task_id is None:
            self._answer(reply)
            raise self.unexpected(reply, "reply.id is missing")
        return Ticket(task_id)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield httpx.Request("GET", self._url(ticket))
        answer = self._answer(reply, asking=True)
        if not answer.state and find_video(get(answer.video, "url")) is None:
            raise self.unexpected(reply, "reply.state is missing")
        return self._status(answer)

    def upload(self, image: ImageFile) -> Flow[str]:
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        reply = yield httpx.Request(
            "POST",
            f"{self.upload_url}/v1/files",
            files={"file": (image.name, image.data, image.mime_type)},
            headers={"Content-Type": kind},
        )
        self._answer(reply)
        return self.read_url(reply, self.read(reply, dict).get("url"), "reply.url")

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        reply = yield httpx.Request("DELETE", self._url(ticket))
        if reply.status_code == 409:
            return False
        return self._answer(reply, asking=True).state == "stopped"

    def find(self, request: VideoRequest) -> Flow[Ticket | None]:
        own = quote(request.task, safe="")
        reply = yield httpx.Request("GET", f"{self.base_url}/v1/jobs?own_id={own}")
        self._answer(reply)
        jobs = self.read(reply, dict).get("jobs")
        if not isinstance(jobs, list):
            raise self.unexpected(reply, "reply.jobs is not a list")
        for job in jobs:
            if get(job, "own_id") != request.task:
                continue
            task_id = identifier(get(job, "id"))
            if task_id is None:
                raise self.unexpected(reply, "a job in reply.jobs has no id")
            return Ticket(task_id)
        return None

    def renew(self, ticket: Ticket, url: str) -> Flow[str]:
        reply = yield httpx.Request("POST", f"{self._url(ticket)}/link")
        self._answer(reply, asking=True)
        return self.read_url(reply, self.read(reply, dict).get("url"), "reply.url")

    def quote(self, request: VideoRequest, options: BeaconOptions) -> Flow[float | None]:
        query = f"seconds={request.duration}&audio={'yes' if request.sound else 'no'}"
        reply = yield httpx.Request("GET", f"{self.base_url}/v1/price?{query}")
        self._answer(reply)
        price = number(self.read(reply, dict).get("usd"))
        return price if price is not None and price > 0 else None

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", f"{self.base_url}/v1/account")
        self._answer(reply)
        left = number(self.read(reply, dict).get("credits_left"))
        if left is None:
            raise self.unexpected(reply, "reply.credits_left is not a number")
        return left

    def check(self, request: VideoRequest, options: BeaconOptions) -> None:
        if options.strength is not None and options.look == "plain":
            problem = "strength goes with a look; choose film or ink, or leave strength out."
            raise self.option_refused("strength", problem)

    def price(self, request: VideoRequest, options: BeaconOptions) -> float | None:
        return round(0.05 * request.duration * (2 if request.sound else 1), 2)

    def read_callback(self, body: bytes | str) -> Status:
        answer = self.read_call(body, Reply)
        task_id = identifier(answer.id)
        if task_id is None or not answer.state:
            raise self.invalid_callback("it has no id and state")
        return evolve(self._status(answer), task_id=task_id)

    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        known = {name.lower(): value for name, value in headers.items()}
        sent, signature = known.get("x-beacon-time", ""), known.get("x-beacon-signature", "")
        if not secret or not sent.isascii() or not sent.isdigit():
            return False
        if abs(time.time() - int(sent)) > MAX_AGE:
            return False
        expected = hmac.new(secret.encode(), sent.encode() + b"." + body, hashlib.sha256)
        return hmac.compare_digest(expected.hexdigest().encode(), signature.encode())

    def _url(self, ticket: Ticket) -> str:
        return f"{self.base_url}/v1/jobs/{quote(ticket.task_id, safe='')}"

    def _answer(self, reply: httpx.Response, asking: bool = False) -> Reply:
        if not reply.is_error:
            return self.read(reply, Reply)
        fault = self.read(reply, Reply).fault
        said, code = text(get(fault, "words")), text(get(fault, "code"))
        if said is None or reply.status_code in UNCLEAR:
            raise self.unexpected(reply, "an HTTP error that does not say whether there is a job")
        if asking and reply.status_code == 404:
            raise self.error(NoSuchTask, reply, said, code)
        raise self.error(NO.get(reply.status_code, Refused), reply, said, code)

    def _status(self, answer: Reply) -> Status:
        url = find_video(get(answer.video, "url"))
        state = self.state(answer.state, STATES, url)
        if state == "succeeded":
            return Status(state, url=url, cost=number(answer.credits))
        if state == "failed":
            reason, code = text(get(answer.fault, "words")), text(get(answer.fault, "code"))
            return Status(state, reason=reason, code=code)
        return Status(state)
