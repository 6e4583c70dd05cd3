"""What every provider makes of replies: the methods of `Provider` that are there to be used."""

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args

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
    Unavailable,
    UnexpectedReply,
)
from .status import State, Status
from .text import sanitize, summarize_body

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=ProviderError)

#: Words that mean what they say, unless `Replies.states` has them.
_OUR_WORDS: Mapping[str, State] = {
    **{state: state for state in get_args(State)},
    "canceled": "cancelled",
}


class Replies:
    """How replies are read, and what they become. Nothing here sends, waits, or knows a key."""

    name: ClassVar[str]
    title: ClassVar[str]
    key_variable: ClassVar[str]
    key_page: ClassVar[str | None] = None
    #: What the service's words for the state of a task mean. Ours need not be listed.
    states: ClassVar[Mapping[str, State]] = {}
    #: What its errors mean: by a compiled pattern that is found in their words, else by their code,
    #: else by the HTTP status. An HTTP error that is not listed is `Refused`.
    errors: ClassVar[refusals.Errors] = refusals.USUAL
    #: The codes that mean success, where replies have a code even under HTTP 200: ``(0,)``.
    success_codes: ClassVar[tuple[int | str, ...]] = ()

    #: The header with the code of an error, where services have one.
    error_header: ClassVar[str] = "x-error-code"

    def find_error(self, reply: "httpx.Response") -> tuple[str | None, str | None]:
        """The service's words and its code in a reply with an error; override for odd places."""
        words, code = refusals.find_error(self.read(reply, dict))
        return words, reply.headers.get(self.error_header) or code

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

    def any_status(
        self, request: "httpx.Request"
    ) -> Generator["httpx.Request", "httpx.Response", "httpx.Response"]:
        """
        The reply to a request, even under HTTP 5xx::

            reply = yield from self.any_status(httpx.Request("GET", url))

        For services that tell the failure of a task like this; `failure` says whether it is one,
        and `raise_for_error` raises what else it is. Not for the request that pays.
        """
        try:
            return (yield request)
        except Unavailable as trouble:
            if trouble.reply is None:
                raise
            return trouble.reply

    def raise_for_error(self, reply: "httpx.Response", asking: bool = False) -> dict[str, Any]:
        """
        Raise the error that a reply is, with the service's words; return its JSON if it is none.

        `asking` says that the question was about a task, so that 404 is `NoSuchTask`. What is not
        clearly a "no" is never `Refused`: an error without a reason, or an unknown code under
        HTTP 200, is an `UnexpectedReply`.
        """
        words, code = self.find_error(reply)
        fine = code is not None and code in map(str, self.success_codes)
        if not reply.is_error and (fine or not self.success_codes):
            return self.read(reply, dict)
        if fine:
            raise self.unexpected(reply, f"code {code} under an HTTP error")
        kind = refusals.meaning(self.errors, reply.status_code, words, code)
        if code is None and self.success_codes and (kind is None or not reply.is_error):
            raise self.unexpected(reply, "there is no code")
        if words is None and code is None and kind is not Unavailable:
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
        code. A code that `states` knows as "cancelled" makes a failure one. `reply` is the reply to
        `poll`, and is left out for a call to the webhook, which needs a `task_id`.

        What a task says of itself counts: with its id and a known state, or its video, even under
        an HTTP error. Otherwise raises the error that the reply is, and `UnexpectedReply` if there
        is neither a state nor a video.
        """
        states = {**_OUR_WORDS, **self.states}
        video, own_id = wire.find_video(url), wire.identifier(task_id)
        is_clear = isinstance(said, str) and bool(said.strip())
        if reply is None:
            if own_id is None or not (is_clear or video):
                raise self.invalid_callback("it has no id and state of a task")
        else:
            known = video is not None or wire.state(said, states) is not None
            may_be_error = reply.is_error or self.find_error(reply)[1] is not None
            if not known or (own_id is None and may_be_error):
                self.raise_for_error(reply, asking=True)
            if not (is_clear or video):
                raise self.unexpected(reply, "the task's state is missing")
        state = self.state(said, states, video)
        parts = reason if isinstance(reason, Mapping) else {}
        words, found_code = refusals.find_error({"error": reason, **parts})
        code = wire.text(code) or found_code
        if state == "failed" and wire.state(code, self.states) == "cancelled":
            state = "cancelled"
        ended, bad = state not in ("queued", "running"), state in ("failed", "cancelled")
        return Status(
            state,
            url=video if state == "succeeded" else None,
            cost=wire.number(cost) if ended else None,
            cost_unit=wire.text(cost_unit) if ended else None,
            code=code if bad else None,
            reason=words if bad else None,
            position=wire.integer(position),
            task_id=own_id,
        )

    def failure(self, reply: "httpx.Response") -> Status | None:
        """
        The failed or cancelled task that an error stands for, where services answer with one.

        None if there is no error, or if it is about the question, or passes: one that `errors`
        lists, or HTTP 5xx without a code of the service's own.
        """
        (words, code), status = self.find_error(reply), reply.status_code
        if words is None and code is None:
            return None
        kind = refusals.meaning(self.errors, min(status, 400), words, code)
        passes = status in self.errors or kind not in (None, Refused)
        if reply.is_error and (passes or (status >= 500 and code is None)):
            return None
        cancelled = wire.state(code, self.states) == "cancelled"
        return Status("cancelled" if cancelled else "failed", code=code, reason=words)

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
