"""From a finished task to its video: links that expire, and downloads that go wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import shake_256

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ._answers import web_page
from ._conditions import Conditions
from ._faults import Fault
from ._files import WELL, FileResponse, Manner
from ._requests import base_of
from ._tasks import Task, Tasks
from ._video import make_video

LINK_LIFE = 24 * 60 * 60.0


class Deliveries:
    """
    The results of one emulator's tasks, and the links to them.

    With `asking_renews`, asking for an expired link again gives a fresh one.
    """

    def __init__(self, conditions: Conditions, tasks: Tasks, *, asking_renews: bool) -> None:
        self._conditions, self._tasks = conditions, tasks
        self._asking_renews = asking_renews
        self._rangeless: set[str] = set()

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/results/{link:int}/{task_id}.mp4", self._result),
            Route("/elsewhere", self._elsewhere),
        ]

    def link(self, task: Task, base: str) -> str | None:
        """Where a finished task's video is, or None while the provider does not tell."""
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
                task.links[-1 if self._asking_renews else 0] = now
                self._tasks.save(task)
            case _ if self._asking_renews and task.links[-1] <= now:
                return self.renew(task, base, LINK_LIFE)
        return address(base, task, len(task.links) - 1 if self._asking_renews else 0)

    def first(self, task: Task) -> str:
        """The link that a call to a webhook brings."""
        return address(task.base, task, 0)

    def renew(self, task: Task, base: str, life: float) -> str:
        """Another link to the same video."""
        task.links.append(self._conditions.clock() + life)
        self._tasks.save(task)
        return address(base, task, len(task.links) - 1)

    def task_behind(self, url: object, base: str) -> Task | None:
        """The task to whose video an address leads, if it is one of ours."""
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

    def _download(self, request: Request, task: Task) -> Response:
        content = make_video(task.clip)

        def file(content: bytes = content, manner: Manner = WELL) -> Response:
            ranges = task.id not in self._rangeless
            return FileResponse(content, request, self._conditions, manner=manner, ranges=ranges)

        match self._conditions.take_fault("download"):
            case Fault("download_403"):
                return PlainTextResponse("Forbidden", 403)
            case Fault("download_500"):
                return PlainTextResponse("Internal error", 500)
            case Fault("cut_download"):
                return file(manner=Manner(cut=True))
            case Fault("cut_download_no_range"):
                self._rangeless.add(task.id)
                return file(manner=Manner(cut=True))
            case Fault("wrong_length"):
                return file(manner=Manner(cut=True, politely=True))
            case Fault("short_video"):
                return file(content[: len(content) // 2])
            case Fault("html_instead_of_video"):
                return web_page()
            case Fault("junk_video"):
                return file(shake_256(content).digest(len(content)))
            case Fault("redirect_loop"):
                return RedirectResponse(f"{base_of(request)}/elsewhere", 302)
            case Fault("slow_download", seconds=seconds):
                return file(manner=Manner(pieces=8, pause=1.0 if seconds is None else seconds))
        return file()

    async def _elsewhere(self, request: Request) -> Response:
        return RedirectResponse(f"{base_of(request)}/elsewhere", 302)


def address(base: str, task: Task, link: int) -> str:
    return f"{base}/results/{link}/{task.id}.mp4"
