"""
The messages of Kling's API, which CometAPI passes through: what is sent, and what comes back.

The pages are named in `cometapi`.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from attrs import frozen

from ..core import AspectRatio, ImageFile, State
from ..core.wire import find_object, find_video, get, identifier, structure, text

Action = Literal["text2video", "image2video"]

STATES: Mapping[str, State] = {
    "submitted": "queued",
    "processing": "running",
    "succeed": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
}


class Common(TypedDict):
    """The fields that text and image to video have in common."""

    duration: Literal["5", "10"]
    mode: Literal["std", "pro"]
    sound: Literal["on", "off"]
    external_task_id: NotRequired[str]
    negative_prompt: NotRequired[str]
    cfg_scale: NotRequired[float]
    # The former is for text to video only, the latter for image to video.
    camera_control: NotRequired[Mapping[str, Any]]
    image_tail: NotRequired[str]
    callback_url: NotRequired[str]


class TextToVideo(Common):
    model_name: Literal["kling-v2-6"]
    prompt: str
    aspect_ratio: AspectRatio


class ImageToVideo(Common):
    model_name: Literal["kling-v2-6"]
    image: str
    prompt: str


# Never compared or printed; without those methods the class loads twice as fast.
@frozen(eq=False, repr=False)
class Task:
    task_id: Any = None
    task_status: Any = None
    task_status_msg: Any = None
    task_result: Any = None
    # Other gateways with the same API have these two instead of `task_status` and `task_result`.
    status: Any = None
    url: Any = None

    @property
    def state(self) -> str | None:
        said = self.status if self.task_status is None else self.task_status
        return said if isinstance(said, str) and said.strip() else None

    @property
    def video(self) -> str | None:
        videos = get(self.task_result, "videos")
        urls = [get(each, "url") for each in videos] if isinstance(videos, list) else videos
        return find_video(urls, self.task_result, self.url)


def spell_image(image: str | ImageFile) -> str:
    """A URL, or base64, which Kling expects without the "data:" prefix."""
    return image.base64() if isinstance(image, ImageFile) else image


def read_task_id(answer: Mapping[str, Any]) -> str | None:
    """The id of the task in an answer; None if there is none."""
    return identifier(get(find_object(answer, "task_id"), "task_id"))


def read_task(answer: Mapping[str, Any]) -> Task | None:
    """
    The task in an answer, with a state or a result; None if there is none.

    It is in `data`, which some versions wrap once more; without an error, the answer may be the
    task itself.
    """
    for place in (answer.get("data"), None if is_error(answer) else answer):
        found = find_object(place, "task_status", "task_result", "status")
        task = structure(found or {}, Task)
        if task.video is not None or task.state is not None:
            return task
    return None


def read_code(answer: Mapping[str, Any]) -> int | None:
    """The code of Kling's envelope: a number, or the same as a string."""
    said = text(answer.get("code")) or ""
    # Other gateways with the same API say "success" where Kling says 0.
    spelled = "0" if said.lower() == "success" else said
    return int(spelled) if re.fullmatch("[0-9]{1,4}", spelled) else None


def is_error(answer: Mapping[str, Any]) -> bool:
    """Whether CometAPI, or Kling behind it, plainly says no."""
    return bool(answer.get("error")) or 1000 <= (read_code(answer) or 0) < 5000
