"""
A real ComfyUI, started on a free loopback port with a fresh folder for everything.

`COMFYUI_PATH` says where it is, `COMFYUI_PYTHON` which Python runs it (this one unless set), and
`COMFYUI_FRONTEND` where another front end is than the one installed in that Python. The providers
are the emulators of `kling26.sandbox`, over real HTTP.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

REPOSITORY = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "probe"
KEY = "sk-e2e-not-to-be-seen-anywhere-4711"
TYPED_KEY = "sk-e2e-typed-in-the-page-0815"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(300))


@define
class Run:
    """What became of one prompt."""

    id: str
    events: list[dict[str, Any]] = field(factory=list)
    #: The lines shown on nodes: (node, text).
    texts: list[tuple[str, str]] = field(factory=list)
    #: What else the page is told: of runs, and of tasks.
    runs: list[dict[str, Any]] = field(factory=list)
    tasks: list[dict[str, Any]] = field(factory=list)
    #: Seconds from the start to each event.
    times: list[float] = field(factory=list)

    def hear(self, kind: str, told: dict[str, Any]) -> None:
        """Take in one of our own events."""
        if kind == "kling26.run":
            self.runs.append(told)
            self.texts.append((told["node"], told["text"]))
        else:
            self.tasks.append(told)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["type"] == kind]

    def when(self, kind: str) -> float:
        """The seconds until the first event of a kind."""
        return next(
            at for at, event in zip(self.times, self.events, strict=True) if event["type"] == kind
        )

    @property
    def end(self) -> str:
        return str(self.events[-1]["type"])

    @property
    def error(self) -> str:
        return str(self.of("execution_error")[0]["exception_message"]).strip()


@define
class Comfy:
    """A running ComfyUI."""

    url: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    name: str = "ComfyUI-Kling26"

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text("utf-8", "replace")

    @property
    def trouble(self) -> list[str]:
        """What its log has of our own troubles: a neighbour may have others."""
        return self.trouble_in(self.log)

    def trouble_in(self, log: str) -> list[str]:
        return trouble(log, self.name)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def output(self) -> Path:
        return self.folder / "base" / "output"

    def get(self, path: str) -> Any:
        return self.request("GET", path)[1]

    def request(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - a loopback address
            self.url + path,
            data,
            {"Content-Type": "application/json", **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
                status, content = reply.status, reply.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content

    def run(
        self,
        prompt: Mapping[str, Any],
        *,
        until: Callable[[Run], bool] | None = None,
        meanwhile: Callable[[Run], None] | None = None,
        timeout: float = 90.0,
    ) -> Run:
        """Queue a prompt and follow it to its end (or until `until` is true)."""
        connect = import_module("websockets.sync.client").connect
        client = uuid.uuid4().hex
        address = f"{self.url.replace('http', 'ws', 1)}/ws?clientId={client}"
        with connect(address, max_size=None) as socket_:
            begun = time.monotonic()
            status, reply = self.request("POST", "/prompt", {"prompt": prompt, "client_id": client})
            assert status == 200, reply
            run = Run(reply["prompt_id"])
            while not (until(run) if until else run.events and run.end in _ENDS):
                left = begun + timeout - time.monotonic()
                assert left > 0, f"{run.events[-3:]} {run.texts[-3:]} {self.log[-3000:]}"
                try:
                    message = socket_.recv(timeout=min(0.2, left))
                except TimeoutError:
                    message = None
                event = json.loads(message) if isinstance(message, str) else None
                if event is not None and event["type"].startswith("kling26."):
                    run.hear(event["type"], event["data"])
                elif event is not None and event["data"].get("prompt_id", run.id) == run.id:
                    run.events.append(event)
                    run.times.append(time.monotonic() - begun)
                if meanwhile is not None:
                    meanwhile(run)
        return run

    def history(self, run: Run) -> Any:
        for _ in range(50):  # It is written when the last event has been sent.
            if entries := self.get(f"/history/{run.id}"):
                break
            time.sleep(0.1)
        return entries[run.id]

    def interrupt(self) -> None:
        self.request("POST", "/interrupt", {})

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def trouble(log: str, name: str) -> list[str]:
    """The tracebacks in ComfyUI's log that go through our files, and a failed import of ours."""
    failed = [
        line for line in log.splitlines() if "IMPORT FAILED" in line and line.endswith(f"/{name}")
    ]
    for part in log.split("Traceback (most recent call last):")[1:]:
        frames = "\n".join(takewhile(lambda line: line[:1] in ("", " "), part.splitlines()))
        if f"/custom_nodes/{name}/" in frames or f"{REPOSITORY}/" in frames:
            failed.append(frames)
    return failed


_ENDS = ("execution_success", "execution_error", "execution_interrupted")


def start_comfyui(
    folder: Path,
    environment: Mapping[str, str],
    *,
    name: str = "ComfyUI-Kling26",
    python_path: str = "",
    arguments: Sequence[str] = (),
) -> Comfy:
    """
    Start ComfyUI in `folder`, with this repository linked into its custom nodes as `name`.

    `arguments` are more ones of its command line, which go before those given here.
    """
    base = folder / "base"
    for part in ("input", "output", "temp", "user", "models", "custom_nodes"):
        (base / part).mkdir(parents=True, exist_ok=True)
    for link, target in ((name, REPOSITORY), ("kling26-probe", PROBE)):
        if not (base / "custom_nodes" / link).is_symlink():
            (base / "custom_nodes" / link).symlink_to(target)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        os.environ.get("COMFYUI_PYTHON", sys.executable), "-u", "main.py", "--cpu",
        "--listen", "127.0.0.1", "--port", str(port),
        "--base-directory", str(base), "--user-directory", str(base / "user"),
        "--output-directory", str(base / "output"), "--temp-directory", str(base / "temp"),
        "--database-url", f"sqlite:///{base / 'user' / 'comfyui.db'}",
        "--disable-api-nodes", *arguments,
    ]  # fmt: skip
    if os.environ.get("COMFYUI_FRONTEND"):
        command += ["--front-end-root", os.environ["COMFYUI_FRONTEND"]]
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KLING26_", "KIE_", "APIKLEY_", "COMETAPI_", "RUNCOMFY_"))
    }
    clean |= {"KLING26_HOME": str(folder / "home"), "PYTHONPATH": python_path, **environment}
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=os.environ["COMFYUI_PATH"], env=clean, stdout=log, stderr=log
        )
    comfy = Comfy(f"http://127.0.0.1:{port}", folder, process, name)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            comfy.get("/system_stats")
        except OSError:
            time.sleep(0.3)
        else:
            return comfy
    process.kill()
    raise AssertionError(f"ComfyUI did not start:\n{comfy.log[-4000:]}")


@define
class Providers:
    """The emulators, over real HTTP, and what they were asked to pay for."""

    site: Any
    url: str
    environment: dict[str, str]

    def tasks(self, name: str) -> list[Any]:
        """The tasks that a provider has accepted: what a user would be billed for."""
        return list(self.site.apps[name].tasks)

    def pace(self, name: str, *, queued: float, running: float) -> None:
        conditions = self.site.conditions[name]
        conditions.queued, conditions.running = queued, running


def install(folder: Path, name: str, modules: Mapping[str, str], entries: str) -> None:
    """What pip leaves of a distribution: its modules, and the metadata with its entry points."""
    folder.mkdir(exist_ok=True)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source, "utf-8")
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[kling26]\n{entries}\n")


def install_project(folder: Path, project: Path) -> None:
    """The same, of a folder with a pyproject.toml."""
    facts = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    modules = {
        name: (project / f"{name}.py").read_text("utf-8")
        for name in facts["tool"]["setuptools"]["py-modules"]
    }
    points = facts["project"]["entry-points"]["kling26"].items()
    entries = "\n".join(f"{name} = {module}" for name, module in points)
    install(folder, facts["project"]["name"], modules, entries)


@pytest.fixture(scope="session", name="install")
def _install() -> Callable[..., None]:
    """Installs a distribution into a folder; see `install`."""
    return install


@pytest.fixture(scope="session")
def third_parties(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four plug-ins: the three examples, and one just begun by command."""
    folder = tmp_path_factory.mktemp("third-parties")
    begin = [sys.executable, "-m", "kling26.cli", "new-provider", "acme"]
    home = {"KLING26_HOME": str(folder / "home"), "KLING26_LOAD_PLUGINS": ""}
    subprocess.run(
        begin, cwd=folder, env={**os.environ, **home}, check=True, capture_output=True, timeout=60
    )
    examples = REPOSITORY / "examples"
    projects = [examples / f"kling26-{name}" for name in ("fal", "kling", "replicate")]
    for project in (folder / "kling26-acme", *projects):
        install_project(folder / "packages", project)
    return folder / "packages"


@pytest.fixture(scope="session")
def providers(third_parties: Path) -> Iterator[Providers]:
    from kling26.core.installed import discover
    from kling26.core.plugins import load_sandboxes
    from kling26.sandbox import Conditions, Server, build_site, environment

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(third_parties))
        names = [f"kling26-{name}" for name in ("acme", "fal", "kling", "replicate")]
        sandboxes = load_sandboxes(discover(names))
    site = build_site(sandboxes.values(), Conditions(queued=0.5, running=1.0))
    with Server(site) as server:
        variables: dict[str, str] = {}
        for sandbox in sandboxes.values():
            variables |= environment(sandbox, server.url)
        yield Providers(site, server.url, variables)


@pytest.fixture(scope="session")
def comfy(tmp_path_factory: pytest.TempPathFactory, providers: Providers) -> Iterator[Comfy]:
    """One ComfyUI for all tests that need nothing special: kie.ai, CometAPI, RunComfy have keys."""
    own = {"KIE_API_KEY": KEY, "COMETAPI_KEY": KEY, "RUNCOMFY_TOKEN": KEY}
    own["KLING26_MAX_TASKS_PER_HOUR"] = "none"  # All tests together make more.
    running = start_comfyui(tmp_path_factory.mktemp("comfyui"), {**providers.environment, **own})
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Comfy]]:
    """Starts ComfyUI once more, for the length of a test; see `start_comfyui`."""
    yield from _starting()


@pytest.fixture(scope="module")
def start_for_all() -> Iterator[Callable[..., Comfy]]:
    """Starts ComfyUI once more, for all the tests of a file."""
    yield from _starting()


def _starting() -> Iterator[Callable[..., Comfy]]:
    started: list[Comfy] = []

    def starting(*values: Any, **more: Any) -> Comfy:
        started.append(start_comfyui(*values, **more))
        return started[-1]

    yield starting
    for each in started:
        if each.process.poll() is None:
            each.stop()


@pytest.fixture(autouse=True)
def _usual_pace(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "providers" in request.fixturenames:
        providers = request.getfixturevalue("providers")
        for name in providers.site.apps:
            providers.pace(name, queued=0.5, running=1.0)
        for conditions in providers.site.conditions.values():
            conditions.faults.clear()


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept to be looked at (`KLING26_E2E_ARTEFACTS`)."""
    wanted = os.environ.get("KLING26_E2E_ARTEFACTS")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def node() -> Callable[..., dict[str, Any]]:
    """Builds the node in API format: ``node("A fox", provider="kie", seed=3)``."""

    def build(prompt: Any, provider: str = "kie", **values: Any) -> dict[str, Any]:
        own = {"cometapi": {"mode": "std", "negative_prompt": "", "cfg_scale": "",
                            "camera_control": ""},
               "runcomfy": {"negative_prompt": "blur"}}.get(provider, {})  # fmt: skip
        inputs = {
            "prompt": prompt,
            "image_url": "",
            "sound": False,
            "duration": 5,
            "aspect_ratio": "16:9",
            "seed": 0,
            "sandbox": False,
            "provider": provider,
            **{f"provider.{name}": value for name, value in own.items()},
        }
        inputs |= {name.replace("__", "."): value for name, value in values.items()}
        return {"class_type": "Kling26Video", "inputs": inputs}

    return build


@pytest.fixture
def save() -> Callable[..., dict[str, Any]]:
    """Builds Save Video for the node with this id."""

    def build(source: str, prefix: str = "kling") -> dict[str, Any]:
        inputs = {
            "video": [source, 0],
            "filename_prefix": prefix,
            "format": "auto",
            "codec": "auto",
        }
        return {"class_type": "SaveVideo", "inputs": inputs}

    return build


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        options = {"executable_path": CHROMIUM} if Path(CHROMIUM).exists() else {}
        chromium = driver.chromium.launch(headless=True, args=FLAGS, **options)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens ComfyUI with an empty graph: ``open_page(comfy, locale="ru")``."""
    contexts = []

    def opened(comfy: Any, **settings: Any) -> Any:
        usual = {
            "Comfy.TutorialCompleted": True,
            "Comfy.Minimap.Visible": False,
            "Comfy.Locale": "en",
            "Comfy.VueNodes.Enabled": False,
            "Comfy.Workflow.Persist": False,
        }
        comfy.request("POST", "/settings", {**usual, **settings})
        context = browser.new_context(viewport={"width": 1500, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.route("**/*", _loopback_only)
        page.goto(comfy.url)
        page.wait_for_function("window.app?.extensionManager && window.app.graph", timeout=60_000)
        page.wait_for_timeout(3000)
        _clear(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def _loopback_only(route: Any) -> None:
    url = route.request.url
    if "127.0.0.1" in url or url.startswith(("data:", "blob:")):
        route.continue_()
    else:
        route.abort()


def _clear(page: Any) -> None:
    """An empty graph, without what ComfyUI says of the workflow that it began with."""
    page.evaluate("() => app.loadGraphData({ nodes: [], links: [], version: 0.4 })")
    page.evaluate(
        "() => { app.canvas.ds.scale = 1; app.canvas.ds.reset();"
        " app.extensionManager.toast.removeAll(); }"
    )
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
