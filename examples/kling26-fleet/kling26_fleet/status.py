"""How the rows of a queue stand, and what only a person can decide."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from kling26.core import Kling26Error, Runner

from kling26_fleet.fleet import Fleet
from kling26_fleet.outcomes import Outcomes

#: By the queue's own words; what came of a row says more where it has ended.
_STATES = {"todo": "waiting", "doing": "under way", "succeeded": "here", "failed": "failed"}
_ORDER = ("here", "under way", "waiting", "failed", "unknown", "cancelled")


@frozen
class Standing:
    """How a row stands; `message` says where its video is, or why there is none."""

    name: str
    state: str
    task: str | None
    message: str | None

    def __str__(self) -> str:
        """The row in a line, with what can be done if only a person knows."""
        text = f"{self.name}: {self.state}. {self.message or 'See the log of the workers.'}"
        if self.state != "unknown":
            return text
        return (
            f"{text}\n    If the video is on the provider's page: kling26 adopt {self.task} ID"
            f"\n    If it is not, and is to be paid for: kling26 resubmit {self.task}"
        )


async def standings(fleet: Fleet, outcomes: Outcomes) -> list[Standing]:
    """How each row of the fleet stands now."""
    async with Runner(fleet.settings) as runner:
        return [await _standing(row, runner) for row in await outcomes.rows(fleet.queue)]


async def _standing(row: Mapping[str, Any], runner: Runner) -> Standing:
    state, message = _STATES.get(row["status"], "cancelled"), row["message"]
    if state == "failed" and row["state"] == "unknown":
        state, message = await _decided(row, runner)
    return Standing(row["args"]["name"], state, row["task"], message)


async def _decided(row: Mapping[str, Any], runner: Runner) -> tuple[str, str | None]:
    """What has become of a row that was unknown: a person may have decided."""
    try:
        task = await runner.task(row["task"])
    except Kling26Error:
        return "unknown", row["message"]
    if task.standing == "unclear":
        return "unknown", row["message"]
    if task.standing == "stored" and not task.owed:
        return "here", task.file
    return ("failed", task.error) if task.standing == "over" else ("under way", task.error)


def summary(rows: Sequence[Standing]) -> str:
    """How many rows stand how, in a line."""
    counts = Counter(row.state for row in rows)
    parts = ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
    return f"Rows: {len(rows)}{f' ({parts})' if parts else ''}."


def details(rows: Sequence[Standing]) -> Iterator[str]:
    """A line on each row that has something to say."""
    for row in rows:
        told = row.state in ("failed", "unknown") or (row.state == "waiting" and row.message)
        if told:
            yield str(row)
