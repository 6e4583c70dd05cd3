"""From a finished task to its video: links that expire, and downloads that go wrong."""

import re
from collections.abc import Sequence
from hashlib import shake_256

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from .conditions import Conditions
from .faults import Fault
from .files import CORRECT, FileResponse, Transfer
from .requests import base_of
from .responses import web_page
from .tasks import EmulatedTask, Tasks
from .video import make_video

LINK_LIFE = 24 * 60 * 60.0  # seconds


class Deliveries:
    """
    The results of one emulator's tasks, and the links to them.

    With `polling_renews`, a status request replaces an expired link by a new one.
    """

    def __init__(self, conditions: Conditions, tasks: Tasks, *, polling_renews: bool) -> None:
        self._conditions, self._tasks = conditions, tasks
        self._polling_renews = polling_renews
        self._rangeless: set[str] = set()

    def routes(self) -> Sequence[BaseRoute]:
        """The routes of the results themselves."""
        return [
            Route("/results/{link:int}/{task_id}.mp4", self._result),
            Route("/elsewhere", self._elsewhere),
        ]

    def link(self, task: EmulatedTask, base: str) -> str | None:
        """The URL of a finished task's video, or None as long as the provider withholds it."""
        now = self._conditions.clock()
        if now < task.url_from:
            return None
        match self._conditions.take_fault("end", "success_without_url", "late_url", "expired_link"):
            case Fault("success_without_url"):
                return None
            case Fault("late_url", seconds=seconds):
                task.url_from = now + (5.0 if seconds is None else seconds)
                self._tasks.save(task)
                return None
            case Fault("expired_link"):
                task.links[-1 if self._polling_renews else 0] = now
                self._tasks.save(task)
            case _ if self._polling_renews and task.links[-1] <= now:
                return self.renew(task, base, LINK_LIFE)
        return result_url(base, task, len(task.links) - 1 if self._polling_renews else 0)

    def first(self, task: EmulatedTask) -> str:
        """The link that a webhook call contains."""
        return result_url(task.base, task, 0)

    def size(self, task: EmulatedTask) -> int:
        """The length of a finished task's video in bytes."""
        return len(make_video(task.clip))

    def renew(self, task: EmulatedTask, base: str, life: float) -> str:
        """A new link to the same video, which expires after `life` seconds."""
        task.links.append(self._conditions.clock() + life)
        self._tasks.save(task)
        return result_url(base, task, len(task.links) - 1)

    def task_behind(self, url: object, base: str) -> EmulatedTask | None:
        """The task whose video a URL leads to, or None if the URL is not one of ours."""
        pattern = re.escape(base) + r"/results/\d+/([^/]+)\.mp4"
        ours = re.fullmatch(pattern, url) if isinstance(url, str) else None
        return self._tasks.find(ours[1]) if ours else None

    async def _result(self, request: Request) -> Response:
        task = self._tasks.find(request.path_params["task_id"])
        link, now = request.path_params["link"], self._conditions.clock()
        if task is None or link >= len(task.links) or task.phase(now) != "succeeded":
            return PlainTextResponse("Not found", 404)
        if now >= task.links[link]:
            return PlainTextResponse("This link has expired", 403)
        return self._download(request, task)

    def _download(self, request: Request, task: EmulatedTask) -> Response:
        content = make_video(task.clip)

        def file(content: bytes = content, transfer: Transfer = CORRECT) -> Response:
            ranges = task.id not in self._rangeless
            return FileResponse(
                content, request, self._conditions, transfer=transfer, ranges=ranges
            )

        match self._conditions.take_fault("download"):
            case Fault("download_403"):
                return PlainTextResponse("Forbidden", 403)
            case Fault("download_500"):
                return PlainTextResponse("Internal error", 500)
            case Fault("cut_download"):
                return file(transfer=Transfer(cut="reset"))
            case Fault("cut_download_no_range"):
                self._rangeless.add(task.id)
                return file(transfer=Transfer(cut="reset"))
            case Fault("wrong_length"):
                return file(transfer=Transfer(cut="close"))
            case Fault("short_video"):
                return file(content[: len(content) // 2])
            case Fault("html_instead_of_video"):
                return web_page()
            case Fault("junk_video"):
                return file(shake_256(content).digest(len(content)))
            case Fault("redirect_loop"):
                return RedirectResponse(f"{base_of(request)}/elsewhere", 302)
            case Fault("slow_download", seconds=seconds):
                return file(transfer=Transfer(pieces=8, pause=1.0 if seconds is None else seconds))
        return file()

    async def _elsewhere(self, request: Request) -> Response:
        """Redirects to itself."""
        return RedirectResponse(f"{base_of(request)}/elsewhere", 302)


def result_url(base: str, task: EmulatedTask, link: int) -> str:
    """The URL of a task's video, by the number of its link."""
    return f"{base}/results/{link}/{task.id}.mp4"
