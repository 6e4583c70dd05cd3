"""What a submit asks an emulator for, and why it may be refused."""

from typing import Literal

from attrs import frozen

from .faults import FaultName
from .video import Clip

#: Why an emulator refuses a request.
RefusalReason = Literal[
    "key",
    "credit",
    "rate_limit",
    "rate_limit_in_body",
    "maintenance",
    "error",
    "error_in_200",
    "no_such_task",
    "no_such_path",
]

#: The faults that refuse a submit before a task is created, and the reason that is given.
REFUSED_SUBMITS: dict[FaultName, RefusalReason] = {
    "rate_limit": "rate_limit",
    "rate_limit_in_body": "rate_limit_in_body",
    "maintenance": "maintenance",
    "no_credit": "credit",
    "error_before_accept": "error",
}

#: A prompt that contains this word leads to a task that fails.
FAIL_WORD = "[fail]"


@frozen
class Submission:
    """What the body of an acceptable submit asks for."""

    model: str
    clip: Clip
    #: The client's own id of the task, and the URL of its webhook.
    external_id: str | None = None
    callback_url: str | None = None
    #: Why the task will fail, if it will.
    failure: str | None = None
    #: The pictures, the first frame before the last: their bytes, or their URLs elsewhere.
    images: tuple[bytes | str, ...] = ()
