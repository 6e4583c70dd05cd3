"""The command `kling26`."""

from .entry import main

__all__ = ["main"]
