"""Telling plug-ins what happens to tasks, and asking them before one is paid for."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from .errors import Kling26Error, PaymentForbidden
from .lending import copied, lent
from .problems import words
from .redaction import redact_environment
from .text import sentence
from .threads import attempt, in_turn

if TYPE_CHECKING:
    from .calls import Answer
    from .host import Host
    from .money import Price
    from .provider import Provider
    from .request import VideoRequest

logger: logging.Logger = logging.getLogger("kling26")

#: How long a plug-in may take, in seconds: no task waits longer for it.
_PATIENCE = 5.0


@frozen
class Events:
    """
    The hooks about tasks: ``kling26_before_paying``, ``kling26_submitted``, ``kling26_ended``.

    The code of each plug-in runs in a thread. One that fails, or takes too long, is logged, and
    changes nothing.
    """

    _host: "Host | None" = None

    @property
    def asked(self) -> bool:
        """Whether a plug-in wants to be asked before a video is paid for."""
        return self._host is not None and self._host.has("kling26_before_paying")

    async def before_paying(
        self, request: "VideoRequest", provider: "Provider", price: "Price"
    ) -> None:
        """Ask whether a video may be paid for; raises `PaymentForbidden` if a plug-in says no."""
        # Copies, which a plug-in may change: the provider itself says where the key is sent.
        facts = {"request": copied(request), "provider": lent(provider), "price": copied(price)}
        for answer in await self._call("kling26_before_paying", _asking, facts):
            if isinstance(answer.value, str) and answer.value.strip():
                reason = sentence(redact_environment(answer.value))
                raise PaymentForbidden(f'The plug-in "{answer.plugin}" forbids this: {reason}')
            logger.warning(
                'The plug-in "%s" returned %s before a payment, which is no sentence.',
                answer.plugin,
                type(answer.value).__name__,
            )

    async def submitted(self, task: object) -> None:
        """Tell that the provider has accepted a task."""
        await self._call("kling26_submitted", _telling, {"task": copied(task)})

    async def ended(self, task: object) -> None:
        """Tell how a task has ended."""
        await self._call("kling26_ended", _telling, {"task": copied(task)})

    async def _call(self, hook: str, run: "_Run", facts: dict[str, object]) -> "list[Answer]":
        if self._host is None or not self._host.has(hook):
            return []
        return await in_turn(partial(self._host.call, hook, run, _complain, **facts))


#: What runs code of the plug-in that is named; see `calls.Call`.
_Run = Callable[[str, Callable[[], object]], object]


def _asking(plugin: str, work: Callable[[], object]) -> object:
    """Run code of a plug-in; raises only a `Kling26Error`, by which it says no."""
    from .calls import FAILED

    try:
        return attempt(plugin, partial(_safely, plugin, work), _PATIENCE)
    except TimeoutError:
        logger.warning('The plug-in "%s" takes too long, and is not waited for.', plugin)
        return FAILED


def _telling(plugin: str, work: Callable[[], object]) -> object:
    from .calls import FAILED

    try:
        return _asking(plugin, work)
    except Kling26Error as error:
        logger.warning('The plug-in "%s" failed: %s', plugin, error)
        return FAILED


def _safely(plugin: str, work: Callable[[], object]) -> object:
    from .calls import FAILED

    try:
        return work()
    except Kling26Error:
        raise
    except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything.
        logger.warning('The plug-in "%s" failed: %s', plugin, words(error))
        return FAILED


def _complain(plugin: str, reason: str) -> None:
    logger.warning('The plug-in "%s" has a fault: %s', plugin, reason)
