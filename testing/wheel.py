"""
Whether the wheel of a plug-in works where only its dependencies are installed::

    from pathlib import Path

    from kling26.testing import check_wheel


    def test_the_wheel_has_all_that_it_needs():
        check_wheel(Path(__file__).parents[1])

It takes two seconds, and no network.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

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
    Every module is imported there, the hooks are called, and the emulator is asked for a video.
    Fails with a sentence for each dependency, module and file that is missing.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            wheel = build(project, Path(folder))
            python, modules = environment(wheel, Path(folder) / "venv")
        except CannotTry as error:
            fail(str(error))
        wrong = list(_entry_problems(wheel))
        problems = [*wrong, *_missing(wheel, project, python, modules, hooks=not wrong)]
    if problems:
        fail("\n".join(dict.fromkeys(problems)))


def _entry_problems(wheel: Wheel) -> Iterator[str]:
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
        for name in imports(source, wheel.package_of(module)):
            if name not in wheel.modules and _is_source(project, name):
                yield _not_packed(module, name)
            elif (top := name.partition(".")[0]) not in own and not _is_source(project, top):
                outside.add((module, top))
    for where, kind, what in _probe(wheel, python, sorted(outside), hooks):
        top = what.partition(".")[0]
        if kind == "file" and Path(what).is_relative_to(modules):
            file = Path(what).relative_to(modules).as_posix()
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
    }
    done = subprocess.run(  # noqa: S603
        [python, "-I", "-B", _PROBE],
        input=json.dumps(asked),
        env=environ(),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        return [(wheel.name, "other", last)]
    found: list[tuple[str, str, str]] = [tuple(each) for each in json.loads(done.stdout)]
    return found
