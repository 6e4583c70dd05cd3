"""Which version of the package this is."""

from contextlib import suppress
from importlib import metadata
from pathlib import Path


def version() -> str:
    """The version of these very files, for a clone need not be installed; else "0+unknown"."""
    import tomllib  # Its patterns take a while to compile, and only a clone needs it.

    with suppress(OSError, KeyError, ValueError):
        text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8")
        return str(tomllib.loads(text)["project"]["version"])
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("kling26")
    return "0+unknown"
