"""The "Kling 2.6" node of ComfyUI, which is imported inside functions only."""

import logging
from pathlib import Path
from typing import Any

#: Where ComfyUI finds the settings page, the price badge and the help page.
WEB_DIRECTORY = "./web"

logger: logging.Logger = logging.getLogger("kling26")

#: The folder of the copy that ComfyUI has loaded first.
_first: Path | None = None


def runs(file: str) -> bool:
    """
    Whether ComfyUI gets its node, routes and page from the copy of the pack with this file.

    The first copy that it loads is the only one. Says so of any other, and where the code is that
    runs: if another pack has loaded an installed package before, it is that one. A package that is
    installed and not loaded is told of too: it is the one that `kling26` in a shell is.
    """
    global _first  # noqa: PLW0603 - one per process, on purpose.
    folder, code = Path(file).absolute().parent, Path(__file__).parents[1]
    first = _first = _first or folder
    if folder == first and code.resolve() == folder.resolve():
        installed = _installed()
        if installed is not None and installed.resolve() != code.resolve():
            _warn(code, installed)
        return True
    _warn(code, folder)
    return folder == first


def _installed() -> Path | None:
    """The folder of the package that pip has copied; None if it has not, or only knows a clone."""
    from importlib import metadata

    try:
        file = Path(str(metadata.distribution("kling26").locate_file("kling26/__init__.py")))
        return file.parent if file.is_file() else None
    except Exception:  # noqa: BLE001 - metadata may be broken in any way.
        return None


def _warn(code: Path, other: Path) -> None:
    logger.warning(
        "Kling 2.6 is installed more than once: the copy in %s runs, and not the one in %s; remove "
        "one of them.",
        code,
        other,
    )


async def comfy_entrypoint() -> Any:
    """What ComfyUI calls when it loads the folder; returns its `ComfyExtension`."""
    from .extension import make_extension

    return make_extension()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
