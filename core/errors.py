"""
Every error that kling26 raises, as one tree.

::

    Kling26Error
    ├── UsageError              before anything is sent: change the request or the set-up
    │   ├── UnknownProvider     no installed provider has that name
    │   ├── UnknownTask         the journal has no such task
    │   ├── NotApplicable       the task is in the wrong state for this
    │   ├── OptionRefused       a value or an option that the provider does not accept
    │   ├── ImageRefused        the image cannot be read, or the provider does not accept it
    │   ├── OutputRefused       the video cannot be written to the given path
    │   ├── PaymentForbidden    a plug-in does not let this video be paid for
    │   ├── BudgetExceeded      one more video would cost more than may be spent
    │   ├── NotSent             a row of many was held back, because of another one or the time
    │   ├── MissingKey          no API key for the provider
    │   └── SettingsError       a settings file or variable is invalid
    ├── JournalError            the record of paid tasks cannot be read or written
    │   └── JournalBusy         other processes kept it locked for too long
    ├── ProviderError           the provider refused, failed or was unreachable
    │   ├── Unreachable         no connection was made, so the request had no effect
    │   │   └── NetworkSettingsError  because of a proxy or a certificate: also a SettingsError
    │   ├── TryLater            not accepted now; try again later (429, 455)
    │   ├── Refused             not accepted, with the provider's reason
    │   │   ├── KeyRejected     the key is wrong, expired or not allowed
    │   │   └── OutOfCredit     the account has too little credit
    │   ├── NoSuchTask          the provider does not know the task
    │   ├── Unavailable         the provider failed (5xx), or the connection broke
    │   └── UnexpectedReply     the reply is in a form this version cannot read
    ├── TaskFailed              the provider accepted the task but could not make the video
    │   └── TaskCancelled       the task was cancelled at the provider
    └── NotDelivered            paid, or possibly paid, but not here yet; can be resumed
        ├── StillRunning        the time-out passed before the video was done
        ├── OutcomeUnknown      the answer to the paid request was lost
        └── ResultUnavailable   the video is done, but could not be fetched

The message says what happened, in a sentence. What helps is data, a `Remedy`, because the steps
differ between the command line, ComfyUI and Python. Neither ever contains a key::

    request = VideoRequest("A red fox in the snow")
    try:
        video = generate(request, provider="kie", timeout=60)
    except StillRunning as error:
        print(error, error.remedy)
        video = generate(request, provider="kie")  # Joins the same task: nothing is paid twice.

`Runner.resume` finishes a task by its id, `error.task`.
"""

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx


@frozen
class Remedy:
    """
    What the user can do about an error, or about an unfinished task.

    `set_key`: set another API key, in the environment (`variable`) or the key file; `page` is where
    the provider issues keys. `top_up`: buy credit. `change`: use another value for `option`.
    `wait`: try again later. `resume`: resume the task. `adopt`: look for the task on `page`, where
    the provider lists those of the account; give it the id that it has there, or resubmit it if it
    is not there. `resubmit`: the same, of a provider that has no such page.
    """

    do: Literal["set_key", "top_up", "change", "wait", "resume", "adopt", "resubmit"]
    option: str | None = None
    variable: str | None = None
    page: str | None = None


class Kling26Error(Exception):
    """
    Base class of every error shown to users.

    Attributes are None where they do not apply: `provider` (its name), `task` (our id),
    `task_id` (the provider's id), `code` (the provider's own code, as text), `remedy`.

    If any provider might have made the video, and none would, `reasons` has a sentence on each.
    """

    reasons: "Sequence[str]" = ()

    #: The remedy of errors of this class that are given no other.
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
        """Attach the task to the error; returns the error itself."""
        self.task = task
        self.provider = provider
        self.task_id = task_id if self.task_id is None else self.task_id
        return self


class UsageError(Kling26Error):
    """Nothing was sent: the request or the set-up has to change first."""


class UnknownProvider(UsageError):
    """No installed provider has that name."""


class UnknownTask(UsageError):
    """The journal has no task with that id."""


class NotApplicable(UsageError):
    """The task is in the wrong state for this."""


class OptionRefused(UsageError):
    """A value or an option that the chosen provider does not accept."""

    def __init__(self, message: str, *, option: str, provider: str | None = None) -> None:
        super().__init__(message, provider=provider, remedy=Remedy("change", option=option))
        self.option = option


class ImageRefused(OptionRefused):
    """The image cannot be read, or the provider does not accept it."""

    def __init__(self, message: str, *, option: str = "image", provider: str | None = None) -> None:
        super().__init__(message, option=option, provider=provider)


class OutputRefused(UsageError):
    """The video cannot be written to the given path."""


class PaymentForbidden(UsageError):
    """A plug-in does not let this video be paid for, and says why."""


class BudgetExceeded(UsageError):
    """One more video would cost more than may be spent; `setting` is the limit's name."""

    def __init__(self, message: str, *, setting: str) -> None:
        super().__init__(message, remedy=Remedy("change", option=setting))
        self.setting = setting


class NotSent(UsageError):
    """A row of many was held back: because of what became of another one, or of the time."""


class MissingKey(UsageError):
    """There is no API key for the provider, neither in the environment nor stored."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("set_key")


class SettingsError(UsageError):
    """A settings file or an environment variable is invalid."""


class JournalError(Kling26Error):
    """The record of paid tasks cannot be read or written; without it nothing is sent."""


class JournalBusy(JournalError):
    """Other processes kept the journal locked for too long."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class ProviderError(Kling26Error):
    """
    The provider refused the request, failed, or was unreachable.

    `reply` is whatever arrived of the answer, and `retry_after` the wait that it asked for, in
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
    """No connection was made, so the request had no effect."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class NetworkSettingsError(Unreachable, SettingsError):
    """No connection can be made with this machine's proxy, or with its certificates."""

    usual_remedy: ClassVar[Remedy | None] = None


class TryLater(ProviderError):
    """The provider did not accept the request for now; try again after `retry_after` seconds."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class Refused(ProviderError):
    """The provider refused the request and gave its reason; nothing was paid."""


class KeyRejected(Refused):
    """The provider does not accept the key."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("set_key")


class OutOfCredit(Refused):
    """The account has too little credit for the request."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("top_up")


class NoSuchTask(ProviderError):
    """The provider does not know the task."""


class Unavailable(ProviderError):
    """The provider failed (HTTP 5xx), or the connection broke before a `reply` arrived."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("wait")


class UnexpectedReply(ProviderError):
    """The reply is in a form that this version cannot read."""


class TaskFailed(Kling26Error):
    """The provider accepted the task but could not make the video."""


class TaskCancelled(TaskFailed):
    """The task was cancelled at the provider."""


class NotDelivered(Kling26Error):
    """Paid, or possibly paid, but not here yet; `task` can be resumed."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("resume")


class StillRunning(NotDelivered):
    """The time-out passed before the video was done; the provider is still making it."""


class OutcomeUnknown(NotDelivered):
    """The answer to the paid request was lost, so the provider may or may not have the task."""

    usual_remedy: ClassVar[Remedy | None] = Remedy("adopt")


class ResultUnavailable(NotDelivered):
    """The video is done at the provider, but could not be fetched."""
