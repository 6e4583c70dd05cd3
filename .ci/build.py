"""
Build the sdist and, from it, the wheel: .ci/build.py FOLDER

Only files that git knows or would add are used, so that nothing else in the checkout, such as an
old `build` folder, gets in.
"""

import shutil
import subprocess
import sys
import tempfile
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


def main(target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder))
        build = [sys.executable, "-W", "ignore", "-m", "build", "--outdir", target, folder]
        done = subprocess.run(build, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    sys.stdout.write("".join(f"{path.name}\n" for path in sorted(Path(target).iterdir())))


if __name__ == "__main__":
    main(sys.argv[1])
