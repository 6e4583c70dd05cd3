"""Asking leaves no trace in what was asked, and two tasks stay two."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import attrs

from ...core.errors import Kling26Error, OptionRefused
from ...core.options import options_of
from ...core.provider import Provider
from ...core.request import VideoRequest
from ..samples import TASK, play
from ..wire_form import WireForm
from .asking import Asked, choices
from .forms import Forms
from .judging import fail, is_price, show

#: Ids that differ from `TASK` in one place: what cuts or mixes them makes some of them equal.
OTHER_TASKS = (f"{TASK[:-1]}0", f"{TASK[:4]}f{TASK[5:]}", f"{TASK[:12]}0{TASK[13:]}")
#: What services call an id that their client makes, in one word.
OWN_ID = re.compile(
    "x?(idempotency(key|token|id)?|(client|external|ext|custom|own|unique|out|your|partner)?"
    "(request|task|job|reference|ref|order|correlation|transaction|dedup|deduplication)(id|key)|"
    "(client|external|ext|custom|own|unique|out|user)(id|key|ref|reference|token)|nonce|reference)"
)
#: Ids of the client itself, or of what it asks for, are often called so.
NOT_OURS = ("clientid", "clientkey", "userid", "userkey", "usertoken", "userref", "customkey")
#: A shorter text than this cannot stand for a whole id.
WHOLE = 22


class Sameness(Forms):
    """What stays as it is, and what does not."""

    def test_tasks_are_told_apart_by_our_own_id(self) -> None:
        """
        An id of ours, or an idempotency key, belongs to one task: not to a prompt, nor to a user.

        What to do: send `request.task` itself, whole; of two equal requests a user may want both.
        """
        for start in self._starts():
            forms = self._forms(*(start.but("task", task) for task in (TASK, *OTHER_TASKS)))
            if forms is None:
                continue
            for path in dict(forms[0]):
                if _is_own_id(path, forms[0][path]):
                    self._check_own_id(path, forms)
            places = [path for path in forms[0] if _varies(path, forms)]
            for path in places:
                self._check_own_id(path, forms)
            if self.provider.can("find") and not any(
                TASK in str(forms[0][path]) for path in places
            ):
                fail(
                    f"There is a flow find, but submit does not send request.task {start.source}; "
                    "send it whole."
                )

    def test_requests_and_options_are_left_as_they_are(self) -> None:
        """
        `check`, `price` and `submit` change neither the request nor the options.

        What to do: build a body of your own; copy a value before you change it.
        """
        for start in self._starts():
            for asked in self._each(start):
                if self._taken(asked) is None:
                    continue
                options = self.provider.Options(**asked.own)
                before = _facts(asked.request), _facts(options)
                self.provider.check(asked.request, options)
                self._check_left("check", before, asked.request, options)
                self.provider.price(asked.request, options)
                self._check_left("price", before, asked.request, options)
                self._submitting(asked.request, options)
                self._check_left("submit", before, asked.request, options)

    def test_check_and_price_answer_every_request(self) -> None:
        """
        `check` refuses or not, and `price` knows or not, but the same each time; neither breaks.

        What to do: raise nothing but `self.option_refused(…)`, from `check`, and for an option that
        there is.
        """
        for start in self._starts():
            for asked in self._each(start):
                refusals = [self._refusal(asked) for _ in range(2)]
                if refusals[0] != refusals[1]:
                    fail(f"check does not say the same twice {start.source}: {refusals}.")
                if refusals[0] is None:
                    self._check_price(asked)

    def _each(self, start: Asked) -> Iterator[Asked]:
        """Each option with each of its values, beside each other's last one."""
        found = [choice.thinned() for choice in choices(self.provider, start.request)]
        yield start
        for choice in found:
            for value in choice.values:
                asked = start.but(choice.name, value)
                yield asked
                for other in found:
                    if other is not choice:
                        yield asked.but(other.name, other.values[-1])

    def _check_own_id(self, path: str, forms: list[WireForm]) -> None:
        values = [form.get(path) for form in forms]
        where = path.removeprefix("body.").removeprefix("header.")
        if len(set(map(str, values))) == 1:
            fail(f"submit sends the same {where} for two tasks; send request.task.")
        cut = TASK not in str(values[0]) and len(str(values[0])) < WHOLE
        if cut or len(set(map(str, values))) < len(values):
            fail(f"submit sends only a part of request.task as {where}: {show(values[0])}.")

    def _check_left(
        self, what: str, before: tuple[object, object], request: VideoRequest, options: object
    ) -> None:
        for name, was, now in (
            ("the request", before[0], _facts(request)),
            ("the options", before[1], _facts(options)),
        ):
            if was != now:
                fail(f"{what} changes {name}: {_difference(was, now)}.")

    def _refusal(self, asked: Asked) -> str | None:
        """Why the checks refuse this, if they do."""
        provider, names = self.provider, _names(self.provider)
        try:
            self._validate(asked)
        except OptionRefused as refused:
            if refused.option not in names:
                fail(f'{provider.name}: check refuses "{refused.option}", which is no option.')
            return str(refused)
        return None

    def _check_price(self, asked: Asked) -> None:
        options = self._checked(asked)
        try:
            prices = [self.provider.price(asked.request, options) for _ in range(2)]
        except Exception as error:  # noqa: BLE001 - whatever it is, a user would see it.
            fail(f"price raises {show(error)} {asked.source}; return None if it is unknown.")
        if prices[0] != prices[1]:
            fail(f"price does not say the same twice {asked.source}: {prices[0]}, {prices[1]}.")
        if prices[0] is not None and not is_price(prices[0]):
            fail(f"price returned {prices[0]!r} {asked.source}, not a number above 0 or None.")
        if self.provider.can("quote") and (replies := self._samples().replies.get("quote")):
            try:
                play(self.provider.quote(asked.request, options), replies)
            except Kling26Error:
                return  # Of another request's reply.
            except Exception as error:  # noqa: BLE001
                fail(f"quote raises {show(error)} {asked.source}.")


def _names(provider: Provider) -> set[str]:
    own = {info.name for info in options_of(provider.Options)}
    return own | {info.name for info in options_of(VideoRequest)} | {"options"}


def _varies(path: str, forms: list[WireForm]) -> bool:
    return any(form.get(path) != forms[0][path] for form in forms)


def _is_own_id(path: str, value: object) -> bool:
    """Whether a place is called like an id of ours, and has one."""
    word = re.sub("[-_ ]", "", re.split(r"[.\]]", path)[-1]).lower()
    texts = isinstance(value, str) and value and "://" not in value
    return bool(texts and OWN_ID.fullmatch(word) and word not in NOT_OURS)


def _facts(value: Any) -> object:
    """All that a request or an options object says, by the names of its fields."""
    return copy.deepcopy(attrs.asdict(value))


def _difference(was: object, now: object) -> str:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in was.keys() | now.keys():
            if was.get(name) != now.get(name):
                return f"{name} becomes {show(now.get(name))}"
    return show(now)
