"""
Whether a file is a whole video that plays.

This package imports nothing of the rest: `serve` runs it in a process of its own, which starts
faster for that and does not need to find the rest.
"""

from .problem import UnplayableVideo as UnplayableVideo
from .whole import check_video as check_video

__all__ = ["UnplayableVideo", "check_video"]
