"""
Check the built distributions: .ci/check_wheel.py FOLDER

The wheel contains the package and nothing else, adds one name to an installation, works outside
the checkout, and loads a plug-in that uses public names only.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

WINDOWS = os.name == "nt"
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PROMPT = "A red fox trots through fresh snow"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(dist: Path, work: Path) -> None:
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "sdist", filter="data")
    (source,) = (work / "sdist").iterdir()

    check_contents(wheel, source)
    place = Installation(work / "venv", work / "elsewhere")
    check_gain(place, wheel)
    place.pip("install", f"kling26[test] @ {wheel.as_uri()}")
    check_readme_command(place)
    check_command_line(place, source)
    check_plugin(place, source / "tests" / "plugin")
    check_examples(place)
    check_new_provider(place)


class Installation:
    """A virtual environment, and a folder to work in outside any checkout."""

    def __init__(self, venv: Path, elsewhere: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        elsewhere.mkdir()
        self.scripts = venv / ("Scripts" if WINDOWS else "bin")
        self.elsewhere = elsewhere
        self.environ = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": f"{self.scripts}{os.pathsep}{os.environ['PATH']}",
            "KLING26_HOME": str(elsewhere / "home"),
        }
        self.pip("install", "--upgrade", "pip")

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        """What a program of the environment prints; exits if the program fails."""
        command = [str(self.scripts / program), *arguments]
        done = subprocess.run(
            command,
            cwd=cwd or self.elsewhere,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        if done.returncode:
            sys.exit(f"{done.stdout}\n{' '.join(command)}\nexited with {done.returncode}")
        return done.stdout

    def pip(self, *arguments: str) -> None:
        self.run("python", "-m", "pip", "-qq", *arguments)

    def site_packages(self) -> set[str]:
        where = self.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        return {entry.name for entry in Path(where.strip()).iterdir()}


def check_contents(wheel: Path, source: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    metadata = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info/"
    strangers = [name for name in names if not name.startswith(("kling26/", metadata))]
    assert not strangers, f"the wheel contains more than the package: {strangers}"
    inside = [Path(name).parts[1] for name in names if name.startswith("kling26/")]
    unwanted = {"tests", "cassettes", "build", ".ci", ".github", "pyproject.toml"} & set(inside)
    assert not unwanted, f"the wheel contains {unwanted}"
    assert "kling26/py.typed" in names, "the wheel lacks py.typed"
    modules = {name for name in names if name.startswith("kling26/") and name.endswith(".py")}
    written = {
        f"kling26/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*.py")
        if path.relative_to(source).parts[0] not in ("tests", "examples", ".ci", "setup.py")
    }
    assert modules == written, f"in only one of wheel and sources: {sorted(modules ^ written)}"
    say(f"{wheel.name}: {len(names)} files, all part of the package or its metadata")


def check_gain(place: Installation, wheel: Path) -> None:
    before = place.site_packages()
    place.pip("install", "--no-deps", str(wheel))
    gained = sorted(place.site_packages() - before)
    expected = ["kling26", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"]
    assert gained == expected, f"the installation gained {gained}"
    say(f"the installation gained {' and '.join(gained)}")


def check_readme_command(place: Installation) -> None:
    printed = place.run("kling26", "generate", PROMPT, "--sandbox", "--output", "fox.mp4")
    assert Path(printed.strip()).name == "fox.mp4", f"it printed {printed!r}"
    look = "import av; v = av.open('fox.mp4'); s = v.streams.video[0]; "
    look += "print(round(v.duration / 1e6), s.width * 9 == s.height * 16)"
    assert place.run("python", "-c", look).split() == ["5", "True"], "not 5 s, or not 16:9"
    say("kling26 generate: 5 s, 16:9, in fox.mp4")


def check_command_line(place: Installation, source: Path) -> None:
    """The command line's suite, with nothing of the checkout within reach but the tests."""
    outside = place.elsewhere / "suite"
    outside.mkdir()
    for name in ("tests", "cassettes"):
        if (source / name).exists():
            shutil.copytree(source / name, outside / name)
    shutil.copy2(source / "pyproject.toml", outside)
    suites = [path.as_posix() for path in command_line_suites(outside)]
    assert suites, "the command line has no tests"
    code = "import kling26; print(kling26.__file__)"
    found = Path(place.run("python", "-c", code, cwd=outside).strip())
    assert found.is_relative_to(place.scripts.parent), f"kling26 is {found}"
    say(place.run("pytest", "-q", "-p", "no:cacheprovider", *suites, cwd=outside))


def command_line_suites(folder: Path) -> list[Path]:
    tests = folder / "tests"
    return [tests / "cli"] if (tests / "cli").is_dir() else sorted(tests.glob("test_cli*.py"))


def check_plugin(place: Installation, plugin: Path) -> None:
    place.pip("install", "--no-deps", str(plugin))
    printed = place.run("kling26", "providers")
    assert "acme" in printed, f"the plug-in is not listed:\n{printed}"
    say("kling26 providers: lists the plug-in acme")


def check_examples(place: Installation) -> None:
    """The distributions in `examples/`, installed as a third party's would be."""
    names = ("fal", "kling", "replicate")
    for name in (*names, "fleet"):
        folder = place.elsewhere / f"kling26-{name}"
        shutil.copytree(EXAMPLES / folder.name, folder)
        # With what their tests need: fal's is tried with fal's own client, too.
        place.pip("install", f"{folder}[test]" if name in names else str(folder))
    table, _, _ = place.run("kling26", "providers").partition("\n\n")
    listed = [line.split()[0] for line in table.splitlines()[1:]]
    assert {"kie", "apikley", "cometapi", "runcomfy", *names} <= set(listed), listed
    for name in names:
        options = ("--provider", name, "--sandbox", "--output", f"{name}.mp4")
        place.run("kling26", "generate", PROMPT, *options)
        say(place.run("pytest", "-q", "-n0", cwd=place.elsewhere / f"kling26-{name}"))
    say(f"kling26 providers: {', '.join(listed)}; {', '.join(names)} delivered")
    # The rest is tried on PostgreSQL, in the stage `fleet`.
    tests = place.elsewhere / "kling26-fleet" / "tests" / "test_parts.py"
    say(place.run("pytest", "-q", "-n0", str(tests), cwd=tests.parent))


def check_new_provider(place: Installation) -> None:
    """What `kling26 new-provider` writes works unchanged."""
    place.run("kling26", "new-provider", "acme-video")
    place.pip("install", "--no-deps", "-e", "kling26-acme-video")
    assert "acme-video" in place.run("kling26", "providers")
    say(place.run("pytest", "-q", "-n0", "kling26-acme-video"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]).resolve(), Path(folder).resolve())
