"""Named jobs on aligned beats: every 15 s means at :00, :15, :30 and :45, UTC.

Each job has a thread of its own, so that it never overlaps itself and a slow one holds
up no other. Beats that fall into a run are left out and counted, never made up for:
what a job has to do it finds out itself. Beats are reckoned from 1970 anew each time,
so that nothing drifts, and a clock that is set is followed.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.clock import Clock

log = structlog.get_logger(__name__)

_LONGEST_WAIT: Final = 60.0
"""Seconds after which the clock is read again, in case that it was set meanwhile."""


@dataclass(frozen=True, slots=True)
class Beat:
    """When a job runs: at the multiples of `every` seconds, `offset` seconds later."""

    every: float
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (self.every > 0 and math.isfinite(self.every)):
            raise ValueError(f"a job cannot run every {self.every} seconds")

    def number(self, now: float) -> int:
        """Return the number of the newest beat that is not after a UTC time."""
        number = math.floor((now - self.offset) / self.every)
        # The division rounds: make sure of time(number) <= now < time(number + 1).
        if self.time(number + 1) <= now:
            return number + 1
        return number if self.time(number) <= now else number - 1

    def time(self, number: int) -> float:
        """Return the UTC time of a beat."""
        return number * self.every + self.offset


@dataclass(frozen=True, slots=True)
class Job:
    """What runs, when, and under which name."""

    name: str
    beat: Beat
    run: Callable[[], None]


def _nothing(name: str) -> None:
    del name


class Scheduler:
    """Runs jobs on their beats between start and stop.

    `on_beat` hears of each run, `on_failure` of each one that raised, and `on_skip` of
    beats that were left out, with how many. Failures of the `expected` kinds are logged
    as one line, when their text is new for the job; others with their traceback.
    `patience` is how many seconds `stop` waits for runs at hand.
    """

    def __init__(
        self,
        clock: Clock,
        on_beat: Callable[[str], None],
        on_skip: Callable[[str, int], None],
        on_failure: Callable[[str], None] = _nothing,
        patience: float = 25.0,
        *,
        expected: tuple[type[Exception], ...] = (),
    ) -> None:
        self._clock = clock
        self._on_beat = on_beat
        self._on_skip = on_skip
        self._on_failure = on_failure
        self._patience = patience
        self._expected = expected
        self._failing: dict[str, str] = {}
        self._jobs: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    def add(
        self,
        name: str,
        every_seconds: float,
        job: Callable[[], None],
        offset_seconds: float = 0.0,
    ) -> None:
        """Have a job run on its beats, from start on.

        Raises ValueError for a name that is taken or an interval that is not positive,
        and RuntimeError after start.
        """
        if self._threads:
            raise RuntimeError(f"job {name!r} was added after start")
        if name in self._jobs:
            raise ValueError(f"job {name!r} is there already")
        self._jobs[name] = Job(name, Beat(every_seconds, offset_seconds), job)

    def start(self) -> None:
        """Begin; every job first runs on its next beat."""
        self._threads = [
            threading.Thread(target=self.run, args=(job,), name=job.name, daemon=True)
            for job in self._jobs.values()
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Start no more runs and wait for those at hand, but not for ever.

        Runs that outlast the patience are left to themselves and logged.
        """
        self._stop.set()
        deadline = self._clock.monotonic() + self._patience
        for thread in self._threads:
            thread.join(max(deadline - self._clock.monotonic(), 0.0))
            if thread.is_alive():
                log.error("job did not finish", job=thread.name, waited=self._patience)

    def run(self, job: Job) -> None:
        """Run a job on its beats, in this thread, until stopped."""
        beat = job.beat
        due = beat.number(self._clock.now()) + 1
        while not self._wait_until(beat.time(due)):
            newest = beat.number(self._clock.now())
            if newest < due:  # woken early, or the clock was set back
                due = newest + 1
                continue
            self._run_once(job)
            now = beat.number(self._clock.now())
            # Beats between due and newest passed while the machine or the clock jumped,
            # those after newest while the job ran.
            if skipped := (newest - due) + max(now - newest, 0):
                log.warning("beats skipped", job=job.name, count=skipped)
                self._on_skip(job.name, skipped)
            due = now + 1

    def _wait_until(self, time: float) -> bool:
        rest = time - self._clock.now()
        return self._clock.wait(self._stop, min(rest, _LONGEST_WAIT))

    def _run_once(self, job: Job) -> None:
        self._on_beat(job.name)
        try:
            job.run()
        except self._expected as error:
            self._log_expected(job.name, str(error))
            self._on_failure(job.name)
        except Exception:
            self._failing.pop(job.name, None)
            log.exception("job failed", job=job.name)
            self._on_failure(job.name)
        else:
            if self._failing.pop(job.name, None) is not None:
                log.info("job works again", job=job.name)

    def _log_expected(self, name: str, error: str) -> None:
        if self._failing.get(name) != error:
            log.error("job failed", job=name, error=error)
        self._failing[name] = error
