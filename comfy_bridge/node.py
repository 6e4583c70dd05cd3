"""The node: its inputs, its outputs, and what it does with them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import Kling26Error, OptionRefused, UnknownProvider
from ..core.plugins import Registry
from ..core.provider import AUTO, Provider
from ..core.request import VideoRequest
from . import comfyui, error_texts, texts
from .auto import candidates
from .progress import Watch
from .running import ending_image, failed, run, starting_image
from .widgets import Widget, own_values, own_widgets, shared_widgets
from .words import Words, words

if TYPE_CHECKING:
    from ..core.runner.results import Video


def make_node(registry: Registry) -> Any:
    """The node's class, for the providers of a registry."""
    io = comfyui.latest().io
    base: Any = io.ComfyNode
    schema_facts = {
        "node_id": texts.NODE_ID,
        "display_name": texts.DISPLAY_NAME,
        "category": "video/kling",
        "description": texts.DESCRIPTION,
        "search_aliases": [*texts.ALIASES, *registry.providers],
        "hidden": [io.Hidden.unique_id, io.Hidden.prompt],
    }

    class Kling26Video(base):  # type: ignore[misc]
        @classmethod
        def define_schema(cls) -> Any:
            return comfyui.build(
                io.Schema, **schema_facts, inputs=inputs(io, registry), outputs=outputs(io)
            )

        @classmethod
        async def execute(cls, **values: Any) -> Any:
            video = await execute(registry, values, cls.hidden)
            return io.NodeOutput(comfyui.video_from(video.file), video.url or "", task_json(video))

    return Kling26Video


def inputs(io: Any, registry: Registry) -> list[Any]:
    """
    All inputs; every widget is required, because optional ones would come after the choice.

    A new node's choice is the first one. Saved workflows keep theirs by name.
    """
    choices = [io.DynamicCombo.Option(AUTO, [])] + [
        io.DynamicCombo.Option(name, [_input(io, widget) for widget in own_widgets(provider)])
        for name, provider in registry.providers.items()
    ]
    return [
        *(_input(io, widget) for widget in shared_widgets()),
        *(_socket(io, name, facts) for name, facts in texts.IMAGES.items()),
        comfyui.build(io.DynamicCombo.Input, id="provider", options=choices, **texts.CHOICE),
    ]


def _socket(io: Any, name: str, facts: Mapping[str, str]) -> Any:
    # A socket's label would hide its translation, so it has none.
    return comfyui.build(io.Image.Input, id=name, optional=True, tooltip=facts["tooltip"])


def outputs(io: Any) -> list[Any]:
    return [
        comfyui.build(
            getattr(io, facts["kind"]).Output,
            id=name,
            display_name=facts["display_name"],
            tooltip=facts["tooltip"],
        )
        for name, facts in texts.OUTPUTS.items()
    ]


def _input(io: Any, widget: Widget) -> Any:
    facts = dict(widget.facts)
    if widget.id == "seed":
        # Another seed is another payment, so it stays fixed until the user changes that. For
        # versions that do not know "fixed", the script of this extension does it.
        control = getattr(io, "ControlAfterGenerate", None)
        facts["control_after_generate"] = control.fixed if control else True
    return comfyui.build(getattr(io, widget.kind).Input, id=widget.id, **facts)


async def execute(registry: Registry, values: Mapping[str, Any], hidden: Any) -> "Video":
    """Check the inputs, then make the video; every check comes before anything is sent."""
    node = getattr(hidden, "unique_id", None)
    try:
        provider = chosen(registry, values.get("provider"), hidden)
    except Kling26Error as error:
        if node is not None:
            comfyui.show_text(node, str(error))
        raise
    watch = Watch(node, provider, values["duration"], registry.providers)
    try:
        makers = candidates(registry) if provider is None else [provider]
        request = await _request(watch.words, values, makers)
    except Kling26Error as error:
        raise failed(error, watch) from error
    except asyncio.CancelledError:
        watch.say(texts.stopped_before(watch.words, watch.title))
        raise
    given = _own(values["provider"], hidden)
    return await run(
        request,
        AUTO if provider is None else provider.name,
        given if provider is None else own_values(provider, given),
        # Off leaves it to the settings, which can turn the sandbox on for everything.
        sandbox=True if values["sandbox"] else None,
        watch=watch,
    )


async def _request(
    words: Words, values: Mapping[str, Any], providers: Sequence[Provider]
) -> VideoRequest:
    """What the inputs ask for; the pictures are such that `providers` accept them."""
    return VideoRequest(
        values["prompt"],
        image=await starting_image(words, values.get("image"), values["image_url"], providers),
        end_image=await ending_image(values.get("end_image"), providers),
        sound=values["sound"],
        duration=values["duration"],
        aspect_ratio=values["aspect_ratio"],
        seed=values["seed"],
    )


def chosen(registry: Registry, choice: Any, hidden: Any) -> Provider | None:
    """
    The provider that was chosen; None for "auto", any of them.

    Never another one in its place, for that would be paid too. ComfyUI calls the node without the
    choice when it does not know it: a provider whose plug-in is gone, or a misspelt one.
    """
    if isinstance(choice, Mapping) and choice.get("provider"):
        return _named(registry, str(choice["provider"]))
    asked = _asked(hidden).get("provider")
    if isinstance(asked, str) and asked:
        return _named(registry, asked)
    raise OptionRefused(
        error_texts.choose_provider(words(), [AUTO, *registry.providers], asked), option="provider"
    )


def _own(choice: Mapping[str, Any], hidden: Any) -> dict[str, object]:
    """
    The own options that were given, also those that the choice does not have.

    ComfyUI drops the latter without a word; core has to refuse them, or "auto" to find who takes
    them.
    """
    asked = {
        name.removeprefix("provider."): value
        for name, value in _asked(hidden).items()
        if name.startswith("provider.")
    }
    return {name: value for name, value in {**asked, **choice}.items() if name != "provider"}


def _asked(hidden: Any) -> Mapping[str, Any]:
    """The node's inputs as they are in the prompt; links are pairs of a node and an output."""
    prompt, node = getattr(hidden, "prompt", None) or {}, getattr(hidden, "unique_id", None)
    inputs: Mapping[str, Any] = (prompt.get(node) or {}).get("inputs", {})
    return inputs


def _named(registry: Registry, name: str) -> Provider | None:
    return None if name == AUTO else _installed(registry, name)


def _installed(registry: Registry, name: str) -> Provider:
    """The provider of this name; without it, what to do, and why its plug-in was left out."""
    try:
        return registry[name]
    except UnknownProvider as error:
        reasons = [str(each) for each in registry.problems if each.plugin.endswith(f":{name}")]
        raise UnknownProvider(
            error_texts.absent_provider(words(), error, reasons), provider=name
        ) from None


def task_json(video: "Video") -> str:
    """The `task` output; what a rehearsal costs is left out, lest somebody add it up."""
    cost, usd = (None, None) if video.sandbox else (video.cost, video.cost_usd)
    return json.dumps(
        {
            "task": video.task,
            "provider": video.provider,
            "task_id": video.task_id,
            "cost": cost,
            "cost_unit": video.cost_unit,
            "cost_usd": usd,
            "paid_before": video.reused and not video.sandbox,
        },
        ensure_ascii=False,
    )
