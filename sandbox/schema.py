"""Request bodies, checked against the schemas that providers publish."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

JSON = Mapping[str, object]


def fields_of(body: object) -> Mapping[str, Any]:
    """The fields of a JSON object; none if it is not an object."""
    return body if isinstance(body, dict) else {}


@frozen
class Problem:
    """One thing that is wrong with a body."""

    path: str
    text: str
    missing: bool = False


def problems(body: object, schema: JSON) -> Iterator[Problem]:
    """Where a body breaks the schema; missing fields first."""
    from jsonschema import Draft202012Validator

    found = Draft202012Validator(schema).iter_errors(body)
    for error in sorted(found, key=lambda error: error.validator != "required"):
        yield Problem(
            ".".join(map(str, error.absolute_path)),
            error.message[:200],  # It may quote a whole image.
            missing=error.validator == "required",
        )
