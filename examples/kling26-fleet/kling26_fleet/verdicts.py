"""What an error means for a row: whether it is handed out again, and when."""

from typing import Literal

from kling26.core import (
    BudgetExceeded,
    JournalError,
    Kling26Error,
    NotDelivered,
    ProviderError,
    SettingsError,
    TryLater,
    Unavailable,
    UnknownProvider,
    Unreachable,
)

Verdict = Literal[
    "later",  # the same may work, or is being made
    "unknown",  # perhaps paid: only a person can tell
    "unfit",  # this machine lacks a key, a plug-in or a setting; others may not
    "failed",  # the same will fail again
]

#: How long a row waits before it is handed out again, in seconds: twice as long each time.
_FIRST_WAIT, _LONGEST_WAIT = 15.0, 600.0
#: Paid or free to ask for, or not taken for now; a budget is that of the last hours.
_PASSING = (NotDelivered, TryLater, Unreachable, Unavailable, JournalError, BudgetExceeded)


def verdict(error: Kling26Error) -> Verdict:
    """What an error means for the row that it came of."""
    remedy = None if error.remedy is None else error.remedy.do
    if remedy == "set_key" or isinstance(error, SettingsError | UnknownProvider):
        return "unfit"
    if isinstance(error, NotDelivered) and remedy in ("adopt", "resubmit"):
        return "unknown"
    return "later" if isinstance(error, _PASSING) else "failed"


def wait(error: Kling26Error, attempts: int) -> float:
    """Seconds until a row is handed out again that was before, `attempts` times."""
    asked = error.retry_after if isinstance(error, ProviderError) else None
    return max(asked or 0.0, min(_FIRST_WAIT * 2.0 ** min(attempts, 10), _LONGEST_WAIT))
