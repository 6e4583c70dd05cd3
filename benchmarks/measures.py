"""
The measures of speed, each as a ratio or a bound within one run.

Run: python benchmarks/measures.py [name]...

Prints a line for each: what, what was measured, and the bound it is held against.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
from kling26.core.plugins import load_providers
from kling26.core.request import VideoRequest
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings
from kling26.core.status import Ticket
from polling import polling as simulate

REPLIES = {
    "createTask": {"code": 200, "msg": "success", "data": {
        "taskId": "1", "state": "success", "resultJson": '{"resultUrls": ["https://a.example/1"]}'}},
    "cometapi": {"code": 0, "message": "SUCCEED", "data": {
        "task_id": "1", "task_status": "succeed",
        "task_result": {"videos": [{"id": "1", "url": "https://a.example/1", "duration": "5"}]}}},
    "runcomfy": {"request_id": "1", "status": "completed",
        "output": {"video": "https://a.example/1"}, "cost": 0.35},
}  # fmt: skip


LIBRARIES = "import httpx, attrs, cattrs, pluggy"
#: What ComfyUI has loaded before it comes to custom nodes, as far as it is installed here.
COMFYUI = """
import importlib, importlib.util
for name in ("asyncio", "logging", "ssl", "urllib.request", "aiohttp", "av", "filelock", "numpy",
             "PIL.Image", "psutil", "pydantic", "sqlalchemy", "torch", "tqdm", "yaml"):
    if importlib.util.find_spec(name.partition(".")[0]):
        importlib.import_module(name)
"""
DOOR = """
from kling26.comfy_bridge import extension, node
from kling26.core.installed import discover
from kling26.core.plugins import load_providers
load_providers(discover())
"""
COMMAND = """
import sys
from kling26.cli import main
sys.argv = ["kling26", "{}"]
main()
"""
#: What is measured, the libraries that it stands on, what is there before either, and the bound.
STARTS = {
    "import kling26.core": ("import kling26.core", LIBRARIES, "", 1.3),
    "the door, in ComfyUI's start": (DOOR, LIBRARIES, COMFYUI, 1.3),
    "kling26 --help": (
        COMMAND.format("--help"),
        "import attrs, cyclopts, cyclopts.help, pluggy, rich.console, rich.markdown, rich.table",
        "",
        2,
    ),
    "kling26 tasks": (
        COMMAND.format("tasks"),
        f"{LIBRARIES}, cyclopts, httpcore, sqlalchemy, stamina",
        "",
        1.5,
    ),
}


def say(what: str, measured: str, bound: str) -> None:
    print(f"{what:<44} {measured:<40} {bound}", flush=True)


def imports() -> None:
    """How each way in starts, against the libraries that it stands on alone."""
    with tempfile.TemporaryDirectory() as home:
        for name, (code, libraries, before, most) in STARTS.items():
            _cpu(before + code, home)  # Compiles it.
            # In turn, so that a slow moment of the machine hits all alike.
            pairs = [(_cpu(before + code, home), _cpu(before + libraries, home)) for _ in range(15)]
            ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
            spent = f"{ours * 1000:.0f} ms of CPU"
            say(name, f"{ours / theirs:.2f} x its libraries, {spent}", f"at most {most} x")


def _cpu(code: str, home: str) -> float:
    """The CPU time of a fresh interpreter that runs `code`, in seconds."""
    environ = {**os.environ, "KLING26_HOME": home}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # As installed: compiled once.
    before = os.times()
    line = [sys.executable, "-c", code]
    subprocess.run(line, check=True, env=environ, capture_output=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def wire() -> None:
    """Request to JSON, and reply to Status."""

    def each(work: Callable[[], object]) -> float:
        began = time.perf_counter()
        for _ in range(2000):
            work()
        return (time.perf_counter() - began) / 2000 * 1e6

    request = VideoRequest("A heron lands on a frozen pond", task="k26-1")
    for name, provider in load_providers().providers.items():
        options = provider.Options()
        reply = httpx.Response(200, json=REPLIES.get(name, REPLIES["createTask"]))

        def poll(provider=provider, reply=reply) -> None:  # type: ignore[no-untyped-def]
            flow = provider.poll(Ticket("1"))
            next(flow)
            with suppress(StopIteration):
                flow.send(reply)

        there = each(lambda p=provider, o=options: next(p.submit(request, o)))
        back = each(poll)
        say(f"wire, {name}", f"{there:.0f} µs there, {back:.0f} µs back", "at most 100 µs each")


def polling() -> None:
    """How late the end of a task is noticed; `polling.py` prints the whole table."""
    bounds = {
        "anything from 40 to 120 s": "at most 1 s and 30",
        "anything from 8 to 40 s": "at most 3 s and 20",
    }
    for line in simulate():
        measured = f"{line.delay:.2f} s late, {line.questions:.1f} questions (mean)"
        if line.schedule == "no history" and line.tasks in bounds:
            say(f"noticing the end, {line.tasks}", measured, bounds[line.tasks])
        elif line.schedule == "a history of 20" and line.tasks.startswith(("log", "two")):
            ratio = f"{line.delay / line.best:.2f} x the best for {line.questions:.1f} questions"
            say(f"noticing, {line.tasks}", ratio, "at most 1.25 x")


def download() -> None:
    """A result of 200 MB against a bare httpx stream to a file."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with _Server(_big_video(home)) as url:
            asyncio.run(_compare_downloads(home, url))


def checking() -> None:
    """What the check of a video costs a delivery: its process's start, and then each video."""
    from kling26.core.runner.video import VideoChecker
    from kling26.sandbox.video import Clip, make_video

    async def first(path: Path) -> float:
        checker, began = VideoChecker(), time.perf_counter()
        await checker.check(path, 5)
        elapsed = time.perf_counter() - began
        await checker.aclose()
        return elapsed

    async def twenty(path: Path) -> tuple[float, int]:
        checker = VideoChecker()
        await checker.check(path, 5)
        children = psutil.Process().children()
        before = [sum(child.cpu_times()[:2]) for child in children]
        await asyncio.gather(*(checker.check(path, 5) for _ in range(20)))
        spent = sum(sum(child.cpu_times()[:2]) for child in children) - sum(before)
        await checker.aclose()
        return spent / 20, len(children)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "video.mp4")
        path.write_bytes(make_video(Clip("A heron", sound=True)))
        start = statistics.median(asyncio.run(first(path)) for _ in range(9))
        each, children = asyncio.run(twenty(path))
    say("the first check, with its process's start", f"{start:.3f} s", "at most 0.15 s")
    say(
        "20 checks at once",
        f"{each * 1000:.1f} ms of CPU each, in {children} process",
        "at most 10 ms, in 2",
    )


def _big_video(folder: Path) -> bytes:
    """A playable video, filled up to 200 MB by a box that players skip."""
    from kling26.sandbox.video import Clip, make_video

    video = make_video(Clip(prompt="A heron"))
    filling = 200_000_000 - len(video)
    return video + filling.to_bytes(4, "big") + b"free" + bytes(filling - 8)


class _Server:
    """kie.ai and its results, on a loopback port of a process of its own."""

    def __init__(self, video: bytes) -> None:
        self.video = video

    def __enter__(self) -> str:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        (path / "video.mp4").write_bytes(self.video)
        (path / "app.py").write_text(_APP)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", "18726", "--log-level", "error"],
            cwd=path,
        )
        url = "http://127.0.0.1:18726"
        for _ in range(100):
            try:
                httpx.get(f"{url}/up")
                return url
            except httpx.TransportError:
                time.sleep(0.1)
        raise RuntimeError("the server does not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


_APP = """
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

URL = "http://127.0.0.1:18726/video.mp4"

async def create(request):
    return JSONResponse({"code": 200, "data": {"taskId": "1"}})

async def record(request):
    result = '{"resultUrls": ["' + URL + '"]}'
    return JSONResponse({"code": 200, "data": {"state": "success", "resultJson": result}})

async def video(request):
    return FileResponse(Path(__file__).with_name("video.mp4"))

app = Starlette(routes=[
    Route("/api/v1/jobs/createTask", create, methods=["POST"]),
    Route("/api/v1/jobs/recordInfo", record),
    Route("/video.mp4", video),
])
"""


async def _compare_downloads(home: Path, url: str) -> None:
    bare = []
    for _ in range(3):
        began = time.perf_counter()
        async with httpx.AsyncClient() as client, client.stream("GET", f"{url}/video.mp4") as reply:
            with (home / "bare.mp4").open("wb") as file:
                async for chunk in reply.aiter_bytes():
                    file.write(chunk)
        bare.append(time.perf_counter() - began)
    environ = {"KLING26_HOME": str(home / "home"), "KIE_API_KEY": "x", "KIE_BASE_URL": url}
    ours, memory = [], _Memory()
    async with Runner(Settings(environ)) as runner:
        await runner.tasks()
        for seed in range(3):
            marks: list[float] = []

            def mark(progress, marks=marks) -> None:  # type: ignore[no-untyped-def]
                if progress.phase == "downloading":
                    marks.append(time.perf_counter())

            with memory:
                request = VideoRequest("A heron", seed=seed)
                await runner.generate(request, "kie", progress=mark)
            ours.append(marks[-1] - marks[0])
    speed = statistics.median(bare) / statistics.median(ours)
    say(
        "a result of 200 MB",
        f"{speed:.2f} x the speed of bare httpx, {memory.most / 1e6:.0f} MB more memory",
        "at least 0.8 x, at most 16 MB",
    )


class _Memory:
    """The most memory that was added while it watched, in bytes."""

    most = 0

    def __enter__(self) -> None:
        self.process, self.watching = psutil.Process(), True
        self.before = self.process.memory_info().rss
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        while self.watching:
            self.most = max(self.most, self.process.memory_info().rss - self.before)
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self.watching = False
        self.thread.join()


def crowd() -> None:
    """200 tasks at once in one process, against the slowest one's own time."""
    from kling26.core.plugins import load_sandboxes
    from kling26.sandbox import Conditions, SandboxTransport

    provider = load_providers()["runcomfy"]
    app = load_sandboxes()["runcomfy"].build(Conditions(queued=2.0, running=13.0))
    transport = SandboxTransport({provider.base_url: app})

    async def work(home: str, count: int) -> float:
        began = time.perf_counter()
        async with Runner(Settings({"KLING26_HOME": home}), sandbox=lambda _: transport) as runner:
            await asyncio.gather(*(
                runner.generate(VideoRequest("A heron", seed=n), "runcomfy", sandbox=True)
                for n in range(count)
            ))  # fmt: skip
        return time.perf_counter() - began

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        alone = asyncio.run(work(one, 1))
        together = asyncio.run(work(many, 200))
    say("200 tasks at once", f"{together / alone:.2f} x the time of one", "at most 1.3 x")


MEASURES = {each.__name__: each for each in (imports, wire, polling, download, checking, crowd)}

if __name__ == "__main__":
    for name in sys.argv[1:] or MEASURES:
        MEASURES[name]()
