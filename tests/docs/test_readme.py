"""The README is short, and what it shows works, each snippet on its own."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import pytest
from kling26.core import Provider, VideoRequest
from kling26.core.plugins import load_sandboxes
from kling26.core.text import join_words
from kling26.sandbox import Conditions, Server, build_site

VENV = "python3 -m venv .venv && . .venv/bin/activate"
MAKE_A_VIDEO = (
    'pip install . && kling26 generate "A red fox trots through fresh snow" --sandbox '
    "--output fox.mp4"
)
RUN_THE_TESTS = 'pip install -e ".[test]" && pytest'
HEADING = (
    "| provider | `--provider` | API key | image files | lost requests can be found | 5 s in USD |"
)


@pytest.fixture(scope="module")
def readme(page: Any) -> Any:
    return page("README.md")


@pytest.fixture
def served() -> Iterator[str]:
    """The URL of the emulators."""
    at_once = Conditions(queued=0.0, running=0.0)
    with Server(build_site(load_sandboxes().values(), at_once)) as server:
        yield server.url


def length_of(video: Path) -> float:
    """In seconds."""
    with av.open(str(video)) as opened:
        assert opened.duration is not None
        return opened.duration / 1e6


def test_it_has_900_words_at_most(readme: Any) -> None:
    assert len(readme.prose.split()) <= 900


def test_the_set_up_makes_a_video_in_two_lines(readme: Any) -> None:
    """With a Python that pip may install into, and with one that refuses it."""
    assert readme.blocks("sh")[0].splitlines() == [VENV, MAKE_A_VIDEO]


def test_the_set_up_for_developers_runs_the_tests_in_two_lines(readme: Any) -> None:
    assert readme.blocks("sh", "Development")[0].splitlines() == [VENV, RUN_THE_TESTS]


def test_the_first_command_makes_a_video_for_nothing(readme: Any, reader: Any) -> None:
    _, _, command = readme.blocks("sh")[0].partition("pip install . && ")

    printed = reader.commands(command)

    assert printed.strip() == str(reader.folder / "fox.mp4")
    assert round(length_of(reader.folder / "fox.mp4")) == 5


def test_a_stored_key_makes_a_real_video(readme: Any, reader: Any, served: str) -> None:
    """Over HTTP, with the emulator where kie.ai would be."""
    _, real, *_ = readme.blocks("sh")

    reader.commands(real, stdin="a-key\n", KIE_BASE_URL=f"{served}/kie")

    assert round(length_of(reader.folder / "fox.mp4")) == 5


def test_a_dry_run_prints_what_is_shown(readme: Any, reader: Any, served: str) -> None:
    (session,) = readme.blocks("console")
    command, _, shown = session.removeprefix("$ ").partition("\n")

    printed = reader.commands(command, KIE_API_KEY="a-key", KIE_BASE_URL=f"{served}/kie")

    assert printed == shown


def test_a_run_within_the_budget_is_made_and_auto_asks_the_cheapest(
    readme: Any, reader: Any, served: str
) -> None:
    _, _, within, auto, *_ = readme.blocks("sh")
    keys = {"KIE_API_KEY": "a-key", "KIE_BASE_URL": f"{served}/kie"}

    assert reader.commands(within, **keys).endswith(".mp4\n")
    keys |= {"COMETAPI_KEY": "a-key", "COMETAPI_BASE_URL": f"{served}/cometapi"}
    assert '"provider": "cometapi"' in reader.commands(f"{auto.strip()} --seed 1 --json", **keys)


def test_python_in_three_lines(readme: Any, reader: Any) -> None:
    (program,) = readme.blocks("python")

    assert len([line for line in program.splitlines() if line]) == 3
    assert reader.python(program).strip() == str(reader.folder / "fox.mp4")
    assert round(length_of(reader.folder / "fox.mp4")) == 5


def test_the_table_of_providers(readme: Any, providers: Mapping[str, Provider]) -> None:
    """On a mismatch, this is the table to put there."""
    table = "\n".join(
        [
            HEADING,
            "|---|---|---|---|---|---|",
            *(f"| {' | '.join(facts(provider))} |" for provider in providers.values()),
        ]
    )

    assert table in readme.section("Providers"), table


def facts(provider: Provider) -> Iterator[str]:
    price = provider.price(VideoRequest("A red fox"), provider.Options())
    formats = [name.upper() for name in provider.limits.image_formats]
    yield f"[{provider.title}]({provider.key_page})"
    yield f"`{provider.name}`"
    yield f"`{provider.key_variable}`"
    yield join_words(formats, "or") if formats else "only `https://` URLs"
    yield "yes" if provider.can("find") else "no"
    yield "not published" if price is None else f"{price:g}"


def test_five_things_that_go_wrong(readme: Any) -> None:
    assert len(readme.rows("When something goes wrong")) == 5


def test_every_command_it_names_exists(readme: Any, reader: Any) -> None:
    named = set(re.findall(r"`kling26 ([a-z][a-z-]*)", readme.text))
    listed = reader.command("--help")

    assert named
    assert [name for name in named if f" {name} " not in listed] == []


def test_the_python_that_it_asks_for_is_the_oldest_that_works(readme: Any, page: Any) -> None:
    (oldest,) = re.findall(r'requires-python = ">=([\d.]+)"', page("pyproject.toml").text)

    assert f"Python {oldest} or newer" in readme.text
    assert sys.version_info >= tuple(map(int, oldest.split(".")))


def test_every_page_of_the_docs_is_linked(readme: Any) -> None:
    pages = {f"docs/{path.name}" for path in (readme.path.parent / "docs").glob("*.md")}

    assert pages <= set(re.findall(r"\]\(([^)#]+)\)", readme.section("Documentation")))
