"""
The command `kling26`, from its start to its exit status.

The commands themselves are in `commands`. Here an interrupt or an error becomes one
sentence and an exit status, and a traceback only with --verbose.
"""

# Nothing heavy is imported here, not even `texts`: a Ctrl-C while the rest is still loading gets a
# sentence too.
import os
import signal
import sys

from ..core.machine import lack
from . import streams
from .line import arranged

INTERRUPTED = 130
#: Nothing was sent, because of the user's set-up or machine.
USAGE = 2
#: A bug of ours, or an output that cannot be written.
BROKEN = 1


def main() -> None:
    """Run the command line and exit."""
    try:
        streams.fill()
        _treat_signals_alike()
        status = _run(sys.argv[1:])
    except KeyboardInterrupt:
        streams.say("Interrupted.")
        status = INTERRUPTED
    except Exception as error:  # The installation's: commands handle their own.
        if "--verbose" in sys.argv:
            raise
        lacking = lack(error)
        streams.say(lacking or f"kling26 cannot start: {error}. Use --verbose to see where.")
        status = USAGE if lacking else BROKEN
    if status == INTERRUPTED or _hung():
        # An orderly exit would wait for threads that are still waiting for an answer; and CPython
        # kills itself with the signal if it arrived during an `eval`, as in `namedtuple`.
        streams.settle()
        os._exit(status)
    sys.exit(status)


def _hung() -> bool:
    work = sys.modules.get("kling26.cli.work")
    return work is not None and bool(work.hung)


def _treat_signals_alike() -> None:
    """Make SIGTERM and SIGHUP interrupts like Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # `nohup` ignores SIGHUP, and that stays so.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def _run(words: list[str]) -> int:
    line = arranged(words)
    # After a bare "--", nothing is an option.
    options = line[: line.index("--")] if "--" in line else line
    verbose, as_json = "--verbose" in options, "--json" in options
    rest = [*(word for word in options if word != "--verbose"), *line[len(options) :]]
    try:
        status = _command(rest, verbose, as_json)
    except KeyboardInterrupt:
        from . import console, interrupts, work

        text = interrupts.INTERRUPTED if work.begun else interrupts.interrupted_early(rest)
        console.fail(text, as_json=as_json and not _lists_tasks(rest))
        status = INTERRUPTED
    from . import console

    # The other statuses say more.
    return max(status, BROKEN) if console.unwritten() else status


def _lists_tasks(line: list[str]) -> bool:
    """Whether its JSON has an object for each of any number of tasks, and may have none."""
    command = next((word for word in line if not word.startswith("-")), None)
    many = any(word.partition("=")[0] == "--count" for word in line)
    return many or command in ("batch", "resume", "tasks")


def _command(line: list[str], verbose: bool, as_json: bool) -> int:
    from ..core.errors import Kling26Error
    from . import commands, console, exits, texts, work

    console.set_up(verbose)
    try:
        return commands.run(line)
    except work.Interrupted as interrupted:
        tasks, text = interrupted.tasks, str(interrupted)
        console.fail(text, as_json=as_json and not tasks and not _lists_tasks(line))
        for task in tasks if as_json else ():
            if task.open or len(tasks) == 1:
                console.result(console.as_object(task=task, text=text))
        return INTERRUPTED
    except Kling26Error as error:
        provider = work.installed.get(error.provider or "")
        text = texts.error_text(error, provider=provider)
        lines = texts.in_lines(text, error)
        console.fail(text, error=error, as_json=as_json, lines=lines)
        return exits.exit_status(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a traceback only with --verbose.
        lacking = lack(error)
        console.fail(lacking or texts.bug(console.shown(error)), as_json=as_json)
        return USAGE if lacking else BROKEN
