"""Results of tests until the bridge has them.

A test stays in the plan until its result has arrived, and is done once more by the
next process, so that this needs no disk.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.probing import wire

MOST: Final = 1000
"""Results that are kept; then the oldest are dropped, and counted."""


class Outbox:
    """Keeps results; safe to use from several threads. `on_drop` hears how many."""

    def __init__(self, on_drop: Callable[[str, int], None]) -> None:
        self._on_drop = on_drop
        self._lock = threading.Lock()
        self._results: dict[int, wire.TestResult] = {}

    def add(self, result: wire.TestResult) -> None:
        """Keep the result of a test."""
        with self._lock:
            self._results[result.id] = result
            too_many = len(self._results) > MOST
            if too_many:
                del self._results[next(iter(self._results))]
        if too_many:
            self._on_drop("tests", 1)

    def results(self, most: int) -> tuple[wire.TestResult, ...]:
        """Return the oldest results, at most so many."""
        with self._lock:
            return tuple(self._results.values())[:most]

    def told(self, results: Iterable[wire.TestResult]) -> None:
        """Forget results that the bridge has, or never will have."""
        with self._lock:
            for result in results:
                self._results.pop(result.id, None)
