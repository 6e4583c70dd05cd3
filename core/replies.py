"""What every provider makes of replies: the methods of `Provider` that are there to be used."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar

from . import refusals, wire
from .errors import (
    ImageRefused,
    KeyRejected,
    NoSuchTask,
    OptionRefused,
    OutOfCredit,
    ProviderError,
    Refused,
    Remedy,
    UnexpectedReply,
)
from .status import State, Status
from .text import sanitize, summarize_body

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=ProviderError)


class Replies:
    """How replies are read, and what they become. Nothing here sends, waits, or knows a key."""

    name: ClassVar[str]
    title: ClassVar[str]
    key_variable: ClassVar[str]
    key_page: ClassVar[str | None] = None
    #: What the service's words for the state of a task mean.
    states: ClassVar[Mapping[str, State]] = {}
    #: What its errors mean, by their own code or else by the HTTP status. An HTTP error that is not
    #: listed is `Refused`.
    errors: ClassVar[Mapping[int | str, type[ProviderError]]] = refusals.USUAL
    #: The codes that mean success, where replies have a code even under HTTP 200: ``(0,)``.
    success_codes: ClassVar[tuple[int | str, ...]] = ()

    def find_error(self, answer: Mapping[str, object]) -> tuple[str | None, str | None]:
        """The service's words and its code in a reply with an error; override for odd places."""
        return refusals.find_error(answer)

    def read(self, reply: "httpx.Response", cls: type[T]) -> T:
        """
        The JSON body of a reply as an instance of the attrs class `cls`, or as a `dict`.

        Raises `UnexpectedReply`, which says what does not fit and where.
        """
        try:
            return wire.structure(wire.parse(reply.content), cls)
        except ValueError as error:
            raise self.unexpected(reply, str(error)) from error

    def read_part(self, reply: "httpx.Response", part: object, cls: type[T], path: str) -> T:
        """`read` for a part of a reply that was read as `Any`, at `path`, such as "reply.data"."""
        try:
            return wire.structure(part, cls, path)
        except ValueError as error:
            raise self.unexpected(reply, str(error)) from error

    def read_url(self, reply: "httpx.Response", value: object, path: str) -> str:
        """The URL in `value`, found at `path` in a reply; raises `UnexpectedReply` without one."""
        url = wire.find_url(value)
        if url is None:
            raise self.unexpected(reply, f"expected a URL @ {path}")
        return url

    def read_number(self, reply: "httpx.Response", value: object, path: str) -> float:
        """The number in `value`, such as a balance; raises `UnexpectedReply` without one."""
        number = wire.number(value)
        if number is None:
            raise self.unexpected(reply, f"expected a number @ {path}")
        return number

    def read_call(self, body: bytes | str, cls: type[T]) -> T:
        """`read` for the body of a call to the user's webhook."""
        try:
            return wire.structure(wire.parse(body), cls, "callback")
        except ValueError as error:
            raise self.invalid_callback(error) from error

    def raise_for_error(self, reply: "httpx.Response", asking: bool = False) -> None:
        """
        Raise the error that a reply is, with the service's words; return if it is none.

        `asking` says that the question was about a task, so that 404 is `NoSuchTask`. What is not
        clearly a "no" is never `Refused`: an error without a reason, or an unknown code under
        HTTP 200, is an `UnexpectedReply`.
        """
        words, code = self.find_error(self.read(reply, dict))
        fine = code is not None and code in map(str, self.success_codes)
        if not reply.is_error and (fine or code is None or not self.success_codes):
            return
        if fine:
            raise self.unexpected(reply, f"code {code} under an HTTP error")
        kind = refusals.meaning(self.errors, reply.status_code, code)
        if kind is None and code is None and self.success_codes:
            raise self.unexpected(reply, "an HTTP error without a code")
        if words is None and code is None:
            raise self.unexpected(reply, "an HTTP error without a reason")
        if kind is None or (kind is NoSuchTask and not asking):
            kind = Refused
        raise self.error(kind, reply, words, code)

    def status(
        self,
        said: object,
        reply: "httpx.Response | None" = None,
        *,
        url: object = None,
        cost: object = None,
        cost_unit: object = None,
        code: object = None,
        reason: object = None,
        position: object = None,
        task_id: object = None,
    ) -> Status:
        """
        The status of a task in these words of the service, each of which may be of any form.

        `said` is the state, which `states` translates; `url` is the video's place in the reply, or
        whatever contains it; `reason` is a text, or an object or a list with the reason and its
        code. `reply` is the reply to `poll`, and is left out for a call to the webhook, which needs
        a `task_id`.

        What a task says of itself counts: with its id and a known state, or its video, even under
        an HTTP error. Otherwise raises the error that the reply is, and `UnexpectedReply` if there
        is neither a state nor a video.
        """
        video, own_id = wire.find_video(url), wire.identifier(task_id)
        is_clear = isinstance(said, str) and bool(said.strip())
        if reply is None:
            if own_id is None or not (is_clear or video):
                raise self.invalid_callback("it has no id and state of a task")
        else:
            known = video is not None or wire.state(said, self.states) is not None
            if own_id is None or not known:
                self.raise_for_error(reply, asking=True)
            if not (is_clear or video):
                raise self.unexpected(reply, "the task's state is missing")
        state = self.state(said, self.states, video)
        words, word_code = refusals.find_error({"error": reason})
        ended, bad = state not in ("queued", "running"), state in ("failed", "cancelled")
        return Status(
            state,
            url=video if state == "succeeded" else None,
            cost=wire.number(cost) if ended else None,
            cost_unit=wire.text(cost_unit) if ended else None,
            code=wire.text(code) or word_code if bad else None,
            reason=words if bad else None,
            position=wire.integer(position),
            task_id=own_id if reply is None else None,
        )

    def state(self, said: object, known: Mapping[str, State], url: str | None = None) -> State:
        """
        Our name for a state, whatever its case; an unknown one is logged.

        It counts as running, or as succeeded if there already is the `url` of the video.
        """
        return refusals.read_state(self.title, said, known, url)

    def error(
        self, kind: type[ErrorT], reply: "httpx.Response", words: object, code: object = None
    ) -> ErrorT:
        """
        An error of a kind, with the provider's own words and code, and the remedy::

            raise self.error(NO.get(code, Refused), reply, said, code)
        """
        return kind(
            refusals.message(kind, self.title, words, code),
            reply=reply,
            retry_after=refusals.retry_after(reply),
            provider=self.name,
            code=refusals.code_text(code),
            remedy=self._remedy(kind),
        )

    def unexpected(self, reply: "httpx.Response", problem: str) -> UnexpectedReply:
        """The error for an answer that cannot be read; it quotes any message found in it."""
        if not reply.status_code:  # There is none.
            return UnexpectedReply(f"{self.title}: {problem}.", reply=reply, provider=self.name)
        text = f"{self.title} sent an unexpected reply (HTTP {reply.status_code}: {problem})."
        return UnexpectedReply(
            f"{text} {summarize_body(reply.content)}".strip(), reply=reply, provider=self.name
        )

    def invalid_callback(self, problem: object) -> UnexpectedReply:
        """The error for a call to the user's webhook that cannot be read."""
        return UnexpectedReply(
            f"This is not a callback from {self.title}: {sanitize(problem, 160)}.",
            provider=self.name,
        )

    def option_refused(self, option: str, problem: str) -> OptionRefused:
        """The error for `check`; `problem` says what is wrong with the option and what to do."""
        message = f"{self.title}: {problem}"
        if option in ("image", "end_image"):
            return ImageRefused(message, option=option, provider=self.name)
        return OptionRefused(message, option=option, provider=self.name)

    def _remedy(self, kind: type[ProviderError]) -> Remedy | None:
        if issubclass(kind, KeyRejected):
            return Remedy("set_key", variable=self.key_variable, page=self.key_page)
        if issubclass(kind, OutOfCredit):
            return Remedy("top_up", page=self.key_page)
        return None
