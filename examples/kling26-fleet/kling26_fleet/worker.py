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
from procrastinate.jobs import Job

from kling26_fleet.fleet import Fleet
from kling26_fleet.outcomes import Outcomes
from kling26_fleet.queue import AT_ONCE, TASK, Again, HandOut, opened, said
from kling26_fleet.rows import unpack
from kling26_fleet.verdicts import verdict, wait

logger = logging.getLogger("kling26_fleet")

#: How often a worker tells the queue that it is alive, and how long it may be silent, in seconds.
HEARTBEAT, SILENCE = 10.0, 45.0
#: How often to look for rows of silent workers, and for new ones, in seconds.
_CARE, _LOOK = 15.0, 2.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def work(fleet: Fleet, jobs: int) -> None:
    """
    Make videos, up to `jobs` at once, until a signal says to end; others go on with what is left.

    Raises `Kling26Error` if this machine lacks what its rows need.
    """
    async with opened(fleet) as queue, Runner(fleet.settings) as runner:
        await Worker(fleet, jobs, queue, runner).run()


@define
class Worker:
    """Makes the videos of a fleet, with one runner for all of them."""

    fleet: Fleet
    jobs: int
    queue: App
    runner: Runner
    #: What this machine lacks, if that ended the work.
    trouble: Kling26Error | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)
    _working: asyncio.Task[None] = field(init=False)

    async def run(self) -> None:
        """Work until the end, and then release all rows."""
        self.queue.task(name=TASK, pass_context=True, retry=HandOut())(self._make)
        care = asyncio.create_task(self._care())
        self._working = asyncio.create_task(self._work())
        for number in _SIGNALS:
            with suppress(NotImplementedError):  # On Windows.
                asyncio.get_running_loop().add_signal_handler(number, self._hear)
        try:
            await self._working
        except asyncio.CancelledError:
            if not self._ended:
                raise
        finally:
            care.cancel()
        if self.trouble is not None:
            raise self.trouble

    def _hear(self) -> None:
        """End by a signal; another one does what it does by default."""
        self._end()
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _end(self) -> None:
        """Cancel all rows, once: what is paid goes on until the runner ends."""
        if not self._ended:
            self._ended = True
            self._working.cancel()

    async def _work(self) -> None:
        """Make videos; join the queue anew whenever it does not know this worker any more."""
        while not self._ended:
            try:
                await self.queue.run_worker_async(
                    queues=[self.fleet.queue],
                    concurrency=self.jobs,
                    fetch_job_polling_interval=_LOOK,
                    listen_notify=False,
                    shutdown_graceful_timeout=0.0,
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT,
                    stalled_worker_timeout=SILENCE,
                )
            except ConnectorException as error:  # PostgreSQL was away, or this process was.
                logger.warning("The queue is joined anew: %s", said(error))
            await asyncio.sleep(0.0 if self._ended else _LOOK)

    async def _care(self) -> None:
        """
        Hand out again what silent workers had.

        Not a periodic job of the queue, which would wait until some worker has room for it.
        """
        while True:
            await asyncio.sleep(_CARE)
            try:
                for job in await self.queue.job_manager.get_stalled_jobs(
                    queue=self.fleet.queue, seconds_since_heartbeat=SILENCE
                ):
                    await self._hand_out(job)
            except Exception:
                logger.warning("The rows of silent workers are not known", exc_info=True)

    async def _hand_out(self, job: Job) -> None:
        name = job.task_kwargs.get("name", f"job {job.id}")
        logger.warning("%s: its worker is silent", name)
        try:
            await self.queue.job_manager.retry_job(job, retry_at=AT_ONCE)
        except Exception:
            logger.warning("%s: not handed out again yet", name, exc_info=True)

    async def _make(self, context: JobContext, /, **packed: Any) -> None:
        """Make the video of a row, or join whoever does; the journal knows."""
        name, job = packed["name"], context.job.id
        assert job is not None
        logger.info("%s: begun", name)
        try:
            row = await asyncio.to_thread(unpack, packed, self.fleet.pictures)
            video = await self.runner.generate(
                row.request,
                row.provider,
                row.options,
                output=row.output,
                sandbox=packed["sandbox"] or None,
            )
        except Kling26Error as error:
            await self._judge(error, name, job, context.job.attempts)
        else:
            await Outcomes(self.queue).record(job, "here", video.task, str(video.file))
            logger.info("%s: here, %s", name, video.file)

    async def _judge(self, error: Kling26Error, name: str, job: int, attempts: int) -> None:
        """Raise what becomes of a row after an error."""
        outcomes, found = Outcomes(self.queue), verdict(error)
        logger.warning("%s: %s: %s", name, found, error)
        await outcomes.record(job, found, error.task, str(error))
        if found == "unfit":
            self.trouble = self.trouble or error
            self._end()
            raise Again from error
        if found == "later":
            raise Again(await outcomes.time_in(wait(error, attempts))) from error
        raise error
