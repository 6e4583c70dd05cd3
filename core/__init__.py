"""
What is true of every provider, and the public names.

>>> from kling26.core import VideoRequest
>>> VideoRequest("A red fox trots through fresh snow").duration
5
"""

from .api import agenerate, generate
from .errors import (
    ImageRefused,
    JournalError,
    KeyRejected,
    Kling26Error,
    MissingKey,
    NoSuchTask,
    NotDelivered,
    OptionRefused,
    OutcomeUnknown,
    OutOfCredit,
    OutputRefused,
    ProviderError,
    Refused,
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
from .options import NoOptions, option
from .progress import Progress
from .provider import Flow, Limits, Provider
from .request import AspectRatio, ImageFile, VideoRequest
from .status import State, Status, Ticket

__all__ = [
    "AspectRatio",
    "Flow",
    "ImageFile",
    "ImageRefused",
    "JournalError",
    "KeyRejected",
    "Kling26Error",
    "Limits",
    "MissingKey",
    "NoOptions",
    "NoSuchTask",
    "NotDelivered",
    "OptionRefused",
    "OutOfCredit",
    "OutcomeUnknown",
    "OutputRefused",
    "Progress",
    "Provider",
    "ProviderError",
    "Refused",
    "ResultUnavailable",
    "Sandbox",
    "SettingsError",
    "State",
    "Status",
    "StillRunning",
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
    "VideoRequest",
    "agenerate",
    "generate",
    "hookimpl",
    "option",
]
