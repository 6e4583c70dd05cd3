"""
The node's names and tooltips in ComfyUI's form for translations.

``python -m kling26.comfy_bridge.locales`` prints ``locales/en/nodeDefs.json``; the other languages
have the same keys, and a test compares them all with what is printed.
"""

import json
from typing import Any

from ..core.plugins import Registry, load_providers
from .texts import CHOICE, DESCRIPTION, DISPLAY_NAME, IMAGES, NODE_ID, OUTPUTS
from .widgets import own_widgets, shared_widgets

Entry = dict[str, str]


def node_defs(registry: Registry) -> dict[str, Any]:
    """The English texts; those of a provider's own widgets as ``provider_<name>``."""
    inputs = {widget.id: _entry(widget.facts) for widget in shared_widgets()}
    inputs |= {name: _entry(facts) for name, facts in {**IMAGES, "provider": CHOICE}.items()}
    for provider in registry.providers.values():
        for widget in own_widgets(provider):
            # Providers share an entry where their options share a name.
            inputs.setdefault(f"provider_{widget.id}", _entry(widget.facts))
    return {
        NODE_ID: {
            "display_name": DISPLAY_NAME,
            "description": DESCRIPTION,
            "inputs": inputs,
            "outputs": {str(index): _entry(each) for index, each in enumerate(OUTPUTS.values())},
        }
    }


def _entry(facts: Any) -> Entry:
    return {"name": facts["display_name"], "tooltip": facts["tooltip"]}


if __name__ == "__main__":
    print(json.dumps(node_defs(load_providers()), ensure_ascii=False, indent=2))
