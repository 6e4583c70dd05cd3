"""
Every name of ComfyUI that the node uses, in one place.

ComfyUI is imported by name when a function is called, because Python finds this package outside
ComfyUI as well. Its modules are untyped: what comes from them is `Any` here and nowhere else.
"""

import dataclasses
import inspect
import os
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from ..core.hosts import is_loopback

Handler = Callable[[Any], Awaitable[Any]]


def latest() -> Any:
    """The node interface (V3)."""
    return import_module("comfy_api.latest")


def build(factory: Any, /, **values: Any) -> Any:
    """Call a class of ComfyUI's with those keyword arguments that this version of it knows."""
    if dataclasses.is_dataclass(factory):
        known = {field.name for field in dataclasses.fields(factory)}
    else:
        known = set(inspect.signature(factory).parameters)
    return factory(**{name: value for name, value in values.items() if name in known})


def interrupted() -> bool:
    """Whether Cancel was pressed; only looks, so that several nodes can see it."""
    return bool(import_module("comfy.model_management").processing_interrupted())


def interruption() -> BaseException:
    """What a node raises to stop quietly after Cancel."""
    error: BaseException = import_module("comfy.model_management").InterruptProcessingException()
    return error


def client() -> str | None:
    """The id of the page whose prompt is being executed; None: it came without one."""
    server = getattr(import_module("server").PromptServer, "instance", None)
    return getattr(server, "client_id", None)


def send(event: str, data: object, client: str) -> None:
    """Send an event to a page; may be called from any thread, and after its prompt has ended."""
    server = getattr(import_module("server").PromptServer, "instance", None)
    if server is not None:
        server.send_sync(event, data, client)


def before_prompts(look: Callable[[Any], None]) -> None:
    """Call `look` with the body of each prompt that arrives, before ComfyUI reads it."""
    server = getattr(import_module("server").PromptServer, "instance", None)

    def handle(body: Any) -> Any:
        look(body)
        return body

    if server is not None:
        server.add_on_prompt_handler(handle)


async def show_bar(node: str, fraction: float) -> None:
    """Fill a node's bar; called while the node is being executed."""
    execution = getattr(latest().ComfyAPI(), "execution", None)
    if execution is not None:
        await execution.set_progress(fraction, 1.0, node_id=node)
    else:  # before ComfyUI 0.14
        import_module("comfy.utils").ProgressBar(1.0, node).update_absolute(fraction)


def video_from(path: Path) -> Any:
    """A file as ComfyUI's VIDEO; nothing is read before it is used."""
    return latest().InputImpl.VideoFromFile(str(path))


def temporary_folder() -> Path:
    """Where ComfyUI's page may look at files; it is emptied when ComfyUI starts and ends."""
    return Path(import_module("folder_paths").get_temp_directory())


def before_restart(wait: Callable[[], None]) -> None:
    """
    Call `wait` before this process becomes another program.

    That is how ComfyUI-Manager restarts ComfyUI, and Python says so to nobody.
    """
    replace = os.execv

    def execv(path: Any, arguments: Any) -> NoReturn:
        wait()
        replace(path, arguments)

    os.execv = execv


def add_route(method: str, path: str, handler: Handler) -> None:
    """Serve `path` and, as ComfyUI does with every route, ``/api`` + `path`."""
    server = getattr(import_module("server").PromptServer, "instance", None)
    if server is not None:
        server.routes.route(method, path)(handler)


#: What a route sends is for the page that asked: no other one may embed it, nor guess what it is.
_OURS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}


def answer(status: int, content: object) -> Any:
    """An HTTP answer in JSON."""
    headers = {**_OURS, "Cache-Control": "no-store"}
    return import_module("aiohttp.web").json_response(content, status=status, headers=headers)


def file_answer(path: Path, kind: str) -> Any:
    """An HTTP answer with a file, or the part of it that is asked for; `kind` is its MIME type."""
    disposition = f'inline; filename="{path.name}"'
    headers = {**_OURS, "Content-Type": kind, "Content-Disposition": disposition}
    return import_module("aiohttp.web").FileResponse(path, headers=headers)


def data_answer(data: bytes, kind: str) -> Any:
    """An HTTP answer with what never changes."""
    headers = {**_OURS, "Content-Type": kind, "Cache-Control": "private, max-age=86400"}
    return import_module("aiohttp.web").Response(body=data, headers=headers)


def headers_of(request: Any) -> dict[str, list[str]]:
    """All values of a request's headers, by their names in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        found.setdefault(name.lower(), []).append(value)
    return found


def listens_to_itself() -> bool:
    """Whether ComfyUI can only be reached from its own machine, as it is by default."""
    hosts: str = _arguments().listen
    return all(is_loopback(each.strip()) for each in hosts.split(","))


def has_users() -> bool:
    """Whether several people have settings and workflows of their own (``--multi-user``)."""
    return bool(_arguments().multi_user)


def _arguments() -> Any:
    return import_module("comfy.cli_args").args
