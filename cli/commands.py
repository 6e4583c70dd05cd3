"""The commands of `kling26`, put together."""

import json
from collections.abc import Callable, Mapping, Sequence

from cyclopts import App, CycloptsError, Group, Parameter

from ..core.errors import UsageError
from ..core.version import version
from . import console
from .completion import ShellName, script
from .keys import keys
from .layout import HELP_TEXTS, Layout
from .lookup import balance, providers, prune, tasks
from .parameters import OneObject, shown_default
from .usage import usage_text
from .videos import adopt, cancel, generate, resubmit, resume

#: The groups of commands in the help, in this order.
VIDEOS: Group = Group("Videos", sort_key=1)
PROVIDERS: Group = Group("Providers", sort_key=2)
TOOLS: Group = Group("Tools", sort_key=3)

app: App = App(
    name="kling26",
    help="Make Kling 2.6 videos. `kling26 COMMAND --help` explains one, --verbose logs it.",
    usage="",  # The text below it says as much, and the list has to fit on a screen.
    help_format="markdown",
    help_formatter=Layout(),
    version_format="plaintext",  # Markdown takes long to import.
    version=lambda: f"kling26 {version()}",
    version_flags=["--version", "-V"],
    group_commands=TOOLS,
    # Flags are set or left out; there are no "--no-…" twins.
    default_parameter=Parameter(negative=(), show_default=shown_default),
    suppress_keyboard_interrupt=False,
)
sandbox: App = App(
    name="sandbox",
    help="Rehearse for free, with emulators of the providers.",
    help_epilogue="Example: `kling26 sandbox serve`",
    group=TOOLS,
    group_commands="Commands",
)


def completion(shell: ShellName, /, *, as_json: OneObject = False) -> int:
    """
    Print what makes a shell complete commands and options.

    For bash, add the line of the example to ~/.bashrc. For zsh, save the script as _kling26 in a
    folder of $fpath; for fish, as ~/.config/fish/completions/kling26.fish.
    """
    return script(app, shell, as_json)


app["--help"].help, app["--version"].help = HELP_TEXTS.values()

_COMMANDS: Mapping[Group, Sequence[Callable[..., int]]] = {
    VIDEOS: (generate, tasks, resume, cancel, adopt, resubmit, prune),
    PROVIDERS: (providers, balance),
    TOOLS: (completion,),
}
#: cyclopts would call what comes after these commands "[ARGS]".
_USAGES = {
    "resume": "[OPTIONS] [TASK]...",
    "tasks": "[OPTIONS] [TASK]...",
    "providers": "[OPTIONS] [NAME]",
    "balance": "[OPTIONS] [NAME]",
}
_EXAMPLES = {
    "generate": 'generate "A red fox in the snow" --sound -o fox.mp4',
    "batch": 'batch clips.csv -o "clips/{row:03}-{name}.mp4" --max-cost 20 --report done.csv',
    "tasks": "tasks --open --since 7d",
    "resume": "resume k26-3c1e",
    "cancel": "cancel k26-3c1e",
    "adopt": "adopt k26-3c1e 0f8b6c3d",
    "resubmit": "resubmit k26-3c1e",
    "prune": "prune --older-than 30d",
    "providers": "providers cometapi",
    "balance": "balance kie",
    "completion": 'eval "$(kling26 completion bash)"',
}

_BATCH = """
Make the videos of a table, and print the paths of their files.

Its columns are options of `generate` (prompt, image, sound, duration, seed, provider, output, …)
and of the row's provider; others are names for --output. The options here count where a cell is
empty. All rows are checked before anything is sent. The same command again pays for nothing twice:
it goes on with what is left.
"""

_PLUGINS = """
List the installed plug-ins, and what is wrong with them.

With KLING26_TRACE_PLUGINS=1, every command shows each call of their hooks.
"""


def _example(line: str) -> str:
    return f"Example: `{line if 'kling26' in line else f'kling26 {line}'}`"


def _add(function: Callable[..., int], group: Group, place: int) -> None:
    name = function.__name__
    usage = f"Usage: kling26 {name} {_USAGES[name]}" if name in _USAGES else None
    example = _example(_EXAMPLES[name])
    app.command(function, group=group, sort_key=place, usage=usage, help_epilogue=example)


for _group, _functions in _COMMANDS.items():
    for _place, _function in enumerate(_functions):
        _add(_function, _group, _place)
# By name: what reads tables is loaded for nothing else.
app.command(
    "kling26.cli.batch.command:batch",
    name="batch",
    help=_BATCH,
    help_epilogue=_example(_EXAMPLES["batch"]),
    usage="Usage: kling26 batch [OPTIONS] FILE",
    group=VIDEOS,
    sort_key=0.5,
)
app.command(
    "kling26.cli.plugins:plugins",
    name="plugins",
    help=_PLUGINS,
    help_epilogue=_example("plugins"),
    group=PROVIDERS,
)
keys.group = PROVIDERS
app.command(keys)
app.command(sandbox)
app.command(
    "kling26.cli.new_provider:new_provider",
    name="new-provider",
    help="Write a plug-in for another provider, with emulator and tests.",
    help_epilogue=_example("new-provider acme"),
    group=TOOLS,
)
# By name: its help lists the faults, and the emulators are loaded for nothing else.
sandbox.command(
    "kling26.cli.serving:serve",
    name="serve",
    help="Serve the emulators over HTTP on this machine, until Ctrl-C.",
)


def run(tokens: Sequence[str]) -> int:
    """Run a command line; returns the exit status, or raises how it ended."""
    if set(tokens) in ({flag, "--json"} for flag in app.version_flags):
        console.result(json.dumps({"version": version()}))
        return 0
    try:
        status = app(
            tokens,
            console=console.Rich(),  # type: ignore[arg-type]
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        raise UsageError(usage_text(error)) from error
    return status if isinstance(status, int) else 0
