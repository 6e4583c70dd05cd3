"""The parameters of the commands."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from attrs import frozen
from cyclopts import Group, Parameter, Token

from ..core.options import options_of
from ..core.request import VideoRequest
from ..core.settings import TIMEOUT
from . import lengths, usage

#: The groups of options in the help, in this order.
TASKS: Group = Group("Tasks", sort_key=1)
VIDEO: Group = Group("Making a video", sort_key=2)
PROVIDER: Group = Group("Provider", sort_key=3)
RUNNING: Group = Group("Running", sort_key=4)
OUTPUT: Group = Group("Output", sort_key=5)

_SHARED = {info.name: info for info in options_of(VideoRequest)}
_DEFAULTS: dict[str, Any] = {name: info.default for name, info in _SHARED.items()}


def _timeout(_: object, tokens: Sequence[Token]) -> float:
    return lengths.timeout(tokens[0].value)


def _whole(_: object, tokens: Sequence[Token]) -> int:
    """A whole number; cyclopts would round others, and so change what is asked for."""
    text = tokens[0].value.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        raise usage.bad_number(str(tokens[0].keyword), text)
    return int(text)


#: The parameter of a whole number.
WHOLE: Parameter = Parameter(converter=_whole)

TaskName = Annotated[
    str, Parameter(help="The task's id, the beginning of it, or the provider's id.", group=TASKS)
]
TaskNames = Annotated[
    str,
    Parameter(help="The tasks' ids, the beginnings of them, or the provider's ids.", group=TASKS),
]
AsJson = Annotated[
    bool, Parameter(name="--json", help="Print JSON, one object per task.", group=OUTPUT)
]
OneObject = Annotated[bool, Parameter(name="--json", help="Print one JSON object.", group=OUTPUT)]
ObjectPerProvider = Annotated[
    bool, Parameter(name="--json", help="Print JSON, one object per provider.", group=OUTPUT)
]
ObjectPerPlugin = Annotated[
    bool, Parameter(name="--json", help="Print JSON, one object per plug-in.", group=OUTPUT)
]
Quiet = Annotated[
    bool,
    Parameter(
        name=("--quiet", "-q"), help="Print the result and errors, but no progress.", group=OUTPUT
    ),
]
Timeout = Annotated[
    float,
    Parameter(
        help="How long the command may take: 90 (seconds), 45m, 1h30m.",
        metavar="TIME",
        allow_leading_hyphen=True,  # So that "-5" is said to be no length.
        converter=_timeout,
        show_default="1h",
        group=RUNNING,
    ),
]


def shown_default(value: object) -> str | None:
    """A default as the help shows it; None for a flag that is off."""
    if value is None or value is False:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shared(name: str, metavar: str | None = None, **more: Any) -> Parameter:
    """The parameter of a shared option, in the words of its field."""
    info = _SHARED[name]
    choices = "|".join(map(str, info.choices))
    more.setdefault("group", VIDEO)
    return Parameter(help=info.help, metavar=metavar or choices or None, **more)


Prompt = Annotated[
    str, Parameter(help=f"{_SHARED['prompt'].help} Or -, to read it from stdin.", group=VIDEO)
]


@Parameter(name="*")
@frozen(kw_only=True)
class Flags:
    """What `generate` takes besides the prompt; each field is a flag."""

    image: Annotated[str | None, _shared("image", "FILE_OR_URL")] = None
    end_image: Annotated[str | None, _shared("end_image", "FILE_OR_URL")] = None
    sound: Annotated[bool, _shared("sound")] = _DEFAULTS["sound"]
    duration: Annotated[int, WHOLE, _shared("duration")] = _DEFAULTS["duration"]
    aspect_ratio: Annotated[
        str | None, _shared("aspect_ratio", show_default=str(_DEFAULTS["aspect_ratio"]))
    ] = None
    seed: Annotated[int, WHOLE, _shared("seed", "N")] = _DEFAULTS["seed"]
    provider: Annotated[
        str | None,
        Parameter(
            help="Who makes the video: kie, unless KLING26_PROVIDER names another. "
            "auto is whoever can, the cheapest first.",
            metavar="NAME|auto",
            group=PROVIDER,
        ),
    ] = None
    option: Annotated[
        list[str] | None,
        Parameter(
            help="One of the provider's own options; repeatable. "
            "`kling26 providers NAME` lists them.",
            metavar="NAME=VALUE",
            group=PROVIDER,
        ),
    ] = None
    callback_url: Annotated[str | None, _shared("callback_url", "URL", group=PROVIDER)] = None
    sandbox: Annotated[
        bool,
        Parameter(help="Rehearse with an emulator: no key, no network, no cost.", group=RUNNING),
    ] = False
    dry_run: Annotated[
        bool,
        Parameter(help="Say what would happen and what it would cost; pay nothing.", group=RUNNING),
    ] = False
    no_wait: Annotated[
        bool,
        Parameter(
            help="End once the provider has taken the task; `kling26 resume` fetches the video.",
            group=RUNNING,
        ),
    ] = False
    timeout: Timeout = TIMEOUT
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"),
            help="Where to write the video, too; it is stored in the home folder.",
            metavar="FILE.mp4",
            group=OUTPUT,
        ),
    ] = None
    as_json: OneObject = False
    quiet: Quiet = False

    def request(self, prompt: str) -> VideoRequest:
        """The request; raises `OptionRefused` for flags that make no sense."""
        if not _is_text(prompt):
            raise usage.not_text()
        # An empty value is most likely a script's unset variable, and must not mean "none".
        for name in ("provider", "image", "end_image", "aspect_ratio", "callback_url", "output"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise usage.empty(name)
        if self.image is not None and self.aspect_ratio is not None:
            raise usage.shape_with_image()
        for name, image in (("image", self.image), ("end_image", self.end_image)):
            if image is not None and self.output is not None and _same(image, self.output):
                raise usage.output_is_image(name)
        given: dict[str, Any] = {
            name: getattr(self, name) for name in _DEFAULTS if name != "prompt"
        }
        asks = self.aspect_ratio is not None
        if not asks:
            given["aspect_ratio"] = _DEFAULTS["aspect_ratio"]
        return VideoRequest(prompt, **given, asks_for_shape=asks)

    def own_options(self) -> Mapping[str, str]:
        """The provider's own options, read from NAME=VALUE; raises `OptionRefused`."""
        own: dict[str, str] = {}
        for text in self.option or ():
            name, equals, value = text.partition("=")
            name = name.strip().replace("-", "_")
            if not (name and equals):
                raise usage.no_assignment(text, name)
            if name in _SHARED:
                raise usage.shared_option(name)
            if name in own:
                raise usage.option_twice(name)
            own[name] = value
        return own


@Parameter(name="*")
@frozen(kw_only=True)
class CountedFlags(Flags):
    """What `generate` takes besides the prompt, and many videos have not."""

    count: Annotated[
        int | None,
        WHOLE,
        Parameter(
            help="How many videos to make, with --seed and those after it. Their --output is "
            "FILE-1.mp4 and so on, or has {row} or {seed} in it.",
            metavar="N",
            group=VIDEO,
        ),
    ] = None


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8; what cannot came as bytes that are not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _same(image: str, output: str) -> bool:
    """Whether both are the same file; a URL is none."""
    try:
        return os.path.samefile(os.path.expanduser(image), os.path.expanduser(output))
    except (OSError, ValueError):
        return False


#: No flags, just a prompt.
NO_FLAGS: CountedFlags = CountedFlags()
