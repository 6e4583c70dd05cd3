# mypy: ignore-errors
"""
The few names of ComfyUI that the node uses, so that its logic runs without ComfyUI.

Imports nothing but the standard library: the end-to-end run loads this file inside ComfyUI and
holds every signature here against the real one.
"""

import dataclasses
from enum import Enum, StrEnum
from types import ModuleType, SimpleNamespace
from typing import Any

#: What stands in for what: "module:path".
NAMES = (
    "comfy_api.latest:io.Schema",
    "comfy_api.latest:io.String.Input",
    "comfy_api.latest:io.Int.Input",
    "comfy_api.latest:io.Float.Input",
    "comfy_api.latest:io.Boolean.Input",
    "comfy_api.latest:io.Combo.Input",
    "comfy_api.latest:io.Image.Input",
    "comfy_api.latest:io.DynamicCombo.Input",
    "comfy_api.latest:io.DynamicCombo.Option",
    "comfy_api.latest:io.Video.Output",
    "comfy_api.latest:io.String.Output",
    "comfy_api.latest:io.Hidden.unique_id",
    "comfy_api.latest:io.Hidden.prompt",
    "comfy_api.latest:io.ControlAfterGenerate.fixed",
    "comfy_api.latest:io.ComfyNode",
    "comfy_api.latest:io.ComfyNode.INPUT_TYPES",
    "comfy_api.latest:io.NodeOutput",
    "comfy_api.latest:ComfyExtension",
    "comfy_api.latest:ComfyAPI.Execution.set_progress",
    "comfy_api.latest:InputImpl.VideoFromFile",
    "comfy.model_management:processing_interrupted",
    "comfy.model_management:InterruptProcessingException",
    "comfy.utils:ProgressBar",
    "comfy.utils:ProgressBar.update_absolute",
    "folder_paths:get_temp_directory",
    "server:PromptServer.send_sync",
    "server:PromptServer.add_on_prompt_handler",
    "aiohttp.web:json_response",
    "aiohttp.web:FileResponse",
    "aiohttp.web:Response",
    "comfy.cli_args:args.listen",
    "comfy.cli_args:args.multi_user",
    "aiohttp.web:RouteTableDef.route",
)
#: Names and arguments that older versions do without, and the node too.
NEWER = {
    "advanced",
    "search_aliases",
    "comfy_api.latest:io.ControlAfterGenerate.fixed",
    "comfy_api.latest:ComfyAPI.Execution.set_progress",
}


class _Input:
    facts: dict[str, Any]

    def _keep(self, values: dict[str, Any]) -> None:
        values.pop("self")
        self.facts = values


class StringInput(_Input):
    def __init__(
        self, id, display_name=None, optional=False, tooltip=None,
        multiline=False, placeholder=None, default=None, advanced=None,
    ):  # fmt: skip
        self._keep(locals())


class IntInput(_Input):
    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, default=None,
        min=None, max=None, step=None, control_after_generate=None, advanced=None,
    ):  # fmt: skip
        self._keep(locals())


class FloatInput(_Input):
    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, default=None,
        min=None, max=None, step=None, advanced=None,
    ):  # fmt: skip
        self._keep(locals())


class BooleanInput(_Input):
    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, default=None, advanced=None
    ):
        self._keep(locals())


class ComboInput(_Input):
    def __init__(
        self, id, options=None, display_name=None, optional=False, tooltip=None, default=None,
        advanced=None,
    ):  # fmt: skip
        self._keep(locals())


class ImageInput(_Input):
    def __init__(self, id, display_name=None, optional=False, tooltip=None):
        self._keep(locals())


class DynamicComboInput(_Input):
    def __init__(self, id, options, display_name=None, optional=False, tooltip=None):
        self._keep(locals())


class Option:
    def __init__(self, key, inputs):
        self.key, self.inputs = key, inputs


class Output:
    def __init__(self, id=None, display_name=None, tooltip=None, is_output_list=False):
        self.id, self.is_output_list = id, is_output_list


class Hidden(Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"


class ControlAfterGenerate(StrEnum):
    fixed = "fixed"


@dataclasses.dataclass
class Schema:
    node_id: str
    display_name: str = None
    category: str = "sd"
    inputs: list = None
    outputs: list = None
    hidden: list = None
    description: str = ""
    search_aliases: list = None
    is_output_node: bool = False
    is_input_list: bool = False


class ComfyNode:
    hidden = SimpleNamespace(unique_id="7", prompt={})

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {"required": {"prompt": ("STRING", {})}}


class NodeOutput:
    def __init__(self, *args, ui=None):
        self.args, self.ui = args, ui


class ComfyExtension:
    pass


class VideoFromFile:
    def __init__(self, file):
        self.file = file


class InterruptProcessingException(BaseException):
    pass


class Told:
    """What the node did to ComfyUI."""

    def __init__(self):
        self.interrupted = False
        self.client = "client-1"
        self.sent = []
        self.bars = []
        self.routes = {}
        self.arguments = SimpleNamespace(listen="127.0.0.1", multi_user=False)
        self.handlers = []
        self.temp = None

    def told(self, event):
        """What was sent in events of this name: (client, content)."""
        return [(client, data) for name, data, client in self.sent if name == event]

    def texts(self):
        """The texts of the nodes: (node, text)."""
        return [(data["node"], data["text"]) for _, data in self.told("kling26.run")]

    def last(self):
        return self.told("kling26.run")[-1][1]

    def last_text(self):
        return self.last()["text"]


def modules(told: Told) -> dict[str, ModuleType]:
    """The modules to be found by `import`, telling `told`."""

    class Execution:
        async def set_progress(self, value, max_value, node_id=None):
            told.bars.append((node_id, value / max_value))

    class ComfyAPI:
        def __init__(self):
            self.execution = Execution()

    ComfyAPI.Execution = Execution

    class ProgressBar:
        def __init__(self, total, node_id=None):
            self.total, self.node_id = total, node_id

        def update_absolute(self, value, total=None):
            told.bars.append((self.node_id, value / self.total))

    class RouteTableDef:
        def route(self, method, path, **kwargs):
            def keep(handler):
                told.routes[method, path] = handler
                return handler

            return keep

    class PromptServer:
        def __init__(self):
            self.routes = RouteTableDef()

        @property
        def client_id(self):
            return told.client

        def send_sync(self, event, data, sid=None):
            told.sent.append((event, data, sid))

        def add_on_prompt_handler(self, handler):
            told.handlers.append(handler)

    PromptServer.instance = PromptServer()

    def processing_interrupted():
        return told.interrupted

    def json_response(data, *, status=200, headers=None):
        return status, data

    class FileResponse:
        def __init__(self, path, headers=None):
            self.path, self.headers = path, headers

    class Response:
        def __init__(self, *, body=None, headers=None):
            self.body, self.headers = body, headers

    io = SimpleNamespace(
        Schema=Schema,
        String=SimpleNamespace(Input=StringInput, Output=Output),
        Int=SimpleNamespace(Input=IntInput),
        Float=SimpleNamespace(Input=FloatInput),
        Boolean=SimpleNamespace(Input=BooleanInput),
        Combo=SimpleNamespace(Input=ComboInput),
        Image=SimpleNamespace(Input=ImageInput),
        Video=SimpleNamespace(Output=Output),
        DynamicCombo=SimpleNamespace(Input=DynamicComboInput, Option=Option),
        Hidden=Hidden,
        ControlAfterGenerate=ControlAfterGenerate,
        ComfyNode=ComfyNode,
        NodeOutput=NodeOutput,
    )
    return {
        "comfy_api": _module("comfy_api"),
        "comfy_api.latest": _module(
            "comfy_api.latest",
            io=io,
            ComfyAPI=ComfyAPI,
            ComfyExtension=ComfyExtension,
            InputImpl=SimpleNamespace(VideoFromFile=VideoFromFile),
        ),
        "comfy": _module("comfy"),
        "comfy.model_management": _module(
            "comfy.model_management",
            processing_interrupted=processing_interrupted,
            InterruptProcessingException=InterruptProcessingException,
        ),
        "comfy.cli_args": _module("comfy.cli_args", args=told.arguments),
        "comfy.utils": _module("comfy.utils", ProgressBar=ProgressBar),
        "folder_paths": _module("folder_paths", get_temp_directory=lambda: told.temp),
        "server": _module("server", PromptServer=PromptServer),
        "aiohttp": _module("aiohttp"),
        "aiohttp.web": _module(
            "aiohttp.web",
            json_response=json_response,
            FileResponse=FileResponse,
            Response=Response,
            RouteTableDef=RouteTableDef,
        ),
    }


def _module(name: str, **content: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(content)
    return module
