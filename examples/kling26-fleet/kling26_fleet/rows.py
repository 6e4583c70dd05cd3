"""The rows of a file of JSON lines."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import field, fields, frozen
from kling26.core import Kling26Error, UsageError, VideoRequest

_FIELDS = {each.name for each in fields(VideoRequest)} - {"task"}


@frozen
class Row:
    request: VideoRequest
    provider: str | None = None
    options: Mapping[str, object] | None = None
    output: str | None = None
    labels: Mapping[str, str] = field(factory=dict)


def read_rows(path: Path) -> list[Row]:
    return list(_rows(path))


def _rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(filter(str.strip, path.read_text("utf-8-sig").splitlines()), 1):
        try:
            values = json.loads(line)
            request = VideoRequest(**{k: v for k, v in values.items() if k in _FIELDS})
        except (ValueError, TypeError, AttributeError, Kling26Error) as error:
            raise UsageError(f"Row {number}: {error}") from error
        labels = {k: str(v) for k, v in values.items() if k not in _FIELDS and isinstance(v, str)}
        yield Row(request, labels.pop("provider", None), None, labels.pop("output", None), labels)
