"""The last results of probes, and the last failures, which would else be gone soon."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from runtime.probing.wire import Result, Run


SCHEDULED: Final = "*"
"""In place of the name of a job that is not told."""


class Kept(NamedTuple):
    """A result, by the number it is known by; `job` is '' where somebody asked."""

    number: int
    job: str
    result: Result


class Ring:
    """Keeps so many results, and as many failures beyond them; forgets at restart.

    As many again of jobs, so that a busy job does not push out what somebody asked
    for. Safe to use from several threads.
    """

    def __init__(self, size: int) -> None:
        self._changed = threading.Lock()
        self._number = 0
        self._kept: dict[tuple[bool, bool], deque[Kept]] = {
            (of_job, failed): deque(maxlen=size)
            for of_job in (False, True)
            for failed in (False, True)
        }

    def add(self, result: Result, job: str = "") -> Kept:
        """Keep a result and return it with its number."""
        with self._changed:
            self._number += 1
            kept = Kept(self._number, job, result)
            self._kept[bool(job), False].append(kept)
            if not result.succeeded:
                self._kept[bool(job), True].append(kept)
        return kept

    def add_run(self, run: Run) -> None:
        """Keep the results of a job's run."""
        for result in run.results:
            self.add(result, run.job)

    def newest(self) -> list[Kept]:
        """Return the last results and the last failures, newest first."""
        with self._changed:
            kept = {one.number: one for part in self._kept.values() for one in part}
        return [kept[number] for number in sorted(kept, reverse=True)]
