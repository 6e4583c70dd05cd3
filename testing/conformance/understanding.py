"""What the emulator understood is what was asked for, as far as it tells one thing from another."""

import math
import re
from collections.abc import Mapping, Sequence

from ...core.images import ImageFile
from ...sandbox import Clip, EmulatedTask
from ..wire_form import WireForm, is_wrapping
from .accepting import Accepting
from .asking import Asked
from .forms import uploaded
from .judging import fail, show
from .pictures import drawn
from .submitting import Sent, send_all

#: Words in the name of a field that say which of two images it is.
FIRST = frozenset(("first", "start", "starting", "begin", "initial", "head"))
LAST = frozenset(("last", "end", "ending", "final", "tail"))
WORDS = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Understanding(Accepting):
    """What the service makes of a request."""

    def test_the_service_understands_what_was_asked_for(self) -> None:
        """
        The emulator's clip has the prompt, length, sound and shape asked for, and its own webhook.

        What to do: see which field the service reads, and with which values; an emulator that does
        not look at something gives it the same value for all.
        """
        taken: list[Sent] = []
        for answers in self._answers():
            taken += [sent for sent in answers if sent.taken]
            self._check_prompts(taken)
            self._check_sound(taken)
            self._check_seconds(taken)
            self._check_shapes([sent for sent in taken if sent.asked.request.image is None])
            self._check_webhooks(taken)

    def test_the_first_and_the_last_image_are_not_swapped(self) -> None:
        """
        The video begins with `image`, and ends with `end_image`.

        What to do: look at the names of the service's fields, or at the order in its list.
        """
        for start in self._starts():
            if start.request.end_image is not None:
                self._check_order(start)
        if self.provider.limits.end_image and self.sandbox is not None:
            self._check_seen_order()

    def _check_prompts(self, taken: Sequence[Sent]) -> None:
        """Judged only where the emulator understood something that was really sent."""
        if not any(_clip(sent).prompt == sent.asked.request.prompt for sent in taken):
            return
        for sent in taken:
            asked, understood = sent.asked.request.prompt, _clip(sent).prompt
            if understood != asked and understood in sent.form.values():
                self._misunderstood(sent, f"the prompt {show(asked)}", show(understood))

    def _check_sound(self, taken: Sequence[Sent]) -> None:
        if len({bool(_clip(sent).sound) for sent in taken}) < 2:
            return
        for sent in taken:
            asked = sent.asked.request.sound
            if bool(_clip(sent).sound) != asked:
                words = ("no sound", "sound")
                self._misunderstood(sent, words[asked], words[not asked])

    def _check_seconds(self, taken: Sequence[Sent]) -> None:
        """An emulator may make its clips shorter, but then it does so for all of them."""
        longest = max((_clip(sent).seconds for sent in taken), default=0)
        allowed = self.provider.limits.durations
        for sent in taken:
            asked, understood = sent.asked.request.duration, _clip(sent).seconds
            if understood not in (asked, min(asked, longest)) and understood in allowed:
                self._misunderstood(sent, f"{asked} seconds", f"{understood} seconds")

    def _check_shapes(self, taken: Sequence[Sent]) -> None:
        """An emulator may know fewer shapes; but no two may have changed places."""
        shapes: dict[str, set[str]] = {}
        for sent in taken:
            understood = _nearest(_clip(sent), self.provider.limits.aspect_ratios)
            shapes.setdefault(sent.asked.request.aspect_ratio, set()).add(understood)
        if len(set().union(*shapes.values())) < 2:
            return
        for sent in taken:
            asked = sent.asked.request.aspect_ratio
            understood = _nearest(_clip(sent), self.provider.limits.aspect_ratios)
            unsteady = len(shapes[asked]) > 1
            if understood != asked and (unsteady or understood not in shapes.get(understood, ())):
                self._misunderstood(sent, asked, understood)
        right = [asked for asked, found in shapes.items() if found == {asked}]
        if len(right) * 2 > len(shapes):  # Or else the emulator hardly looks.
            self._check_known(taken, shapes)

    def _check_known(self, taken: Sequence[Sent], shapes: Mapping[str, set[str]]) -> None:
        """No shape is one that the emulator does not know, and takes for another."""
        for asked, found in shapes.items():
            sent = next(each for each in taken if each.asked.request.aspect_ratio == asked)
            (understood,) = found
            if understood != asked:
                fail(
                    f"Videos {sent.asked.source} in {asked} and in {understood} end in clips of "
                    f"the same shape; is {asked} spelled as the service spells it? If it is, "
                    "teach it to the emulator."
                )

    def _check_webhooks(self, taken: Sequence[Sent]) -> None:
        known = [sent for sent in taken if sent.task and sent.task.callback_url]
        for sent in taken if known else ():
            asked, understood = sent.asked.request.callback_url, _of(sent).callback_url
            if (asked or None) != (understood or None):
                self._misunderstood(sent, f"callback_url {asked}", f"{understood}")

    def _misunderstood(self, sent: Sent, asked: str, understood: str) -> None:
        start = Asked(self._plain(sent.asked.request.image))
        fail(
            f"{sent.asked.source[:1].upper()}{sent.asked.source[1:]}{sent.asked.beside(start)}, "
            f"{asked} was asked for, but the emulator understood {understood}."
        )

    def _check_order(self, start: Asked) -> None:
        """No field named after one image has the other, nor did when there was one image only."""
        forms = self._forms(start, start.but("end_image", None))
        if forms is None:
            return
        both, alone = forms
        first, last = start.request.image, start.request.end_image
        for path in _holding(both, last):
            words = _words(path)
            if path in _holding(alone, first) or (words & FIRST and not words & LAST):
                self._swapped(path, "end_image", start)
        for path in _holding(both, first):
            words = _words(path)
            if words & LAST and not words & FIRST:
                self._swapped(path, "image", start)

    def _swapped(self, path: str, name: str, start: Asked) -> None:
        fail(
            f"submit sends {name} as {path.removeprefix('body.')} {start.source}; "
            "are the two images swapped?"
        )

    def _check_seen_order(self) -> None:
        """Of a wide and a tall picture, the first decides the shape, if the emulator looks."""
        pictures = self._wide_and_tall()
        if pictures is None:
            return
        wide, tall = (Asked(self._plain(picture)) for picture in pictures)
        crossed = [wide.but("end_image", pictures[1]), tall.but("end_image", pictures[0])]
        settled = self._settled(wide, tall, *crossed)
        if settled is None:
            return
        given = [(each, self._taken(each)) for each in settled]
        sent = send_all(self.provider, self._sandbox(), given)
        if all(each.taken for each in sent):  # If not, another test says why.
            shapes = [_clip(each).width > _clip(each).height for each in sent]
            if shapes == [True, False, False, True]:
                fail(
                    "With a wide image and a tall end_image, the emulator makes a tall video; are "
                    "the two images swapped?"
                )

    def _wide_and_tall(self) -> tuple[ImageFile, ImageFile] | None:
        side = max(320, self.provider.limits.image_pixels)
        for kind in self.provider.limits.image_formats[:1]:
            wide, tall = drawn(kind, 2 * side, side), drawn(kind, side, 2 * side)
            if wide is not None and tall is not None:
                return wide, tall
        return None


def _of(sent: Sent) -> EmulatedTask:
    assert sent.task is not None
    return sent.task


def _clip(sent: Sent) -> Clip:
    return _of(sent).clip


def _nearest(clip: Clip, ratios: Sequence[str]) -> str:
    """The aspect ratio that a clip's shape is nearest to."""
    shape = math.log(max(1, clip.width) / max(1, clip.height))
    return min(ratios, key=lambda ratio: abs(shape - _log(ratio)), default="")


def _log(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    try:
        return math.log(float(width) / float(height))
    except (ValueError, ZeroDivisionError):
        return math.inf


def _holding(form: WireForm, image: str | ImageFile | None) -> list[str]:
    """The paths of the values in which an image is."""
    marks = [image] if isinstance(image, str) else []
    if isinstance(image, ImageFile):
        marks = [uploaded(image), image.base64()]
    return [
        path
        for path, value in form.items()
        if isinstance(value, str)
        and any(mark in value for mark in marks)
        and not is_wrapping(form, path)
    ]


def _words(path: str) -> set[str]:
    return {word.lower() for word in WORDS.findall(path)}
