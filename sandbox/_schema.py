"""Bodies against the schemas that providers publish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

JSON = Mapping[str, object]


def fields_of(body: object) -> Mapping[str, Any]:
    """The fields of a JSON object; none of anything else."""
    return body if isinstance(body, dict) else {}


@frozen
class Problem:
    """One thing that is wrong with a body."""

    path: str
    text: str
    missing: bool = False


def problems(body: object, schema: JSON) -> Iterator[Problem]:
    """What the schema finds, missing fields first."""
    from jsonschema import Draft202012Validator

    found = Draft202012Validator(schema).iter_errors(body)
    for error in sorted(found, key=lambda error: error.validator != "required"):
        # The message may quote a whole picture.
        yield Problem(
            ".".join(map(str, error.absolute_path)),
            error.message[:200],
            missing=error.validator == "required",
        )
