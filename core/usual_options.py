"""Options that many services have beyond the shared ones, in the same words for users."""

from typing import Any

from .options import option


def negative_prompt_option(default: str = "", *, max_length: int | None = None) -> Any:
    """The field of an options class for a negative prompt; `max_length` is in characters."""
    return option(
        default,
        label="Negative prompt",
        help="What the video must not show.",
        max_length=max_length,
        multiline=True,
    )


def cfg_scale_option(help: str = "How closely to follow the prompt.") -> Any:
    """The field for Kling's `cfg_scale`, from 0 to 1; None leaves it to the service."""
    return option(
        None, label="CFG scale", help=help, minimum=0, maximum=1, step=0.05, advanced=True
    )
