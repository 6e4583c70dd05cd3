"""The version of this package."""

from contextlib import suppress
from importlib import metadata
from pathlib import Path


def version() -> str:
    """The version of the files that are running, even in a clone; else "0+unknown"."""
    import tomllib  # Slow to import, and not needed at the start.

    with suppress(OSError, KeyError, ValueError):
        text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8")
        return str(tomllib.loads(text)["project"]["version"])
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("kling26")
    return "0+unknown"
