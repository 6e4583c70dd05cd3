"""The commands that the documents show are run, as a rehearsal."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from .scene import Scene

PROJECT = Path(__file__).parents[1]
#: Beside the README there is kling26's page, where the whole checkout is at hand.
PAGES = [
    page
    for page in (PROJECT / "README.md", PROJECT.parents[1] / "docs" / "fleet.md")
    if page.exists()
]


def commands(page: Path) -> Iterator[list[str]]:
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
        for line in block.splitlines():
            if line.startswith("kling26-fleet "):
                yield shlex.split(line)[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_work(fleet: Scene, page: Path) -> None:
    (fleet.folder / "rows.csv").write_text("prompt,name\nA red fox,fox\nA grey owl,owl\n")
    shown = list(commands(page))
    assert [line[0] for line in shown] == ["prepare", "submit", "worker"]
    prepare, submit, worker = [
        [word.replace("/mnt/videos", str(fleet.folder)) for word in line] for line in shown
    ]

    fleet.ask(*prepare)
    done = fleet.command(*submit, KLING26_SANDBOX="1")
    fleet.worker(int(worker[-1]), KIE_API_KEY=None)
    fleet.wait_until_here(2, 120.0)

    assert done.stdout == "Rows queued: 2.\n"
    assert sorted(path.name for path in (fleet.folder / "clips").iterdir()) == [
        "001.mp4",
        "002.mp4",
    ]
    assert fleet.till.arrivals == []
    assert fleet.ask("status") == "Rows: 2 (2 here).\n"
