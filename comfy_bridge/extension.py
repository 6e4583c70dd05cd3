"""What ComfyUI is given when it loads the folder."""

import logging
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from ..core.errors import SettingsError
from ..core.registry import Registry, load_providers, plugins
from ..core.settings import Settings
from . import comfyui, keys_page
from .node import make_node

logger = logging.getLogger("kling26")


def make_extension() -> Any:
    """The extension: one node, and the routes of the settings page."""
    registry = installed()
    node = make_node(registry)

    class Kling26(comfyui.latest().ComfyExtension):  # type: ignore[misc]
        async def get_node_list(self) -> list[Any]:
            return [node]

    keys_page.add_routes(registry)
    return Kling26()


@cache
def installed() -> Registry:
    """The providers, read once: ComfyUI asks for the node's inputs several times a prompt."""
    return load_providers(_plugins())


def _plugins() -> Iterable[EntryPoint]:
    try:
        return plugins(Settings().load_plugins)
    except SettingsError as error:
        # The node must be there to say what is wrong when it is run.
        logger.warning("%s", error)
        return ()
