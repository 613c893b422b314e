"""Several requests in flight, their answers taken one at a time."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

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

    def run(self, jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield the results of jobs as they finish; raises what a job raises.

        Returns, also early or by an exception, when no job runs any more.
        """
        pool = self._started()
        waiting = iter(jobs)
        flying = {pool.submit(job) for job in islice(waiting, self._threads + 1)}
        try:
            while flying:
                done, flying = wait(flying, return_when=FIRST_COMPLETED)
                while done:
                    future = done.pop()
                    flying |= {pool.submit(job) for job in islice(waiting, 1)}
                    yield future.result()
        finally:
            _abandon(flying)

    def close(self) -> None:
        """Begin no further job."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _started(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, self._name)
        return self._pool


def _abandon(flying: set[Future[T]]) -> None:
    for future in flying:
        future.cancel()
    wait(flying)
