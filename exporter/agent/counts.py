"""What an agent counts: exchanges by outcome, runs by what became of them."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

POLLED: Final = (
    *("changed", "unchanged", "unreachable", "unauthorized", "not_found"),
    *("conflict", "refused", "too_large", "busy", "failed", "garbage"),
)
"""What can become of asking for the plan."""
SENT: Final = ("accepted", *POLLED[2:])
"""What can become of sending a batch."""
DROPPED: Final = (
    *("spool_full", "memory_full", "memory_lost", "too_large", "refused"),
    *("damaged", "not_writable", "tests"),
)
"""Why runs are given up; `tests` are results of tests."""


class Counts:
    """Numbers that only rise; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polls = Counter(dict.fromkeys(POLLED, 0))
        self._sends = Counter(dict.fromkeys(SENT, 0))
        self._dropped = Counter(dict.fromkeys(DROPPED, 0))
        self._runs = Counter(taken=0, sent=0, duplicate=0, tests=0)

    def polled(self, outcome: str) -> None:
        """Count an answer about the plan."""
        with self._lock:
            self._polls[outcome] += 1

    def batch(self, outcome: str) -> None:
        """Count an answer to a batch."""
        with self._lock:
            self._sends[outcome] += 1

    def dropped(self, reason: str, runs: int) -> None:
        """Count runs that were given up."""
        with self._lock:
            self._dropped[reason] += runs

    def runs(self, fate: str, runs: int) -> None:
        """Count runs that were `taken`, `sent`, found to be `duplicate`, or `tests`."""
        with self._lock:
            self._runs[fate] += runs

    @property
    def all_dropped(self) -> int:
        """Runs that were given up, for whatever reason."""
        with self._lock:
            return self._dropped.total()

    def snapshot(self) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
        """Return polls, batches, dropped and runs as of now."""
        with self._lock:
            return (
                self._polls.copy(),
                self._sends.copy(),
                self._dropped.copy(),
                self._runs.copy(),
            )
