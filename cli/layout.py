"""The layout of the help: a heading for each group, and no boxes, so that it fits on a screen."""

from typing import TYPE_CHECKING

from cyclopts.help import DefaultFormatter, HelpPanel, TableSpec
from cyclopts.help.specs import (
    DefaultStyled,
    get_default_command_columns,
    get_default_parameter_columns,
)

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

_COLUMNS = {"command": get_default_command_columns, "parameter": get_default_parameter_columns}
_INDENT = 2

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
            columns = _COLUMNS[panel.format](console, options, panel.entries)
            table = TableSpec().build(columns, panel.entries)
            console.print(Text.assemble((f"{panel.title}:", "bold")))
            console.print(DefaultStyled(Padding(table, (0, 0, 0, _INDENT)), theme=panel.theme))
