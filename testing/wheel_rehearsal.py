"""
All that kling26 asks of a plug-in, done once to its emulator: a part of `wheel_probe`.

The clean environment has kling26 without what its test kit needs, so that nothing of that is used.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any

import httpx
from attrs import evolve
from kling26.core import ImageFile, VideoRequest
from kling26.core.journal.task import Task
from kling26.core.money import Price
from kling26.sandbox import Conditions, Fault, SandboxTransport

#: What is done, whether any error is told or only what is missing, and how it is done.
Step = tuple[str, bool, Callable[[], object]]

_TASK = "k26-0000000000000000"
_SECRET = "whsec_c2VjcmV0"  # noqa: S105 - for rehearsals only.
_HOOK = "https://me.example/hook"
#: How long a task is queued, and then runs, in seconds; and when all of it begins.
_QUEUED, _RUNNING, _BEGIN = 20.0, 40.0, 1_790_000_000.0
#: More requests than this are taken for an endless loop.
_MOST = 12


def steps_of(provider: Any, sandbox: Any) -> Iterator[Step]:
    """Every function of a provider and, with an emulator, every flow."""
    where = f'the provider "{provider.name}"'
    request, options = _usual(provider), provider.Options()
    if provider.can("verify_callback"):
        verify = partial(provider.verify_callback, b"{}", {}, _SECRET)
        yield f"verify_callback of {where}", True, verify
    yield f"check of {where}", False, partial(provider.check, request, options)
    yield f"price of {where}", False, partial(provider.price, request, options)
    yield f"ticket of {where}", False, partial(provider.ticket, "task-1", request)
    recover = partial(provider.recover_ticket, '{"id": "task-1"}', request)
    yield f"recover_ticket of {where}", False, recover
    if provider.can("read_callback"):
        yield f"read_callback of {where}", False, partial(provider.read_callback, b"{}")
    if sandbox is not None:
        name = f"the emulator of {where}"
        rehearsal = _Rehearsal(provider, sandbox)
        yield name, True, rehearsal.begin
        for work in (
            rehearsal.end, rehearsal.fail, rehearsal.calls, rehearsal.cancel, rehearsal.image,
            *map(rehearsal.flow, ("find", "quote", "balance")),
        ):  # fmt: skip
            yield name, False, work


def shut_off() -> None:
    """Let this process reach nobody any more: a hook may well send a message."""
    sys.addaudithook(_refuse_to_leave)


def steps_of_hooks(
    plug_ins: Sequence[object], guard: Callable[[], object] = shut_off
) -> Iterator[Step]:
    """The hooks that watch what kling26 does, after the `guard` has seen to it that they may."""
    guard()
    task = Task(
        id=_TASK, provider="rehearsal", realm="sandbox", fingerprint="0", state="stored",
        prompt="A red fox", sound=False, duration=5, aspect_ratio="16:9", seed=0, options={},
        created=_BEGIN, updated=_BEGIN,
    )  # fmt: skip
    provider = _providers_of(plug_ins)
    given = {"request": VideoRequest("A red fox"), "provider": provider, "price": Price()}
    asked: Mapping[str, Mapping[str, object]] = {
        "kling26_before_paying": given,
        "kling26_submitted": {"task": evolve(task, state="submitted")},
        "kling26_ended": {"task": task},
    }
    for plug_in in plug_ins:
        for name, values in asked.items():
            hook = getattr(plug_in, name, None)
            if callable(hook):
                takes = inspect.signature(hook).parameters
                known = {each: value for each, value in values.items() if each in takes}
                yield name, False, partial(hook, **known)


def _providers_of(plug_ins: Sequence[Any]) -> object:
    for plug_in in plug_ins:
        with suppress(Exception):
            return next(iter(plug_in.kling26_providers()))
    return None


def _refuse_to_leave(event: str, values: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
        raise PermissionError("Nothing is sent while a wheel is tried.")


def _usual(provider: Any, **fields: Any) -> VideoRequest:
    """A request of a length and a shape that the provider takes."""
    request, limits = VideoRequest("A red fox", task=_TASK, **fields), provider.limits
    for name, allowed in (("duration", limits.durations), ("aspect_ratio", limits.aspect_ratios)):
        if allowed and getattr(request, name) not in allowed:
            change: dict[str, Any] = {name: next(iter(allowed))}
            request = evolve(request, **change)
    return request


class _Rehearsal:
    """A provider and its emulator, on a clock that nobody has to wait for."""

    def __init__(self, provider: Any, sandbox: Any) -> None:
        self.provider, self.sandbox = provider, sandbox
        self.now, self.number = _BEGIN, 0
        self.conditions = Conditions(clock=lambda: self.now, queued=_QUEUED, running=_RUNNING)
        self.emulator: Any = None
        self.ticket: Any = None

    def begin(self) -> None:
        """A task from its submit to its first poll."""
        self.emulator = self.sandbox.build(self.conditions)
        self.ticket = self._submit()
        self._play(self.provider.poll(self.ticket))

    def end(self) -> None:
        """The same task, while it runs and when it has ended; its link may be renewed."""
        self.now += _QUEUED + 1
        self._play(self.provider.poll(self.ticket))
        self.now += _RUNNING + 1
        done = self._play(self.provider.poll(self.ticket))
        if self.provider.can("renew") and done.url:
            self._play(self.provider.renew(self.ticket, done.url))

    def fail(self) -> None:
        """A task that fails."""
        ticket = self._submit()
        self.now += _QUEUED + _RUNNING + 1
        self.conditions.faults.append(Fault("failed_task"))
        try:
            self._play(self.provider.poll(ticket))
        finally:
            self.conditions.faults.clear()

    def calls(self) -> None:
        """The calls to a webhook, signed if the service signs them."""
        provider, emulator = self.provider, self.emulator
        if not provider.takes_callback_url:
            return
        self._submit(callback_url=_HOOK)
        self.now += _QUEUED + _RUNNING + 1
        for _, said in emulator.callbacks:
            body = json.dumps(said).encode()
            if provider.can("verify_callback"):
                signed = emulator.sign_call(body, _SECRET, self.now)
                provider.verify_callback(body, signed, _SECRET)
            if provider.can("read_callback"):
                provider.read_callback(body)

    def cancel(self) -> None:
        if self.provider.can("cancel"):
            ticket = self._submit()
            self._play(self.provider.cancel(ticket))
            self._play(self.provider.poll(ticket))

    def image(self) -> None:
        """A task with an image, uploaded if the service wants that."""
        image: Any = _picture()
        if self.provider.can("upload"):
            image = self._play(self.provider.upload(image))
        elif not self.provider.limits.image_formats:
            image = "https://pictures.example/fox.png"
        self._submit(image=image)

    def flow(self, name: str) -> Callable[[], object]:
        """One of the flows that need no task of their own, if the provider has it."""
        request, options = _usual(self.provider), self.provider.Options()
        values = {"find": (request,), "quote": (request, options), "balance": ()}[name]

        def work() -> object:
            flow = getattr(self.provider, name)
            return self._play(flow(*values)) if self.provider.can(name) else None

        return work

    def _submit(self, **fields: Any) -> Any:
        self.number += 1
        task = f"k26-{self.number:016x}"
        request = evolve(_usual(self.provider, **fields), task=task)
        return self._play(self.provider.submit(request, self.provider.Options()))

    def _play(self, flow: Any) -> Any:
        return asyncio.run(self._played(flow))

    async def _played(self, flow: Any) -> Any:
        provider, sandbox = self.provider, self.sandbox
        urls = (provider.base_url, provider.upload_url, provider.balance_url, *sandbox.hosts)
        transport = SandboxTransport({url: self.emulator for url in urls if url})
        async with httpx.AsyncClient(transport=transport) as client:
            reply = None
            for _ in range(_MOST):
                try:
                    request = flow.send(reply)
                except StopIteration as end:
                    return end.value
                provider.sign(request, "rehearsal")
                reply = await client.send(request)
        raise RuntimeError(f"it sends more than {_MOST} requests.")


def _picture() -> ImageFile:
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (640, 640), "grey").save(file, "PNG")
    return ImageFile(file.getvalue())
