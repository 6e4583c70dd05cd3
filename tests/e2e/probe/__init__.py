# mypy: ignore-errors
"""A custom node pack for the tests: neighbours that fail, block, and make inputs."""

import asyncio
import inspect
import sys
import time
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from aiohttp import web
from server import PromptServer


class Fail:
    CATEGORY = "kling26-probe"
    FUNCTION = "run"
    OUTPUT_NODE = True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"after": ("FLOAT", {"default": 1.0})}}

    async def run(self, after):
        await asyncio.sleep(after)
        raise ValueError("The neighbour fails on purpose.")


class Block:
    CATEGORY = "kling26-probe"
    FUNCTION = "run"
    OUTPUT_NODE = True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0})}}

    def run(self, seconds):
        time.sleep(seconds)
        return ()


class Prompts:
    CATEGORY = "kling26-probe"
    FUNCTION = "run"
    RETURN_TYPES = ("STRING",)
    OUTPUT_IS_LIST = (True,)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"lines": ("STRING", {"multiline": True})}}

    def run(self, lines):
        return (lines.splitlines(),)


class Picture:
    CATEGORY = "kling26-probe"
    FUNCTION = "run"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "width": ("INT", {"default": 512, "max": 8192}),
                "height": ("INT", {"default": 512, "max": 8192}),
                "noise": ("BOOLEAN", {"default": False}),
            }
        }

    def run(self, width, height, noise):
        """A batch of two with an alpha channel and values beyond 0 to 1."""
        import torch

        if noise:
            picture = torch.rand((2, height, width, 4), generator=torch.Generator().manual_seed(1))
        else:
            picture = torch.linspace(-0.2, 1.2, width).view(1, 1, width, 1)
            picture = picture.repeat(2, height, 1, 4).clone()
            picture[1] = 0.5
        return (picture,)


class Show:
    CATEGORY = "kling26-probe"
    FUNCTION = "run"
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"forceInput": True})}}

    def run(self, text):
        return {"ui": {"text": text}}


@PromptServer.instance.routes.get("/kling26-probe/modules")
async def modules(_):
    """The copies of the package's core that Python has loaded, and where from."""
    found = {
        name: getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name.endswith(".core.provider")
    }
    return web.json_response(found)


NODE_CLASS_MAPPINGS = {
    "ProbeFail": Fail,
    "ProbeBlock": Block,
    "ProbePrompts": Prompts,
    "ProbePicture": Picture,
    "ProbeShow": Show,
}


@PromptServer.instance.routes.get("/kling26-probe/signatures")
async def signatures(_):
    """Where the stand-in of the unit tests differs from this ComfyUI."""
    path = Path(__file__).resolve().parents[2] / "comfy_bridge" / "stand_in.py"
    spec = spec_from_file_location("kling26_stand_in", path)
    stand_in = module_from_spec(spec)
    spec.loader.exec_module(stand_in)
    pretended = stand_in.modules(stand_in.Told())
    wrong = []
    for name in stand_in.NAMES:
        module, _, names = name.partition(":")
        try:
            real = _find(import_module(module), names)
        except AttributeError as error:
            if name not in stand_in.NEWER:
                wrong.append(f"{name}: {error}")
            continue
        wrong += _differences(name, _find(pretended[module], names), real, stand_in.NEWER)
    return web.json_response({"names": len(stand_in.NAMES), "wrong": wrong})


def _find(value, names):
    for name in names.split("."):
        value = getattr(value, name)
    return value


def _differences(name, pretended, real, newer):
    error = isinstance(pretended, type) and issubclass(pretended, BaseException)
    if not callable(pretended) or isinstance(pretended, str) or error:
        return
    ours = inspect.signature(pretended).parameters
    theirs = inspect.signature(real).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in theirs.values())
    for each in ours.values():
        named = each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        if named and not takes_any and each.name not in {*theirs, *newer}:
            yield f"{name} takes no {each.name}"
    for each in theirs.values():
        required = each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
        if required and each.name not in ours:
            yield f"{name} needs {each.name}"
