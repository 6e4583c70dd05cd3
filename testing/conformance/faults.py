"""The fault table: whatever goes wrong, through the real runner."""

from pathlib import Path

import pytest

from ...core.errors import (
    Kling26Error,
    OutcomeUnknown,
    Refused,
    ResultUnavailable,
    TaskFailed,
    TryLater,
)
from ...sandbox import FAULTS, FaultName
from ...sandbox.faults import FAULTS_BY_STEP
from ..clock import run
from ..emulation import SITE, SandboxLike
from ..recorder import record
from ..samples import Endless
from ..spoiling import at, parsed, places
from ..stage import Stage
from ..usual import usual_request
from .forms import Forms
from .judging import fail, flow_name

#: The faults that may end in a refusal free of charge.
NOT_TAKEN: tuple[FaultName, ...] = ("rate_limit_in_body", "maintenance", "no_credit")
#: Those after which nobody may know whether the task was accepted.
PERHAPS_TAKEN: tuple[FaultName, ...] = tuple(
    name for name in FAULTS_BY_STEP["submit"] if name not in ("rate_limit", *NOT_TAKEN)
)
#: All others end in a video. `failed_task` has a test of its own.
TABLE: tuple[FaultName, ...] = tuple(name for name in FAULTS if name != "failed_task")
#: What to do if no flow is at fault.
_NO_LINK = (
    " Write `renew`, or set `polling_renews` in the emulator if a poll gives a new link. If the "
    "service gives none, say so in `no_fresh_links`."
)


class Faults(Forms):
    """Through the runner."""

    @pytest.mark.parametrize("fault", [None, *TABLE])
    def test_whatever_goes_wrong_is_paid_once(
        self, fault: FaultName | None, tmp_path: Path
    ) -> None:
        """
        With each fault: paid at most once, and delivered, refused free of charge, or unknown.

        What to do: see what the flow returned or raised for the reply that the fault made.
        """
        uploads = fault in FAULTS_BY_STEP["upload"]
        if uploads and not self.provider.can("upload"):
            return
        image, end_image = (self._image(), self._end_image()) if uploads else (None, None)
        usual = usual_request(self.provider, image=image, end_image=end_image)
        options = self._options_for(usual)
        with Stage(tmp_path, self.provider, self._emulator()) as stage:
            if fault is not None:
                stage.fault(fault)
            try:
                stage.generate(
                    image=image,
                    end_image=end_image,
                    options=options,
                    duration=usual.duration,
                    aspect_ratio=usual.aspect_ratio,
                )
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
        usual = self._plain()
        with Stage(tmp_path, self.provider, self._emulator()) as stage:
            stage.fault("failed_task")
            try:
                stage.generate(duration=usual.duration, aspect_ratio=usual.aspect_ratio)
            except TaskFailed:
                return
            except Kling26Error as error:
                fail(f"A failed task ends with {type(error).__name__}: {error}")
            fail("A failed task was delivered.")

    def test_the_emulator_works_under_a_path(self) -> None:
        """
        `kling26 sandbox serve` serves each emulator under a path of its own; its URLs include it.

        What to do: build URLs from `task.base` or `kling26.sandbox.base_of(request)`, not from
        `request.base_url`; if there is an `upload_url`, have the hook and the suite's `sandbox` say
        where pictures go: `Sandbox("acme", build=AcmeSandbox, uploads="/files")`.
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
        for name, error in self._samples().errors.items():
            if isinstance(error, Endless):  # The runner would never end.
                fail(f"{flow_name(name)} asks by itself: {error}")
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
        hint = ""
        if fault == "expired_link" and isinstance(error, ResultUnavailable):
            if self.no_fresh_links.strip():
                return
            hint = "" if self.provider.can("renew") or stage.emulator.polling_renews else _NO_LINK
        fail(
            f"With the fault {fault} the video was not delivered: {type(error).__name__}: "
            f"{error}{hint}"
        )
