"""The layout of the help: a heading for each group, and no boxes, so that it fits on a screen."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel, TableSpec
from cyclopts.help.specs import (
    DefaultStyled,
    get_default_command_columns,
    get_default_parameter_columns,
)

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

from ..core.errors import Kling26Error
from ..core.installed import discover
from ..core.limits import Limits, all_durations, all_shapes
from ..core.settings import Settings

_COLUMNS = {"command": get_default_command_columns, "parameter": get_default_parameter_columns}
_INDENT = 2
#: The options whose choices depend on what is installed.
_CHOICES: Mapping[str, Callable[[Sequence[Limits]], Sequence[object]]] = {
    "--duration": all_durations,
    "--aspect-ratio": all_shapes,
}
#: So many numbers are shown, or the first two and the last.
_MOST = 6

#: cyclopts' words for its own options, and ours.
HELP_TEXTS = {
    "Display this message and exit.": "Show this help and exit.",
    "Display application version.": "Show the version and exit.",
}


class Layout(DefaultFormatter):
    """cyclopts' layout, but for the boxes around the groups."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: HelpPanel) -> None:
        """Print a group."""
        from rich.padding import Padding
        from rich.text import Text

        if panel.entries:
            entries = _with_choices(panel.entries)
            columns = _COLUMNS[panel.format](console, options, entries)
            table = TableSpec().build(columns, entries)
            console.print(Text.assemble((f"{panel.title}:", "bold")))
            console.print(DefaultStyled(Padding(table, (0, 0, 0, _INDENT)), theme=panel.theme))


def _with_choices(entries: Sequence[HelpEntry]) -> list[HelpEntry]:
    """The options with what plug-ins add to their choices."""
    if not any(set(_CHOICES) & set(entry.names) for entry in entries):
        return list(entries)
    limits = _limits()
    shown = {name: choices(all_of(limits)) for name, all_of in _CHOICES.items()}
    return [
        entry.copy(
            metavar=next((shown[name] for name in entry.names if name in shown), entry.metavar)
        )
        for entry in entries
    ]


def _limits() -> Sequence[Limits]:
    """The limits of all providers; none if there are no plug-ins, which take long to load."""
    from .keys import installed

    try:
        if not discover(Settings().load_plugins):
            return []
        return [each.limits for each in installed(shown=True).providers.values()]
    except Kling26Error:  # A setting makes no sense; nobody is kept from the help by that.
        return []


def choices(values: Sequence[object]) -> str:
    """
    The choices of an option, as the help shows them.

    >>> choices((5, 10)), choices((4, 5, 8, 10)), choices(range(3, 16))
    ('5|10', '4|5|8|10', '3|4|..|15')
    """
    shown = list(map(str, values))
    if len(shown) > _MOST and all(isinstance(value, int) for value in values):
        shown = [*shown[:2], "..", shown[-1]]
    return "|".join(shown)
