"""From the rows of a file to jobs in JSON, with their pictures in the shared home, and back."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

import attrs
from kling26.core import (
    ImageFile,
    Kling26Error,
    Row,
    Runner,
    UsageError,
    VideoRequest,
    fill_outputs,
    read_rows,
)

from kling26_fleet.fleet import Fleet
from kling26_fleet.outcomes import Outcomes
from kling26_fleet.queue import TASK

#: How many of the rows that cannot be made are told of; the others are counted.
_TOLD = 10


async def submit(
    file: Path, provider: str | None, template: str | None, fleet: Fleet, outcomes: Outcomes
) -> tuple[int, int]:
    """
    Queue the rows of a file; returns how many, and how many are waiting or under way already.

    Raises `UsageError`, and queues none, if any of them cannot be made. What was said of the same
    rows when they were queued before is forgotten.
    """
    sandbox, rows = await _checked(file, provider, template, fleet)
    packed = [pack(row, number, sandbox, fleet.pictures) for number, row in enumerate(rows, 1)]
    before = {_key(row["args"]): row for row in await outcomes.rows(fleet.queue)}
    going = {key for key, row in before.items() if row["status"] in ("todo", "doing")}
    new = {key: each for each in packed if (key := _key(each)) not in going}
    await outcomes.forget([before[key]["id"] for key in new if key in before])
    if new:
        task = outcomes.queue.configure_task(TASK, queue=fleet.queue)
        await task.batch_defer_async(*new.values())
    return len(new), len(packed) - len(new)


async def _checked(
    file: Path, provider: str | None, template: str | None, fleet: Fleet
) -> tuple[bool, Sequence[Row]]:
    """Whether it is a rehearsal, and the rows with their providers and paths."""
    async with Runner(fleet.settings) as runner:
        usual, sandbox = provider or runner.settings.provider, runner.settings.sandbox
        rows = [attrs.evolve(row, provider=row.provider or usual) for row in read_rows(file, usual)]
        found = await runner.check_rows(rows)
    wrong = [
        f"{_name(row, number)}: {error}"
        for number, (row, error) in enumerate(zip(rows, found, strict=True), 1)
        if isinstance(error, Kling26Error)
    ]
    if wrong:
        raise _refused(wrong, file)
    return sandbox, fill_outputs(rows, template, table=file)


def _refused(wrong: Sequence[str], file: Path) -> UsageError:
    more = [f"And {len(wrong) - _TOLD} more."] if len(wrong) > _TOLD else []
    reasons = [*wrong[:_TOLD], *more]
    error = UsageError(" ".join([f'"{file}" has to be changed first:', *reasons]))
    error.reasons = reasons
    return error


def _name(row: Row, number: int) -> str:
    """What a row is called in messages."""
    return f"row {number} {row.labels.get('name', '')}".strip()


def _key(packed: Mapping[str, Any]) -> str:
    """What is the same for the same row of the same file."""
    return json.dumps(packed, sort_keys=True)


# -- in JSON -----------------------------------------------------------------------------------


def pack(row: Row, number: int, sandbox: bool, folder: Path) -> dict[str, Any]:
    """A row in JSON; its pictures are kept in `folder`. Raises `OSError`."""
    return {
        "name": _name(row, number),
        "request": {
            field.name: _kept(getattr(row.request, field.name), folder)
            for field in attrs.fields(VideoRequest)
            if field.name != "task"
        },
        "provider": row.provider,
        "options": row.options,
        "output": None if row.output is None else str(row.output),
        "sandbox": sandbox,
    }


def unpack(packed: Mapping[str, Any], folder: Path) -> Row:
    """The row again; raises `ImageRefused` if a picture cannot be read."""
    request: dict[str, Any] = {
        name: ImageFile.read(folder / value["kept"]) if isinstance(value, dict) else value
        for name, value in packed["request"].items()
    }
    return Row(VideoRequest(**request), packed["provider"], packed["options"], packed["output"])


def _kept(value: Any, folder: Path) -> Any:
    """A value of a request; for a picture, its name among those that the machines share."""
    if not isinstance(value, ImageFile):
        return value
    path = folder / value.digest
    if not path.exists():
        folder.mkdir(0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{token_hex(4)}")
        new.write_bytes(value.data)
        new.replace(path)
    return {"kept": path.name}
