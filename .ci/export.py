"""
Copy the project to a new folder: .ci/export.py FOLDER

Only the files that git knows or would add, so that nothing else in the checkout gets in.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def export(folder: Path) -> None:
    """Copy the project's files to a folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout.decode()
    for name in sorted(set(listed.split("\0")) - {""}):
        if (ROOT / name).exists():  # Unless it has just been deleted.
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


if __name__ == "__main__":
    export(Path(sys.argv[1]))
