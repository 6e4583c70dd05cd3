"""The faults an emulator can show on demand, once or several times in a row."""

from typing import Literal

from attrs import Attribute, field, frozen, validators

from ..core.text import did_you_mean, join_words, sanitize

#: The part of a task's life in which a fault shows.
Step = Literal["upload", "submit", "poll", "end", "download"]

#: The names of all faults; a test checks that they are those of `FAULTS`.
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
    "late_cost",
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

#: Every fault, by the step it shows in: its name, and one sentence about it.
FAULTS_BY_STEP: dict[Step, dict[FaultName, str]] = {
    "upload": {
        "upload_500": "An upload fails with HTTP 500.",
        "upload_reset": "The connection breaks during an upload.",
    },
    "submit": {
        "rate_limit": "A submit is rate-limited with HTTP 429; no task is created.",
        "rate_limit_in_body": "A submit is rate-limited by an error under HTTP 200.",
        "maintenance": "A submit is refused because of maintenance.",
        "no_credit": "A submit is refused because the account has no credit.",
        "error_before_accept": "A submit fails with a server error; no task is created.",
        "error_after_accept": "A submit fails with a server error, but the task is created.",
        "reset_before_accept": "The connection breaks during a submit; no task is created.",
        "reset_after_accept": "The connection breaks during a submit, but the task is created.",
        "cut_body_with_id": "The response to a submit breaks off just after the task's id.",
        "cut_body_without_id": "The response to a submit breaks off just before the task's id.",
        "html_page": "The task is created, but the response is a web page.",
        "slow": "The task is created, but the response takes minutes.",
    },
    "poll": {
        "poll_429": "A status request is rate-limited with HTTP 429.",
        "poll_503": "A status request fails with HTTP 503.",
        "poll_reset": "The connection breaks during a status request.",
        "poll_html": "A status request returns a web page.",
        "poll_wrong_types": "A status response has every value in the wrong JSON type.",
        "poll_unknown_state": "A status response names an undocumented state.",
        "poll_error_in_200": "A status request returns an error under HTTP 200.",
        "poll_no_such_task": "A status request says that there is no such task.",
    },
    "end": {
        "failed_task": "A task fails at the provider.",
        "success_without_url": "A status response reports success, but has no URL yet.",
        "late_url": "A task succeeds some seconds before its URL appears.",
        "late_cost": "A status response reports success, but not yet what the video cost.",
        "expired_link": "The URL of a video has already expired when it is first returned.",
    },
    "download": {
        "download_403": "A download fails with HTTP 403.",
        "download_500": "A download fails with HTTP 500.",
        "cut_download": "A download breaks off halfway and can be resumed.",
        "cut_download_no_range": "A download breaks off halfway and cannot be resumed.",
        "wrong_length": "A download ends before its announced length.",
        "short_video": "A download is as long as announced, but contains half the video.",
        "html_instead_of_video": "A download returns a web page.",
        "junk_video": "A download returns random bytes.",
        "redirect_loop": "A download is redirected forever.",
        "slow_download": "A download arrives in small pieces with pauses in between.",
    },
}

#: Every fault's sentence, by name.
FAULTS: dict[FaultName, str] = {
    name: sentence for faults in FAULTS_BY_STEP.values() for name, sentence in faults.items()
}

_STEPS: dict[FaultName, Step] = {
    name: step for step, faults in FAULTS_BY_STEP.items() for name in faults
}

_seconds = validators.optional(
    validators.and_(validators.instance_of((int, float)), validators.ge(0))
)


def fault_name(text: str) -> FaultName:
    """The fault of this name; raises ValueError, with the name that was meant or all of them."""
    for name in FAULTS:
        if name == text:
            return name
    others = did_you_mean(text, FAULTS) or f". The faults are {join_words(FAULTS, 'and')}."
    raise ValueError(f'There is no fault "{sanitize(text, 60)}"{others}')


@frozen
class Fault:
    """
    A fault, and how many times in a row it shows.

    ``Fault("rate_limit", times=2, retry_after=10)`` refuses the next two submits. Raises
    ValueError or TypeError for a name that is not in `FAULTS`, or a value out of bounds.
    """

    name: FaultName = field()
    times: int = field(default=1, validator=[validators.instance_of(int), validators.ge(1)])
    #: Seconds, sent as Retry-After with a 429, 455 or 5xx; None: no such header.
    retry_after: float | None = field(default=None, validator=_seconds)
    #: How many seconds `slow` and `late_url` take, and each pause of `slow_download`.
    seconds: float | None = field(default=None, validator=_seconds)
    #: The HTTP status of `error_before_accept` and `error_after_accept`.
    status: int = field(default=500, validator=validators.in_(range(400, 600)))

    @name.validator
    def _is_known(self, _: "Attribute[FaultName]", name: str) -> None:
        fault_name(name)

    @property
    def step(self) -> Step:
        """The step it shows in."""
        return _STEPS[self.name]


class Reset(BaseException):
    """
    The connection breaks here.

    Not an Exception, so that no middleware turns it into a response.
    """
