"""The one thread that owns everything big that is written.

Jobs are functions run one after another; a job opens its own transaction. Readers use
connections of their own, so that a commit of a large window never waits for them.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.telemetry import Telemetry
    from runtime.clock import Clock

T = TypeVar("T")
LIMIT: Final = 64
"""Jobs that may wait; a producer that finds the queue full is told at once."""


class WriterFull(Exception):  # noqa: N818 - a state of the queue, not a mistake
    """The queue is full: the database is slower than what is produced."""


class WriterStopped(Exception):  # noqa: N818 - a state of the writer, not a mistake
    """The writer no longer takes jobs."""


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    run: Callable[[], Any]
    future: Future[Any]


class Writer:
    """Runs database jobs in order on a thread of its own."""

    def __init__(
        self,
        telemetry: Telemetry,
        clock: Clock,
        disconnect: Callable[[], object],
        limit: int = LIMIT,
        guard: Callable[[], object] = lambda: None,
    ) -> None:
        """`disconnect` closes the database connection of the calling thread.

        `guard` is called before each job and keeps it from being run by raising: what
        it raises is what the job's caller gets.
        """
        self._telemetry = telemetry
        self._clock = clock
        self._disconnect = disconnect
        self._guard = guard
        self._jobs: queue.Queue[_Job | None] = queue.Queue(limit)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to run jobs."""
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Run what is queued, then end; later calls raise WriterStopped."""
        if self._thread is None or self._closed.is_set():
            return
        self._closed.set()
        self._jobs.put(None)
        self._thread.join()

    def call(self, name: str, job: Callable[[], T]) -> T:
        """Run a job and return its result, waiting for a place in the queue.

        Raises what the job raises, and WriterStopped.
        """
        return self._enqueue(name, job, block=True).result()

    def attempt(self, name: str, job: Callable[[], T]) -> T:
        """Run a job like `call`, but raise WriterFull where that would wait."""
        return self._enqueue(name, job, block=False).result()

    def _enqueue(self, name: str, job: Callable[[], T], *, block: bool) -> Future[T]:
        if self._closed.is_set() or self._thread is None:
            raise WriterStopped("the writer is not running")
        future: Future[T] = Future()
        try:
            self._jobs.put(_Job(name, job, future), block=block)
        except queue.Full:
            self._telemetry.writer_jobs.labels(name, "dropped").inc()
            raise WriterFull(f"{self._jobs.maxsize} jobs wait already") from None
        self._telemetry.writer_queue.set(self._jobs.qsize())
        if self._ended.is_set():
            self._refuse_the_rest()
        return future

    def _run(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                self._telemetry.writer_queue.set(self._jobs.qsize())
                self._work(job)
                del job  # the rows of a window would be kept until the next one
        finally:
            self._ended.set()
            self._refuse_the_rest()
            self._disconnect()

    def _refuse_the_rest(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job.future.set_exception(WriterStopped("the writer has ended"))

    def _work(self, job: _Job) -> None:
        began = self._clock.monotonic()
        try:
            self._guard()
            result = job.run()
        except BaseException as error:  # noqa: BLE001 - handed to whoever asked
            self._telemetry.writer_jobs.labels(job.name, "failed").inc()
            job.future.set_exception(error)
        else:
            self._telemetry.writer_jobs.labels(job.name, "done").inc()
            job.future.set_result(result)
        self._telemetry.writer_seconds.labels(job.name).observe(
            self._clock.monotonic() - began
        )
