"""
What the node was given: its own inputs, the defaults of those that are absent, and nothing else.

ComfyUI drops what the choice of a provider does not have, and makes a True of "false", without a
word; something else would be paid for than was asked for. So the prompt itself is looked at.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ..core.errors import ImageRefused, OptionRefused, UnknownProvider
from ..core.options import option_info, show
from ..core.plugins import Registry
from ..core.provider import AUTO, Provider
from ..core.request import VideoRequest
from ..core.runner.absence import not_named
from ..core.text import closest
from . import error_texts
from .texts import IMAGES, NODE_ID
from .told import in_words
from .widgets import MOST_VIDEOS, Widget, own_values, own_widgets, shared_widgets
from .words import Words

#: Where `keep_raw` leaves values that ComfyUI would change; the page's own names begin like this.
RAW = "$$kling26"
#: Under which name a linked provider reaches the node: ComfyUI follows no link of a choice.
LINKED = f"{RAW}-provider"
#: Where the page says which options it keeps for a plug-in that is not there.
ABSENT = "kling26"
#: Names under which ComfyUI's page puts something of its own among the inputs.
_PAGES_OWN = ("$$", "video-preview")
_OWN = "provider."
#: With several videos, the last one has it at most.
_LAST_SEED = int(option_info(VideoRequest, "seed").bounds.maximum or 0)


@frozen
class Given:
    """
    The inputs of a run; `provider` makes the videos, None for "auto", any of them.

    `shared` has every widget's value that does not depend on the provider, and `own` the
    provider's options that were given, also those that the provider does not have.
    """

    provider: Provider | None
    shared: Mapping[str, Any]
    own: Mapping[str, object]
    images: Mapping[str, Any]

    @property
    def name(self) -> str:
        return AUTO if self.provider is None else self.provider.name

    @property
    def options(self) -> Mapping[str, object]:
        """The own options as core takes them, which refuses those that are not there."""
        return self.own if self.provider is None else own_values(self.provider, self.own)


def read(registry: Registry, values: Mapping[str, Any], hidden: Any, words: Words) -> Given:
    """
    The inputs, from what ComfyUI calls the node with and from the prompt itself.

    Raises `OptionRefused` or `UnknownProvider`; what is left is for core to judge.
    """
    asked = _asked(hidden)
    raw = asked.get(RAW) or {}
    provider = _chosen(registry, _name_of(values, asked), words)
    _check_names(asked, words)
    widgets = {each.id: each for each in shared_widgets()}
    shared = {name: each.facts.get("default") for name, each in widgets.items()}
    shared |= {name: value for name, value in {**values, **raw}.items() if name in widgets}
    _check_shared(shared, words)
    images = {name: values.get(name) for name in IMAGES}
    for name, image in images.items():
        if image is not None and not hasattr(image, "shape"):
            raise ImageRefused(words("inputs.no_image", name=name), option=name)
    own = _own({**asked, **raw}, values.get("provider")) | _kept_aside(asked)
    return Given(provider, shared, own, images)


def _asked(hidden: Any) -> Mapping[str, Any]:
    """The node's inputs as they are in the prompt; links are pairs of a node and an output."""
    prompt, node = getattr(hidden, "prompt", None) or {}, getattr(hidden, "unique_id", None)
    inputs: Mapping[str, Any] = (prompt.get(node) or {}).get("inputs", {})
    return inputs


def _name_of(values: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
    """
    The name of the provider, as it was given; "auto", if there is no choice in the prompt.

    ComfyUI calls the node without the choice when it does not know it: a provider whose plug-in is
    gone, a misspelt one, or a link.
    """
    if LINKED in values:
        return values[LINKED]
    choice = values.get("provider")
    told = choice.get("provider") if isinstance(choice, Mapping) else None
    return told or asked.get("provider", AUTO)


def _chosen(registry: Registry, given: object, words: Words) -> Provider | None:
    """The provider of a name; never another one in its place, for that would be paid too."""
    name = given.strip() if isinstance(given, str) else given
    if not isinstance(name, str) or not name:
        names = [AUTO, *registry.providers]
        raise OptionRefused(error_texts.choose_provider(words, names, name), option="provider")
    if name == AUTO:
        return None
    try:
        return registry[name]
    except UnknownProvider as error:
        reasons = [str(each) for each in registry.problems if each.plugin.endswith(f":{name}")]
        left_out = [not_named(each) for each in registry.left_out if each.name == name]
        reasons += [in_words(words, each) or each for each in left_out]
        text = error_texts.absent_provider(words, error, reasons)
        raise UnknownProvider(text, provider=name) from None


def _check_names(asked: Mapping[str, Any], words: Words) -> None:
    """Refuse inputs that the node does not have."""
    known = [each.id for each in shared_widgets()] + [*IMAGES, "provider"]
    for name, value in asked.items():
        ours = name in known or name.startswith((_OWN, *_PAGES_OWN)) or name == ABSENT
        # A box that another pack has added to every node on the page holds such a list.
        foreign = isinstance(value, Mapping) and "__value__" in value
        if not ours and not foreign:
            meant = closest(name, known)
            key = "inputs.unknown" if meant is None else "inputs.misspelt"
            raise OptionRefused(words(key, name=show(name), meant=meant), option=name)


def _check_shared(shared: Mapping[str, Any], words: Words) -> None:
    """Refuse values of the inputs that core has no field for; it judges the others."""
    count = shared["count"]
    if type(count) is not int or not 1 <= count <= MOST_VIDEOS:
        text = words("inputs.count", most=MOST_VIDEOS, value=show(count))
        raise OptionRefused(text, option="count")
    seed = shared["seed"]
    if count > 1 and not (type(seed) is int and 0 <= seed <= _LAST_SEED + 1 - count):
        text = words("inputs.seeds", count=count, most=_LAST_SEED + 1 - count, value=show(seed))
        raise OptionRefused(text, option="seed")
    if type(shared["sandbox"]) is not bool:
        text = words("inputs.sandbox", value=show(shared["sandbox"]))
        raise OptionRefused(text, option="sandbox")
    if not isinstance(shared["image_url"], str):
        raise ImageRefused(words("inputs.no_url"))


def _own(asked: Mapping[str, Any], choice: Any) -> dict[str, object]:
    """The own options of the prompt; ComfyUI has followed the links of those that it knows."""
    given = {
        name.removeprefix(_OWN): value for name, value in asked.items() if name.startswith(_OWN)
    }
    known = dict(choice) if isinstance(choice, Mapping) else {}
    known.pop("provider", None)
    # One that is absent is there as None; one that `keep_raw` has kept is not what ComfyUI says.
    raw = {name.removeprefix(_OWN) for name in asked.get(RAW) or {}}
    followed = {
        name: value for name, value in known.items() if value is not None and name not in raw
    }
    return given | followed


def _kept_aside(asked: Mapping[str, Any]) -> dict[str, object]:
    """The options that the page keeps because this version of the plug-in does not have them."""
    kept = asked.get(ABSENT)
    return dict(kept) if isinstance(kept, Mapping) else {}


# -- what ComfyUI would change -----------------------------------------------------------------


def keep_raw(registry: Registry, body: Any) -> None:
    """Add to the nodes of a prompt that has just arrived what they would not be told as it is."""
    found = body.get("prompt") if isinstance(body, dict) else None
    prompt = found if isinstance(found, dict) else {}
    for node in prompt.values():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if isinstance(inputs, dict) and node.get("class_type") == NODE_ID:
            for name in (RAW, LINKED):
                inputs.pop(name, None)
            _keep_provider(inputs, prompt)
            widgets = _widgets(registry, inputs.get("provider"))
            raw = {
                name: _unwrapped(value)
                for name, value in inputs.items()
                if name in widgets and not _is_kept(widgets[name], value)
            }
            if raw:
                inputs[RAW] = raw


def _keep_provider(inputs: dict[str, Any], prompt: Mapping[str, Any]) -> None:
    """Let ComfyUI follow the link of a provider, and know its name with blanks around it too."""
    provider = inputs.get("provider")
    if isinstance(provider, str):
        inputs["provider"] = provider.strip()
    elif _is_link(provider, prompt):
        inputs[LINKED] = provider


def _is_link(value: object, prompt: Mapping[str, Any]) -> bool:
    shaped = isinstance(value, list) and [type(each) for each in value] == [str, int]
    return shaped and value[0] in prompt  # type: ignore[index]  # A list.


def _widgets(registry: Registry, name: object) -> dict[str, Widget]:
    provider = registry.providers.get(name) if isinstance(name, str) else None
    own = [] if provider is None else own_widgets(provider)
    return {each.id: each for each in shared_widgets()} | {f"{_OWN}{e.id}": e for e in own}


def _unwrapped(value: object) -> object:
    """What the page has wrapped, as it does with a list that is no link."""
    return value["__value__"] if isinstance(value, dict) and "__value__" in value else value


def _is_kept(widget: Widget, value: object) -> bool:
    """Whether ComfyUI gives a value to the node as it is, or refuses it by itself."""
    if isinstance(value, list) or widget.kind == "Combo":  # A list is a link.
        return True
    value = _unwrapped(value)
    if isinstance(value, list):
        return False
    if widget.kind == "Boolean":
        return isinstance(value, bool)
    if widget.kind == "String":
        return isinstance(value, str)
    if isinstance(value, float) and widget.kind == "Int":
        return value.is_integer()
    return not isinstance(value, bool)
