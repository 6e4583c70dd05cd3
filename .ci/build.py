"""Build the sdist and, from it, the wheel, of a copy of the project: .ci/build.py FOLDER"""

import subprocess
import sys
import tempfile
from pathlib import Path

from export import export


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
