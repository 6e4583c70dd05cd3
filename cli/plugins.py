"""`kling26 plugins`: what is loaded, and what is wrong with it."""

import json

from ..core.settings import Settings
from . import plugin_pages
from .console import result, say
from .keys import installed
from .parameters import ObjectPerPlugin


def plugins(*, as_json: ObjectPerPlugin = False) -> int:
    """List the plug-ins, as the command's help says."""
    registry = installed(shown=True, emulators=True)
    found = plugin_pages.plugins(registry)
    if as_json:
        for each in found:
            result(json.dumps(plugin_pages.plugin_object(each, Settings())))
    else:
        result(plugin_pages.plugin_list(found, Settings()))
    for unknown in plugin_pages.unknown_names(registry, Settings()):
        say(unknown)
    return 0
