"""Begins the runs of jobs when they are due, by a clock that may be set."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from exporter.prober.agenda import Agenda
from runtime.probing.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runtime.clock import Clock
    from runtime.probing.jobs import Job

_LONGEST_SLEEP: Final = 0.5
"""Seconds after which the clock is read again, in case that it was set meanwhile."""


class Timetable:
    """Looks at the agenda whenever something is due.

    `begin` is called with a job's name and the time its run was due at, and `leave_out`
    with how many runs were not made. Both must return at once.
    """

    def __init__(
        self,
        clock: Clock,
        begin: Callable[[str, int], None],
        leave_out: Callable[[str, int], None],
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._clock = clock
        self._begin = begin
        self._leave_out = leave_out
        self._sleep = sleep or self._nap
        self._changed = asyncio.Event()
        self._agenda = Agenda()

    def plan(self, jobs: Sequence[Job]) -> None:
        """Go by these jobs from now on."""
        schedules = {job.name: Schedule.of(job) for job in jobs}
        self._agenda.plan(schedules, self._now())
        self._changed.set()

    async def run(self) -> None:
        """Begin runs until cancelled."""
        while True:
            wake = self.look()
            seconds = (wake - self._clock.now() * 1000) / 1000
            await self._sleep(min(max(seconds, 0.0), _LONGEST_SLEEP))

    async def _nap(self, seconds: float) -> None:
        """Sleep until that is over, or until there is another plan."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    def look(self) -> int:
        """Begin what is due now, and return when something is due again."""
        due = self._agenda.look(self._now())
        for job, count in due.left_out.items():
            self._leave_out(job, count)
        for job, at in due.runs:
            self._begin(job, at)
        return due.wake

    def _now(self) -> int:
        return int(self._clock.now() * 1000)
