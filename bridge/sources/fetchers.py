"""Several requests in flight, their answers taken one at a time."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bridge.sources.base import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


class Fetchers:
    """Runs jobs on a few threads, which start with the first job.

    At most one job more than there are threads has been begun and not been taken, so
    that answers do not pile up when they come faster than they are used.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._closed = threading.Event()

    def run(self, jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield the results of jobs as they finish; raises what a job raises.

        Returns, also early or by an exception, when no job runs any more. Raises
        SourceError once it was closed.
        """
        waiting = iter(jobs)
        flying: set[Future[T]] = set()
        try:
            flying |= self._begin(islice(waiting, self._threads + 1))
            while flying:
                done, flying = wait(flying, return_when=FIRST_COMPLETED)
                while done:
                    future = done.pop()
                    flying |= self._begin(islice(waiting, 1))
                    yield future.result()
        finally:
            _abandon(flying)

    def close(self) -> None:
        """Begin no further job, from any thread."""
        self._closed.set()
        pool, self._pool = self._pool, None
        if pool is not None:
            # Not cancelled: nobody would hear of it who waits for them.
            pool.shutdown(wait=False)

    def _begin(self, jobs: Iterable[Callable[[], T]]) -> set[Future[T]]:
        pool = self._pool
        if pool is None and not self._closed.is_set():
            pool = self._pool = ThreadPoolExecutor(self._threads, self._name)
        if pool is None or self._closed.is_set():
            raise _closed()
        try:
            return {pool.submit(self._unless_closed, job) for job in jobs}
        except RuntimeError as error:  # it was closed just now
            raise _closed() from error

    def _unless_closed(self, job: Callable[[], T]) -> T:
        if self._closed.is_set():
            raise _closed()
        return job()


def _closed() -> SourceError:
    return SourceError("refused", "the source was closed")


def _abandon(flying: set[Future[T]]) -> None:
    for future in flying:
        future.cancel()
    wait(flying)
