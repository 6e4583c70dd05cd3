"""The node: its inputs, its outputs, and what it does with them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve

from ..core.errors import Kling26Error
from ..core.plugins import Registry
from ..core.provider import AUTO, Provider
from ..core.request import VideoRequest
from . import comfyui, takes, texts
from .asked import Asked
from .auto import candidates
from .board import board_of
from .clients import language_of
from .given import LINKED, Given, read
from .items import items
from .previews import previews
from .progress import Watch
from .running import check, ending_image, failed, starting_image, tell_of, with_maker
from .widgets import Widget, own_widgets, shared_widgets
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
        "is_output_node": True,  # Alone it runs as well, and shows its videos.
        "is_input_list": True,  # `items` says why.
    }

    class Kling26Video(base):  # type: ignore[misc]
        @classmethod
        def define_schema(cls) -> Any:
            return comfyui.build(
                io.Schema, **schema_facts, inputs=inputs(io, registry), outputs=outputs(io)
            )

        @classmethod
        def INPUT_TYPES(cls) -> Any:  # noqa: N802
            # Not in the schema, which the page makes widgets and sockets of.
            types = super().INPUT_TYPES()
            types.setdefault("optional", {})[LINKED] = ("*", {"forceInput": True})
            return types

        @classmethod
        async def execute(cls, **lists: Any) -> Any:
            videos = await execute(registry, lists, cls.hidden)
            shown = await asyncio.to_thread(previews, videos)
            return io.NodeOutput(
                [comfyui.video_from(each.file) for each in videos],
                [each.url or "" for each in videos],
                [task_json(each) for each in videos],
                ui=shown,
            )

        @classmethod
        def fingerprint_inputs(cls, **_: Any) -> Any:
            return takes.missed.get(getattr(cls.hidden, "unique_id", None) or "", 0)

    return Kling26Video


def inputs(io: Any, registry: Registry) -> list[Any]:
    """
    All inputs; only the prompt is required, so that a prompt in API format may have that alone.

    A new node's choice is the first one. Saved workflows keep theirs by name.
    """
    choices = [io.DynamicCombo.Option(AUTO, [])] + [
        io.DynamicCombo.Option(
            name, [_input(io, _optional(each)) for each in own_widgets(provider)]
        )
        for name, provider in registry.providers.items()
    ]
    prompt, *others = shared_widgets(each.limits for each in registry.providers.values())
    return [
        _input(io, prompt),
        *(_input(io, _optional(each)) for each in others),
        *(_socket(io, name, facts) for name, facts in texts.IMAGES.items()),
        comfyui.build(
            io.DynamicCombo.Input, id="provider", options=choices, optional=True, **texts.CHOICE
        ),
    ]


def _optional(widget: Widget) -> Widget:
    return evolve(widget, facts={**widget.facts, "optional": True})


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
            is_output_list=True,
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


async def execute(registry: Registry, lists: Mapping[str, Any], hidden: Any) -> "list[Video]":
    """Check the inputs of all items, then make the videos; every check comes before any sending."""
    client = comfyui.client()
    board = board_of(getattr(hidden, "unique_id", None), client, words(language_of(client)))
    watch = Watch(board, registry.providers, changed=tell_of(client))
    try:
        asked = await _asked(registry, items(lists, watch.words), hidden, watch)
    except Kling26Error as error:
        raise failed(await with_maker(error, watch.words), watch) from error
    except (asyncio.CancelledError, type(comfyui.interruption())):
        watch.say(texts.stopped_before(watch.words, watch.title))
        raise
    except Exception as error:
        watch.fail(error)
        raise
    return await takes.videos(asked, watch)


async def _asked(
    registry: Registry, each_item: Sequence[Mapping[str, Any]], hidden: Any, watch: Watch
) -> list[Asked]:
    """What each item asks for; raises `Kling26Error` if one makes no sense."""
    asked = []
    for place, values in enumerate(each_item, 1):
        if len(each_item) > 1:
            watch.item = watch.words("node.item", item=place, count=len(each_item))
        given = read(registry, values, hidden, watch.words)
        watch.provider, watch.duration = given.provider, given.shared["duration"]
        makers = candidates(registry) if given.provider is None else [given.provider]
        one = Asked(await _request(watch.words, given, makers), given, watch.item)
        if len(each_item) > 1:  # Of one item, the run itself checks the same first.
            await check(one, watch)
        asked.append(one)
    watch.item = None
    return asked


async def _request(words: Words, given: Given, providers: Sequence[Provider]) -> VideoRequest:
    """What the inputs ask for; the pictures are such that `providers` accept them."""
    shared, images = given.shared, given.images
    return VideoRequest(
        shared["prompt"],
        image=await starting_image(words, images["image"], shared["image_url"], providers),
        end_image=await ending_image(images["end_image"], providers),
        sound=shared["sound"],
        duration=shared["duration"],
        aspect_ratio=shared["aspect_ratio"],
        seed=shared["seed"],
    )


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
