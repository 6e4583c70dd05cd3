"""What the guide for authors of plug-ins says is true, and it says everything."""

import asyncio
import csv
import doctest
import inspect
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from string import Template
from types import ModuleType
from typing import Any, get_type_hints

import httpx
import pytest
from kling26.cli.new_provider import FILES, spellings, write
from kling26.cli.new_provider import GUIDE as GUIDE_FILE
from kling26.core import (
    Limits,
    OptionRefused,
    PaymentForbidden,
    Provider,
    Task,
    VideoRequest,
    wire,
)
from kling26.core import errors as all_errors
from kling26.core.hookspecs import kling26_providers, kling26_sandboxes
from kling26.core.replies import Replies
from kling26.core.vetting import validate_provider
from kling26.sandbox import Conditions, DeclaredEmulator, Emulator, SandboxTransport
from kling26.sandbox.declaration import Declaration
from kling26.testing import Conversation, ProviderTests, Stage
from kling26.testing.conformance import standard_tests

from .core.runner.several import Several, WithPlugins, several
from .in_process import command

GUIDE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text("utf-8")
PARTS = (Provider, Replies)
PUBLIC = sorted(
    {name for part in PARTS for name in (*vars(part), *part.__annotations__) if name[0] != "_"}
)
#: What the guide shows and nobody can run here: an installer, and what needs an account.
NOT_RUN = ("pip", "pytest", "python", "twine")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with what the command writes, and what an installer adds to it."""
    folder = tmp_path / "installed"
    write(folder, spellings("acme"))
    info = folder / "kling26_acme-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kling26-acme\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[kling26]\nacme = kling26_acme\n")
    return folder


@pytest.fixture
def acme(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What the command writes, as if it were installed."""
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in ("kling26_acme", "kling26_acme_sandbox"):
        sys.modules.pop(name, None)


# -- it says everything --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_of_a_provider_is_documented(name: str) -> None:
    assert re.search(rf"`{name}[`(]", GUIDE)


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_of_a_provider_has_its_own_words(name: str) -> None:
    """A docstring, or a comment of its own above it."""
    member = getattr(Provider, name, None)
    source = "".join(map(inspect.getsource, PARTS))

    assert (
        inspect.getdoc(member)
        if (callable(member) or isinstance(member, property)) and name != "Options"
        else re.search(rf"    #: .*\n(    #: .*\n|    \w+: .*\n)*    {name}: ", source)
    )


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            name
            for kind in (Emulator, Declaration, DeclaredEmulator)
            for name in (*vars(kind), *kind.__annotations__)
            if name[0] != "_"
        }
    ),
)
def test_everything_public_of_an_emulator_is_documented(name: str) -> None:
    emulator = GUIDE.partition("## The emulator")[2].partition("\n## ")[0]

    assert re.search(rf"`{name}[`(]", emulator)


@pytest.mark.parametrize("hook", [kling26_providers, kling26_sandboxes])
def test_every_hook_is_documented(hook: Any) -> None:
    assert f"`{hook.__name__}`" in GUIDE


def test_every_standard_test_is_documented() -> None:
    told = re.findall(r"^\| `(test_\w+)` \|", GUIDE, re.MULTILINE)

    assert told == standard_tests()


def test_what_an_author_gives_the_suite_is_documented() -> None:
    given = [name for name in get_type_hints(ProviderTests) if name[0] != "_"]

    assert given
    assert [name for name in given if f"| `{name}` |" not in GUIDE] == []


def test_every_helper_is_documented() -> None:
    own = {
        name
        for name, value in vars(wire).items()
        if name[0] != "_" and inspect.isfunction(value) and value.__module__ == wire.__name__
    }

    assert {name for name in own if not re.search(rf"`{name}[`(]", GUIDE)} == set()


def test_the_errors_are_real() -> None:
    named = re.findall(r"^\| `([A-Z]\w+)`(?:, `(\w+)`)? \| ", GUIDE, re.MULTILINE)
    names = {name for pair in named for name in pair if name and name != "Options"}

    assert {"Refused", "UnexpectedReply"} <= names
    assert all(hasattr(all_errors, name) for name in names)


def test_the_files_are_those_that_are_written() -> None:
    told = set(re.findall(r"^\| `kling26-acme/(\S+)` \|", GUIDE, re.MULTILINE))
    written = {Template(path).substitute(spellings("acme")) for path in FILES}

    assert told == written - {".gitignore"} | {GUIDE_FILE}


# -- what it shows works -------------------------------------------------------------------------


def test_the_sessions_show_what_really_comes(acme: Path) -> None:
    session = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), {}, "guide", None, 0)
    report: list[str] = []
    result = doctest.DocTestRunner().run(session, out=report.append)

    assert result.attempted > 5
    assert result.failed == 0, "".join(report)


def test_the_programs_run(acme: Path, tmp_path: Path) -> None:
    """One after another, as one reads them; then what they define is used."""
    names: dict[str, Any] = {"httpx": httpx}
    for program in blocks("python"):
        exec(compile(program, "docs/plugins.md", "exec"), names)  # noqa: S102

    assert names["AcmeOptions"](style="film").strength is None
    provider = names["AcmeProvider"]()
    validate_provider(provider)
    assert provider.price(VideoRequest("A fox", sound=True), None) == pytest.approx(0.7)
    with pytest.raises(OptionRefused):
        provider.check(VideoRequest("A fox", sound=True, duration=10), None)
    request = next(provider.cancel(names["Ticket"]("v1")))
    provider.sign(request, "key")
    assert (request.method, request.headers["x-acme-key"]) == ("DELETE", "key")
    told = httpx.Response(500, json={"error": {"code": "content", "message": "No cats."}})
    failed = Conversation()(names["CandidProvider"]().poll(names["Ticket"]("v1")), told)
    assert (failed.state, failed.code, failed.reason) == ("failed", "content", "No cats.")
    assert issubclass(names["TestAcme"], ProviderTests)
    assert names["TestAcme"]().test_every_state_is_reported() is None
    names["test_a_video_in_the_queue"](Conversation())
    with ExitStack() as stages:
        names["test_a_lost_answer_never_pays_twice"](
            lambda *built: stages.enter_context(Stage(tmp_path / "stage", *built))
        )


def test_the_emulator_that_it_shows_answers() -> None:
    (program,) = (each for each in blocks("python") if "(DeclaredEmulator)" in each)
    names: dict[str, Any] = {}
    exec(compile(program, "docs/plugins.md", "exec"), names)  # noqa: S102
    now = [0.0]
    emulator = names["AcmeSandbox"](Conditions(clock=lambda: now[0]))

    async def work() -> list[httpx.Response]:
        transport = SandboxTransport({"https://api.acme.example": emulator})
        headers, base = {"Authorization": "Bearer any"}, "https://api.acme.example/v1/videos"
        async with httpx.AsyncClient(transport=transport, headers=headers) as client:
            made = await client.post(base, json={"prompt": "A red fox"})
            now[0] = 60.0
            done = await client.get(f"{base}/{made.json()['id']}")
            wrong = await client.post(base, json={"prompt": 1})
            return [made, done, wrong, await client.get(done.json()["video_url"])]

    made, done, wrong, video = asyncio.run(work())
    assert (made.json()["state"], done.json()["state"]) == ("queued", "done")
    assert wrong.json()["detail"][0]["loc"] == ["body", "prompt"]
    assert video.headers["content-type"] == "video/mp4"
    assert emulator.accepted[0].clip.sound


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Several]:
    """The built-in providers, with the plug-in of the guide that writes a ledger, and guards."""
    (program,) = (each for each in blocks("python") if "STUDIO_LEDGER" in each)
    plugin = ModuleType("studio")
    exec(compile(program, "docs/plugins.md", "exec"), vars(plugin))  # noqa: S102
    made = several(tmp_path / "home", "kie", kind=WithPlugins)
    made.plugins = (plugin,)
    yield made
    made.close()


def test_the_ledger_has_what_was_paid(
    studio: Several, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_LEDGER", str(tmp_path / "ledger.csv"))
    monkeypatch.setattr(Task, "sandbox", False)

    made = studio.auto(prompt="A heron, at dawn")

    (row,) = csv.reader((tmp_path / "ledger.csv").read_text("utf-8").splitlines())
    assert row[:4] == [made.task, "kie", made.task_id, "stored"]
    assert row[4:] == [f"{made.cost}", "credits", f"{studio.task().cost_usd}", "A heron, at dawn"]


def test_the_guard_stops_what_is_too_dear(studio: Several) -> None:
    with pytest.raises(PaymentForbidden) as raised:
        studio.auto(sound=True, duration=10)

    assert "1.10 USD is more than the producer allows for one video." in str(raised.value)
    assert studio.payments == {}


def test_the_commands_run(site: Path, tmp_path: Path) -> None:
    ran = 0
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line)
        environ = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environ[name] = value
        if words[0] in NOT_RUN:
            continue
        assert words.pop(0) == "kling26"
        # `kling26 new-provider` refuses a name that is taken.
        path = {} if words[0] == "new-provider" else {"PYTHONPATH": str(site)}
        status, _, said = command(words, tmp_path, os.environ | path | environ)
        assert status == 0, said
        ran += 1

    assert ran == 6
    assert (tmp_path / "kling26-acme" / "pyproject.toml").exists()
    assert (tmp_path / "fox.mp4").exists()


def test_the_entry_point_is_the_one_that_is_written(acme: Path) -> None:
    (shown,) = blocks("toml")
    project = tomllib.loads((acme / "pyproject.toml").read_text("utf-8"))["project"]

    assert tomllib.loads(shown)["project"]["entry-points"] == project["entry-points"]


def test_the_example_of_the_docstring_runs() -> None:
    """The program in the docstring of `Provider`."""
    text = inspect.getdoc(Provider) or ""
    program = re.search(r"::\n\n((?:    .*\n|\n)+)", text)
    assert program is not None
    module = ModuleType("kling26_acme")
    exec(inspect.cleandoc(program[1]), vars(module))  # noqa: S102
    (provider,) = module.kling26_providers()

    validate_provider(provider)
    assert isinstance(provider.limits, Limits)
    submit = provider.submit(VideoRequest("A red fox", sound=True), provider.Options())
    assert next(submit).method == "POST"
    with pytest.raises(StopIteration) as submitted:
        submit.send(httpx.Response(200, json={"id": "v1"}))
    ticket = submitted.value.value
    assert ticket.task_id == "v1"
    for done, state in ((False, "running"), (True, "succeeded")):
        poll = provider.poll(ticket)
        assert str(next(poll).url) == "https://api.acme.example/videos/v1"
        with pytest.raises(StopIteration) as polled:
            poll.send(httpx.Response(200, json={"done": done, "url": None}))
        assert polled.value.value.state == state
