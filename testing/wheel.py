"""
Whether the wheel of a plug-in works where only its dependencies are installed::

    from pathlib import Path

    from kling26.testing import check_wheel


    def test_the_wheel_has_all_that_it_needs():
        check_wheel(Path(__file__).parents[1])

It takes two seconds, and no network.
"""

import json
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.specifiers import SpecifierSet

from ..core.installed import discover
from ..core.plugins import load_sandboxes
from ..core.text import sanitize
from .conformance.judging import fail
from .wheel_build import CannotTry, Wheel, build, environ
from .wheel_closure import environment
from .wheel_imports import imports

_PROBE = Path(__file__).with_name("wheel_probe.py")


def check_wheel(project: Path) -> None:
    """
    Build the wheel of the project in this folder, and try it in an environment of its own.

    That has the wheel and the dependencies that it names, with theirs, as they are installed here.
    Every module is imported there, the hooks are called, and so are all flows and functions of the
    provider, with the emulator in the service's place. Nothing leaves this machine.
    Fails with a sentence for each dependency, module and file that is missing.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            wheel = build(project, Path(folder))
            python, modules = environment(wheel, Path(folder) / "venv")
        except CannotTry as error:
            fail(str(error))
        wrong = list(entry_problems(wheel))
        problems = [*wrong, *_missing(wheel, project, python, modules, hooks=not wrong)]
    if problems:
        fail("\n".join(dict.fromkeys(problems)))


def entry_problems(wheel: Wheel) -> Iterator[str]:
    running = platform.python_version()
    if not SpecifierSet(wheel.python).contains(running, prereleases=True):
        yield (
            f"{wheel.name} cannot be installed with Python {running}, which runs this test: its "
            f'requires-python is "{wheel.python}".'
        )
    if not wheel.entries:
        yield (
            f"{wheel.name} has no entry point in the group kling26, so nobody finds it: add "
            "[project.entry-points.kling26] to pyproject.toml."
        )
    for name, value in wheel.entries.items():
        module = value.partition(":")[0].partition("[")[0].strip()
        if module not in wheel.modules:
            yield (
                f'The entry point "{name}" names {module}, which is not in the wheel: correct it '
                "in pyproject.toml."
            )


def _missing(
    wheel: Wheel, project: Path, python: Path, modules: Path, hooks: bool
) -> Iterator[str]:
    """What a clean environment lacks, in sentences; `hooks` are called if they can be."""
    own = {module.partition(".")[0] for module in wheel.modules}
    outside = set()
    for module, source in wheel.modules.items():
        package = wheel.package_of(module)
        # Also what it could do without: nobody would have the emulator, say, and wonder why.
        for name in imports(source, package, forgiven=True):
            if name not in wheel.modules and _is_source(project, name):
                hooks = False
                yield _not_packed(module, name)
        for name in imports(source, package):
            if name in wheel.modules or _is_source(project, name):
                continue
            if (top := name.partition(".")[0]) not in own and not _is_source(project, top):
                outside.add((module, top))
    for where, kind, what in _probe(wheel, python, sorted(outside), hooks):
        top = what.partition(".")[0]
        file = _data_file(what, project, modules) if kind == "file" else None
        if file is not None:
            yield (
                f"{where} needs {file}, which is not in the wheel: put it into a package, and add "
                "it to the package-data in pyproject.toml."
            )
        elif kind != "module":
            yield f"{where}: {sanitize(what, 300)}"
        elif top in own or _is_source(project, top):
            yield _not_packed(where, what)
        else:
            yield _not_declared(where, top, wheel)


def _data_file(what: str, project: Path, modules: Path) -> str | None:
    """The path of a file that the wheel should have, from where its modules are."""
    if Path(what).is_relative_to(modules):
        return Path(what).relative_to(modules).as_posix()
    # The test runs in the project's folder; users are anywhere.
    return what if not Path(what).is_absolute() and (project / what).is_file() else None


def _is_source(project: Path, module: str) -> bool:
    """Whether the project has a module of this name, wherever it usually is."""
    path = module.replace(".", "/")
    files = (f"{path}.py", f"{path}/__init__.py", f"src/{path}.py", f"src/{path}/__init__.py")
    return any((project / file).is_file() for file in files)


def _not_packed(where: str, module: str) -> str:
    return (
        f"{where} imports {module}, which is not in the wheel: add it to the modules or packages "
        "in pyproject.toml."
    )


def _not_declared(where: str, module: str, wheel: Wheel) -> str:
    named = packages_distributions().get(module, [])
    what = "it" if not named or module in named else " or ".join(dict.fromkeys(named))
    return (
        f"{where} imports {module}, which is not among the dependencies of {wheel.name}: "
        f"add {what} to pyproject.toml."
    )


def _probe(
    wheel: Wheel, python: Path, imported: Sequence[tuple[str, str]], hooks: bool
) -> list[tuple[str, str, str]]:
    """What the program for the clean environment finds: where, of what kind, and what."""
    asked = {
        "distribution": wheel.name,
        "modules": sorted(wheel.modules),
        "imported": list(imported),
        "hooks": hooks,
        "emulators": sorted(load_sandboxes(discover([wheel.name]))) if hooks else [],
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        done = _run(python, json.dumps(asked), home)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        return [(wheel.name, "other", last)]
    found: list[tuple[str, str, str]] = [tuple(each) for each in json.loads(done.stdout)]
    return found


def _run(python: Path, asked: str, home: str) -> "subprocess.CompletedProcess[str]":
    """Run the program; the user's folder is an empty one, in which it also is."""
    return subprocess.run(  # noqa: S603
        [python, "-I", "-B", _PROBE],
        input=asked,
        cwd=home,
        env={**environ(), "HOME": home, "USERPROFILE": home, "KLING26_HOME": home},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
