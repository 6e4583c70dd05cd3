"""
A process of the storm's: a program that makes many videos at once, or the command `kling26`.

Run: worker.py ADDRESS run ORDERS.json
     worker.py ADDRESS command ARGUMENT...

It calls the emulators from a loopback address of its own, by which the storm knows it. The first
form prints one line of JSON for each order as it ends.
"""

import asyncio
import json
import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any


def call_from(address: str) -> None:
    """Make every connection of this process's event loops start at a local address."""
    connect: Any = asyncio.BaseEventLoop.create_connection

    async def bound(
        self: asyncio.BaseEventLoop, factory: Any, host: Any = None, port: Any = None, **more: Any
    ) -> Any:
        if host is not None:
            more["local_addr"] = (address, 0)
        return await connect(self, factory, host, port, **more)

    asyncio.BaseEventLoop.create_connection = bound  # type: ignore[method-assign, assignment]


async def run(orders: list[dict[str, Any]], timeout: float, own_runner: bool) -> None:
    """Make all videos at once, with a runner of one's own or with the process's."""
    from kling26.core import Runner, agenerate

    if not own_runner:
        await asyncio.gather(*(make(agenerate, order, timeout) for order in orders))
        return
    async with Runner() as runner:
        await asyncio.gather(*(make(runner.generate, order, timeout) for order in orders))


async def make(generate: Any, order: dict[str, Any], timeout: float) -> None:
    """Make a video, and print what became of it."""
    from kling26.core import Kling26Error, VideoRequest

    request = VideoRequest(order["prompt"], seed=order["number"])
    say = partial(_say, order["number"])
    try:
        video = await generate(request, order["provider"], output=order["output"], timeout=timeout)
    except Kling26Error as error:
        say(task=error.task, error=type(error).__name__, message=str(error))
    except Exception as error:  # A bug, which the storm reports.
        logging.getLogger("storm").exception("Order %s", order["number"])
        say(bug=repr(error))
    else:
        say(task=video.task, file=str(video.file))


def _say(number: int, **facts: object) -> None:
    print(json.dumps({"number": number, **facts}), flush=True)


def main() -> None:
    address, what, *rest = sys.argv[1:]
    call_from(address)
    if what == "command":
        from kling26.cli.entry import main as command

        sys.argv = ["kling26", *rest]
        command()
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    job = json.loads(Path(rest[0]).read_text())
    asyncio.run(run(job["orders"], job["timeout"], job["own_runner"]))


if __name__ == "__main__":
    main()
