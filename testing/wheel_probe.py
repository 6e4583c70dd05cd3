"""
What a wheel is tried with: a program for the Python of a clean environment.

On stdin are the names of the distribution, of its modules, and of the modules that those import,
whether to call the hooks, and which emulators they return elsewhere; on stdout comes what is
missing, as JSON: where, of what kind ("module", "file" or "other"), and what.
"""

import importlib
import json
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

Found = tuple[str, str, str]
#: Where something is, whether any error is told or only what is missing, and what to do.
Step = tuple[str, bool, Callable[[], object]]

_MODULES = Path(sysconfig.get_paths()["purelib"])


def tried(
    where: str, work: Callable[[], object], own: Collection[str] = (), strict: bool = True
) -> Iterator[Found]:
    """
    Do something, and tell what is missing for it; anything else that goes wrong, if `strict`.

    What is missing is told with its place in the modules that are the wheel's `own`.
    """
    try:
        work()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is told.
        for each in _causes(error):
            kind, what = _lacks(each)
            if kind and (strict or _is_data(kind, what)):
                yield _place(each, own) or where, kind, what
                return
        if strict:
            yield where, "other", f"{type(error).__name__}: {error}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, those in it, and those that led to it."""
    yield error
    for inner in getattr(error, "exceptions", ()):
        yield from _causes(inner)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _causes(before)


def _lacks(error: BaseException) -> tuple[str, str]:
    """What is missing: its kind, and what it is; nothing if it is another error."""
    if isinstance(error, ModuleNotFoundError):
        return "module", error.name or str(error)
    if isinstance(error, FileNotFoundError):
        return "file", str(error.filename)
    return "", ""


def _is_data(kind: str, what: str) -> bool:
    """Whether it belongs into a wheel, and is no file of the user's."""
    return kind == "module" or not Path(what).is_absolute() or _MODULES in Path(what).parents


def _place(error: BaseException, own: Collection[str]) -> str | None:
    """Where in these modules an error was raised: "AcmeProvider.submit in kling26_acme"."""
    place, trace = None, error.__traceback__
    while trace is not None:
        module, code = trace.tb_frame.f_globals.get("__name__"), trace.tb_frame.f_code
        if module in own:
            place = module if code.co_name == "<module>" else f"{_name(code)} in {module}"
        trace = trace.tb_next
    return place


def _name(code: CodeType) -> str:
    return str(getattr(code, "co_qualname", code.co_name)).replace(".<locals>", "")


def probe(
    distribution: str,
    modules: list[str],
    imported: list[list[str]],
    hooks: bool,
    emulators: list[str],
) -> Iterator[Found]:
    unknown = [(where, "module", name) for where, name in imported if find_spec(name) is None]
    yield from unknown
    broken = [each for name in modules for each in tried(name, partial(_load, name))]
    yield from broken
    if hooks and not (unknown or broken):
        yield from _hooks(distribution, modules, emulators)


def _load(name: str) -> None:
    importlib.import_module(name)


def _hooks(distribution: str, modules: list[str], emulators: list[str]) -> Iterator[Found]:
    from kling26.core.installed import discover
    from kling26.core.plugins import load_providers, load_sandboxes

    plug_ins = discover([distribution])
    registry, sandboxes = load_providers(plug_ins), load_sandboxes(plug_ins)
    yield from ((each.plugin, "other", each.reason) for each in registry.problems)
    own = [name for name, origin in registry.origins.items() if origin in map(str, plug_ins)]
    for module in modules:
        if hasattr(sys.modules[module], "kling26_providers") and not (own or registry.problems):
            yield module, "other", "its hook kling26_providers returns no provider."
    for name in sorted(set(emulators) - set(sandboxes)):
        yield distribution, "other", f'its wheel has no emulator of "{name}", which there is here.'
    rehearsal = _beside("wheel_rehearsal")
    for name in own:
        provider = registry.providers[name]
        for step in rehearsal.steps_of(provider, sandboxes.get(name)):
            yield from _taken(step, modules)
    for step in rehearsal.steps_of_hooks([each.load() for each in plug_ins]):
        yield from _taken(step, modules)


def _taken(step: Step, modules: list[str]) -> Iterator[Found]:
    where, strict, work = step
    return tried(where, work, modules, strict)


def _beside(name: str) -> Any:
    """The module of this name in the folder of this program, which is in no environment."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):
        found = list(probe(**asked))
    json.dump(found, sys.stdout)
