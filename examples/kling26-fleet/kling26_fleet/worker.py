"""A worker: one process that makes the videos of the rows that it is handed, many at once."""

import asyncio
import logging
import signal
from contextlib import suppress
from typing import Any

from attrs import define, field
from kling26.core import Kling26Error, Runner
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException

from kling26_fleet.fleet import Fleet
from kling26_fleet.orders import unpack
from kling26_fleet.outcomes import Outcomes
from kling26_fleet.queue import AT_ONCE, TASK, Again, HandOut, make_queue, opened, said
from kling26_fleet.verdicts import verdict, wait

logger = logging.getLogger("kling26_fleet")

#: How often a worker tells the queue that it is alive, and how long it may be silent, in seconds.
HEARTBEAT, SILENCE = 10.0, 45.0
#: How often to look for rows of silent workers, and for new ones, in seconds.
_CARE, _LOOK = 15.0, 2.0


@define
class Worker:
    """Makes the videos of a fleet, up to `jobs` at once, with one runner for all of them."""

    fleet: Fleet
    jobs: int
    #: What this machine lacks, if that ended the work.
    trouble: Kling26Error | None = field(default=None, init=False)
    _ended: asyncio.Event = field(factory=asyncio.Event, init=False)
    _runner: Runner = field(init=False)
    _queue: App = field(init=False)
    _outcomes: Outcomes = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._runner = Runner(self.fleet.settings)
        self._queue = make_queue(self.fleet)
        self._outcomes = Outcomes(self._queue)
        self._queue.task(name=TASK, pass_context=True, retry=HandOut())(self._make)

    async def run(self) -> None:
        """
        Work until a signal says to end; then let go of everything, so that others go on with it.

        Raises `Kling26Error` if this machine lacks what its rows need.
        """
        name = self.fleet.queue
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # On Windows.
                loop.add_signal_handler(number, self._end)
        async with opened(self._queue), self._runner:
            care = asyncio.create_task(self._care(name))
            while not self._ended.is_set():
                await self._work(name)
            care.cancel()
        if self.trouble is not None:
            raise self.trouble

    def _end(self) -> None:
        self._ended.set()
        for number in (signal.SIGINT, signal.SIGTERM):  # Another one does what it does by default.
            asyncio.get_running_loop().remove_signal_handler(number)

    async def _work(self, name: str) -> None:
        """Make videos until the end, or until the queue does not know this worker any more."""
        working = asyncio.create_task(
            self._queue.run_worker_async(
                queues=[name],
                concurrency=self.jobs,
                fetch_job_polling_interval=_LOOK,
                listen_notify=False,
                shutdown_graceful_timeout=0.0,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=SILENCE,
            )
        )
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait([working, ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Its jobs are cancelled, too: what is paid goes on until the runner ends.
            working.cancel()
            ended.cancel()
            (result,) = await asyncio.gather(working, return_exceptions=True)
        if isinstance(result, ConnectorException):
            # PostgreSQL was away, or this process was, and the queue has forgotten it.
            logger.warning("The queue is joined anew: %s", said(result))
        elif isinstance(result, Exception):
            raise result
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await self._ended.wait()

    async def _care(self, name: str) -> None:
        """
        Hand out again what silent workers had.

        Not a periodic job of the queue, which would wait until some worker has room for it.
        """
        manager = self._queue.job_manager
        while True:
            await asyncio.sleep(_CARE)
            try:
                for job in await manager.get_stalled_jobs(
                    queue=name, seconds_since_heartbeat=SILENCE
                ):
                    logger.warning("%s: its worker is silent", job.task_kwargs["name"])
                    await manager.retry_job(job, retry_at=AT_ONCE)
            except ConnectorException as error:
                logger.warning("The queue does not answer: %s", said(error))

    async def _make(self, context: JobContext, /, **packed: Any) -> None:
        """Make the video of a row, or join whoever does; the journal knows."""
        name, job = packed["name"], context.job.id
        assert job is not None
        logger.info("%s: begun", name)
        try:
            order = await asyncio.to_thread(unpack, packed, self.fleet.pictures)
            video = await self._runner.generate(
                order.request,
                order.provider,
                order.options,
                output=order.output,
                sandbox=order.sandbox or None,
            )
        except Kling26Error as error:
            await self._judge(error, name, job, context.job.attempts)
        else:
            await self._outcomes.record(job, "here", video.task, str(video.file))
            logger.info("%s: here, %s", name, video.file)

    async def _judge(self, error: Kling26Error, name: str, job: int, attempts: int) -> None:
        """Raise what becomes of a row after an error."""
        found = verdict(error)
        logger.warning("%s: %s: %s", name, found, error)
        await self._outcomes.record(job, found, error.task, str(error))
        if found == "unfit":
            self.trouble = self.trouble or error
            self._ended.set()
            raise Again from error
        if found == "later":
            raise Again(await self._outcomes.time_in(wait(error, attempts))) from error
        raise error
