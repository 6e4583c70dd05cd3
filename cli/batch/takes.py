"""`kling26 generate --count`: several videos of one request, each with a seed of its own."""

import os
from collections.abc import Mapping

from attrs import evolve

from ...core.errors import OptionRefused
from ...core.provider import Provider
from ...core.request import VideoRequest
from ...core.rows.outputs import Files
from ...core.runner.many import Row
from ..parameters import CountedFlags
from .flags import of
from .plan import Asked
from .run import make_all

#: The most videos of one request: whoever wants more has a list of prompts.
_MOST = 1000


def make_takes(
    request: VideoRequest, own: Mapping[str, str], flags: CountedFlags, limit: float
) -> int:
    """Make `flags.count` videos, with the seed and those after it; returns the exit status."""
    if not 1 <= flags.count <= _MOST:
        problem = f"--count must be between 1 and {_MOST}; got {flags.count}."
        raise OptionRefused(problem, option="count")
    output = None if flags.output is None else _numbered(flags.output)
    rows = [
        Row(evolve(request, seed=request.seed + n), options=own or None, output=output)
        for n in range(flags.count)
    ]

    def ask(_: Mapping[str, Provider], __: str) -> Asked:
        return Asked("The request", rows)

    many = evolve(of(flags), output=output, timeout=limit)
    return make_all(ask, many, Files(), None, limit)


def _numbered(output: str) -> str:
    """The output as a template: without a placeholder, the number of the video is added."""
    if "{" in output:
        return output
    stem, suffix = os.path.splitext(output)
    return f"{stem}-{{row}}{suffix}"
