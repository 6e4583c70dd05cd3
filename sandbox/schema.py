"""Request bodies, checked against the schemas that providers publish."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

JSON = Mapping[str, object]


def object_of(required: JSON | None = None, /, **optional: object) -> JSON:
    """
    The schema of an object with these fields, each of which has its own schema, and no others.

    ``{**object_of(...), "additionalProperties": True}`` lets others in.
    """
    required = required or {}
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": {**required, **optional},
    }


def fields_of(body: object) -> Mapping[str, Any]:
    """The fields of a JSON object; none if it is not an object."""
    return body if isinstance(body, dict) else {}


def nested(names: Sequence[str], value: object) -> JSON:
    """
    An object that has the value under each of these names, in which dots lead into objects.

    >>> nested(["id", "urls.get"], 1)
    {'id': 1, 'urls': {'get': 1}}
    """
    body: dict[str, Any] = {}
    for name in names:
        *objects, last = name.split(".")
        place = body
        for each in objects:
            place = place.setdefault(each, {})
        place[last] = value
    return body


@frozen
class Problem:
    """One thing that is wrong with a body."""

    path: str
    text: str
    missing: bool = False
    #: The keyword of JSON Schema that it breaks: "required", "enum", "maxLength".
    rule: str = ""

    @property
    def detail(self) -> JSON:
        """It as FastAPI tells of it, which many services are made with."""
        where = ["body", *filter(None, self.path.split("."))]
        return {"loc": where, "msg": self.text, "type": self.rule}


def problems(body: object, schema: JSON) -> Iterator[Problem]:
    """Where a body breaks the schema; missing fields first."""
    from jsonschema import Draft202012Validator

    found = Draft202012Validator(schema).iter_errors(body)
    for error in sorted(found, key=lambda error: error.validator != "required"):
        yield Problem(
            ".".join(map(str, error.absolute_path)),
            error.message[:200],  # It may quote a whole image.
            missing=error.validator == "required",
            rule=str(error.validator),
        )
