"""Where a result and its figures come from: the place in the reply, and nothing near it."""

from collections.abc import Iterator, Sequence

import httpx

from ...core.errors import ProviderError
from ...core.status import Status, Ticket
from ..samples import STATES
from ..spoiling import Place, at, dotted, parsed, places, put, without
from .judging import fail, flow_name, is_number, show
from .several import Several

#: What services put beside a video: the user's own picture and webhook, and other files.
ECHO = {
    "input": {
        "image": "https://pictures.example/heron?size=large",
        "hook": "https://me.example/hook",
    },
    "cover_picture": "https://results.example/cover.jpg",
}
OTHER_ID, OTHER_URL = "another-task-of-the-account", "https://results.example/another.mp4"


class Results(Several):
    """Results and figures."""

    def test_the_video_is_taken_from_its_own_place(self) -> None:
        """
        The user's own picture, a cover and another task's video in the reply are not the video.

        What to do: read the URL from its documented place, in the object that has the ticket's id;
        give `find_video` that object at most, not the whole reply.
        """
        known = self._samples().values.get("succeeded")
        if not isinstance(known, Status) or known.url is None:
            return  # Another test fails on that.
        for what, replies in self._crowded():
            outcome = self._outcome("succeeded", replies)
            url = getattr(outcome, "url", None)
            if isinstance(outcome, Status) and outcome.ended and url != known.url:
                fail(f"poll returns {show(url)} when {what}, instead of the video.")
            if not isinstance(outcome, Status) or not outcome.ended:
                fail(f"poll turns a success into {show(outcome)} when {what}.")
        for place, replies in self._without_video(known.url):
            outcome = self._outcome("succeeded", replies)
            if isinstance(outcome, Status) and outcome.url not in (None, known.url):
                fail(f"poll returns {show(outcome.url)} when {dotted(place)} is missing.")

    def test_figures_are_those_in_the_reply(self) -> None:
        """
        Cost, place in the queue, balance and price are what the service says, or unknown.

        What to do: read them with `kling26.core.wire.number` or `integer`; where there is none,
        leave the field out, raise `self.unexpected` from `balance`, and return None from `quote`.
        """
        for name in (*STATES, "balance", "quote"):
            value = self._samples().values.get(name)
            fields = ("cost", "position") if isinstance(value, Status) else (None,)
            for field in fields:
                figure = getattr(value, field, None) if field else value
                if is_number(figure):
                    self._check_figure(name, field, figure)

    def _check_figure(self, name: str, field: str | None, figure: float) -> None:
        what = f"{flow_name(name)} gives {figure!r} as the {field or name}"
        sources: list[tuple[int, Place]] = []
        replies = self._replies_of(name)
        for index, reply in enumerate(replies):
            value = parsed(reply)
            for place in places(value):
                if not _is_figure(at(value, place)):
                    continue
                said = at(value, place)
                other = f"{float(said) + 7:g}" if isinstance(said, str) else said + 7
                changed = self._figure(name, field, _with(replies, index, put(value, place, other)))
                if changed != figure:
                    sources.append((index, place))
        if not sources:
            fail(f"{what}, whatever the numbers in the reply are.")
        if len(sources) > 1:
            return  # One may stand in for the other.
        ((index, place),) = sources
        left = self._figure(
            name, field, _with(replies, index, without(parsed(replies[index]), place))
        )
        if is_number(left):
            fail(
                f"{flow_name(name)} gives {left!r} as the {field or name} without {dotted(place)}."
            )

    def _figure(self, name: str, field: str | None, replies: Sequence[httpx.Response]) -> object:
        outcome = self._outcome(name, replies)
        if isinstance(outcome, ProviderError):
            return None
        return getattr(outcome, field, None) if field else outcome

    def _replies_of(self, name: str) -> Sequence[httpx.Response]:
        return self._samples().replies.get(name, [])

    def _crowded(self) -> Iterator[tuple[str, list[httpx.Response]]]:
        """The replies about a success, with more beside the video than was asked for."""
        replies = self._replies("succeeded")
        ticket, known = self._samples().ticket_of("succeeded"), self._samples().values["succeeded"]
        assert isinstance(known, Status)
        for index, reply in enumerate(replies):
            value = parsed(reply)
            if isinstance(value, dict) and not ECHO.keys() & value.keys():
                yield (
                    "the reply begins with the user's picture",
                    _with(replies, index, ECHO | value),
                )
                yield "the reply ends with the user's picture", _with(replies, index, value | ECHO)
            for place in places(value):
                tasks = at(value, place)
                if isinstance(tasks, list) and len(tasks) == 1 and _is_task(tasks[0], ticket):
                    other = _another(tasks[0], ticket, str(known.url))
                    for what, both in (
                        ("another task comes first", [other, tasks[0]]),
                        ("another task comes last", [tasks[0], other]),
                    ):
                        yield what, _with(replies, index, put(value, place, both))

    def _without_video(self, url: str) -> Iterator[tuple[Place, list[httpx.Response]]]:
        replies = self._replies("succeeded")
        for index, reply in enumerate(replies):
            value = parsed(reply)
            for place in places(value):
                if at(value, place) == url:
                    yield place, _with(replies, index, without(value, place))


def _with(replies: Sequence[httpx.Response], index: int, value: object) -> list[httpx.Response]:
    """The replies with another body in one of them."""
    changed = httpx.Response(replies[index].status_code, json=value)
    return [*replies[:index], changed, *replies[index + 1 :]]


def _is_figure(value: object) -> bool:
    if isinstance(value, str):
        return value.replace(".", "", 1).isdigit() and len(value) < 10
    return is_number(value)


def _is_task(value: object, ticket: Ticket) -> bool:
    return isinstance(value, dict) and ticket.task_id in map(str, value.values())


def _another(task: object, ticket: Ticket, url: str) -> object:
    """The same object about another task, with another video."""
    for place in places(task):
        value = at(task, place)
        if str(value) == ticket.task_id:
            task = put(task, place, OTHER_ID)
        elif value == url:
            task = put(task, place, OTHER_URL)
    return task
