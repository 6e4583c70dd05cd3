"""
How every route is served: who may ask, what may be asked, and what is said of errors.

What a route does is in `keys_page`, `tasks_page` and `money_page`. Nothing here blocks ComfyUI's
own event loop: the work is done on the background loop, or in a thread.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from attrs import frozen

from ..core.errors import (
    Kling26Error,
    NotApplicable,
    UnknownProvider,
    UnknownTask,
    UsageError,
)
from ..core.runner import background
from ..core.runner.objects import remedy_object
from ..core.settings import Settings
from . import comfyui
from .error_texts import what_happened
from .guard import Guard
from .public import public
from .words import Words, words

logger: logging.Logger = logging.getLogger("kling26")

T = TypeVar("T")

#: More than any key or id, in bytes, and how long a body may take to arrive, in seconds.
_LONGEST_BODY = 4096
_SLOWEST_BODY = 10.0
_LONGEST_TEXT = 2000


@frozen
class Answer:
    """An HTTP status, and the JSON that goes with it."""

    status: int
    content: object


@frozen
class Video:
    """A file of the store, of which the part is sent that is asked for."""

    path: Path


@frozen
class Picture:
    """A JPEG."""

    data: bytes


class BadRequest(UsageError):
    """What was asked for makes no sense; `status` is that of HTTP."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@frozen
class Call:
    """A request that may be answered: the parts of its path, its query, its body, its language."""

    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object]
    words: Words

    def text(self, name: str, longest: int = _LONGEST_TEXT) -> str:
        """A text in the body; raises `BadRequest` for anything else, and for what is none."""
        value = self.body.get(name)
        if not isinstance(value, str) or not 0 < len(value.strip()) <= longest or _is_odd(value):
            raise BadRequest(self.words("routes.no_text", name=name, longest=longest))
        return value.strip()

    def number(self, name: str, usual: int, most: int) -> int:
        """A number in the query, from 1 up; raises `BadRequest` for anything else."""
        value = self.query.get(name, str(usual))
        if not (value.isascii() and value.isdigit() and len(value) < 10 and 0 < int(value) <= most):
            raise BadRequest(self.words("routes.no_number", name=name, most=most))
        return int(value)

    def flag(self, name: str) -> bool:
        """Whether something is asked for in the query; raises `BadRequest` for other values."""
        value = self.query.get(name, "0")
        if value not in ("0", "1", "false", "true"):
            raise BadRequest(self.words("routes.no_flag", name=name))
        return value in ("1", "true")


Work = Callable[[Call], Awaitable[Answer | Video | Picture]]


def add(method: str, path: str, work: Work) -> None:
    """Serve what `work` answers, to ComfyUI's own page."""

    async def handle(request: Any) -> Any:
        said = words(request.headers.get("Accept-Language"))
        try:
            return _sent(await work(await _call(method, request, said)))
        except Kling26Error as error:
            return _sent(refusal(error, said))
        except Exception:
            logger.exception("%s %s failed.", method, path)
            return _sent(Answer(500, {"error": said("routes.bug"), "remedy": None}))

    comfyui.add_route(method, path, handle)


def _sent(answer: Answer | Video | Picture) -> Any:
    if isinstance(answer, Answer):
        return comfyui.answer(answer.status, answer.content)
    if isinstance(answer, Video):
        return comfyui.file_answer(answer.path, "video/mp4")
    return comfyui.data_answer(answer.data, "image/jpeg")


def refusal(error: Kling26Error, said: Words) -> Answer:
    """What is said of an error: a sentence, and what helps."""
    text = public(what_happened(said, error))
    return Answer(_status(error), {"error": text, "remedy": remedy_of(error)})


def remedy_of(error: Kling26Error) -> dict[str, object] | None:
    """What helps, as the objects of tasks have it; a `change` names what is to be changed."""
    if error.remedy is None:
        return None
    about = {"task": error.task, "provider": error.provider}
    found = remedy_object(error.remedy, about)
    return {**found, "option": error.remedy.option} if error.remedy.do == "change" else found


def _status(error: Kling26Error) -> int:
    if isinstance(error, BadRequest):
        return error.status
    if isinstance(error, UnknownTask | UnknownProvider):
        return 404
    if isinstance(error, NotApplicable):
        return 409
    # What a provider, or the record on the disk, does not do: 424 is Failed Dependency.
    return 400 if isinstance(error, UsageError) else 424


async def on_background(work: Coroutine[Any, Any, T]) -> T:
    """Do something on the background loop, where the runner is; it goes on if nobody waits."""
    return await asyncio.shield(asyncio.wrap_future(background.start(work)))


# -- reading -----------------------------------------------------------------------------------


async def _call(method: str, request: Any, said: Words) -> Call:
    """The request, if it may be answered; raises `BadRequest`."""
    guard = Guard(comfyui.listens_to_itself(), lambda: Settings().hosts)
    problem = guard.problem(method, comfyui.headers_of(request))
    if problem is not None:
        raise BadRequest(said(f"routes.{problem}"), 403)
    body = _object(await _body(request, said), said) if method == "POST" else {}
    return Call(dict(request.match_info), dict(request.query), body, said)


async def _body(request: Any, said: Words) -> bytes:
    """The body, which may come in any number of parts; raises `BadRequest`."""
    body = b""
    try:
        async with asyncio.timeout(_SLOWEST_BODY):
            while part := await request.content.read(_LONGEST_BODY + 1 - len(body)):
                body += part
                if len(body) > _LONGEST_BODY:
                    raise BadRequest(said("routes.too_long", limit=_LONGEST_BODY), 413)
    except BadRequest:
        raise
    except TimeoutError as error:
        raise BadRequest(said("routes.unreadable"), 408) from error
    except Exception as error:  # Parts or a compression that are none: each has its own error.
        raise BadRequest(said("routes.unreadable")) from error
    return body


def _object(body: bytes, said: Words) -> Mapping[str, object]:
    """The JSON object in a body, in which nothing is an empty one; raises `BadRequest`."""
    try:
        content = json.loads(body.decode("utf-8"), parse_constant=_refuse) if body.strip() else {}
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise BadRequest(said("routes.no_object"))
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _is_odd(text: str) -> bool:
    """Whether a text has what no database takes: NUL, or halves of characters."""
    return any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)
