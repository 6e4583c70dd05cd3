"""
The public names for programs and plug-ins; most are imported from here.

>>> from kling26.core import VideoRequest
>>> VideoRequest("A red fox trots through fresh snow").duration
5
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .api import GenerateKeywords, ManyKeywords, agenerate, generate, generate_many
from .bodies import form_request, image_text, without_none
from .errors import (
    BudgetExceeded,
    ImageRefused,
    JournalBusy,
    JournalError,
    KeyRejected,
    Kling26Error,
    MissingKey,
    NetworkSettingsError,
    NoSuchTask,
    NotApplicable,
    NotDelivered,
    NotSent,
    OptionRefused,
    OutcomeUnknown,
    OutOfCredit,
    OutputRefused,
    PaymentForbidden,
    ProviderError,
    Refused,
    Remedy,
    ResultUnavailable,
    SettingsError,
    StillRunning,
    TaskCancelled,
    TaskFailed,
    TryLater,
    Unavailable,
    UnexpectedReply,
    UnknownProvider,
    UnknownTask,
    Unreachable,
    UsageError,
)
from .hookspecs import Sandbox, hookimpl
from .images import ImageFile
from .limits import Limits
from .options import NoOptions, option
from .progress import Listener, Progress
from .provider import Flow, Provider
from .request import AspectRatio, VideoRequest
from .settings import Settings
from .status import Standing, State, Status, Ticket
from .usual_options import cfg_scale_option, negative_prompt_option
from .webhooks import StandardWebhooks

if TYPE_CHECKING:
    from .journal.task import Task
    from .money import Balance, Price
    from .rows import fill_outputs, read_rows
    from .runner.cancel import Cancellation
    from .runner.many import Row, RowOutcome
    from .runner.preview import Preview
    from .runner.results import Outcome, Video
    from .runner.runner import Runner

__all__ = [
    "AspectRatio",
    "Balance",
    "BudgetExceeded",
    "Cancellation",
    "Flow",
    "GenerateKeywords",
    "ImageFile",
    "ImageRefused",
    "JournalBusy",
    "JournalError",
    "KeyRejected",
    "Kling26Error",
    "Limits",
    "Listener",
    "ManyKeywords",
    "MissingKey",
    "NetworkSettingsError",
    "NoOptions",
    "NoSuchTask",
    "NotApplicable",
    "NotDelivered",
    "NotSent",
    "OptionRefused",
    "OutOfCredit",
    "Outcome",
    "OutcomeUnknown",
    "OutputRefused",
    "PaymentForbidden",
    "Preview",
    "Price",
    "Progress",
    "Provider",
    "ProviderError",
    "Refused",
    "Remedy",
    "ResultUnavailable",
    "Row",
    "RowOutcome",
    "Runner",
    "Sandbox",
    "Settings",
    "SettingsError",
    "StandardWebhooks",
    "Standing",
    "State",
    "Status",
    "StillRunning",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "Ticket",
    "TryLater",
    "Unavailable",
    "UnexpectedReply",
    "UnknownProvider",
    "UnknownTask",
    "Unreachable",
    "UsageError",
    "Video",
    "VideoRequest",
    "agenerate",
    "cfg_scale_option",
    "fill_outputs",
    "form_request",
    "generate",
    "generate_many",
    "hookimpl",
    "image_text",
    "negative_prompt_option",
    "option",
    "read_rows",
    "without_none",
]

#: Loaded on first use, by module: the runner imports SQLAlchemy, and plug-ins need none of these.
_LAZY = {
    "Balance": "money",
    "Cancellation": "runner.cancel",
    "Outcome": "runner.results",
    "Preview": "runner.preview",
    "Price": "money",
    "Row": "runner.many",
    "RowOutcome": "runner.many",
    "Runner": "runner.runner",
    "Task": "journal.task",
    "Video": "runner.results",
    "fill_outputs": "rows",
    "read_rows": "rows",
}


def _load(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = found
    return found


if not TYPE_CHECKING:  # With it, type checkers would accept any name.
    __getattr__ = _load


def __dir__() -> list[str]:
    return __all__
