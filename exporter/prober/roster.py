"""Who is probed for which job, in which order, and where that is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.prober.messages import Row
from exporter.probes.base import Target
from runtime.probing.planning import assignments
from runtime.probing.schedule import phase, splay

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.prober.board import Board
    from exporter.prober.tally import Tally
    from runtime.clock import Clock
    from runtime.probing.jobs import Job
    from runtime.probing.planning import Assignment
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Plan

_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A destination of a job; `phase` is its delay from a run's beginning, seconds."""

    target: Target
    tags: tuple[str, ...]
    phase: float


@dataclass(frozen=True, slots=True)
class Part:
    """One probe of a job, and the rows of its places in their order."""

    probe: Probe
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """A job with all that a run of it has to do."""

    job: Job
    places: tuple[Place, ...]
    parts: tuple[Part, ...]


class Roster:
    """Makes duties of plans; a job's probe of a destination keeps its row in all."""

    def __init__(self, board: Board, tally: Tally, clock: Clock) -> None:
        self._board = board
        self._tally = tally
        self._clock = clock
        self._rows: dict[_Key, int] = {}
        self._leaving: set[int] = set()

    def assign(
        self, plan: Plan, agent: str, busy: Collection[int] = ()
    ) -> dict[str, Duty]:
        """Return the duties of an agent by job, and give back rows without any.

        Rows that are `busy`, as runs go on that count there, are given back later.
        """
        before, self._rows = self._rows, {}
        fresh: list[int] = []
        duties = {
            one.job.name: self._duty(one, before, fresh)
            for one in assignments(plan, agent)
        }
        self._tally.clear(fresh)
        now = self._clock.monotonic()
        self._leaving.update(
            row for key, row in before.items() if key not in self._rows
        )
        for row in sorted(self._leaving.difference(busy)):
            self._board.release(row, now)
        self._leaving.intersection_update(busy)
        return duties

    @property
    def rows(self) -> tuple[Row, ...]:
        """Where everything is counted."""
        return tuple(
            Row(row, job, destination, probe, kind)
            for (job, destination, probe, kind), row in self._rows.items()
        )

    def _duty(self, one: Assignment, before: dict[_Key, int], fresh: list[int]) -> Duty:
        job, spread = one.job, splay(one.job)
        places = tuple(
            Place(
                target=Target(destination.name, destination.host),
                tags=destination.tags,
                phase=phase(job.name, destination.name, spread),
            )
            for destination in one.destinations
        )
        parts = tuple(
            Part(
                probe,
                tuple(self._row(job, place, probe, before, fresh) for place in places),
            )
            for probe in one.probes
        )
        return Duty(job, places, parts)

    def _row(
        self,
        job: Job,
        place: Place,
        probe: Probe,
        before: dict[_Key, int],
        fresh: list[int],
    ) -> int:
        key = (job.name, place.target.name, probe.name, probe.kind)
        row = before.get(key)
        if row is None:
            row = self._board.claim(self._clock.monotonic())
            fresh.append(row)
        self._rows[key] = row
        return row
