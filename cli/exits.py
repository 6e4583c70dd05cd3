"""The exit statuses of the command line."""

from ..core.errors import (
    JournalBusy,
    JournalError,
    Kling26Error,
    NotDelivered,
    ProviderError,
    TaskFailed,
    UsageError,
)

#: A bug of ours, or an output that cannot be written.
BROKEN = 1
#: Refused before anything was sent.
USAGE = 2
#: Not taken, so nothing was paid: the same may work another time.
NOT_TAKEN = 3
FAILED = 4
#: Paid, or perhaps paid, and not here yet.
NOT_DELIVERED = 5
INTERRUPTED = 130

_STATUSES: dict[type[Kling26Error], int] = {
    UsageError: USAGE,
    JournalBusy: NOT_TAKEN,
    JournalError: USAGE,
    ProviderError: NOT_TAKEN,
    TaskFailed: FAILED,
    NotDelivered: NOT_DELIVERED,
}


def exit_status(error: Kling26Error) -> int:
    """The exit status of a command that ended with this error."""
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), BROKEN)
