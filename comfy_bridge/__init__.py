"""The "Kling 2.6" node of ComfyUI, which is imported inside functions only."""

from typing import Any

#: Where ComfyUI finds the settings page, the price badge and the help page.
WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> Any:
    """What ComfyUI calls when it loads the folder; returns its `ComfyExtension`."""
    from .extension import make_extension

    return make_extension()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
