"""What a body asks for, found by the service's own names."""

import re
from collections.abc import Callable, Mapping

from attrs import frozen

from .images import size_of
from .schema import JSON, Problem, fields_of
from .submission import Submission
from .video import SIZES, Clip, size_like

#: What means a video without sound; any other word, and true, is one with sound.
SILENT = ("none", "false", "off", "no", "mute", "muted", "silent", "disabled", "0")


@frozen(kw_only=True)
class Fields:
    """
    What the service calls each thing that a body can ask for.

    Dots lead into objects ("settings.duration"), and a name behind a "?" is one of the query's. A
    name that the service does not have does no harm, because its schema turns such a field away.
    """

    prompt: str = "prompt"
    duration: str = "duration"
    sound: str = "sound"
    aspect_ratio: str = "aspect_ratio"
    image: str = "image"
    end_image: str = "end_image"
    callback_url: str = "callback_url"
    external_id: str = "external_task_id"
    #: The model or the quality; without it, `EmulatedTask.model` is the path.
    model: str = "model"


@frozen
class Asked:
    """A body, with the names of its fields; `image` returns a picture's bytes or URL, or None."""

    body: JSON
    schema: JSON
    query: Mapping[str, str]
    names: Fields
    image: Callable[[str], bytes | str | None]
    #: What else than a URL a picture can be.
    kind: str

    def submission(self, path: str) -> Submission | Problem:
        """What is asked for at a path, or what is wrong with a picture."""
        names, images = self.names, list[bytes | str]()
        for name in (names.image, names.end_image):
            for text in self._texts(name):
                if (image := self.image(text)) is None:
                    return Problem(name, f"{name} is neither a URL nor {self.kind}")
                images.append(image)
        clip = Clip(
            self._text(names.prompt) or "",
            self._seconds(),
            str(self._value(names.sound)).strip().lower() not in SILENT,
            # An image sets the aspect ratio.
            *(shape_of(images[0]) if images else shape(self._text(names.aspect_ratio))),
        )
        external_id, callback_url = self._text(names.external_id), self._text(names.callback_url)
        model = self._text(names.model) or path
        return Submission(model, clip, external_id, callback_url, images=tuple(images))

    def _value(self, name: str) -> object:
        """The value of a field, or the default that its schema has."""
        if name.startswith("?"):
            return self.query.get(name[1:])
        value: object = self.body
        schema: object = self.schema
        for part in name.split("."):
            value = fields_of(value).get(part)
            schema = fields_of(fields_of(schema).get("properties")).get(part)
        return fields_of(schema).get("default") if value is None else value

    def _text(self, name: str) -> str | None:
        value = self._value(name)
        return str(value) if value else None

    def _texts(self, name: str) -> list[str]:
        """The texts of a field that has one of them, or an array."""
        value = self._value(name)
        return [str(each) for each in (value if isinstance(value, list) else [value]) if each]

    def _seconds(self) -> int:
        """The duration, such as 5, "5", "5s" or "PT5S"; 5 without one."""
        digits = re.search(r"\d+", str(self._value(self.names.duration)))
        return int(digits[0]) if digits else 5


def shape(ratio: str | None) -> tuple[int, int]:
    """A small video's size for a ratio, such as "16:9" or "widescreen_16_9"; 16:9 without one."""
    found = re.search(r"(\d+)\D(\d+)$", ratio or "")
    width, height = map(int, found.groups()) if found else (16, 9)
    return SIZES.get(f"{width}:{height}") or size_like(width, height)


def shape_of(image: bytes | str) -> tuple[int, int]:
    """A small video's size for a picture; 16:9 for one elsewhere, because nothing is fetched."""
    size = size_of(image) if isinstance(image, bytes) else None
    return size_like(*size) if size else SIZES["16:9"]
