"""
The same flows in a fresh process: what does not come with the ticket is not there.

The process has another environment, another working folder and another hash seed. It loads this
module without the rest of the kit, which would take most of its time.
"""

import base64
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from attrs import asdict, frozen

from ..core.provider import Provider
from ..core.request import VideoRequest
from ..core.status import Ticket
from .samples import play, start

#: A process that takes longer does not end; a busy machine may take its time.
_LONGEST = 120.0
#: A problem that is ours, or the way the class is defined: then there is nothing to compare.
_CANNOT = "cannot"
_URLS = ("base_url", "upload_url", "balance_url")
_CODE = """
import sys, types
sys.path[:] = {path}
import kling26
kit = types.ModuleType("kling26.testing")
kit.__path__ = [kling26.__path__[0] + "/testing"]
sys.modules["kling26.testing"] = kit
from kling26.testing.elsewhere import main
main()
"""


@frozen
class Job:
    """A flow, or `read_callback`, and the replies that it gets."""

    name: str
    flow: str
    ticket: Ticket
    request: VideoRequest
    #: HTTP status, headers and body of each; a body alone for `read_callback`.
    replies: Sequence[tuple[int, list[tuple[str, str]], bytes]]


@frozen
class Played:
    """The requests of a flow, in a form that can be compared, and what it returned or raised."""

    requests: Sequence[Sequence[str]]
    value: str


def job(
    name: str, flow: str, ticket: Ticket, request: VideoRequest, replies: Sequence[httpx.Response]
) -> Job:
    """A job from a flow's sample replies."""
    kept = [(each.status_code, each.headers.multi_items(), each.content) for each in replies]
    return Job(name, flow, ticket, request, kept)


def play_here(provider: Provider, work: Job) -> Played:
    """What becomes of a job in this process."""
    if work.flow == "read_callback":
        return Played([], _value(lambda: provider.read_callback(work.replies[0][2])))
    requests: list[httpx.Request] = []
    flow = start(provider, work.flow, work.ticket, request=work.request)
    replies = [
        httpx.Response(status, headers=headers, content=body)
        for status, headers, body in work.replies
    ]
    value = _value(lambda: play(flow, replies, requests))
    return Played([_form(each) for each in requests], value)


def play_there(provider: Provider, jobs: Sequence[Job]) -> list[Played] | str | None:
    """
    What becomes of the jobs in a fresh process, in order.

    None if the provider's class cannot be found there; a sentence if it cannot be made.
    """
    kind = type(provider)
    if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
        return None
    order = {
        "module": kind.__module__,
        "name": kind.__qualname__,
        "urls": {name: url for name in _URLS if (url := getattr(provider, name))},
        "jobs": [_packed(each) for each in jobs],
    }
    answer = _ask(order)
    if answer is None or answer.get(_CANNOT) == "":
        return None
    if _CANNOT in answer:
        return str(answer[_CANNOT])
    return [Played(each["requests"], each["value"]) for each in answer["played"]]


def main() -> None:
    """The fresh process: reads its order from stdin, and prints what became of it."""
    order = json.load(sys.stdin)
    out, sys.stdout = sys.stdout, sys.stderr  # What a plug-in prints is not our answer.
    json.dump(_answer(order), out)
    out.flush()
    os._exit(0)  # Whatever threads a plug-in has started.


def _answer(order: Mapping[str, Any]) -> Mapping[str, object]:
    try:
        made = _class(order["module"], order["name"])()
    except (ImportError, AttributeError, TypeError):
        return {_CANNOT: ""}  # Defined in a way that only its author's tests can load.
    except Exception as error:  # noqa: BLE001 - whatever it is, it is reported.
        return {_CANNOT: f"{type(error).__name__}: {error}"}
    provider = made.at(order["urls"])
    return {"played": [asdict(play_here(provider, _unpacked(each))) for each in order["jobs"]]}


def _class(module: str, name: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
    except ImportError:  # A test's file needs the whole kit.
        for known in [each for each in sys.modules if each.startswith("kling26.testing")]:
            del sys.modules[known]
        found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _ask(order: Mapping[str, object]) -> Any:
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "WINDIR") if name in os.environ}
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(  # noqa: S603 - our own code.
            [
                sys.executable,
                "-s",
                "-P",
                "-c",
                _CODE.format(path=[os.path.abspath(p) for p in sys.path]),
            ],
            input=json.dumps(order).encode(),
            capture_output=True,
            cwd=folder,
            env={"PYTHONHASHSEED": seed, **kept},
            timeout=_LONGEST,
            check=False,
        )
    return json.loads(ended.stdout) if ended.returncode == 0 and ended.stdout else None


def _value(call: Any) -> str:
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared.
        return f"{type(error).__name__}: {error}"


def _form(request: httpx.Request) -> list[str]:
    headers = sorted(f"{name}: {value}" for name, value in request.headers.items())
    return [request.method, str(request.url), *headers, base64.b64encode(request.read()).decode()]


def _packed(work: Job) -> Mapping[str, object]:
    packed = asdict(work)
    packed["replies"] = [
        (status, headers, base64.b64encode(body).decode()) for status, headers, body in work.replies
    ]
    return packed


def _unpacked(packed: Mapping[str, Any]) -> Job:
    replies = [
        (status, [(name, value) for name, value in headers], base64.b64decode(body))
        for status, headers, body in packed["replies"]
    ]
    ticket, request = Ticket(**packed["ticket"]), VideoRequest(**packed["request"])
    return Job(packed["name"], packed["flow"], ticket, request, replies)
