"""
What a wheel is tried with: a program for the Python of a clean environment.

On stdin are the names of the distribution, of its modules, and of the modules that those import,
and whether to call the hooks; on stdout comes what is missing, as JSON: where, of what kind
("module", "file" or "other"), and what.
"""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from typing import Any

Found = tuple[str, str, str]


def tried(where: str, work: Callable[[], object]) -> Iterator[Found]:
    """Do something, and tell what is missing for it."""
    try:
        work()
    except ModuleNotFoundError as error:
        yield where, "module", error.name or str(error)
    except FileNotFoundError as error:
        yield where, "file", str(error.filename)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is told.
        yield where, "other", f"{type(error).__name__}: {error}"


def probe(
    distribution: str, modules: list[str], imported: list[list[str]], hooks: bool
) -> Iterator[Found]:
    unknown = [(where, "module", name) for where, name in imported if find_spec(name) is None]
    yield from unknown
    broken = [each for name in modules for each in tried(name, partial(_load, name))]
    yield from broken
    if hooks and not (unknown or broken):
        yield from _hooks(distribution, modules)


def _load(name: str) -> None:
    importlib.import_module(name)


def _hooks(distribution: str, modules: list[str]) -> Iterator[Found]:
    from kling26.core.installed import discover
    from kling26.core.plugins import load_providers, load_sandboxes

    plug_ins = discover([distribution])
    registry, sandboxes = load_providers(plug_ins), load_sandboxes(plug_ins)
    yield from ((each.plugin, "other", each.reason) for each in registry.problems)
    own = [name for name, origin in registry.origins.items() if origin in map(str, plug_ins)]
    for module in modules:
        if hasattr(sys.modules[module], "kling26_providers") and not (own or registry.problems):
            yield module, "other", "its hook kling26_providers returns no provider."
    for name in own:
        provider, sandbox = registry.providers[name], sandboxes.get(name)
        where = f'the provider "{name}"'
        if provider.can("verify_callback"):
            verify = partial(provider.verify_callback, b"{}", {}, "whsec_c2VjcmV0")
            yield from tried(f"verify_callback of {where}", verify)
        if sandbox is not None:
            yield from tried(f"the emulator of {where}", partial(_rehearse, provider, sandbox))


def _rehearse(provider: Any, sandbox: Any) -> None:
    """Ask the emulator for a video, and how it is doing."""
    import httpx
    from kling26.core import VideoRequest
    from kling26.sandbox import Conditions, SandboxTransport

    emulator = sandbox.build(Conditions())
    urls = (provider.base_url, provider.upload_url, provider.balance_url, *sandbox.hosts)

    async def play() -> None:
        transport = SandboxTransport({url: emulator for url in urls if url})
        async with httpx.AsyncClient(transport=transport) as client:
            request = VideoRequest("A red fox", task="k26-0000000000000000")
            ticket = await _played(provider.submit(request, provider.Options()), provider, client)
            await _played(provider.poll(ticket), provider, client)

    asyncio.run(play())


async def _played(flow: Any, provider: Any, client: Any) -> Any:
    reply = None
    try:
        while True:
            request = flow.send(reply)
            provider.sign(request, "rehearsal")
            reply = await client.send(request)
    except StopIteration as end:
        return end.value


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):
        found = list(probe(**asked))
    json.dump(found, sys.stdout)
