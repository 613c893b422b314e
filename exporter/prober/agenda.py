"""What is due: jobs and the runs that a clock, which may be set, makes due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.probing.schedule import Schedule

GRACE: Final = 1000
"""Milliseconds within which a run that is late is still made."""

WAITED_OUT: Final = 60_000
"""Milliseconds by which a clock may be set back before times come again."""

_COUNTED: Final = 31 * 86_400_000
"""How far back runs are counted that were left out; before, the clock was wrong."""

_NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Due:
    """What to do now: jobs with the time they were due at, in milliseconds.

    `left_out` counts the runs of jobs that were due while the prober did not look, as
    its host was suspended or the clock was set ahead. `wake` is the next time at which
    something is due.
    """

    runs: tuple[tuple[str, int], ...]
    left_out: Mapping[str, int]
    wake: int


class Agenda:
    """Says once of every run that it is due; runs before the beginning never are.

    Where the clock is set back by up to a minute, the time that comes twice is waited
    out, so that no run is made twice. Where it is set back further it was wrong before,
    and is followed.
    """

    def __init__(self) -> None:
        self._schedules: dict[str, Schedule] = {}
        self._next: dict[str, int] = {}
        self._made: dict[str, int] = {}
        self._looked = -_NEVER

    def plan(self, schedules: Mapping[str, Schedule], now: int) -> None:
        """Go by these schedules from now on; runs that were made are not made again.

        Nor is a run lost that is due since the last look, where a schedule stays.
        """
        before, waiting = self._schedules, self._next.copy()
        self._schedules = dict(schedules)
        self._made = {
            job: at for job, at in self._made.items() if job in self._schedules
        }
        self._reckon(now)
        if now >= self._looked:
            self._next |= {
                job: waiting[job]
                for job, schedule in schedules.items()
                if before.get(job) == schedule
            }

    def look(self, now: int) -> Due:
        """Return what is due at a time that may be before the one looked at last."""
        if now < self._looked:
            self._reckon(now)
        self._looked = now
        runs: list[tuple[str, int]] = []
        left_out: dict[str, int] = {}
        for job, at in self._next.items():
            if at > now:
                continue
            schedule = self._schedules[job]
            made = schedule.due(max(at, now - GRACE + 1), now + 1)
            if made:
                runs.append((job, made[-1]))
                self._made[job] = made[-1]
            missed = schedule.count(max(at, now - _COUNTED), now + 1) - bool(made)
            if missed:
                left_out[job] = missed
            self._next[job] = _or_never(schedule.next(now))
        runs.sort(key=lambda run: run[1])
        return Due(tuple(runs), left_out, min(self._next.values(), default=_NEVER))

    def _reckon(self, now: int) -> None:
        for job, schedule in self._schedules.items():
            made = self._made.get(job, -_NEVER)
            after = made if now <= made <= now + WAITED_OUT else now - 1
            self._next[job] = _or_never(schedule.next(after))
        self._next = {job: self._next[job] for job in self._schedules}


def _or_never(at: int | None) -> int:
    return _NEVER if at is None else at
