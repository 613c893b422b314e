"""Runs of jobs: every destination tried, everything found told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import structlog

from exporter.prober.findings import HISTORIES, Findings
from exporter.prober.messages import Done, JobCounts, Latest
from runtime.probing.schedule import Pauses, concerns
from runtime.probing.wire import CLOCK_STEPPED, STARVED, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.prober.attempts import Attempts
    from exporter.prober.echoes import Echoes
    from exporter.prober.findings import History
    from exporter.prober.messages import FromProber
    from exporter.prober.pulse import Pulse
    from exporter.prober.roster import Duty, Part
    from exporter.prober.tally import Tally
    from exporter.prober.traces import Traces
    from runtime.clock import Clock
    from runtime.probing.jobs import Maintenance
    from runtime.probing.wire import Result


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What runs are made with."""

    clock: Clock
    echoes: Echoes
    attempts: Attempts
    traces: Traces
    tally: Tally
    pulse: Pulse
    tell: Callable[[FromProber], None]


class Runner:
    """Makes runs of jobs and tells of each when it has ended."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._duties: Mapping[str, Duty] = {}
        self._pauses = Pauses(())
        self._keep: History = "none"
        self._going_on: dict[asyncio.Task[None], Duty] = {}
        self._good: dict[tuple[str, str], bool] = {}
        self._routes: dict[int, tuple[str, int]] = {}
        self.counts: dict[str, JobCounts] = {}

    def plan(
        self,
        duties: Mapping[str, Duty],
        maintenance: Sequence[Maintenance],
        *,
        keep: History,
    ) -> None:
        """Go by these duties from now on; runs that go on are ended as they began."""
        self._duties, self._keep = duties, keep
        self._pauses = Pauses(maintenance)
        self.counts = {job: self.counts.get(job, JobCounts()) for job in duties}
        known = {(d.job.name, p.target.name) for d in duties.values() for p in d.places}
        rows = {row for d in duties.values() for part in d.parts for row in part.rows}
        self._good = {key: good for key, good in self._good.items() if key in known}
        self._routes = {row: r for row, r in self._routes.items() if row in rows}
        self._means.echoes.forget(rows)

    def begin(self, job: str, at: int) -> None:
        """Begin the run of a job that is due at a time, in UTC milliseconds."""
        duty = self._duties[job]
        task = asyncio.create_task(self._run(duty, at), name=job)
        self._going_on[task] = duty
        task.add_done_callback(self._going_on.pop)

    @property
    def rows(self) -> set[int]:
        """In which rows runs that go on are counted, also those of plans before."""
        duties = self._going_on.values()
        return {row for duty in duties for part in duty.parts for row in part.rows}

    def leave_out(self, job: str, count: int) -> None:
        """Count runs that were due while nothing could run."""
        self.counts[job].left_out += count

    async def stop(self) -> None:
        """Break off the runs that go on, and tell of them as aborted."""
        for task in self._going_on:
            task.cancel()
        await asyncio.gather(*self._going_on, return_exceptions=True)

    async def _run(self, duty: Duty, at: int) -> None:
        clock = self._means.clock
        began_ms, began = int(clock.now() * 1000), clock.monotonic()
        resting = self._resting(duty, at)
        chosen = [n for n in range(len(duty.places)) if n not in resting]
        history = min(duty.job.history, self._keep, key=HISTORIES.index)
        found = Findings(history)
        state, error = "aborted", ""
        try:
            await self._try(duty, chosen, found)
            state = found.state
        except Exception as raised:
            log.exception("run failed", job=duty.job.name)
            error = f"the prober failed: {type(raised).__name__}; its log says where"
        finally:
            # Told also where the run is cancelled, which waits for nothing here.
            self._tell(
                Run(
                    job=duty.job.name,
                    scheduled_ms=at,
                    began_ms=began_ms,
                    ended_ms=max(int(clock.now() * 1000), began_ms),
                    state=state,
                    destinations=len(duty.places),
                    succeeded=len(found.tried - found.failed),
                    failed=len(found.failed),
                    skipped=found.left_out,
                    left_alone=len(resting),
                    error=error,
                    marks=self._marks(found, began),
                    results=tuple(found.results),
                ),
                history,
            )

    def _resting(self, duty: Duty, at: int) -> set[int]:
        """Return the places that maintenance leaves alone."""
        pauses = self._pauses.at(at)
        if not pauses:
            return set()
        return {
            number
            for number, place in enumerate(duty.places)
            if any(concerns(one, place.target.name, place.tags) for one in pauses)
        }

    async def _try(self, duty: Duty, chosen: Sequence[int], found: Findings) -> None:
        async with asyncio.TaskGroup() as group:
            for part in duty.parts:
                if part.probe.kind == "icmp":
                    echoes = self._means.echoes
                    group.create_task(echoes.send(part, duty.places, chosen, found))
                    continue
                for number in chosen:
                    group.create_task(self._attempt(duty, part, number, found))
        await self._look_closer(duty, found)

    async def _attempt(
        self, duty: Duty, part: Part, number: int, found: Findings
    ) -> None:
        place, row = duty.places[number], part.rows[number]
        await asyncio.sleep(place.phase)
        result = await self._means.attempts.once(row, place.target, part.probe)
        if result is None:
            found.skip(number)
            return
        now = int(self._means.clock.now() * 1000)
        self._means.tally.note(row, result.reason, now, result.seconds)
        changes = self._changes(row, result)
        self._means.tell(Latest(row, result, changes))
        found.add(number, result)

    def _changes(self, row: int, result: Result) -> int:
        """Return how often the route of a row became another one."""
        before, changes = self._routes.get(row, ("", 0))
        if result.route:
            changes += bool(before) and before != result.route
            self._routes[row] = (result.route, changes)
        return changes

    async def _look_closer(self, duty: Duty, found: Findings) -> None:
        """Trace the way to what failed and was good before, if the job wants it."""
        job = duty.job.name
        fresh = []
        for number in found.tried:
            key = (job, duty.places[number].target.name)
            if number in found.failed and self._good.get(key):
                fresh.append(duty.places[number].target)
            self._good[key] = number not in found.failed
        if fresh and duty.job.on_failure.traceroute:
            traced = await self._means.traces.trace(fresh)
            if found.history != "none":
                found.results.extend(traced)

    def _marks(self, found: Findings, began: float) -> tuple[str, ...]:
        pulse = self._means.pulse
        marks = (
            STARVED if pulse.starved_since(began) else "",
            CLOCK_STEPPED if found.stepped or pulse.stepped_since(began) else "",
        )
        return tuple(mark for mark in marks if mark)

    def _tell(self, run: Run, history: str) -> None:
        counts = self.counts.get(run.job)
        if counts is not None:
            setattr(counts, run.state, getattr(counts, run.state) + 1)
            counts.skipped += run.skipped
        if history == "none":
            return
        if run.marks:
            marked = tuple(
                msgspec.structs.replace(one, marks=(*one.marks, *run.marks))
                for one in run.results
            )
            run = msgspec.structs.replace(run, results=marked)
        self._means.tell(Done(run))
