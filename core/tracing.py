"""What `KLING26_TRACE_PLUGINS` shows: each call of a plug-in's code, with its end and its time."""

import logging
import time
from collections.abc import Callable, Generator, Mapping

from .money import Price, usd_text
from .problems import words
from .provider import Provider
from .redaction import redact_environment
from .request import VideoRequest
from .text import sanitize

#: A logger of its own, because a listing silences the other one while plug-ins are loaded.
logger: logging.Logger = logging.getLogger("kling26.plugins")

#: How much of a text is shown, in characters, and how many of a list.
_TEXT, _ITEMS = 40, 6


class Watch:
    """One call of a plug-in's code: what it is called with, what it returns, how long it takes."""

    def __init__(
        self, plugin: str, hook: str, part: str, facts: Mapping[str, object], listed: bool
    ) -> None:
        self._what = f'{hook}({_arguments(facts)}) of "{plugin}"{part}'
        self._listed = listed
        self._begun = time.perf_counter()
        self._end = "has not returned yet"

    def around(self, work: Callable[[], object]) -> Callable[[], object]:
        """The call, watched."""

        def watched() -> object:
            self._begun = time.perf_counter()
            try:
                returned = work()
            except BaseException as error:
                self._ended(f"raised {words(error)}")
                raise
            self._ended(self._result(returned))
            return returned

        return watched

    def _result(self, returned: object) -> str:
        if isinstance(returned, Generator):
            return "came to its yield"
        if isinstance(returned, list) and not self._listed:
            returned = next(iter(returned), None)
        return f"returned {brief(returned)}"

    def _ended(self, how: str) -> None:
        milliseconds = (time.perf_counter() - self._begun) * 1000
        self._end = f"{how} after {milliseconds:.1f} ms"

    def tell(self) -> None:
        """Log it; as a warning, which is shown wherever logging is not set up."""
        logger.setLevel(logging.WARNING)
        logger.warning("%s", f"{self._what} {self._end}.")


def _arguments(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={brief(value)}" for name, value in facts.items())


def brief(value: object) -> str:
    """
    A value in a few words; of what is not known to be harmless, only the type.

    >>> brief(["acme", 5]), brief(object())
    ('["acme", 5]', 'object')
    """
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, str):
        return f'"{sanitize(redact_environment(value), _TEXT)}"'
    if isinstance(value, VideoRequest):
        return brief(value.prompt)
    if isinstance(value, Price):
        return "unknown" if value.usd is None else usd_text(value.usd)
    if isinstance(value, list | tuple):
        shown = [brief(each) for each in value[:_ITEMS]] + ["…"] * (len(value) > _ITEMS)
        return f"[{', '.join(shown)}]"
    if isinstance(value, Provider):
        return brief(getattr(value, "name", None))
    return _by_name(value)


def _by_name(value: object) -> str:
    """A task by its id and state, a sandbox by its provider, and anything else by its type."""
    kind = type(value).__name__
    known = {"Task": ("id", "state"), "Sandbox": ("provider",)}.get(kind, ())
    named = [getattr(value, name, None) for name in known]
    texts = [sanitize(each, _TEXT) for each in named if isinstance(each, str)]
    return " ".join([kind, *texts]) if texts else sanitize(kind, _TEXT)
