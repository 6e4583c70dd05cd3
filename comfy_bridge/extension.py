"""What ComfyUI gets when it loads the folder."""

import json
import logging
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from attrs import evolve

from ..core.errors import SettingsError
from ..core.isolation import isolated
from ..core.plugins import Registry, load_installed, load_providers
from ..core.problems import Problem
from ..core.provider import Provider
from ..core.runner import ending
from ..core.settings import Settings
from ..core.text import sanitize
from . import comfyui, pages, texts
from .given import keep_raw
from .node import make_node
from .widgets import own_widgets

logger: logging.Logger = logging.getLogger("kling26")


def make_extension() -> Any:
    """The extension: one node, and the routes of the settings page."""
    registry = installed()
    node = make_node(registry)

    class Kling26(comfyui.latest().ComfyExtension):  # type: ignore[misc]
        async def get_node_list(self) -> list[Any]:
            return [node]

    pages.add_routes(registry)
    comfyui.before_prompts(partial(keep_raw, registry))
    # The prompts run in another thread, where signals cannot be handled.
    ending.watch()
    comfyui.before_restart(ending.wait_for_answers)
    return Kling26()


@cache
def installed() -> Registry:
    """The providers, read once: ComfyUI asks for the node's inputs several times a prompt."""
    try:
        found = load_installed(Settings())
    except SettingsError as error:
        # The node must be there to say what is wrong when it is run.
        logger.warning("%s", error)
        found = load_providers()
    return showable(found)


def showable(registry: Registry) -> Registry:
    """
    The registry without the providers that ComfyUI's page cannot show, each named in a warning.

    All nodes are described in one answer, and one value in it that is not JSON would break it all.
    """
    reasons = {name: _unshowable(each) for name, each in registry.providers.items()}
    problems = [
        Problem(registry.origins[name], texts.unshowable(reason))
        for name, reason in reasons.items()
        if reason is not None
    ]
    for problem in problems:
        logger.warning("%s", problem)
    shown = {name: each for name, each in registry.providers.items() if reasons[name] is None}
    return evolve(
        registry,
        providers=MappingProxyType(shown),
        problems=(*registry.problems, *problems),
    )


def _unshowable(provider: Provider) -> str | None:
    """Why a provider's texts and widgets cannot be shown, in words; None: they can."""
    with isolated():
        try:
            widgets = own_widgets(provider)
            described = [
                provider.key_page,
                provider.tasks_page,
                *([each.id, dict(each.facts)] for each in widgets),
            ]
            json.dumps(described, allow_nan=False)
        except BaseException as error:  # noqa: BLE001 - a plug-in's options may contain anything.
            return f"{type(error).__name__}: {sanitize(error)}"
    if any(widget.id == "provider" for widget in widgets):
        return texts.PROVIDER_OPTION
    return None
