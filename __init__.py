"""
Kling 2.6 video generation for ComfyUI, the command line and Python, through plug-in providers.

Here is what makes videos; `kling26.core` has that too, and what the author of a plug-in needs.
"""

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core import (
        AspectRatio,
        Balance,
        BudgetExceeded,
        Cancellation,
        ImageFile,
        ImageRefused,
        JournalBusy,
        JournalError,
        KeyRejected,
        Kling26Error,
        Listener,
        MissingKey,
        NetworkSettingsError,
        NoSuchTask,
        NotApplicable,
        NotDelivered,
        NotSent,
        OptionRefused,
        Outcome,
        OutcomeUnknown,
        OutOfCredit,
        OutputRefused,
        PaymentForbidden,
        Preview,
        Price,
        Progress,
        ProviderError,
        Refused,
        Remedy,
        ResultUnavailable,
        Row,
        RowOutcome,
        Runner,
        Settings,
        SettingsError,
        StillRunning,
        Task,
        TaskCancelled,
        TaskFailed,
        TryLater,
        Unavailable,
        UnexpectedReply,
        UnknownProvider,
        UnknownTask,
        Unreachable,
        UsageError,
        Video,
        VideoRequest,
        agenerate,
        fill_outputs,
        generate,
        generate_many,
        read_rows,
    )

    __version__: str

__all__ = [
    "AspectRatio",
    "Balance",
    "BudgetExceeded",
    "Cancellation",
    "ImageFile",
    "ImageRefused",
    "JournalBusy",
    "JournalError",
    "KeyRejected",
    "Kling26Error",
    "Listener",
    "MissingKey",
    "NetworkSettingsError",
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
    "ProviderError",
    "Refused",
    "Remedy",
    "ResultUnavailable",
    "Row",
    "RowOutcome",
    "Runner",
    "Settings",
    "SettingsError",
    "StillRunning",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TryLater",
    "Unavailable",
    "UnexpectedReply",
    "UnknownProvider",
    "UnknownTask",
    "Unreachable",
    "UsageError",
    "Video",
    "VideoRequest",
    "__version__",
    "agenerate",
    "fill_outputs",
    "generate",
    "generate_many",
    "read_rows",
]


# ComfyUI runs this file at its start, so what is public is loaded when it is first asked for.
def _load(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        found: object = import_module("kling26.core.version").version()
    else:
        found = getattr(import_module("kling26.core"), name)
    globals()[name] = found
    return found


if not TYPE_CHECKING:  # Type checkers would take it that any name is there.
    __getattr__ = _load


def __dir__() -> list[str]:
    return __all__


# ComfyUI runs this file under the path of its folder, pytest under the folder's bare name.
# Plug-ins import `kling26.core`, so the package is loaded here once under its own name: one copy
# of every class, however many doors lead to it.
if __name__ != "kling26" and "kling26" not in sys.modules:
    _spec = spec_from_file_location("kling26", __file__)
    assert _spec
    assert _spec.loader
    sys.modules["kling26"] = module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["kling26"])

if not TYPE_CHECKING and __name__ != "kling26":
    from kling26.comfy_bridge import runs

    if runs(__file__):
        from kling26.comfy_bridge import WEB_DIRECTORY as WEB_DIRECTORY
        from kling26.comfy_bridge import comfy_entrypoint as comfy_entrypoint
    else:  # Another copy does; this one has neither a node nor a page.
        NODE_CLASS_MAPPINGS: dict[str, object] = {}
