"""What is wrong with a file, and what its container says of its end."""

from typing import NamedTuple


class UnplayableVideo(ValueError):
    """The file is not a whole video that plays; the message says why."""


class End(NamedTuple):
    """
    What a container says of its end, once nothing that it lists is missing.

    `proven`: it lists all of its content. `stated`: where it ends, in seconds; None if it does not
    say. A recording that was written on the fly has neither.
    """

    proven: bool
    stated: float | None = None
