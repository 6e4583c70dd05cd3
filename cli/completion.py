"""`kling26 completion`: what makes a shell complete its commands and options."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from .console import result

Shell = Literal["bash", "zsh", "fish"]


def script(app: App, shell: Shell) -> int:
    """Print the script that makes a shell complete commands and options."""
    result(app.generate_completion(prog_name="kling26", shell=shell).rstrip("\n"))
    return 0


ShellName = Annotated[Shell, Parameter(help="bash, zsh or fish.", name="SHELL")]
