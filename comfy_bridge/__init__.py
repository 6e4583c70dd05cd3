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
    runs: if another pack has loaded an installed package before, it is that one.
    """
    global _first  # noqa: PLW0603 - one per process, on purpose.
    folder, code = Path(file).absolute().parent, Path(__file__).parents[1]
    first = _first = _first or folder
    if folder == first and code.resolve() == folder.resolve():
        return True
    logger.warning(
        "Kling 2.6 is installed more than once: the copy in %s runs, and not the one in %s; remove "
        "one of them.",
        code,
        folder,
    )
    return folder == first


async def comfy_entrypoint() -> Any:
    """What ComfyUI calls when it loads the folder; returns its `ComfyExtension`."""
    from .extension import make_extension

    return make_extension()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
