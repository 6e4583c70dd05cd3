"""What the pages of docs/ show works, and their tables are complete."""

import doctest
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kling26.cli import exits
from kling26.cli.progress_texts import made_text
from kling26.core import Provider, Video, errors
from kling26.core.settings import Settings, url_variables
from kling26.providers.kie import Kie
from kling26.sandbox import FAULTS

ROOT = Path(__file__).parents[2]
#: The guide for authors of plug-ins has a suite of its own: its programs build on each other.
PAGES = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
FAILURES = "What happens"


#: The statuses that a command ends with.
STATUSES = {0} | {value for name, value in vars(exits).items() if name.isupper() and name[0] != "_"}


def names_in(text: str) -> list[str]:
    """What is between backticks."""
    return re.findall(r"`([^`]+)`", text)


# -- every page ----------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *PAGES])
def test_its_links_lead_somewhere(page: Any, name: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page(name).prose):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), link


@pytest.mark.parametrize("name", ["docs/providers.md", "docs/webhooks.md"])
def test_its_sessions_show_what_really_comes(page: Any, name: str) -> None:
    sessions = "\n".join(page(name).blocks("pycon"))
    session = doctest.DocTestParser().get_doctest(sessions, {}, name, name, 0)
    report: list[str] = []
    result = doctest.DocTestRunner().run(session, out=report.append)

    assert result.attempted > 3
    assert result.failed == 0, "".join(report)


@pytest.mark.parametrize("name", [name for name in PAGES if name != "docs/plugins.md"])
def test_no_block_is_left_out(page: Any, name: str) -> None:
    """Each is run or compared by a test below, or by one that has the page to itself."""
    covered = {
        "docs/command-line.md": {"csv", "sh", "text"},
        "docs/failures.md": {"sh"},
        "docs/fleet.md": {"console", "sh"},
        "docs/providers.md": {"pycon", "python", "toml"},
        "docs/python.md": {"python"},
        "docs/settings.md": {"toml"},
        "docs/webhooks.md": {"pycon"},
    }

    assert set(re.findall(r"^```(\w*)\n", page(name).text, re.MULTILINE)) - {""} == covered.get(
        name, set()
    )


# -- contributing --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contributing(page: Any) -> Any:
    return page("CONTRIBUTING.md")


def test_every_package_has_its_place(contributing: Any, page: Any) -> None:
    project = tomllib.loads(page("pyproject.toml").text)
    packages = [name.replace(".", "/") for name in project["tool"]["setuptools"]["packages"][1:]]

    assert {name.removeprefix("kling26/") for name in packages} <= {
        name for row in contributing.rows("Where things are") for name in names_in(row[0])
    }


def test_the_path_of_a_request_leads_through_files_that_exist(contributing: Any) -> None:
    files = re.findall(r"`([a-z_/]+\.py)`", contributing.section("The path of a request"))

    assert len(files) > 10
    assert [name for name in files if not (ROOT / name).exists()] == []


# -- the command line ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def commands(page: Any) -> Any:
    return page("docs/command-line.md")


def test_every_command_is_in_the_table(commands: Any, reader: Any) -> None:
    shown = reader.command("--help")
    listed = re.findall(r"^  ([a-z][a-z-]*)  ", shown, re.MULTILINE)

    assert {row[0].split()[1].strip("`") for row in commands.rows("Commands")} == set(listed)


def test_every_option_of_generate_is_in_the_table(commands: Any, reader: Any) -> None:
    """As its help spells them, in the same order."""
    shown = reader.command("generate", "--help", COLUMNS="80")
    listed = re.findall(r"^ +(--.+?)  ", shown, re.MULTILINE)

    assert commands.names("Making a video") == listed


def test_every_option_of_tasks_is_in_the_table(commands: Any, reader: Any) -> None:
    shown = reader.command("tasks", "--help", COLUMNS="80")

    assert commands.names("Tasks") == [
        name.strip("`") for name in re.findall(r"^ +(--.+?)  ", shown, re.MULTILINE)
    ]


def test_every_fault_is_in_the_table(commands: Any) -> None:
    rows = commands.rows("Rehearsing")

    assert {row[0].strip("`"): row[1] for row in rows} == FAULTS


def test_the_commands_of_the_page_run(commands: Any, reader: Any) -> None:
    making, _leaving = commands.blocks("sh", "Making a video")
    _many, trying, rehearsing, completing = commands.blocks("sh")[2:]
    piped, dashed = making.splitlines()
    echo, _, piped = piped.partition(" | ")

    assert reader.commands(piped, stdin=echo.removeprefix("echo ")).endswith(".mp4\n")
    assert reader.commands(dashed).endswith(".mp4\n")
    assert "0.275 USD (55 credits), list price" in reader.commands(trying)
    assert reader.commands(rehearsing).endswith(".mp4\n")
    inner = completing.strip().removeprefix('eval "$(').removesuffix(')"')
    assert "complete" in reader.commands(inner)


def test_what_the_page_leaves_to_the_provider_is_fetched(commands: Any, reader: Any) -> None:
    _making, leaving = commands.blocks("sh", "Making a video")
    leave, fetch = leaving.splitlines()
    task = reader.commands(leave.removeprefix("task=$(").removesuffix(")")).strip()
    assert reader.commands(fetch.replace("$task", task)).endswith(".mp4\n")


def test_the_table_of_the_page_is_made(commands: Any, reader: Any) -> None:
    (table,) = commands.blocks("csv")
    (command,) = commands.blocks("sh", "Many videos from a table")
    (reader.folder / "clips.csv").write_text(table, "utf-8")

    printed = reader.commands(command).splitlines()
    assert sorted(Path(each).name for each in printed) == ["01-fox.mp4", "02-owl.mp4"]
    assert "stored" in (reader.folder / "done.csv").read_text("utf-8")


def test_the_last_line_is_as_shown(commands: Any) -> None:
    (shown,) = commands.blocks("text", "Making a video")
    task = "k26-3c1e52442b905399"
    video = Video(
        task=task, provider="kie", task_id="abc", url=None, file=Path("fox.mp4"), cost=55.0,
        cost_unit="credits", cost_usd=0.275, reused=False, paid=1.0,
    )  # fmt: skip

    assert made_text(video, Kie(), 72.0) == shown.strip()


def test_every_key_of_the_json_is_in_the_table(commands: Any, reader: Any) -> None:
    printed = reader.commands('kling26 generate "A red fox" --sandbox --json')

    assert commands.names("Output") == list(json.loads(printed))


def test_every_key_of_a_dry_run_is_on_the_page(commands: Any, reader: Any) -> None:
    """Those of the request in the text, and the others in the table, in this order."""
    printed = json.loads(reader.commands('kling26 generate "A red fox" --sandbox --dry-run --json'))
    _, _, asked = commands.section("What it costs").partition("with the request's")
    shared, _, _ = asked.partition(" and these keys")

    assert [*names_in(shared), *commands.names("What it costs")] == list(printed)
    *_, (_, balance) = commands.rows("What it costs")
    assert names_in(balance) == list(printed["balance"])


def test_every_exit_status_is_in_the_table(commands: Any) -> None:
    assert commands.names("Exit status") == [str(status) for status in sorted(STATUSES)]


def test_a_busy_journal_is_not_wrong_usage() -> None:
    assert exits.exit_status(errors.JournalBusy("The journal is busy.")) == 3


# -- failures ------------------------------------------------------------------------------------


def test_every_exit_status_of_a_failure_exists(page: Any) -> None:
    told = {
        status for row in page("docs/failures.md").rows(FAILURES) for status in names_in(row[2])
    }

    assert told <= {str(status) for status in STATUSES}


def test_the_fault_can_be_rehearsed(page: Any, reader: Any) -> None:
    (block,) = page("docs/failures.md").blocks("sh")
    (fault,) = re.findall(r"KLING26_SANDBOX_FAULTS=(\w+)", block)

    assert fault in FAULTS
    assert Path(reader.commands(block).strip()).exists()


# -- settings ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings(page: Any) -> Any:
    return page("docs/settings.md")


def test_every_variable_is_in_the_table(settings: Any, providers: Mapping[str, Provider]) -> None:
    folders = [ROOT / name for name in ("core", "cli", "comfy_bridge", "providers", "sandbox")]
    read = {
        name
        for folder in folders
        for path in folder.rglob("*.py")
        for name in re.findall(r'"(KLING26_[A-Z_]+)"', path.read_text("utf-8"))
    }
    for provider in providers.values():
        read |= {*provider.key_variables, *url_variables(provider).values()}

    named = [name for row in settings.rows("Environment") for name in names_in(row[0])]
    assert sorted(named) == sorted(read)


def test_the_file_is_read_as_shown(settings: Any, tmp_path: Path) -> None:
    (shown,) = settings.blocks("toml")
    (tmp_path / "config.toml").write_text(shown, "utf-8")

    found = Settings({"KLING26_HOME": str(tmp_path)})

    assert (found.provider, found.get("KIE_BASE_URL")) == ("runcomfy", "https://proxy.example/kie")
    assert found.journal == "postgresql+psycopg://me@db/kling26"
    assert found.budget.max_cost_per_day == 5.0


def test_the_environment_takes_precedence(settings: Any, tmp_path: Path) -> None:
    (shown,) = settings.blocks("toml")
    (tmp_path / "config.toml").write_text(shown, "utf-8")

    found = Settings({"KLING26_HOME": str(tmp_path), "KLING26_PROVIDER": "apikley"})

    assert found.provider == "apikley"
