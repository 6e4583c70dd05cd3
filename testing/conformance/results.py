"""Where a result and its figures come from: the place in the reply, and nothing near it."""

from collections.abc import Iterator, Mapping, Sequence
from math import isclose

import httpx

from ...core.errors import ProviderError
from ...core.status import Status, Ticket
from ..samples import STATES, TASK, play
from ..spoiling import Place, at, dotted, parsed, places, put, without
from ..usual import usual_request
from ..wire_form import wire_form
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
#: Files that services put beside a video: they end as it does, and are not it.
EXTRAS = {
    "preview": "https://results.example/preview.mp4",
    "cover": {"url": "https://results.example/cover.mp4"},
}
#: What links have: escapes, blanks' and slashes' among them, a signature, and a fragment.
AWKWARD = "a%2Fb/h%C3%A9ron%20one.mp4?X-Sig=a%2Fb%2Bc%3D&x=1&y=a+b&e=&z=%7B%7D#t=0,5"
#: Numbers that lose something when they are rounded, or shown with few digits.
DIGITS = (0.35, 1.2345, 1234567)
OTHER_ID, OTHER_URL = "another-task-of-the-account", "https://results.example/another.mp4"


class Results(Several):
    """Results and figures."""

    def test_the_video_is_taken_from_its_own_place(self) -> None:
        """
        The user's own picture, a cover and another task's video in the reply are not the video.

        What to do: read the URL from its documented place, in the object that has the ticket's id;
        give `find_video`, or the `url` of `self.status`, that place, and not what is around it.
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

    def test_links_are_returned_as_they_are(self) -> None:
        """
        The URL of a result keeps its escapes, its query and its signature.

        What to do: return it as it is, without `unquote`, and without cutting it.
        """
        for name in ("succeeded", "renew"):
            value = self._samples().values.get(name)
            url = value.url if isinstance(value, Status) else value
            if not isinstance(url, str) or "://" not in url:
                continue  # Another test fails on that.
            awkward = "/".join((*url.split("/")[:3], AWKWARD))
            replies = [_replaced(reply, url, awkward) for reply in self._replies(name)]
            outcome = self._outcome(name, replies)
            returned = outcome.url if isinstance(outcome, Status) else outcome
            if returned not in (awkward, url):
                fail(f"{flow_name(name)} returns {show(returned)} for the link {awkward}.")

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
            if isinstance(value, Status) and value.cost is not None:
                self._check_unit(name, value.cost_unit)
        if is_number(self._samples().values.get("quote")):
            for change in ({"sound": True}, {"duration": max(self.provider.limits.durations)}):
                self._check_quote(change)

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
                if is_number(changed) and changed != figure:
                    sources.append((index, place))
        if not sources:
            fail(f"{what}, whatever the numbers in the reply are.")
        if len(sources) > 1:
            return  # One may stand in for the other.
        ((index, place),) = sources
        self._check_digits(name, field, index, place)
        left = self._figure(
            name, field, _with(replies, index, without(parsed(replies[index]), place))
        )
        if is_number(left):
            fail(
                f"{flow_name(name)} gives {left!r} as the {field or name} without {dotted(place)}."
            )

    def _check_quote(self, change: Mapping[str, object]) -> None:
        """If what is asked for has another price, it is quoted with another request, or answer."""
        options, asked = self.provider.Options(), []
        plain = {"sound": False, "duration": min(self.provider.limits.durations)}
        for fields in (plain, {**plain, **change}):
            request = usual_request(self.provider, task=TASK, **fields)
            sent: list[httpx.Request] = []
            try:
                self.provider.check(request, options)
                price = self.provider.price(request, options)
                quote = play(self.provider.quote(request, options), self._replies("quote"), sent)
            except Exception:  # noqa: BLE001 - what it raises is judged elsewhere.
                return
            asked.append((price, (quote, [wire_form(each) for each in sent])))
        (price, quoted), (other, again) = asked
        if None not in (price, other) and price != other and quoted == again:
            (name,) = change
            fail(f"quote asks for the same price whatever the {name} is, but price does not.")

    def _check_unit(self, name: str, unit: str | None) -> None:
        """The unit of a cost is the one that the provider declares, or that the reply names."""
        declared = self.provider.cost_unit
        named = any(str(unit).lower() in reply.text.lower() for reply in self._replies_of(name))
        if declared and unit and unit != declared and not named:
            fail(f"poll gives {unit!r} as the cost_unit; the provider declares {declared!r}.")

    def _check_digits(self, name: str, field: str | None, index: int, place: Place) -> None:
        """However large the number in the reply, the figure is the same share of it."""
        replies = self._replies_of(name)
        value = parsed(replies[index])
        whole = field == "position"
        share: float | None = None
        for said in (2, 4, *(digits for digits in DIGITS if not whole)):
            spelled = f"{said}" if isinstance(at(value, place), str) else said
            figure = self._figure(name, field, _with(replies, index, put(value, place, spelled)))
            if not is_number(figure):
                return  # It is no plain number there.
            share = figure / said if share is None else share
            if not isclose(figure / said, share, rel_tol=1e-9):
                wanted = f"when {dotted(place)} is {said}"
                fail(f"{flow_name(name)} gives {figure!r} as the {field or name} {wanted}.")

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
            for what, more in _with_extras(value, str(known.url)):
                yield what, _with(replies, index, more)
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


def _replaced(reply: httpx.Response, url: str, other: str) -> httpx.Response:
    """The reply with another URL in the place of one."""
    value = parsed(reply)
    for place in places(value):
        if at(value, place) == url:
            value = put(value, place, other)
    return httpx.Response(reply.status_code, json=value)


def _with_extras(value: object, url: str) -> Iterator[tuple[str, object]]:
    """The reply with other files around what has the video's name, and not within it."""
    for place in places(value):
        if at(value, place) != url:
            continue
        named = [depth for depth, step in enumerate(place) if _names_video(step)]
        for depth in range(1 + max(named, default=-1)):
            around = at(value, place[:depth])
            if isinstance(around, dict):
                more = EXTRAS | around
                where = dotted(place[:depth]) or "the reply"
                yield (
                    f"{where} has a preview, too",
                    put(value, place[:depth], more) if depth else more,
                )


def _names_video(step: str | int) -> bool:
    """Whether it says what is there, and not that it is a link, or which one."""
    return isinstance(step, str) and step.lower() not in ("url", "uri", "href", "link", "src")


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
