"""What the README says is true: its commands, its sessions, its tables and its plug-in."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
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
from kling26.cli import exits
from kling26.core import Provider, VideoRequest
from kling26.core.options import options_of
from kling26.core.plugins import load_providers
from kling26.core.settings import address_variables
from kling26.core.text import join_words
from kling26.sandbox import FAULTS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PROVIDERS = list(load_providers().providers.values())


def section(title: str) -> str:
    """The text under a heading of the second level."""
    _, _, rest = README.partition(f"\n## {title}\n")
    assert rest, f'there is no section "{title}"'
    return rest.partition("\n## ")[0]


def blocks(language: str, text: str = README) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """The cells of the first table in a text, without its heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def run_python(code: str, folder: Path, **environ: str) -> list[str]:
    """The lines that a program prints, started in a folder of its own with nothing set."""
    unset = ("KLING26_", *(provider.name.upper() for provider in PROVIDERS))
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(unset)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=inherited | {"KLING26_HOME": str(folder / "home")} | environ,
        capture_output=True,
        encoding="utf-8",
    )

    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# -- commands and sessions -----------------------------------------------------------------


def test_the_two_commands_of_the_set_up() -> None:
    first, second = blocks("sh")[0].strip(), blocks("sh", section("Development"))[0].strip()

    assert first == (
        'pip install . && kling26 generate "A red fox trots through fresh snow" --sandbox '
        "--output fox.mp4"
    )
    assert second == 'pip install -e ".[test]" && pytest'


def test_python_in_three_lines(tmp_path: Path) -> None:
    program = blocks("python")[0]

    assert len([line for line in program.splitlines() if line]) == 3
    assert run_python(program, tmp_path) == [str(tmp_path / "fox.mp4")]
    with av.open(str(tmp_path / "fox.mp4")) as video:
        assert round(video.duration / 1e6) == 5


def test_the_sessions_show_what_really_comes() -> None:
    sessions = "\n".join(blocks("pycon"))
    session = doctest.DocTestParser().get_doctest(sessions, {}, "README.md", "README.md", 0)
    report: list[str] = []
    result = doctest.DocTestRunner().run(session, out=report.append)

    assert result.attempted > 3
    assert result.failed == 0, "".join(report)


def test_the_fault_to_rehearse_is_one() -> None:
    named = re.findall(r"KLING26_SANDBOX_FAULTS=(\w+)", README)

    assert named
    assert set(named) <= set(FAULTS)


# -- tables --------------------------------------------------------------------------------


def sent(provider: Provider, **wishes: Any) -> dict[str, object]:
    """The fields of the paid request, each under its dotted path."""
    request = VideoRequest(**({"prompt": "A red fox"} | wishes))
    body = json.loads(next(provider.submit(request, provider.Options())).content)
    return dict(flat("", body))


def flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flat(f"{path}[{index}]", inner)
    else:
        yield path, value


def spelled(provider: Provider, option: str, *values: object) -> str:
    """The field that an option becomes, and what each of its values becomes there."""
    bodies = [sent(provider, **{option: value}) for value in values]
    (path,) = (path for path in bodies[0] if bodies[0][path] != bodies[1].get(path))
    return f"`{path}`: " + ", ".join(f"`{json.dumps(body[path])}`" for body in bodies)


def field_of(provider: Provider, otherwise: str, **wish: str) -> str:
    """The field that carries a text as it is."""
    (text,) = wish.values()
    paths = [path for path, value in sent(provider, **wish).items() if value == text]
    return f"`{paths[0]}`" if paths else otherwise


def local_picture(provider: Provider) -> str:
    if not provider.limits.image_formats:
        return "refused: a public `https://` address only"
    return "uploaded first" if provider.can("upload") else "sent as base64"


def picture_limits(provider: Provider) -> str:
    limits = provider.limits
    if not limits.image_formats:
        return "–"
    formats = join_words((name.upper() for name in limits.image_formats), "or")
    least = f", at least {limits.image_pixels} pixels" if limits.image_pixels > 1 else ""
    return f"{formats}, up to {limits.image_bytes / 1e6:.0f} MB{least}"


def pace(provider: Provider) -> str:
    if provider.limits.submissions is None:
        return "not published"
    many, seconds = provider.limits.submissions
    return f"{many} new tasks in {seconds:.0f} s"


def prices(provider: Provider) -> str:
    asked = [
        provider.price(VideoRequest("A red fox", sound=sound, duration=duration), None)
        for duration in (5, 10)
        for sound in (False, True)
    ]
    return ", ".join(f"{price:g}" for price in asked if price is not None) or "not published"


def prompts(provider: Provider) -> str:
    text, image = provider.limits.text_prompt, provider.limits.image_prompt
    return f"{text}, {image}" if text and image else "not published"


def own_options(provider: Provider) -> str:
    return ", ".join(f"`{info.name}`" for info in options_of(provider.Options)) or "none"


PICTURE = "https://example.com/fox.png"
FACTS = {
    "`--provider`": lambda p: f"`{p.name}`",
    "Key": lambda p: f"`{p.key_variable}`",
    "Where to get one": lambda p: f"<{p.key_page}>",
    "Sound on, off": lambda p: spelled(p, "sound", True, False),
    "Duration of 5 s, 10 s": lambda p: spelled(p, "duration", 5, 10),
    "Aspect ratio": lambda p: spelled(p, "aspect_ratio", "16:9", "1:1").partition(":")[0],
    "Image at an address": lambda p: field_of(p, "", image=PICTURE),
    "Image in a file": local_picture,
    "Such a file": picture_limits,
    "Webhook (`--callback-url`)": lambda p: field_of(
        p, "none: refused", callback_url="https://example.com/done"
    ),
    "Our own id of the task": lambda p: field_of(p, "none", task="k26-1"),
    "Options of its own (`--option`)": own_options,
    "Longest prompt, from text, from an image": prompts,
    "Pace": pace,
    "A task can be cancelled": lambda p: "while it is queued" if p.can("cancel") else "no",
    "If the answer to a submit is lost": lambda p: (
        "it is looked up by our own id" if p.can("find") else "you are told"
    ),
    "USD for 5 s, with sound, 10 s, with sound": prices,
}


def test_the_table_of_providers() -> None:
    """On a mismatch, this is the table to put there."""
    lines = [
        "| | " + " | ".join(provider.title for provider in PROVIDERS) + " |",
        "|---" * (len(PROVIDERS) + 1) + "|",
        *(
            f"| {fact} | " + " | ".join(tell(provider) for provider in PROVIDERS) + " |"
            for fact, tell in FACTS.items()
        ),
    ]
    table = "\n".join(lines)

    assert table in section("Providers"), table


def test_every_option_of_a_provider_is_explained() -> None:
    explained = {tuple(cells[:3]) for cells in rows(section("Providers").partition("### ")[2])}
    options = {
        (provider.title, f"`{info.name}`", info.allowed())
        for provider in PROVIDERS
        for info in options_of(provider.Options)
    }

    assert options == explained


def test_every_variable_is_in_the_table_of_settings() -> None:
    names = re.findall(r"`([A-Z0-9_]+)`", "".join(row[0] for row in rows(section("Settings"))))
    read = {
        name
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] not in ("tests", ".ci", "build", "benchmarks")
        for name in re.findall(r'"(KLING26_[A-Z_]+)"', path.read_text("utf-8"))
    }
    for provider in PROVIDERS:
        read |= {provider.key_variable, *address_variables(provider).values()}

    assert sorted(names) == sorted(read)


def test_every_command_is_in_its_table(tmp_path: Path) -> None:
    told = {cells[0].split()[1] for cells in rows(section("Commands"))}
    program = "import sys; sys.argv = ['kling26', '--help']; from kling26.cli import main; main()"
    listed = re.findall(
        r"^\W* ([a-z][a-z-]*)  ", "\n".join(run_python(program, tmp_path)), re.MULTILINE
    )

    assert told == set(listed)


def test_every_exit_status_is_in_its_table() -> None:
    told = {int(row[0].strip("`")) for row in rows(section("Exit status"))}
    statuses = {value for name, value in vars(exits).items() if name.isupper() and name[0] != "_"}

    assert told == statuses | {0}


def test_links_within_the_project_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text("utf-8")
        local = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]

        assert [link for link in local if not (ROOT / link).exists()] == []


# -- the plug-in ---------------------------------------------------------------------------


def test_the_plugin_is_the_one_that_is_installed_as_a_check() -> None:
    plugin = ROOT / "tests" / "plugin"
    code, entry = blocks("python", section("Adding a provider"))[0], blocks("toml")[0]

    assert code == (plugin / "kling26_acme.py").read_text("utf-8")
    assert entry in (plugin / "pyproject.toml").read_text("utf-8")


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


def install_plugin(folder: Path) -> None:
    """Lay out what pip would, from the code and the TOML that the README shows."""
    text = section("Adding a provider")
    entries = tomllib.loads(blocks("toml", text)[0])["project"]["entry-points"]["kling26"]
    (folder / "kling26_acme.py").write_text(blocks("python", text)[0], "utf-8")
    metadata = folder / "kling26_acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: kling26-acme\nVersion: 1.0\n")
    listed = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (metadata / "entry_points.txt").write_text(f"[kling26]\n{listed}")


def test_the_plugin_makes_videos_that_are_paid_once(tmp_path: Path, acme: Acme) -> None:
    """A few lines of translation get all that the built-in providers have."""
    site = tmp_path / "site-packages"
    site.mkdir()
    install_plugin(site)
    program = """
from kling26.core import VideoRequest, generate
for _ in range(2):
    video = generate(VideoRequest("A red fox", sound=True), provider="acme")
    print(video.file.read_bytes() == VIDEO, video.task_id, video.reused)
"""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    printed = run_python(
        program.replace("VIDEO", repr(acme.video)),
        tmp_path,
        PYTHONPATH=path,
        ACME_API_KEY="acme-key",
        ACME_BASE_URL=acme.url,
    )

    assert printed == ["True v1 False", "True v1 True"]
    assert acme.seen == [
        ("POST", "/videos", True),
        ("GET", "/videos/v1", True),
        ("GET", "/videos/v1", True),
        ("GET", "/v1.mp4", False),
    ]
