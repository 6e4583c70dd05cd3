"""
The plug-ins that are installed, found one distribution at a time.

Whatever lies on `sys.path`, a distribution with broken metadata costs nobody else anything. It is
passed over, and named only if it says that it is a plug-in for us.
"""

import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import PurePath

from attrs import frozen

from .hookspecs import PROJECT
from .problems import InvalidPlugin
from .text import sanitize

_FILE = "entry_points.txt"
_SECTION = f"[{PROJECT}]"
#: A group of entry points that is meant to be ours, and is not: "kling26.plugins", "kling-26".
_MISSPELT = re.compile(
    r"^\[\s*(kling[-_. ]?26([-_.](plug-?ins?|providers?|hooks?))?)\s*\]",
    re.IGNORECASE | re.MULTILINE,
)
#: One that would be ours with both of its brackets.
_HALF = re.compile(
    rf"^[ \t]*(\[[ \t]*{PROJECT}|{PROJECT}[ \t]*\])[ \t]*$", re.IGNORECASE | re.MULTILINE
)


@frozen
class PlugIn:
    """
    What a distribution says is a plug-in; `load` returns it, or raises anything.

    `name` is that of the entry point, and `module` what it names.
    """

    distribution: str
    name: str
    load: Callable[[], object]
    version: str = ""
    module: str = ""

    @property
    def source(self) -> str:
        """The distribution and its version: "kling26-acme 0.1.0"."""
        return sanitize(f"{self.distribution} {self.version}", 120)

    def __str__(self) -> str:
        return sanitize(":".join(filter(None, (self.distribution, self.name))), 120)


def discover(only: Collection[str] | None = None) -> list[PlugIn]:
    """
    All installed plug-ins, or those of these distributions only.

    They are sorted, so that the first of two that want the same name is always the same one. One
    whose metadata is broken is among them, and says so when it is loaded.
    """
    found: dict[str, list[PlugIn]] = {}
    broken: dict[str, list[PlugIn]] = {}
    for distribution in _distributions():
        sound, plug_ins = _read(distribution)
        if plug_ins:
            # As for modules, the first on the path counts; of an upgrade, a broken one may be left.
            name = normalized(plug_ins[0].distribution)
            (found if sound else broken).setdefault(name, plug_ins)
    every = [
        plug_in
        for _, plug_ins in sorted((broken | found).items())
        for plug_in in sorted(plug_ins, key=lambda each: each.name)
    ]
    return every if only is None else chosen(every, only)


def chosen(plug_ins: Collection[PlugIn], only: Collection[str]) -> list[PlugIn]:
    """Those of these distributions."""
    wanted = {normalized(name) for name in only}
    return [each for each in plug_ins if normalized(each.distribution) in wanted]


def _distributions() -> Iterator[Distribution]:
    for folder in list(sys.path):
        with suppress(Exception):
            yield from distributions(path=[folder])


def _read(distribution: Distribution) -> tuple[bool, list[PlugIn]]:
    """Whether the metadata of a distribution is in order, and its plug-ins."""
    try:
        text = distribution.read_text(_FILE) or ""
    except UnicodeDecodeError as error:
        ours = _SECTION.encode() in error.object.replace(b"\0", b"")  # It may be UTF-16.
        return False, [_broken(distribution, f"its {_FILE} is not UTF-8 text")] if ours else []
    except Exception:  # noqa: BLE001 - whose it is cannot be told.
        return False, []
    if _SECTION not in text:
        if half := _HALF.search(text):
            shown = sanitize(half[0].strip(), 60)
            reason = f'its {_FILE} has "{shown}", where "{_SECTION}" belongs'
            return False, [_broken(distribution, reason)]
        found = _MISSPELT.search(text)
        if found is None:
            return True, []
        reason = f'its entry points are in the group "{sanitize(found[1], 60)}", not "{PROJECT}"'
        return False, [_broken(distribution, reason)]
    try:
        return True, _plug_ins(distribution, text)
    except InvalidPlugin as error:
        return False, [_broken(distribution, str(error))]
    except Exception as error:  # noqa: BLE001
        return False, [_broken(distribution, f"its metadata cannot be read ({sanitize(error)})")]


def _plug_ins(distribution: Distribution, text: str) -> list[PlugIn]:
    """The plug-ins of a distribution with such entry points; raises `InvalidPlugin`, or others."""
    if text.startswith("\ufeff"):
        raise InvalidPlugin(f"its {_FILE} begins with a byte order mark")
    lines = [line.strip() for line in text.splitlines()]
    if any(line and line[0] not in "[#" and "=" not in line for line in lines):
        raise InvalidPlugin(f'its {_FILE} has a line that is not "name = module"')
    try:
        metadata = distribution.metadata
    except UnicodeDecodeError as error:
        raise InvalidPlugin("its metadata is not UTF-8 text") from error
    name = metadata["Name"] if "Name" in metadata else ""  # noqa: SIM401 - a protocol has no `get`.
    if not normalized(name).strip("-"):
        raise InvalidPlugin("its metadata has no name")
    version = sanitize(metadata["Version"] if "Version" in metadata else "", 40)  # noqa: SIM401
    entries = distribution.entry_points.select(group=PROJECT)
    return [
        PlugIn(name, entry.name, partial(_load, entry), version, sanitize(entry.value, 200))
        for entry in entries
    ]


def _load(entry: EntryPoint) -> object:
    if not entry.pattern.match(entry.value):
        raise InvalidPlugin(f'"{sanitize(entry.value, 60)}" is not the name of a module.')
    return entry.load()


def _broken(distribution: Distribution, reason: str) -> PlugIn:
    """A plug-in under the name of its folder, which raises what is wrong when it is loaded."""
    folder = PurePath(str(getattr(distribution, "_path", "unknown")))  # It has no public name.

    def fail() -> object:
        raise InvalidPlugin(f"{reason}: {sanitize(folder, 200)}")

    return PlugIn(folder.name.partition("-")[0].partition(".")[0] or "unknown", "", fail)


def normalized(name: str) -> str:
    """A distribution's name in normalized form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
