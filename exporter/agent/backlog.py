"""Runs that the bridge does not have yet: on disk, or in memory where that fails.

A disk that is full, read-only or away is told once and tried again every ten seconds;
meanwhile the newest runs are kept in bounded memory, and go to disk when it is back.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

import structlog

from exporter.agent.spool import Chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.agent.spool import Spool
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

_TRY_AGAIN: Final = 10.0
MEMORY: Final = 8 * 2**20
"""Bytes of runs that are kept while there is no disk for them."""


class Backlog:
    """A spool that is never refused a run; safe to use from several threads.

    `on_drop` hears why, and how many runs, were given up.
    """

    def __init__(
        self,
        spool: Spool,
        clock: Clock,
        on_drop: Callable[[str, int], None],
        memory: int = MEMORY,
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._on_drop = on_drop
        self._limit = memory
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._flying: list[tuple[int, bytes]] = []
        self._bytes = 0
        self._trouble = ""
        self._try_again = 0.0
        self._closed = False

    @property
    def on_disk(self) -> bool:
        """Whether runs are written to disk."""
        return not self._trouble

    def open(self) -> None:
        """Take over what an earlier process left."""
        with self._lock:
            self._closed = False
            if self._use_disk() and self._spool.unsent:
                log.info("runs of before are unsent", runs=self._spool.unsent)

    def close(self) -> None:
        """Put what is unsent to disk, if that is possible, and let go of it."""
        with self._lock:
            self._try_again = 0.0
            self._use_disk()
            self._closed = True
            if unsent := self._spool.unsent:
                log.warning("runs are unsent, and kept for the next start", runs=unsent)
            self._spool.close()
            if lost := len(self._waiting):
                self._waiting.clear()
                self._on_drop("memory_lost", lost)

    def add(self, payload: bytes) -> None:
        """Take a run."""
        with self._lock:
            self._waiting.append((round(self._clock.now() * 1000), payload))
            self._bytes += len(payload)
            self._use_disk()
            self._keep_to_limit()

    def next(self, count: int, size: int) -> Chunk | None:
        """Return the oldest runs, at most so many and so many bytes, or None.

        One is returned whatever its size. `done` or `give_back` is to follow.
        """
        with self._lock:
            if self._closed:
                return None
            if self._use_disk() or self._spool.is_open:
                try:
                    found = self._spool.next(count, size)
                except OSError as error:
                    self._tell(error)
                    found = None
                if found is not None:
                    return found
            return self._next_in_memory(count, size)

    def done(self, chunk: Chunk) -> None:
        """Forget runs that the bridge has, or never will have."""
        with self._lock:
            if not chunk.segment:
                self._flying = []
            elif not self._closed:
                try:
                    self._spool.done(chunk)
                except OSError as error:
                    self._tell(error)

    def give_back(self, chunk: Chunk) -> None:
        """Keep runs for later that could not be sent."""
        with self._lock:
            if chunk.segment:
                if not self._closed:
                    self._spool.give_back(chunk)
                return
            self._waiting.extendleft(reversed(self._flying))
            self._bytes += sum(len(payload) for _, payload in self._flying)
            self._flying = []
            self._keep_to_limit()

    def sync(self) -> None:
        """Put on the platter what was written."""
        with self._lock:
            try:
                handles = [] if self._closed else self._spool.unsynced()
            except OSError as error:
                self._tell(error)
                return
        for handle in handles:
            try:
                os.fsync(handle)
            except OSError as error:
                self._tell(error)
            finally:
                os.close(handle)

    def figures(self) -> tuple[int, int, float]:
        """Return the runs here, their bytes, and the seconds since the oldest came."""
        with self._lock:
            waiting = [*self._flying, *self._waiting]
            count = self._spool.unsent + len(waiting)
            size = self._spool.size + sum(len(payload) for _, payload in waiting)
            try:
                oldest = self._spool.oldest_ms()
            except OSError:
                oldest = None  # the thread that sends it meets the same, and tells it
            if oldest is None and waiting:
                oldest = waiting[0][0]
        if oldest is None:
            return count, size, 0.0
        return count, size, max(self._clock.now() - oldest / 1000, 0.0)

    def _use_disk(self) -> bool:
        """Move what waits in memory to disk; return whether there is a disk."""
        if self._closed or self._clock.monotonic() < self._try_again:
            return False
        if not self._waiting and not self._trouble and self._spool.is_open:
            return True
        try:
            if not self._spool.is_open:
                self._spool.open()
            while self._waiting:
                stamp, payload = self._waiting[0]
                self._spool.append(stamp, payload)
                self._waiting.popleft()
                self._bytes -= len(payload)
        except OSError as error:
            self._tell(error)
            return False
        if self._trouble:
            log.info("unsent results are written to disk again")
        self._trouble = ""
        return True

    def _tell(self, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        if reason != self._trouble:
            log.error(
                "unsent results are kept in memory only",
                error=reason,
                remedy="see to the directory exporter.prober.state",
            )
        self._trouble = reason
        self._try_again = self._clock.monotonic() + _TRY_AGAIN

    def _keep_to_limit(self) -> None:
        lost = 0
        while self._bytes > self._limit and self._waiting:
            self._bytes -= len(self._waiting.popleft()[1])
            lost += 1
        if lost:
            self._on_drop("memory_full", lost)

    def _next_in_memory(self, count: int, size: int) -> Chunk | None:
        taken = 0
        while self._waiting and len(self._flying) < count:
            taken += len(self._waiting[0][1])
            if self._flying and taken > size:
                break
            self._flying.append(self._waiting.popleft())
            self._bytes -= len(self._flying[-1][1])
        if not self._flying:
            return None
        return Chunk(tuple(payload for _, payload in self._flying))
