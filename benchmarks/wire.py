"""The translation: request to wire JSON, and reply to Status."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import httpx
from figures import Figure
from kling26.core.plugins import load_providers
from kling26.core.provider import Provider
from kling26.core.request import VideoRequest
from kling26.core.status import Ticket

REPLIES = {
    "createTask": {"code": 200, "msg": "success", "data": {
        "taskId": "1", "state": "success", "resultJson": '{"resultUrls": ["https://a.example/1"]}'}},
    "cometapi": {"code": 0, "message": "SUCCEED", "data": {
        "task_id": "1", "task_status": "succeed",
        "task_result": {"videos": [{"id": "1", "url": "https://a.example/1", "duration": "5"}]}}},
    "runcomfy": {"request_id": "1", "status": "completed",
        "output": {"video": "https://a.example/1"}, "cost": 0.35},
}  # fmt: skip
_TIMES = 2000


def figures() -> Iterator[Figure]:
    request = VideoRequest("A heron lands on a frozen pond", task="k26-1")
    there, back = {}, {}
    for name, provider in load_providers().providers.items():
        reply = httpx.Response(200, json=REPLIES.get(name, REPLIES["createTask"]))
        there[name] = _microseconds(partial(_submit, provider, request, provider.Options()))
        back[name] = _microseconds(partial(_poll, provider, reply))
    for what, found in (("request → wire JSON", there), ("reply → Status", back)):
        detail = ", ".join(f"{name} {took:.0f}" for name, took in found.items())
        yield Figure(what, max(found.values()), "µs", 100, "most", detail)


def _microseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(_TIMES):
        work()
    return (time.perf_counter() - began) / _TIMES * 1e6


def _submit(provider: Provider, request: VideoRequest, options: object) -> None:
    next(provider.submit(request, options))


def _poll(provider: Provider, reply: httpx.Response) -> None:
    flow = provider.poll(Ticket("1"))
    next(flow)
    with suppress(StopIteration):
        flow.send(reply)
