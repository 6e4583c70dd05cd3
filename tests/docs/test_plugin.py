"""The plug-in that docs/providers.md shows works as it stands there."""

import json
import os
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from attrs import Factory, define

SECTION = "A provider of your own"


@pytest.fixture(scope="module")
def code(page: Any) -> str:
    (program,) = page("docs/providers.md").blocks("python", SECTION)
    return str(program)


@pytest.fixture(scope="module")
def entry(page: Any) -> str:
    (lines,) = page("docs/providers.md").blocks("toml", SECTION)
    return str(lines)


def test_it_is_the_one_that_is_installed_as_a_check(page: Any, code: str, entry: str) -> None:
    assert code == page("tests/plugin/kling26_acme.py").text
    assert entry in page("tests/plugin/pyproject.toml").text


@define
class Acme:
    """Acme's servers, of which there are none."""

    video: bytes
    url: str = ""
    #: What was asked for: method, path, and whether the key came along.
    seen: list[tuple[str, str, bool]] = Factory(list)

    def answer(self, method: str, path: str, authorization: str | None) -> bytes:
        self.seen.append((method, path, authorization is not None))
        if path.endswith(".mp4"):
            return self.video
        if method == "POST":
            return b'{"id": "v1"}'
        done = len(self.seen) > 2
        url = f"{self.url}/v1.mp4" if done else None
        return json.dumps({"done": done, "url": url}).encode()


@pytest.fixture
def acme() -> Iterator[Acme]:
    service = Acme(small_video())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = service.answer(self.command, self.path, self.headers.get("Authorization"))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield service
        server.shutdown()


def small_video() -> bytes:
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    return file.getvalue()


@pytest.fixture
def site(code: str, entry: str, tmp_path: Path) -> Path:
    """A folder with what pip would install, from the code and the TOML that the page shows."""
    folder = tmp_path / "site-packages"
    metadata = folder / "kling26_acme-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "kling26_acme.py").write_text(code, "utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: kling26-acme\nVersion: 1.0\n")
    names = tomllib.loads(entry)["project"]["entry-points"]["kling26"]
    lines = "".join(f"{name} = {module}\n" for name, module in names.items())
    (metadata / "entry_points.txt").write_text(f"[kling26]\n{lines}")
    return folder


PROGRAM = """
from kling26.core import VideoRequest, generate
for _ in range(2):
    video = generate(VideoRequest("A red fox", sound=True), provider="acme")
    print(video.file.read_bytes() == VIDEO, video.task_id, video.reused)
"""


def test_it_makes_videos_that_are_paid_once(reader: Any, site: Path, acme: Acme) -> None:
    """A few lines of translation get all that the built-in providers have."""
    printed = reader.python(
        PROGRAM.replace("VIDEO", repr(acme.video)),
        PYTHONPATH=os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")])),
        ACME_API_KEY="acme-key",
        ACME_BASE_URL=acme.url,
    )

    assert printed.splitlines() == ["True v1 False", "True v1 True"]
    assert acme.seen == [
        ("POST", "/videos", True),
        ("GET", "/videos/v1", True),
        ("GET", "/videos/v1", True),
        ("GET", "/v1.mp4", False),
    ]
