"""What the command line tells of the plug-ins: for people, and as objects for programs."""

from collections.abc import Iterator, Sequence

import attrs
from attrs import frozen

from ..core.host import Loaded
from ..core.installed import PlugIn, normalized
from ..core.marks import Hook
from ..core.plugins import Registry
from ..core.problems import Problem, Skipped
from ..core.settings import Settings
from ..core.text import did_you_mean, join_words, sanitize
from ..core.version import version
from .tables import paragraph

Object = dict[str, object]

_VARIABLE = "KLING26_LOAD_PLUGINS"
_INDENT = "    "
_HEADS: dict[Skipped, str] = {"all": "Skipped", "part": "Partly skipped", "nothing": "Fault"}
_NONE = (
    "No plug-in is installed. kling26 new-provider NAME writes one to begin with, and "
    "the guide that it puts beside, PLUGINS.md, explains the rest."
)


@frozen
class Found:
    """A plug-in that is loaded, or that was to be, or that the setting leaves out."""

    name: str
    plug_in: PlugIn
    built_in: bool = False
    loaded: bool = False
    left_out: bool = False
    interface: int | None = None
    hooks: Sequence[Hook] = ()
    providers: Sequence[str] = ()
    sandboxes: Sequence[str] = ()
    problems: Sequence[Problem] = ()


def plugins(registry: Registry) -> list[Found]:
    """All of them: the built-in ones, those that were to be loaded, and those that are left out."""
    known = registry.host.plug_ins
    built_in = [_found(registry, each.plug_in, each) for each in known.values() if each.built_in]
    tried = {str(each): each for each in registry.host.tried}
    others = [_found(registry, each, known.get(name)) for name, each in tried.items()]
    left_out = [Found(str(each), each, left_out=True) for each in registry.left_out]
    return [*built_in, *others, *left_out]


def _found(registry: Registry, plug_in: PlugIn, loaded: Loaded | None) -> Found:
    name = str(plug_in) if loaded is None else loaded.name
    providers = [each for each, whose in registry.origins.items() if whose == name]
    return Found(
        name,
        plug_in,
        built_in=loaded is not None and loaded.built_in,
        loaded=loaded is not None,
        interface=max((registry[each].interface for each in providers), default=None),
        hooks=() if loaded is None else loaded.hooks,
        providers=providers,
        sandboxes=[each for each, whose in registry.emulators.origins.items() if whose == name],
        problems=[
            each
            for each in (*registry.problems, *registry.emulators.problems)
            if each.plugin == name
        ],
    )


# -- for programs ------------------------------------------------------------------------------


def plugin_object(found: Found, settings: Settings) -> Object:
    """A plug-in as an object: always the same keys."""
    known = found.plug_in
    return {
        "plugin": found.name,
        "distribution": sanitize(known.distribution, 120),
        "version": version() if found.built_in else known.version or None,
        "built_in": found.built_in,
        "entry_point": sanitize(known.name, 120) or None,
        "module": known.module or None,
        "loaded": found.loaded,
        "left_out_by": _VARIABLE if found.left_out else None,
        "load_plugins": None if settings.load_plugins is None else list(settings.load_plugins),
        "interface": found.interface,
        "hooks": [attrs.asdict(each) for each in found.hooks],
        "providers": list(found.providers),
        "sandboxes": list(found.sandboxes),
        "problems": [_told(each) for each in found.problems],
    }


def _told(problem: Problem) -> str:
    return f"{problem}{_hint(problem)}"


def _hint(problem: Problem) -> str:
    """What helps with an exception of the plug-in's own code, which says less than a sentence."""
    if not problem.raised:
        return ""
    end = "" if problem.reason.endswith((".", "!", "?")) else "."
    return f"{end} kling26 plugins --verbose shows where."


# -- for people --------------------------------------------------------------------------------


def plugin_list(found: Sequence[Found], settings: Settings) -> str:
    """A line on what is built in, and a few on each plug-in."""
    lines = _built_in([each for each in found if each.built_in])
    others = [each for each in found if not each.built_in]
    if not others:
        lines += ["", *paragraph(_NONE, "")]
    for each in others:
        lines += ["", *_lines(each)]
    if settings.load_plugins is not None:
        lines += ["", *paragraph(_limited(settings), "")]
    return "\n".join(lines)


def _built_in(found: Sequence[Found]) -> list[str]:
    providers = [name for each in found for name in each.providers]
    interface = max(each.interface or 0 for each in found)
    return paragraph(
        f"Built in: {join_words(providers, 'and')} (kling26 {version()}, interface {interface}).",
        "",
    )


def _limited(settings: Settings) -> str:
    names = [f'"{sanitize(each, 80)}"' for each in settings.load_plugins or ()]
    what = f"only the plug-ins of {join_words(names, 'and')}" if names else "no plug-in"
    return f"{settings.where(_VARIABLE)} is set, so that {what} may be loaded."


def _lines(found: Found) -> Iterator[str]:
    yield found.name
    for label, text in _facts(found):
        yield from paragraph(f"{label}: {text}", _INDENT)


def _facts(found: Found) -> Iterator[tuple[str, str]]:
    known = found.plug_in
    if known.module:
        yield "From", f"{known.source}, module {known.module}"
    if found.left_out:
        yield "Left out", f"{_VARIABLE} does not name it."
    if found.interface is not None:
        yield "Interface", str(found.interface)
    for label, names in (
        ("Hooks", list(map(str, found.hooks))),
        ("Providers", list(found.providers)),
        ("Sandboxes", list(found.sandboxes)),
    ):
        if names:
            yield label, ", ".join(names)
    for problem in found.problems:
        yield _HEADS[problem.skipped], f"{problem.reason}{_hint(problem)}"


def unknown_names(registry: Registry, settings: Settings) -> Iterator[str]:
    """For each name in the setting that no plug-in's distribution has: a sentence."""
    there = {each.distribution for each in (*registry.host.tried, *registry.left_out)}
    for name in settings.load_plugins or ():
        if normalized(name) not in map(normalized, there):
            others = did_you_mean(name, there) or "."
            where = settings.where(_VARIABLE)
            named = f'{where} names "{sanitize(name, 80)}"'
            yield f"{named}, but no plug-in of that distribution is installed{others}"
