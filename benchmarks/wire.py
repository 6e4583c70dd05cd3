"""The translation: request to wire JSON, and reply to Status."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import httpx
from figures import Figure
from kling26.core.plugins import load_providers
from kling26.core.provider import Flow, Provider
from kling26.core.request import VideoRequest
from kling26.core.status import Status, Ticket

REPLIES = {
    "createTask": {"code": 200, "msg": "success", "data": {
        "taskId": "1", "state": "success", "resultJson": '{"resultUrls": ["https://a.example/1"]}'}},
    "cometapi": {"code": 0, "message": "SUCCEED", "data": {
        "task_id": "1", "task_status": "succeed",
        "task_result": {"videos": [{"id": "1", "url": "https://a.example/1", "duration": "5"}]}}},
    "runcomfy": {"request_id": "1", "status": "completed",
        "output": {"video": "https://a.example/1"}, "cost": 0.35},
}  # fmt: skip
_TIMES, _ROUNDS = 1000, 5


def figures() -> Iterator[Figure]:
    request = VideoRequest("A heron lands on a frozen pond", task="k26-1")
    there, back = {}, {}
    for name, provider in load_providers().providers.items():
        reply = httpx.Response(200, json=REPLIES.get(name, REPLIES["createTask"]))
        submit = partial(_submit, provider, request, provider.Options())
        there[name] = _microseconds(partial(_same, submit))
        back[name] = _microseconds(partial(_reading, provider, reply))
    for what, found in (("request → wire JSON", there), ("reply → Status", back)):
        detail = ", ".join(f"{name} {took:.0f}" for name, took in found.items())
        yield Figure(what, max(found.values()), "µs", 100, "most", detail)


def _microseconds(works: Callable[[], list[Callable[[], object]]]) -> float:
    """How long one takes, in the best of several rounds: whatever else runs only adds to it."""
    rounds = []
    for _ in range(_ROUNDS):
        round_of = works()
        began = time.perf_counter()
        for work in round_of:
            work()
        rounds.append((time.perf_counter() - began) / len(round_of) * 1e6)
    return min(rounds)


def _submit(provider: Provider, request: VideoRequest, options: object) -> None:
    next(provider.submit(request, options))


def _same(work: Callable[[], object]) -> list[Callable[[], object]]:
    return [work] * _TIMES


def _reading(provider: Provider, reply: httpx.Response) -> list[Callable[[], object]]:
    return [partial(_read, _asked(provider), reply) for _ in range(_TIMES)]


def _read(flow: Flow[Status], reply: httpx.Response) -> None:
    with suppress(StopIteration):
        flow.send(reply)


def _asked(provider: Provider) -> Flow[Status]:
    """A flow that waits for the reply."""
    flow = provider.poll(Ticket("1"))
    next(flow)
    return flow
