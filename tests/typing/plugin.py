"""
A provider as a third party would write it, with every flow; `mypy --strict` reads it, nothing runs.

It imports only what is public: what fails here, fails for every author of a plug-in.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, assert_type, cast

import httpx
from attrs import frozen
from kling26.core import (
    Flow,
    ImageFile,
    KeyRejected,
    Limits,
    NoSuchTask,
    OutOfCredit,
    Provider,
    Sandbox,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    VideoRequest,
    hookimpl,
    option,
)

NO = {401: KeyRejected, 402: OutOfCredit, 404: NoSuchTask, 429: TryLater}


@frozen
class AcmeOptions:
    style: Literal["plain", "film"] = option("plain", label="Style", help="The look.")
    strength: float | None = option(
        None, label="Strength", help="How much of it.", minimum=0, maximum=1
    )


@frozen
class Call:
    id: str
    state: str


class Acme(Provider[AcmeOptions]):
    name = "acme"
    title = "Acme Video"
    key_variable = "ACME_API_KEY"
    base_url = "https://api.acme.example"
    upload_url = "https://files.acme.example"
    key_page = "https://acme.example/keys"
    tasks_page = "https://acme.example/videos"
    Options = AcmeOptions
    takes_callback_url = True
    task_id_name = "id"
    limits = Limits(
        text_prompt=800,
        image_prompt=800,
        durations=(5,),
        image_formats=("jpeg",),
        submissions=(5, 60.0),
    )

    def check(self, request: VideoRequest, options: AcmeOptions) -> None:
        if request.sound and options.style == "film":
            raise self.option_refused("style", "films are silent; leave sound off.")

    def upload(self, image: ImageFile) -> Flow[str]:
        content = {"name": image.name, "type": image.mime_type, "data": image.base64()}
        reply = yield httpx.Request("POST", f"{self.upload_url}/images", json=content)
        return str(self._read(reply)["url"])

    def submit(self, request: VideoRequest, options: AcmeOptions) -> Flow[Ticket]:
        body = {
            "text": request.prompt,
            "image": request.image,
            "seconds": request.duration,
            "audio": request.sound,
            "shape": request.aspect_ratio,
            "style": options.style,
            "strength": options.strength,
            "webhook": request.callback_url,
            "reference": request.task,
        }
        reply = yield httpx.Request("POST", f"{self.base_url}/videos", json=body)
        return self._ticket(self._read(reply))

    def poll(self, ticket: Ticket) -> Flow[Status]:
        try:
            reply = yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
        except Unavailable as trouble:
            if trouble.reply is None or trouble.reply.status_code != 599:
                raise
            assert_type(self.read(trouble.reply, Call), Call)
            return Status("failed", reason=trouble.reply.text)
        return self._status(self._read(reply))

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        reply = yield httpx.Request("DELETE", f"{self.base_url}/videos/{ticket.task_id}")
        return self._read(reply).get("state") == "cancelled"

    def find(self, request: VideoRequest) -> Flow[Ticket | None]:
        reply = yield httpx.Request("GET", f"{self.base_url}/videos?reference={request.task}")
        try:
            return self._ticket(self._read(reply))
        except NoSuchTask:
            return None

    def renew(self, ticket: Ticket, url: str) -> Flow[str]:
        reply = yield httpx.Request("POST", f"{self.base_url}/links", json={"url": url})
        return str(self._read(reply)["url"])

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", f"{self.base_url}/account")
        left: float = reply.json()["left"]
        return left

    def price(self, request: VideoRequest, options: AcmeOptions) -> float | None:
        return 0.1 * request.duration

    def read_callback(self, body: bytes | str) -> Status:
        call = self.read_call(body, Call)
        return Status("succeeded" if call.state == "done" else "running", task_id=call.id)

    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        return headers.get("X-Acme-Secret") == secret

    def sign(self, request: httpx.Request, key: str) -> None:
        request.headers["X-Acme-Key"] = key

    def _read(self, reply: httpx.Response) -> Mapping[str, object]:
        if reply.status_code in NO:
            raise self.error(NO[reply.status_code], reply, reply.text, reply.status_code)
        if reply.status_code == 418:
            raise TryLater("Acme Video is closed.", retry_after=30, provider=self.name)
        read: object = reply.json()
        if not isinstance(read, dict):
            raise self.unexpected(reply, "it is no object")
        return cast("Mapping[str, object]", read)

    def _ticket(self, video: Mapping[str, object]) -> Ticket:
        return Ticket(str(video["id"]), {"queue": str(video["queue"])})

    def _status(self, video: Mapping[str, object]) -> Status:
        if video["state"] == "done":
            return Status("succeeded", url=str(video["url"]), cost=0.5)
        if video["state"] == "broken":
            return Status("failed", code="E1", reason=str(video["why"]))
        return Status("running")


class Plain(Provider):
    """Without options of its own, a class need not be named."""

    name = "plain"
    title = "Plain Video"
    key_variable = "PLAIN_API_KEY"
    base_url = "https://api.plain.example"

    def submit(self, request: VideoRequest, options: object) -> Flow[Ticket]:
        reply = yield httpx.Request("POST", self.base_url, json={"text": request.prompt})
        return Ticket(reply.text)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield httpx.Request("GET", self.base_url)
        if reply.status_code == 404:
            raise assert_type(self.error(NoSuchTask, reply, reply.text), NoSuchTask)
        said = self.state(reply.text, {"done": "succeeded"})
        return Status(said, cost=1.5, cost_unit="EUR")


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return [Acme(), Plain()]


@hookimpl
def kling26_sandboxes() -> Iterable[Sandbox]:
    return []


def misuse() -> None:
    """What must not pass; an ignore that is not needed is an error too."""
    Status("done")  # type: ignore[arg-type]
