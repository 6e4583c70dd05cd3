"""The fault table: whatever goes wrong, through the real runner."""

from pathlib import Path

import pytest

from ...core.errors import Kling26Error, OutcomeUnknown, Refused, TaskFailed, TryLater
from ...sandbox import FaultName
from ..clock import run
from ..emulation import SITE, SandboxLike
from ..recorder import record
from ..spoiling import at, parsed, places
from ..stage import Stage
from .base import Suite
from .judging import fail, flow_name

#: The faults by what has to come of them. `failed_task` has a test of its own.
DELIVERED: tuple[FaultName, ...] = (
    "rate_limit", "poll_429", "poll_503", "poll_reset", "poll_html", "poll_wrong_types",
    "poll_unknown_state", "poll_error_in_200", "poll_no_such_task", "success_without_url",
    "late_url", "expired_link", "download_403", "download_500", "cut_download",
    "cut_download_no_range", "wrong_length", "short_video", "html_instead_of_video", "junk_video",
    "redirect_loop", "slow_download",
)  # fmt: skip
PERHAPS_TAKEN: tuple[FaultName, ...] = (
    "error_before_accept", "error_after_accept", "reset_before_accept", "reset_after_accept",
    "cut_body_with_id", "cut_body_without_id", "html_page", "slow",
)  # fmt: skip
NOT_TAKEN: tuple[FaultName, ...] = ("rate_limit_in_body", "maintenance", "no_credit")
UPLOADS: tuple[FaultName, ...] = ("upload_500", "upload_reset")


class Faults(Suite):
    """Through the runner."""

    @pytest.mark.parametrize("fault", [None, *DELIVERED, *PERHAPS_TAKEN, *NOT_TAKEN, *UPLOADS])
    def test_whatever_goes_wrong_is_paid_once(
        self, fault: FaultName | None, tmp_path: Path
    ) -> None:
        """
        With each fault: paid at most once, and delivered, refused free of charge, or unknown.

        What to do: see what the flow returned or raised for the reply that the fault made.
        """
        if fault in UPLOADS and not self.provider.can("upload"):
            return
        image = self._image() if fault in UPLOADS else None
        with Stage(tmp_path, self.provider, self._emulator()) as stage:
            if fault is not None:
                stage.fault(fault)
            try:
                stage.generate(image=image)
            except Kling26Error as error:
                self._check_paid_at_most_once(stage, fault, f": {error}")
                self._check_error(stage, fault, error)
            else:
                self._check_paid_at_most_once(stage, fault, ".")
                if stage.paid == 0:
                    fail(f"With the fault {fault} a video came that nobody paid for.")

    def test_a_failed_task_ends_with_its_reason(self, tmp_path: Path) -> None:
        """
        A task that the service could not finish ends as failed.

        What to do: return `Status("failed", reason=…)` from `poll`.
        """
        with Stage(tmp_path, self.provider, self._emulator()) as stage:
            stage.fault("failed_task")
            try:
                stage.generate()
            except TaskFailed:
                return
            except Kling26Error as error:
                fail(f"A failed task ends with {type(error).__name__}: {error}")
            fail("A failed task was delivered.")

    def test_the_emulator_works_under_a_path(self) -> None:
        """
        `kling26 sandbox serve` serves each emulator under a path of its own; its URLs include it.

        What to do: build URLs from `task.base` or `kling26.sandbox.base_of(request)`, not from
        `request.base_url`; say in `Sandbox(uploads=…)` where below it pictures go.
        """
        samples = run(record(self.provider, self._emulator(), self._image(), served=True))
        for name, error in samples.errors.items():
            if name != "unknown":
                fail(f"{flow_name(name)} fails with the emulator under a path: {error}")
        base = f"{SITE}/{self.provider.name}"
        bodies = [
            (flow_name(name), parsed(reply))
            for name, replies in samples.replies.items()
            for reply in replies
        ]
        for what, body in [*bodies, *(("the webhook", body) for body in samples.callbacks)]:
            for text in [at(body, place) for place in places(body)]:
                if isinstance(text, str) and text.startswith(SITE) and not text.startswith(base):
                    fail(f"The emulator gives {what} {text}, but is served at {base}.")

    def _emulator(self) -> SandboxLike:
        if self.sandbox is None:
            pytest.skip("This test needs an emulator: set `sandbox`.")
        return self.sandbox

    def _check_paid_at_most_once(self, stage: Stage, fault: FaultName | None, end: str) -> None:
        if stage.conditions.faults:
            fail(f"The emulator never got to show the fault {fault}{end}")
        if stage.paid > 1:
            fail(f"{stage.paid} tasks were paid for with the fault {fault}.")

    def _check_error(self, stage: Stage, fault: FaultName | None, error: Kling26Error) -> None:
        """The error is one that this fault may end in."""
        if isinstance(error, OutcomeUnknown) and fault in PERHAPS_TAKEN:
            readable = self.provider.task_id_name is not None and fault == "cut_body_with_id"
            if not (readable or self.provider.can("find")):
                return
        harmless = isinstance(error, Refused | TryLater | OutcomeUnknown) and stage.paid == 0
        if harmless and fault in NOT_TAKEN:
            return
        fail(f"With the fault {fault} the video was not delivered: {type(error).__name__}: {error}")
