"""The parameters of the commands."""

import math
import os
from collections.abc import Mapping
from typing import Annotated, Any

from attrs import frozen
from cyclopts import Parameter

from ..core.options import options_of
from ..core.request import VideoRequest
from ..core.settings import TIMEOUT
from . import usage

_LONGEST_TIMEOUT = 30 * 86400.0

_SHARED = {info.name: info for info in options_of(VideoRequest)}
_DEFAULTS: dict[str, Any] = {name: info.default for name, info in _SHARED.items()}

TaskName = Annotated[
    str, Parameter(help="The task's id, the beginning of it, or the provider's id.")
]
TaskNames = Annotated[
    str, Parameter(help="The tasks' ids, the beginnings of them, or the provider's ids.")
]
AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON, one object per task.")]
Timeout = Annotated[
    float,
    Parameter(
        help="How long the whole command may take; what was paid for by then can be resumed.",
        metavar="SECONDS",
    ),
]


def shown_default(value: object) -> str | None:
    """A default as the help shows it; None for a flag that is off."""
    if value is None or value is False:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


def seconds(timeout: float) -> float:
    """The time-out; raises `OptionRefused` if it is out of range."""
    if not (math.isfinite(timeout) and 0 < timeout <= _LONGEST_TIMEOUT):
        raise usage.bad_timeout(timeout, _LONGEST_TIMEOUT)
    return timeout


def _shared(name: str, metavar: str | None = None, **more: Any) -> Parameter:
    """The parameter of a shared option, in the words of its field."""
    info = _SHARED[name]
    choices = "|".join(map(str, info.choices))
    return Parameter(help=info.help, metavar=metavar or choices or None, **more)


Prompt = Annotated[str, _shared("prompt")]


@Parameter(name="*")
@frozen(kw_only=True)
class Flags:
    """What `generate` takes besides the prompt; each field is a flag."""

    provider: Annotated[
        str | None,
        Parameter(
            help="Who makes the video: kie, unless KLING26_PROVIDER names another. "
            "`kling26 providers` lists them.",
            metavar="NAME",
        ),
    ] = None
    image: Annotated[str | None, _shared("image", "FILE_OR_URL")] = None
    sound: Annotated[bool, _shared("sound")] = _DEFAULTS["sound"]
    duration: Annotated[int, _shared("duration")] = _DEFAULTS["duration"]
    aspect_ratio: Annotated[
        str | None, _shared("aspect_ratio", show_default=str(_DEFAULTS["aspect_ratio"]))
    ] = None
    callback_url: Annotated[str | None, _shared("callback_url", "URL")] = None
    seed: Annotated[int, _shared("seed", "N")] = _DEFAULTS["seed"]
    option: Annotated[
        list[str] | None,
        Parameter(
            help="One of the provider's own options; repeatable. "
            "`kling26 providers NAME` lists them.",
            metavar="NAME=VALUE",
        ),
    ] = None
    output: Annotated[
        str | None,
        Parameter(
            help="Where to write the video, in addition to the store in the home folder.",
            metavar="FILE.mp4",
        ),
    ] = None
    sandbox: Annotated[
        bool, Parameter(help="Rehearse with an emulator: no key, no network, no cost.")
    ] = False
    timeout: Timeout = TIMEOUT

    def request(self, prompt: str) -> VideoRequest:
        """The request; raises `OptionRefused` for flags that make no sense."""
        # An empty value is most likely a script's unset variable, and must not mean "none".
        for name in ("provider", "image", "aspect_ratio", "callback_url", "output"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise usage.empty(name)
        if self.image is not None and self.aspect_ratio is not None:
            raise usage.shape_with_image()
        if self.image is not None and self.output is not None and _same(self.image, self.output):
            raise usage.output_is_image()
        given: dict[str, Any] = {
            name: getattr(self, name) for name in _DEFAULTS if name != "prompt"
        }
        if self.aspect_ratio is None:
            given["aspect_ratio"] = _DEFAULTS["aspect_ratio"]
        return VideoRequest(prompt, **given)

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


def _same(image: str, output: str) -> bool:
    """Whether both are the same file; a URL is none."""
    try:
        return os.path.samefile(os.path.expanduser(image), os.path.expanduser(output))
    except (OSError, ValueError):
        return False


#: No flags, just a prompt.
NO_FLAGS: Flags = Flags()
