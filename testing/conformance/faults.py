"""The fault table, through the runner."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ...core.errors import Kling26Error, OutcomeUnknown, Refused, TaskFailed, TryLater
from .. import clock
from ..samples import at, parsed, places, record
from ..stage import SITE, Stage
from .base import Suite
from .judging import fail, flow_name

#: The fault table, by what has to come of it.
DELIVERED = (
    "rate_limit", "poll_429", "poll_503", "poll_reset", "poll_html", "poll_wrong_types",
    "poll_unknown_state", "poll_error_in_200", "poll_no_such_task", "success_without_url",
    "late_url", "expired_link", "download_403", "download_500", "cut_download",
    "cut_download_no_range", "wrong_length", "short_video", "html_instead_of_video", "junk_video",
    "redirect_loop", "slow_download",
)  # fmt: skip
PERHAPS_TAKEN = (
    "error_before_accept", "error_after_accept", "reset_before_accept", "reset_after_accept",
    "cut_body_with_id", "cut_body_without_id", "html_page", "slow",
)  # fmt: skip
NOT_TAKEN = ("rate_limit_in_body", "maintenance", "no_credit")
UPLOADS = ("upload_500", "upload_reset")


class Faults(Suite):
    """Through the runner."""

    @pytest.mark.parametrize("fault", ["none", *DELIVERED, *PERHAPS_TAKEN, *NOT_TAKEN, *UPLOADS])
    def test_whatever_goes_wrong_is_paid_once(self, fault: str, tmp_path: Path) -> None:
        """
        With every fault of the table: paid once or not at all, and delivered, or told as unknown.

        What to do: see what the flow raised or returned for the answer that the fault made.
        """
        if self.sandbox is None:
            pytest.skip("It takes an emulator: set `sandbox`.")
        if fault in UPLOADS and not self.provider.can("upload"):
            return
        with Stage(tmp_path, self.provider, self.sandbox) as stage:
            if fault != "none":
                stage.fault(fault)
            more = {"image": self._image()} if fault in UPLOADS else {}
            self._hold_fault(stage, fault, more)

    def test_a_failed_task_is_told(self, tmp_path: Path) -> None:
        """
        A task that the service could not make ends with its reason.

        What to do: return `Status("failed", reason=…)` from `poll`.
        """
        if self.sandbox is None:
            pytest.skip("It takes an emulator: set `sandbox`.")
        with Stage(tmp_path, self.provider, self.sandbox) as stage:
            stage.fault("failed_task")
            try:
                stage.generate()
            except TaskFailed:
                return
            except Kling26Error as error:
                fail(f"A failed task ends with {type(error).__name__}: {error}")
            fail("A failed task was delivered.")

    def test_the_emulator_works_where_it_is_served(self) -> None:
        """
        `kling26 sandbox serve` has each emulator under a path of its own; its addresses say so.

        What to do: build addresses from `task.base` or `kling26.sandbox.base_of(request)`, not from
        `request.base_url`; say in `Sandbox(uploads=…)` where below it pictures go.
        """
        if self.sandbox is None:
            pytest.skip("It takes an emulator: set `sandbox`.")
        samples = clock.run(record(self.provider, self.sandbox, self._image(), served=True))
        for name, error in samples.trouble.items():
            if name != "unknown":
                fail(f"{flow_name(name)} does not get on with the emulator on a server: {error}")
        base = f"{SITE}/{self.provider.name}"
        told = [
            (name, parsed(each)) for name, replies in samples.answers.items() for each in replies
        ]
        for name, body in [*told, *(("callback", call) for call in samples.calls)]:
            for text in [at(body, place) for place in places(body)]:
                if isinstance(text, str) and text.startswith(SITE) and not text.startswith(base):
                    fail(f"The emulator tells {flow_name(name)} {text}, but is served at {base}.")

    def _hold_fault(self, stage: Stage, fault: str, more: Mapping[str, Any]) -> None:
        try:
            stage.generate(**more)
        except Kling26Error as caught:
            error: Kling26Error | None = caught
        else:
            error = None
        if stage.conditions.faults:
            fail(f"The emulator never came to show the fault {fault}: {error}")
        if stage.paid > 1:
            fail(f"{stage.paid} tasks were paid for with the fault {fault}.")
        if error is None:
            if stage.paid != 1:
                fail(f"With the fault {fault} a video came that nobody paid for.")
            return
        if isinstance(error, OutcomeUnknown) and fault in PERHAPS_TAKEN:
            readable = self.provider.task_id_name is not None and fault == "cut_body_with_id"
            if not (readable or self.provider.can("find")):
                return
        harmless = isinstance(error, Refused | TryLater | OutcomeUnknown) and stage.paid == 0
        if harmless and fault in NOT_TAKEN:
            return
        fail(f"With the fault {fault} the video was not delivered: {type(error).__name__}: {error}")
