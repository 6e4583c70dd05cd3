"""What each way in loads, and that it is nothing that only others need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: For a video or a picture.
VIDEOS = ("av", "PIL", "cattrs", "stamina", "kling26.core.runner.jobs")
#: For a rehearsal, or for `kling26 sandbox serve`.
EMULATORS = ("kling26.sandbox", "starlette", "jsonschema", "uvicorn")
#: For the journal, and for providers.
WORK = ("sqlalchemy", "httpx", "asyncio", "ssl", "kling26.core.runner.runner")
ALL = (*VIDEOS, *EMULATORS, *WORK)
#: For the command line.
COMMANDS = ("kling26.cli", "cyclopts")

COMMAND = """
from kling26.cli import main
sys.argv = ["kling26", *{!r}.split()]
try:
    main()
except SystemExit as end:
    assert not end.code
"""
DOOR = f"import runpy; runpy.run_path({str(ROOT / '__init__.py')!r}, run_name='a_node')"

STARTS = {
    "import kling26": ("import kling26", (*ALL, *COMMANDS, "attrs", "kling26.core")),
    "import kling26.core": ("import kling26.core", (*ALL, *COMMANDS, "rich")),
    "the public names": (
        "from kling26 import VideoRequest, generate, NotDelivered",
        (*ALL, *COMMANDS, "rich"),
    ),
    "ComfyUI's door": (DOOR, (*ALL, *COMMANDS, "attrs", "kling26.core")),
    "kling26 --help": (COMMAND.format("--help"), ALL),
    "kling26 generate --help": (COMMAND.format("generate --help"), ALL),
    "kling26 --version": (COMMAND.format("--version"), ALL),
    "kling26 tasks": (COMMAND.format("tasks"), ("av", "PIL", "cattrs", *EMULATORS)),
}


@pytest.mark.parametrize("start", STARTS)
def test_what_only_others_need_is_not_loaded(start: str, tmp_path: Path) -> None:
    code, others = STARTS[start]
    code += f"\nprint(*sorted(set({others!r}) & set(sys.modules)), file=sys.stderr)"
    # Without coverage, which would load modules of its own.
    environ = {name: text for name, text in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == ""
