"""
A provider on a loopback port, in a process of its own, as cheap as HTTP can be in Python.

It answers like CometAPI, and like kie.ai with kie.ai's published pace, and delivers one video to
all. `sandbox/` checks requests and emulates faults; this one only must not be the bottleneck.

Run: python provider.py VIDEO [SECONDS]

Prints its port. Tasks take so many seconds. `GET /facts` tells what it was asked.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import httpx

#: kie.ai's published pace: so many submissions in so many seconds.
PACE, WINDOW = 20, 10.0
_REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests"}


@contextmanager
def provider(video: Path, seconds: float = 0.0) -> Iterator[str]:
    """The URL of a provider that runs until the block ends."""
    line = [sys.executable, __file__, str(video), str(seconds)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def environment(url: str, home: Path) -> dict[str, str]:
    """The variables with which kling26 uses the provider at `url`, and nothing of the user's."""
    return {
        "KLING26_HOME": str(home),
        "COMETAPI_KEY": "not-a-key",
        "COMETAPI_BASE_URL": url,
        "KIE_API_KEY": "not-a-key",
        "KIE_BASE_URL": url,
    }


def small_video(folder: Path) -> Path:
    """A real video of 5 s with sound."""
    from kling26.sandbox.video import Clip, make_video

    path = folder / "small.mp4"
    path.write_bytes(make_video(Clip("A heron", sound=True)))
    return path


def big_video(folder: Path) -> Path:
    """A playable video, filled up to 200 MB by a box that players skip."""
    path = small_video(folder)
    filling = 200_000_000 - path.stat().st_size
    with path.open("ab") as file:
        file.write(filling.to_bytes(4, "big") + b"free" + bytes(filling - 8))
    return path


def facts(url: str) -> Mapping[str, int]:
    """What a provider was asked: tasks, requests for one of them (its prompt), and questions."""
    answer: Mapping[str, int] = httpx.get(f"{url}/facts").json()
    return answer


class Tasks:
    """The tasks that were accepted, by id, and what else is counted."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began: dict[str, float] = {}
        self.prompts: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.recent: deque[float] = deque()

    def accept(self, prompt: str) -> str:
        task = f"task-{len(self.began)}"
        self.began[task] = time.monotonic()
        self.prompts[prompt] += 1
        return task

    def is_done(self, task: str) -> bool:
        self.counts["questions"] += 1
        return time.monotonic() - self.began[task] >= self.seconds

    def is_too_fast(self) -> bool:
        """Whether the published pace does not allow another submission now."""
        now = time.monotonic()
        while self.recent and self.recent[0] <= now - WINDOW:
            self.recent.popleft()
        if len(self.recent) >= PACE:
            self.counts["too_fast"] += 1
            return True
        self.recent.append(now)
        return False

    def facts(self) -> dict[str, int]:
        most = max(self.prompts.values(), default=0)
        return {"tasks": len(self.began), "most_per_request": most, **self.counts}


class Connection(asyncio.Protocol):
    """One connection, which is answered in the order of its requests."""

    transport: asyncio.Transport

    def __init__(self, tasks: Tasks, video: Path) -> None:
        self.tasks, self.video = tasks, video
        self.received = bytearray()
        self.sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, rest = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not end or (length is not None and len(rest) < int(length[1])):
            return
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        self.received = bytearray()
        self.answer(method, target, bytes(rest))

    def answer(self, method: str, target: str, body: bytes) -> None:
        if target.endswith(".mp4"):
            self.tasks.counts["downloads"] += 1
            self.sending = asyncio.create_task(self.send_video(self.video.open("rb")))
            return
        status, reply = self.reply(method, target, body)
        content = json.dumps(reply).encode()
        self.transport.write(_head(status, "application/json", len(content)) + content)

    def reply(self, method: str, target: str, body: bytes) -> tuple[int, object]:
        """The status and the JSON for a request."""
        url = urlsplit(target)
        name = url.path.rpartition("/")[2]
        if name == "createTask":
            if self.tasks.is_too_fast():
                return 429, {"code": 429, "msg": "Too many requests"}
            task = self.tasks.accept(json.loads(body)["input"]["prompt"])
            return 200, {"code": 200, "msg": "success", "data": {"taskId": task}}
        if name == "recordInfo":
            return 200, self.kie(parse_qs(url.query)["taskId"][0])
        if method == "POST" and name == "text2video":
            return 200, self.kling(self.tasks.accept(json.loads(body)["prompt"]), False)
        if name in self.tasks.began:
            return 200, self.kling(name, self.tasks.is_done(name))
        return (200, self.tasks.facts()) if name == "facts" else (404, {})

    def kie(self, task: str) -> object:
        data: dict[str, object] = {"taskId": task, "state": "generating"}
        if self.tasks.is_done(task):
            result = json.dumps({"resultUrls": [self.link(task)]})
            data |= {"state": "success", "resultJson": result}
        return {"code": 200, "msg": "success", "data": data}

    def kling(self, task: str, done: bool) -> object:
        data: dict[str, object] = {"task_id": task, "task_status": "processing"}
        if done:
            videos = [{"id": task, "url": self.link(task), "duration": "5"}]
            data |= {"task_status": "succeed", "task_result": {"videos": videos}}
        return {"code": 0, "message": "SUCCEED", "request_id": task, "data": data}

    def link(self, task: str) -> str:
        host, port = self.transport.get_extra_info("sockname")[:2]
        return f"http://{host}:{port}/{task}.mp4"

    async def send_video(self, file: BinaryIO) -> None:
        with file, suppress(ConnectionError, RuntimeError):
            size = self.video.stat().st_size
            self.transport.write(_head(200, "video/mp4", size))
            await asyncio.get_running_loop().sendfile(self.transport, file)


def _head(status: int, kind: str, length: int) -> bytes:
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()


async def serve(video: Path, seconds: float) -> None:
    tasks = Tasks(seconds)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(tasks, video), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2])))
