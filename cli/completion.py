"""`kling26 completion`: what makes a shell complete its commands and options."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from cyclopts import App, Parameter

from ..core.limits import all_durations, all_shapes
from ..core.provider import AUTO
from .console import answer
from .keys import installed
from .layout import HELP_TEXTS
from .usage import VERBOSE

Shell = Literal["bash", "zsh", "fish"]
ShellName = Annotated[Shell, Parameter(help="bash, zsh or fish.", name="SHELL")]

#: How cyclopts' script for bash knows a command, wherever that word stands.
_KNOWN = '[[ " $all_commands " =~ " $word " ]]'

_VERBOSE_TEXT = "Show the log, and the traceback of an error."


def script(app: App, shell: Shell, as_json: bool) -> int:
    """Print the script that makes a shell complete commands and options."""
    text = app.generate_completion(prog_name="kling26", shell=shell).rstrip("\n")
    text = _for_bash(text, app) if shell == "bash" else _worded(text)
    answer(text, as_json, lambda: {"shell": shell, "script": text})
    return 0


def _worded(text: str) -> str:
    """The script for zsh or fish with our own words for cyclopts' options, and one of ours."""
    for theirs, ours in HELP_TEXTS.items():
        text = text.replace(theirs, ours)
    verbose = f"'{VERBOSE}[{_VERBOSE_TEXT}]'"
    text = re.sub(r"^( +)('--help\[.*)$", rf"\1{verbose} \\\n\1\2", text, flags=re.M)
    fish = rf"\1 -l verbose -d '{_VERBOSE_TEXT}'\n\g<0>"
    return re.sub(r"^(complete .*) -l help -d .*$", fish, text, flags=re.M)


def _for_bash(text: str, app: App) -> str:
    """cyclopts' script, which would take file names away, and a prompt for a command."""
    groups = [name for name in app if any(not below.startswith("-") for below in app[name])]
    first = " || ".join(f'"${{cmd_path[*]}}" == "{name}"' for name in ("", *groups))
    text = text.replace(_KNOWN, f"[[ {first} ]] && {_KNOWN}")
    text = text.replace('"--help" "-h"', f'"{VERBOSE}" "--help" "-h"')
    for option, values in _values().items():
        words = f'COMPREPLY=($(compgen -W "{" ".join(values)}" -- "${{cur}}"))'
        text = re.sub(rf"^(\s+{option}\)\s+)COMPREPLY=\(\)", rf"\1{words}", text, flags=re.M)
    return text.replace("complete -F", "complete -o default -o bashdefault -F")


def _values() -> Mapping[str, Sequence[str]]:
    """What some options may be, where cyclopts does not know it."""
    providers = installed().providers
    limits = [each.limits for each in providers.values()]
    return {
        "--provider": [AUTO, *providers],
        "--duration": list(map(str, all_durations(limits))),
        "--aspect-ratio": all_shapes(limits),
    }
