"""What an emulator can be told to do wrong, once or several times."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import field, frozen, validators

Step = Literal["upload", "submit", "poll", "end", "download"]

FaultName = Literal[
    "upload_500",
    "upload_reset",
    "rate_limit",
    "rate_limit_in_body",
    "maintenance",
    "no_credit",
    "error_before_accept",
    "error_after_accept",
    "reset_before_accept",
    "reset_after_accept",
    "cut_body_with_id",
    "cut_body_without_id",
    "html_page",
    "slow",
    "poll_429",
    "poll_503",
    "poll_reset",
    "poll_html",
    "poll_wrong_types",
    "poll_unknown_state",
    "poll_error_in_200",
    "poll_no_such_task",
    "failed_task",
    "success_without_url",
    "late_url",
    "expired_link",
    "download_403",
    "download_500",
    "cut_download",
    "cut_download_no_range",
    "wrong_length",
    "short_video",
    "html_instead_of_video",
    "junk_video",
    "redirect_loop",
    "slow_download",
]

_BY_STEP: dict[Step, dict[FaultName, str]] = {
    "upload": {
        "upload_500": "An upload is answered with HTTP 500.",
        "upload_reset": "The connection of an upload breaks without an answer.",
    },
    "submit": {
        "rate_limit": "A submit is refused for now with HTTP 429.",
        "rate_limit_in_body": "A submit is refused for now, in a body under HTTP 200.",
        "maintenance": "A submit is refused for now because of maintenance.",
        "no_credit": "A submit is refused because the account is empty.",
        "error_before_accept": "A submit is answered with a server error; no task was made.",
        "error_after_accept": "A submit is answered with a server error, but the task was made.",
        "reset_before_accept": "The connection of a submit breaks; no task was made.",
        "reset_after_accept": "The connection of a submit breaks, but the task was made.",
        "cut_body_with_id": "The answer to a submit breaks off just after the task's id.",
        "cut_body_without_id": "The answer to a submit breaks off just before the task's id.",
        "html_page": "The task was made, but the answer is a web page.",
        "slow": "The task was made, but the answer takes minutes.",
    },
    "poll": {
        "poll_429": "A status request is answered with HTTP 429.",
        "poll_503": "A status request is answered with HTTP 503.",
        "poll_reset": "The connection of a status request breaks without an answer.",
        "poll_html": "A status request is answered with a web page.",
        "poll_wrong_types": "A status answer has every value in another JSON type.",
        "poll_unknown_state": "A status answer names a state that no document lists.",
        "poll_error_in_200": "A status request is answered with an error under HTTP 200.",
        "poll_no_such_task": "A status request is told that there is no such task.",
    },
    "end": {
        "failed_task": "A task fails at the provider.",
        "success_without_url": "A status answer tells of success, but has no link yet.",
        "late_url": "A task succeeds some seconds before its link appears.",
        "expired_link": "A task's link has expired by the time it is told.",
    },
    "download": {
        "download_403": "A download is forbidden.",
        "download_500": "A download is answered with HTTP 500.",
        "cut_download": "A download breaks in the middle, and can be resumed.",
        "cut_download_no_range": "A download breaks in the middle, and must start again.",
        "wrong_length": "A download ends before the length that was announced.",
        "short_video": "A download is whole by its announced length, but half the video.",
        "html_instead_of_video": "A download brings a web page.",
        "junk_video": "A download brings bytes that are no video.",
        "redirect_loop": "A download is redirected for ever.",
        "slow_download": "A download arrives in small pieces with pauses between them.",
    },
}

#: Every fault, by name, in one sentence.
FAULTS: dict[FaultName, str] = {
    name: sentence for faults in _BY_STEP.values() for name, sentence in faults.items()
}

STEPS: dict[FaultName, Step] = {name: step for step, faults in _BY_STEP.items() for name in faults}


_seconds = validators.optional(
    validators.and_(validators.instance_of((int, float)), validators.ge(0))
)


@frozen
class Fault:
    """
    A misbehaviour, and how many times in a row it shows.

    ``Fault("rate_limit", times=2, retry_after=10)`` refuses the next two submits.
    """

    name: FaultName = field(validator=validators.in_(get_args(FaultName)))
    times: int = field(default=1, validator=[validators.instance_of(int), validators.ge(1)])
    #: Sent as Retry-After with a 429, 455 or 5xx; None: the header is left out.
    retry_after: float | None = field(default=None, validator=_seconds)
    #: How long `slow` and `late_url` take, and each pause of `slow_download`.
    seconds: float | None = field(default=None, validator=_seconds)
    #: Which server error `error_before_accept` and `error_after_accept` answer with.
    status: int = field(default=500, validator=validators.in_(range(400, 600)))


class Reset(BaseException):
    """
    The connection breaks here.

    Not an Exception: no middleware shall turn it into an answer.
    """
