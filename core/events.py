"""Telling plug-ins what happens to tasks, and asking them before one is paid for."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pluggy
from attrs import frozen

from .errors import Kling26Error, PaymentForbidden
from .text import sanitize, sentence
from .threads import aside

if TYPE_CHECKING:
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

    Each plug-in is called by itself, in a thread. One that fails, or takes too long, is logged, and
    changes nothing.
    """

    _manager: pluggy.PluginManager | None = None

    @property
    def asked(self) -> bool:
        """Whether a plug-in wants to be asked before a video is paid for."""
        return any(True for _ in self._callers("kling26_before_paying"))

    async def before_paying(
        self, request: "VideoRequest", provider: "Provider", price: "Price"
    ) -> None:
        """Ask whether a video may be paid for; raises `PaymentForbidden` if a plug-in says no."""
        facts = {"request": request, "provider": provider, "price": price}
        for name, caller in self._callers("kling26_before_paying"):
            try:
                said: object = await _call(name, partial(caller, **facts))
            except Kling26Error as refusal:
                said = str(refusal)
            for words in said if isinstance(said, list) else [said]:
                if isinstance(words, str) and words.strip():
                    raise PaymentForbidden(f'The plug-in "{name}" forbids this: {sentence(words)}')
                if words is not None:
                    logger.warning(
                        'The plug-in "%s" returned %s before a payment, which is no sentence.',
                        name,
                        type(words).__name__,
                    )

    async def submitted(self, task: object) -> None:
        """Tell that the provider has accepted a task."""
        await self._tell("kling26_submitted", task)

    async def ended(self, task: object) -> None:
        """Tell how a task has ended."""
        await self._tell("kling26_ended", task)

    async def _tell(self, hook: str, task: object) -> None:
        for name, caller in self._callers(hook):
            try:
                await _call(name, partial(caller, task=task))
            except Kling26Error as error:
                logger.warning('The plug-in "%s" failed: %s', name, error)

    def _callers(self, hook: str) -> Iterator[tuple[str, pluggy.HookCaller]]:
        """For each plug-in that has a hook, its name and what calls that one alone."""
        if self._manager is None:
            return
        everybody = self._manager.get_plugins()
        for each in getattr(self._manager.hook, hook).get_hookimpls():
            others = everybody - {each.plugin}
            yield each.plugin_name, self._manager.subset_hook_caller(hook, others)


async def _call(name: str, call: "partial[object]") -> object:
    """What a plug-in returns; None if it fails. Raises a `Kling26Error` of the plug-in's."""
    import asyncio  # Slow to import, and loaded where there is a loop.

    try:
        async with asyncio.timeout(_PATIENCE):
            return await aside(partial(_safely, name, call))
    except TimeoutError:
        logger.warning('The plug-in "%s" takes too long, and is not waited for.', name)
        return None


def _safely(name: str, call: "partial[object]") -> object:
    try:
        return call()
    except Kling26Error:
        raise
    except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything.
        logger.warning('The plug-in "%s" failed: %s', name, sanitize(repr(error)))
        return None
