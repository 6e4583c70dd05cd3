"""Whatever the checks let pass is sent to the emulator, which has to take it as it was meant."""

from collections.abc import Iterator
from itertools import chain, count
from typing import ClassVar

import pytest

from ...core.options import options_of
from ..emulation import SandboxLike
from .asking import Asked, choices
from .covering import Covering
from .judging import fail, show
from .pictures import drawn
from .submitting import Sent, send_all

#: A prompt where no limit is documented.
LONG = 5000
#: A prompt whose ends, accents and marks are easily lost.
FRAGILE = "  A\u030a heron – “lands” & <b>rests</b>:\n {name} 100% \ufb01 🪶 \n"


class Accepting(Covering):
    """What the checks let pass, the service takes."""

    def test_whatever_the_checks_let_pass_is_accepted(self) -> None:
        """
        Every value of every option, alone and beside each other's, is accepted by the emulator.

        What to do: see the words of the service; narrow `limits`, the option's bounds or choices,
        or refuse in `check` what does not go together. Or else the emulator is too strict.
        """
        for sent in chain.from_iterable(self._answers()):
            if not sent.taken:
                sent, start = self._reduced(sent)
                said = sent.outcome if isinstance(sent.outcome, Exception) else "no task was made"
                fail(
                    f"A request {sent.asked.source}{sent.asked.beside(start)} passes the checks, "
                    f"but is not accepted: {show(said)}"
                )

    def _answers(self) -> Iterator[list[Sent]]:
        """What the emulator made of everything that may be asked for, kept for the class."""
        suite, sandbox = type(self), self._sandbox()
        if "_kept_answers" not in vars(suite):
            suite._kept_answers, suite._to_ask = [], self._everything()
        for number in count():
            if number == len(suite._kept_answers):
                asked = next(suite._to_ask, None)
                if asked is None:
                    return
                given = [(each, self._taken(each)) for each in asked]
                suite._kept_answers.append(send_all(self.provider, sandbox, given))
            yield suite._kept_answers[number]

    _kept_answers: ClassVar[list[list[Sent]]]
    _to_ask: ClassVar[Iterator[list[Asked]]]

    def _everything(self) -> Iterator[list[Asked]]:
        """In parts, so that a fault in the first is found at once."""
        known: set[object] = set()
        for start in [*self._starts(), *self._files()]:
            found = {}
            for asked in self._alone(start):
                for each in self._settled(asked, partners=1) or []:
                    found[each.key] = each
            yield [each for key, each in found.items() if key not in known]
            known |= found.keys()
        for start in self._starts():
            thinned = [choice.thinned() for choice in choices(self.provider, start.request)]
            yield list(self._covering(start, thinned))

    def _alone(self, start: Asked) -> Iterator[Asked]:
        """Each value of each option, and the longest texts."""
        yield start
        for choice in choices(self.provider, start.request):
            yield from (start.but(choice.name, value) for value in choice.values[1:])
        limit = self.provider.limits.prompt(start.request.kind) or LONG
        yield start.but("prompt", _long(limit))
        yield start.but("prompt", FRAGILE[-limit:])
        for info in options_of(self.provider.Options):
            longest = info.bounds.max_length
            if info.type is str and not info.choices and longest is not None:
                yield start.but(info.name, _long(longest))

    def _files(self) -> Iterator[Asked]:
        """From a file in each accepted format, in the usual size and in the smallest one."""
        limits = self.provider.limits
        for kind in limits.image_formats:
            for side in (max(320, limits.image_pixels), limits.image_pixels):
                picture = drawn(kind, side, side)
                if picture is not None:
                    yield Asked(self._plain(picture))

    def _reduced(self, sent: Sent) -> tuple[Sent, Asked]:
        """The same with no more than what it takes to be refused, and what that began with."""
        start = Asked(self._plain(sent.asked.request.image))
        start = start.but("end_image", sent.asked.request.end_image)
        own = {info.name: info.default for info in options_of(self.provider.Options)}
        start = Asked(start.request, {name: own[name] for name in sent.asked.own})
        for choice in choices(self.provider, start.request):
            known = choice.name in start.own or choice.name not in own
            fewer = sent.asked.but(choice.name, start.value(choice.name)) if known else sent.asked
            if fewer.key != sent.asked.key and (options := self._taken(fewer)) is not None:
                (again,) = send_all(self.provider, self._sandbox(), [(fewer, options)])
                sent = sent if again.taken else again
        return sent, start

    def _sandbox(self) -> SandboxLike:
        if self.sandbox is None:
            pytest.skip("This test needs an emulator: set `sandbox`.")
        return self.sandbox


def _long(length: int) -> str:
    return ("A heron lands. " * (length // 15 + 1))[: length - 1] + "x"
