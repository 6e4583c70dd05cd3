"""The commands of `kling26`, put together."""

from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from ..core.errors import UsageError
from ..core.version import version
from . import console
from .keys import keys
from .lookup import balance, providers, prune, tasks
from .parameters import shown_default
from .usage import usage_text
from .videos import adopt, cancel, generate, resubmit, resume

app: App = App(
    name="kling26",
    help="Generate Kling 2.6 videos through whichever provider you have a key for. Each video is "
    "charged once and always reaches your disk.",
    help_format="markdown",
    help_epilogue="Add --verbose to any command to see its log, and the traceback of an error.",
    version=lambda: f"kling26 {version()}",
    # Flags are set or left out; there are no "--no-…" twins.
    default_parameter=Parameter(negative=(), show_default=shown_default),
    suppress_keyboard_interrupt=False,
)
sandbox: App = App(name="sandbox", help="Rehearse for free, with emulators of the providers.")

for _command in (generate, adopt, resubmit, cancel, tasks, prune):
    app.command(_command)
# cyclopts would call what comes after a command "[ARGS]".
app.command(resume, usage="Usage: kling26 resume [OPTIONS] [TASK]...")
app.command(providers, usage="Usage: kling26 providers [NAME]")
app.command(balance, usage="Usage: kling26 balance [OPTIONS] [NAME]")
app.command(keys)
app.command(sandbox)
app.command(
    "kling26.cli.new_provider:new_provider",
    name="new-provider",
    help="Write a plug-in for another provider, complete with an emulator and tests.",
)
# By name: its help lists the faults, and the emulators are loaded for nothing else.
sandbox.command(
    "kling26.cli.serving:serve",
    name="serve",
    help="Serve the emulators over HTTP on this machine, until Ctrl-C.",
)


def run(tokens: Sequence[str]) -> int:
    """Run a command line; returns the exit status, or raises how it ended."""
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
