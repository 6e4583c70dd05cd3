"""
Calls of hooks, through pluggy, in which each plug-in answers for itself.

pluggy calls what is made here in place of a plug-in's function. It runs the function as carefully
as the call says, and keeps whose each answer is. A wrapper sees the answers of the others and may
add to them; it takes none away, changes none, and where it fails it is as if it were not there.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextvars import ContextVar
from functools import wraps
from itertools import islice

import pluggy
from attrs import Factory, define, frozen

from .errors import Kling26Error
from .lending import lent
from .marks import Form, Hook
from .problems import InvalidPlugin

Function = Callable[..., object]

#: What `Call.run` returns where the code of a plug-in has failed.
FAILED: object = object()
#: So many answers of a plug-in to one call count.
_MOST = 300


@frozen
class Answer:
    """What a plug-in has answered."""

    plugin: str
    value: object


@define
class Call:
    """
    One call of a hook, and the answers to it so far.

    `run` runs code of the plug-in that is named, and returns what it returns. If it fails, `run`
    has told why, and returns `FAILED`; it may let a `Kling26Error` through, which is an answer.
    `tell` tells of anything else that is wrong with a plug-in.
    """

    hook: str
    form: Form
    facts: Mapping[str, object]
    run: Callable[[str, Callable[[], object]], object]
    tell: Callable[[str, str], None]
    traced: bool = False
    #: Takes note of what a plug-in brings.
    keep: Callable[[str, object], None] = lambda plugin, value: None
    answers: list[Answer] = Factory(list)

    def add(self, plugin: str, values: Iterable[object]) -> None:
        """Add the answers of a plug-in."""
        for value in values:
            self.keep(plugin, value)
            self.answers.append(Answer(plugin, value))

    def ask(self, plugin: str, work: Callable[[], object], part: str = "") -> object:
        """Run code of a plug-in: what it returns, its "no" as a list, or `FAILED`."""
        try:
            if not self.traced:
                return self.run(plugin, work)
            from .tracing import Watch  # Only for whoever traces.

            watch = Watch(plugin, self.hook, part, self.facts, self.form == "list")
            try:
                return self.run(plugin, watch.around(work))
            finally:
                watch.tell()
        except Kling26Error as error:
            return [str(error)]

    def listed(self, plugin: str, value: object) -> list[object]:
        """The answers in what an implementation returns; raises `InvalidPlugin`, or anything."""
        if self.form == "none" or (value is None and self.form == "one"):
            return []
        if self.form == "one":
            return [value]
        if not isinstance(value, Iterable):
            returned = "None" if value is None else type(value).__name__
            raise InvalidPlugin(f"{self.hook} returned {returned}; it must return a list.")
        return self.first(plugin, value)

    def first(self, plugin: str, values: Iterable[object]) -> list[object]:
        """The values that count: a generator may have no end."""
        found = list(islice(values, _MOST + 1))
        if len(found) > _MOST:
            more = f"returned more than {_MOST} results; only the first {_MOST} count."
            self.tell(plugin, f"its {self.hook} {more}")
        return found[:_MOST]

    def flat(self, results: object) -> Iterable[object]:
        """The answers in the results of several, as a wrapper returns them."""
        if results is None:
            return []
        if isinstance(results, str) or not isinstance(results, Iterable):
            return [results]
        if self.form != "list":
            return (each for each in results if each is not None)
        nested = (
            each if isinstance(each, Iterable) and not isinstance(each, str) else [each]
            for each in results
        )  # fmt: skip
        return (each for some in nested for each in some)


_current: ContextVar[Call] = ContextVar("kling26 hook call")


def made(call: Call, hook: pluggy.HookCaller) -> list[Answer]:
    """Make a call; returns the answers, in the order in which they came."""
    before = _current.set(call)
    try:
        hook(**call.facts)
    finally:
        _current.reset(before)
    return call.answers


def guarded(plugin: str, function: Function, hook: Hook) -> Function:
    """What pluggy is to call in place of a plug-in's function."""
    if hook.wraps:
        return _wrapper(plugin, function, old=hook.hookwrapper)
    return _implementation(plugin, function)


def _implementation(plugin: str, function: Function) -> Function:
    @wraps(function)
    def answer(*args: object, **kwargs: object) -> object:
        call = _current.get()
        found = call.ask(plugin, lambda: call.listed(plugin, function(*args, **kwargs)))
        if not isinstance(found, list):
            return None
        call.add(plugin, found)
        return found if call.form == "list" else next(iter(found), None)

    return answer


# -- wrappers ----------------------------------------------------------------------------------

Steps = Generator[object, object, object]


def _wrapper(plugin: str, function: Function, old: bool) -> Function:
    @wraps(function)
    def wrap(*args: object, **kwargs: object) -> Generator[None, list[object], list[object]]:
        call = _current.get()
        steps = call.ask(plugin, lambda: _begun(function(*args, **kwargs)), ", before the others")
        inner = yield
        if isinstance(steps, list):  # Its "no".
            return _with(call, plugin, inner, steps)
        if steps is FAILED:
            return inner
        shown = _Shown(list(call.flat(inner)))
        returned = call.ask(
            plugin,
            lambda: call.first(plugin, call.flat(_ended(steps, shown.results(inner), old))),  # type: ignore[arg-type]
            ", after the others",
        )
        if not isinstance(returned, list):
            return inner
        after = [shown.original(each) for each in returned]
        before = list(call.flat(inner))
        if any(not _is_in(each, after) for each in before):
            call.tell(plugin, _leaves_out(call.hook))
        return _with(call, plugin, inner, [each for each in after if not _is_in(each, before)])

    return wrap


def _leaves_out(hook: str) -> str:
    return (
        f"its wrapper of {hook} drops results of other plug-ins; a wrapper may add to "
        "that, and takes nothing away."
    )


def _with(
    call: Call, plugin: str, inner: list[object], new: list[object]
) -> list[object]:  # fmt: skip
    """The results with the answers that a wrapper adds."""
    call.add(plugin, new)
    added = [new] if call.form == "list" and new else new
    return [*inner, *added]


def _is_in(value: object, values: Iterable[object]) -> bool:
    return any(value is each for each in values)


def _begun(steps: object) -> object:
    """A wrapper's generator, after what it does before the others."""
    if not isinstance(steps, Generator):
        raise InvalidPlugin("its wrapper is no generator.")
    try:
        next(steps)
    except StopIteration:
        raise InvalidPlugin('its wrapper ended before its "yield".') from None
    return steps


def _ended(steps: Steps, results: list[object], old: bool) -> object:
    """What a wrapper makes of the results; one of the old style is given a `pluggy.Result`."""
    outcome = pluggy.Result.from_call(lambda: results)
    try:
        steps.send(outcome if old else results)
    except StopIteration as end:
        return outcome.get_result() if old else end.value
    steps.close()
    raise InvalidPlugin('its wrapper has a second "yield".')


class _Shown:
    """The answers as a wrapper sees them: of providers and emulators it gets copies."""

    def __init__(self, answers: list[object]) -> None:
        self._copies = [(lent(each), each) for each in answers]

    def results(self, inner: list[object]) -> list[object]:
        return [self._nested(each) if isinstance(each, list) else each for each in inner]

    def _nested(self, values: list[object]) -> list[object]:
        copies = {id(original): shown for shown, original in self._copies}
        return [copies[id(each)] for each in values]

    def original(self, value: object) -> object:
        found = (original for shown, original in self._copies if shown is value)
        return next(found, value)
