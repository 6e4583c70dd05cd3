"""The commands of `kling26`."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from ..core.errors import JournalError, Kling26Error, NotDelivered, OptionRefused, UsageError
from ..core.options import options_of
from ..core.request import VideoRequest
from ..core.settings import TIMEOUT, Settings
from ..core.text import sanitize
from ..core.version import version
from .console import as_object, result, say
from .exits import NOT_DELIVERED, exit_status
from .keys import installed, keys
from .work import carry

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.money import Balance
    from ..core.runner.cancel import Cancellation
    from ..core.runner.results import Video
    from ..core.runner.runner import Runner
    from .console import Display
    from .work import Found

    #: How a task ended: its row, and the video or the error.
    _End = tuple[Task | None, Video | None, Kling26Error | None]

_LONGEST_TIMEOUT = 30 * 86400.0


def _shown_default(value: object) -> str | None:
    """A default as the help shows it; that a flag is off by default goes without saying."""
    if value is None or value is False:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


app: App = App(
    name="kling26",
    help="Kling 2.6 videos through whichever provider you have a key for: paid once, delivered "
    "always.",
    help_format="markdown",
    help_epilogue="--verbose, with any command, shows the log and the traceback of an error.",
    version=lambda: f"kling26 {version()}",
    # Flags are set or left out; there are no "--no-…" twins.
    default_parameter=Parameter(negative=(), show_default=_shown_default),
    suppress_keyboard_interrupt=False,
)
sandbox: App = App(name="sandbox", help="Rehearse for free, with emulators of the providers.")
app.command(keys)
app.command(sandbox)
app.command(
    "kling26.cli.new_provider:new_provider",
    name="new-provider",
    help="Begin a provider of your own: writes a folder that works as it stands.",
)
# By name: its help tells what the emulators can do, and they are loaded for that alone.
sandbox.command(
    "kling26.cli.serving:serve",
    name="serve",
    help="Serve the emulators over HTTP on this machine, until Ctrl-C.",
)

_SHARED = {info.name: info for info in options_of(VideoRequest)}
_DEFAULTS: dict[str, Any] = {name: info.default for name, info in _SHARED.items()}

TaskName = Annotated[str, Parameter(help="Its id, or the beginning of it.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON, one object per task.")]
Timeout = Annotated[
    float,
    Parameter(
        help="How long the whole command may take; what is paid for by then is kept.",
        metavar="SECONDS",
    ),
]


def _option(name: str, metavar: str | None = None, **more: Any) -> Parameter:
    """The parameter of a shared option, in the words of its field."""
    info = _SHARED[name]
    choices = "|".join(map(str, info.choices))
    return Parameter(help=info.help, metavar=metavar or choices or None, **more)


def run(tokens: Sequence[str]) -> int:
    """Run a command line; returns the exit status, or raises how it ended."""
    try:
        status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        from .words import of_usage

        raise UsageError(of_usage(error)) from error
    return status if isinstance(status, int) else 0


# -- making videos -----------------------------------------------------------------------------


@app.command
def generate(
    prompt: Annotated[str, _option("prompt")],
    /,
    *,
    provider: Annotated[
        str | None,
        Parameter(
            help="Who makes it: kie, unless KLING26_PROVIDER says otherwise. "
            "`kling26 providers` lists them.",
            metavar="NAME",
        ),
    ] = None,
    image: Annotated[str | None, _option("image", "FILE_OR_URL")] = None,
    sound: Annotated[bool, _option("sound")] = _DEFAULTS["sound"],
    duration: Annotated[int, _option("duration")] = _DEFAULTS["duration"],
    aspect_ratio: Annotated[
        str | None, _option("aspect_ratio", show_default=str(_DEFAULTS["aspect_ratio"]))
    ] = None,
    callback_url: Annotated[str | None, _option("callback_url", "URL")] = None,
    seed: Annotated[int, _option("seed", "N")] = _DEFAULTS["seed"],
    option: Annotated[
        list[str] | None,
        Parameter(
            help="An option of this provider's own; repeatable. "
            "`kling26 providers NAME` lists them.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    output: Annotated[
        str | None,
        Parameter(
            help="Where the video is written, besides the store that keeps it anyway.",
            metavar="FILE.mp4",
        ),
    ] = None,
    sandbox: Annotated[
        bool, Parameter(help="Rehearse with an emulator: no key, no network, no cost.")
    ] = False,
    timeout: Timeout = TIMEOUT,
    as_json: Annotated[bool, Parameter(name="--json", help="Print one JSON object.")] = False,
) -> int:
    """
    Make a video, and print the path of its file.

    The same command again costs nothing: it continues where the first one stopped, or gives the
    stored video. Another --seed makes another video.
    """
    _refuse_empty(
        provider=provider,
        image=image,
        aspect_ratio=aspect_ratio,
        callback_url=callback_url,
        output=output,
    )
    if image is not None and aspect_ratio is not None:
        raise OptionRefused(
            "--aspect-ratio does not go with --image: the picture sets the shape. Leave one out.",
            option="aspect_ratio",
        )
    own = _own_options(option or [])
    seconds = _seconds(timeout)
    wishes: dict[str, Any] = {
        "image": image,
        "sound": sound,
        "duration": duration,
        "aspect_ratio": aspect_ratio or _DEFAULTS["aspect_ratio"],
        "callback_url": callback_url,
        "seed": seed,
    }
    request = VideoRequest(prompt, **wishes)

    async def work(runner: "Runner", display: "Display", _: "Found") -> "_End":
        try:
            video = await runner.generate(
                request,
                provider,
                own,
                output=output,
                sandbox=sandbox or None,
                timeout=seconds,
                progress=display.tell,
            )
        except Kling26Error as error:
            if error.task is None:
                raise
            with suppress(JournalError):
                return await runner.task(error.task), None, error
            raise
        return None, video, None

    return _show(carry(work, idle="Interrupted. Nothing was sent."), as_json)


@app.command
def resume(*tasks: TaskName, timeout: Timeout = TIMEOUT, as_json: AsJson = False) -> int:
    """
    Carry tasks to their end: these, or all that are open.

    Each video is written to the --output that it was asked for with; the paths are printed.
    """
    seconds = _seconds(timeout)

    async def work(runner: "Runner", display: "Display", found: "Found") -> None:
        async for outcome in runner.resume(tasks, timeout=seconds, progress=display.tell):
            found((outcome.task, outcome.video, outcome.error))

    statuses: list[int] = []
    carry(
        work,
        idle=f"Interrupted. Go on with: {' '.join(('kling26 resume', *tasks))}",
        found=lambda end: statuses.append(_show(end, as_json, among=True)),
    )
    if not statuses:
        say("Nothing is open: every task has come to its end.")
    # The worst by its meaning is the highest, too.
    return max(statuses, default=0)


@app.command
def resubmit(task: TaskName, /, *, timeout: Timeout = TIMEOUT, as_json: AsJson = False) -> int:
    """
    Submit an unknown task again, knowing that it may be paid for twice.

    It is unknown because the answer to its paid request was lost. Look first whether the provider
    has it; where the provider can be asked for it, that is done for you.
    """
    seconds = _seconds(timeout)

    async def work(runner: "Runner", display: "Display", _: "Found") -> "_End":
        outcome = await runner.resubmit(task, timeout=seconds, progress=display.tell)
        return outcome.task, outcome.video, outcome.error

    return _show(carry(work, idle=f"Interrupted. Go on with: kling26 resume {task}"), as_json)


@app.command
def cancel(task: TaskName, /) -> int:
    """
    Cancel a task, if that is still possible and free.

    Otherwise it goes on, its video is kept, and the exit status is 5.
    """

    async def work(runner: "Runner", _: "Display", __: "Found") -> "Cancellation":
        return await runner.cancel(task)

    done = carry(work, idle="Interrupted. See how it stands with: kling26 tasks")
    result(done.message)
    return 0 if done.cancelled else NOT_DELIVERED


def _show(end: "_End", as_json: bool, among: bool = False) -> int:
    """Print how a task ended, perhaps `among` others; returns the exit status that says so."""
    task, video, error = end
    text = None
    if error is not None:
        text = _with_continuation(error)
        say(f"{error.task}: {text}" if among and str(error.task) not in text else text)
    if as_json:
        result(as_object(error, task, video, text))
    elif video is not None:
        result(str(video.file))
    return 0 if error is None else exit_status(error)


def _with_continuation(error: Kling26Error) -> str:
    """The error's text; of what is paid for it says how to go on."""
    text = str(error)
    if not isinstance(error, NotDelivered) or "kling26 res" in text:
        return text
    return f"{text} Go on with: kling26 resume {error.task}"


def _refuse_empty(**given: str | None) -> None:
    """An empty value is most likely a script's unset variable, and must not mean "none"."""
    for name, value in given.items():
        if value is not None and not value.strip():
            flag = f"--{name.replace('_', '-')}"
            raise OptionRefused(f"{flag} is empty; fill it in or leave it out.", option=name)


def _own_options(given: Sequence[str]) -> Mapping[str, str]:
    """The provider's own options, out of NAME=VALUE."""
    own: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (name and equals):
            raise OptionRefused(
                f'--option takes NAME=VALUE; this one is "{sanitize(text, 60)}".', option=name
            )
        if name in _SHARED:
            flag = f"--{name.replace('_', '-')}"
            raise OptionRefused(f"Every provider has {name}: give it as {flag}.", option=name)
        if name in own:
            raise OptionRefused(f"--option {name} is given twice.", option=name)
        own[name] = value
    return own


def _seconds(timeout: float) -> float:
    if not (math.isfinite(timeout) and 0 < timeout <= _LONGEST_TIMEOUT):
        raise OptionRefused(
            f"--timeout takes seconds, more than 0 and up to {_LONGEST_TIMEOUT:.0f}; "
            f'this one is "{timeout:g}".',
            option="timeout",
        )
    return timeout


@app.command
def prune(
    *,
    older_than: Annotated[
        str, Parameter(help="How long ago they ended: 30d, 12h or 45m.", metavar="AGE")
    ],
) -> int:
    """
    Forget tasks that ended long ago, and remove their videos from the store.

    Open tasks stay, and so does every video that was written to an --output.
    """
    seconds = _age(older_than)

    async def work(runner: "Runner", _: "Display", __: "Found") -> "list[Task]":
        return await runner.prune(seconds)

    gone = carry(work, idle="Interrupted. Run it again to go on.")
    videos = sum(task.file is not None for task in gone)
    result(f"Forgot {_many(len(gone), 'task')} and removed {_many(videos, 'stored video')}.")
    return 0


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


_AGES = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def _age(text: str) -> float:
    """Seconds, of an age such as 30d."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in _AGES):
        raise OptionRefused(
            "--older-than takes an age such as 30d, 12h or 45m; this one is "
            f'"{sanitize(text, 60)}".',
            option="older_than",
        )
    return int(number[:9]) * _AGES[unit]


# -- looking things up -------------------------------------------------------------------------


@app.command
def tasks(
    *,
    only_open: Annotated[
        bool,
        Parameter(name="--open", help="Only those with something left to do."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """List the tasks of the journal, the oldest first."""
    from . import words

    async def work(runner: "Runner", _: "Display", __: "Found") -> "tuple[list[Task], Any]":
        return await runner.tasks(only_open), runner.registry

    found, registry = carry(work, idle="Interrupted.")
    if as_json:
        for task in found:
            result(as_object(task=task, text=task.error))
    elif found:
        result(words.of_tasks(found, registry))
    else:
        say("No task is open." if only_open else "The journal is empty: nothing was made yet.")
    return 0


@app.command
def providers(name: Annotated[str | None, Parameter(help="Show this one whole.")] = None, /) -> int:
    """List who can make videos, and which keys are set; or all about one of them."""
    from . import words

    registry = installed(told=name is None)
    if name is None:
        result(words.of_providers(registry, Settings()))
    else:
        result(words.of_provider(Settings().settle(registry[name]), Settings()))
    return 0


@app.command
def balance(
    provider: Annotated[
        str | None,
        Parameter(help="Of which provider: kie, unless KLING26_PROVIDER says otherwise."),
    ] = None,
    /,
    *,
    sandbox: Annotated[bool, Parameter(help="Ask the emulator: no key, no network.")] = False,
) -> int:
    """Ask a provider what is left on the account."""

    async def work(runner: "Runner", _: "Display", __: "Found") -> "Balance":
        return await runner.balance(provider, sandbox=sandbox or None)

    left = carry(work, idle="Interrupted.")
    result(f"{left.amount:.12g} {left.unit}")
    return 0
