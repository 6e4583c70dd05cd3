"""
Everything that can go wrong, as one tree.

::

    Kling26Error
    ├── UsageError              before anything is sent: change the request or the set-up
    │   ├── UnknownProvider     no installed provider has that name
    │   ├── UnknownTask         the journal has no such task
    │   ├── NotApplicable       the task is not in a state that this can be done to
    │   ├── OptionRefused       a value or an option the provider does not take
    │   ├── ImageRefused        the picture cannot be read or is not what the provider takes
    │   ├── OutputRefused       the video could not be written where it was asked for
    │   ├── MissingKey          no API key for the provider
    │   └── SettingsError       a settings file or variable makes no sense
    ├── JournalError            the record of paid tasks cannot be kept, so nothing is sent
    │   └── JournalBusy         other processes kept it busy for longer than it is waited for
    ├── ProviderError           the provider was asked, and this came back
    │   ├── Unreachable         no connection was made: the request certainly had no effect
    │   ├── TryLater            not taken now, in the provider's own words (429, 455)
    │   ├── Refused             not taken, in the provider's own words
    │   │   ├── KeyRejected     the key is wrong, expired or not allowed
    │   │   └── OutOfCredit     the account has too little credit
    │   ├── NoSuchTask          the provider does not know the task
    │   ├── Unavailable         the provider is in trouble (5xx) or the connection broke
    │   └── UnexpectedReply     it answered in a form this version cannot read
    ├── TaskFailed              the provider took the task and could not make the video
    │   └── TaskCancelled       the task was cancelled at the provider
    └── NotDelivered            paid, or perhaps paid, and not here yet; the task can be continued
        ├── StillRunning        the time was up before the video was done
        ├── OutcomeUnknown      the answer to the paid request was lost
        └── ResultUnavailable   the video is done, but could not be fetched

The text of each says what happened, in a sentence. What helps is data, the `Remedy`: how it is
done differs between the command line, ComfyUI and Python. No key is ever in either::

    try:
        video = generate(VideoRequest("A red fox in the snow"), provider="kie")
    except NotDelivered as error:
        print(error, error.remedy)
        video = resume(error.task)
"""

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from attrs import frozen

if TYPE_CHECKING:
    import httpx


@frozen
class Remedy:
    """
    What helps after an error, or carries a task on.

    `set_key`: give another API key, in `variable` or in the store; `page` is where the provider
    hands keys out. `top_up`: buy credit. `change`: ask with another value of `option`. `wait`: ask
    again later. `resume`: carry the task on. `resubmit`: look at `page`, where the provider lists
    the account's tasks, and if the task is not there, submit it again.
    """

    do: Literal["set_key", "top_up", "change", "wait", "resume", "resubmit"]
    option: str | None = None
    variable: str | None = None
    page: str | None = None


class Kling26Error(Exception):
    """
    Base class of every error shown to users.

    Attributes are None where they do not apply: `provider` (its name), `task` (our id),
    `task_id` (the provider's id), `code` (the provider's own code, as text), `remedy` (what helps).
    """

    #: What usually helps after an error of this class.
    usual_remedy: ClassVar[Remedy | None] = None

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        task: str | None = None,
        task_id: str | None = None,
        code: str | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.task = task
        self.task_id = task_id
        self.code = code
        self.remedy: Remedy | None = remedy or self.usual_remedy

    def __str__(self) -> str:
        return self.message

    def about(self, *, task: str, provider: str, task_id: str | None = None) -> Self:
        """The same error, told which task of the journal it is about."""
        self.task = task
        self.provider = provider
        self.task_id = task_id if self.task_id is None else self.task_id
        return self


class UsageError(Kling26Error):
    """Nothing was sent: the request or the set-up has to change first."""


class UnknownProvider(UsageError):
    """No installed provider has that name."""


class UnknownTask(UsageError):
    """The journal has no task of that id."""


class NotApplicable(UsageError):
    """The task is not in a state that this can be done to."""


class OptionRefused(UsageError):
    """A value or an option that the chosen provider does not take."""

    def __init__(self, message: str, *, option: str, provider: str | None = None) -> None:
        super().__init__(message, provider=provider, remedy=Remedy("change", option=option))
        self.option = option


class ImageRefused(OptionRefused):
    """The picture cannot be read, or is not what the provider takes."""

    def __init__(self, message: str, *, provider: str | None = None) -> None:
        super().__init__(message, option="image", provider=provider)


class OutputRefused(UsageError):
    """The video cannot be written where it was asked for."""


class MissingKey(UsageError):
    """There is no API key for the provider, neither in the environment nor stored."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("set_key")


class SettingsError(UsageError):
    """A settings file or an environment variable makes no sense."""


class JournalError(Kling26Error):
    """The record of paid tasks cannot be read or written; without it nothing is sent."""


class JournalBusy(JournalError):
    """Other processes kept the journal busy for longer than it is waited for."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class ProviderError(Kling26Error):
    """
    What came back when the provider was asked.

    `reply` is the answer, as far as there was one; `retry_after` is the wait that it asked for, in
    seconds. Each may be None.
    """

    def __init__(
        self,
        message: str,
        *,
        reply: "httpx.Response | None" = None,
        retry_after: float | None = None,
        provider: str | None = None,
        code: str | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(message, provider=provider, code=code, remedy=remedy)
        self.reply = reply
        self.retry_after = retry_after


class Unreachable(ProviderError):
    """No connection was made, so the request certainly had no effect."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class TryLater(ProviderError):
    """The provider said that it did not take the request and to try later (`retry_after`)."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class Refused(ProviderError):
    """The provider said no, in its own words; nothing was paid."""


class KeyRejected(Refused):
    """The provider does not accept the key."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("set_key")


class OutOfCredit(Refused):
    """The account has too little credit for the request."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("top_up")


class NoSuchTask(ProviderError):
    """The provider says that it does not know the task."""


class Unavailable(ProviderError):
    """The provider is in trouble (HTTP 5xx), or the connection broke before the `reply`."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class UnexpectedReply(ProviderError):
    """The provider answered in a form that this version cannot read."""


class TaskFailed(Kling26Error):
    """The provider took the task and could not make the video."""


class TaskCancelled(TaskFailed):
    """The task was cancelled at the provider."""


class NotDelivered(Kling26Error):
    """Paid, or perhaps paid, and not here yet; `task` can be continued."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("resume")


class StillRunning(NotDelivered):
    """The time was up before the video was done; the provider goes on making it."""


class OutcomeUnknown(NotDelivered):
    """The answer to the paid request was lost: a task may exist at the provider, or not."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("resubmit")


class ResultUnavailable(NotDelivered):
    """The video is done at the provider, but could not be fetched."""
