"""The engine of one source: does every closed window once, and again where needed.

A beat asks the source for its time, puts what has closed since on the agenda, and
works it off. All that must survive a crash is in the ledger; what the engine keeps in
memory only saves looking there.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import structlog

from bridge.rollup import joints
from bridge.rollup.buckets.census import Census
from bridge.rollup.buckets.spreads import Spreads
from bridge.rollup.commit import Committed, Result, commit, find_entry
from bridge.rollup.days.adoption import Calendars
from bridge.rollup.days.local_engine import LocalEngine
from bridge.rollup.deletion import kept
from bridge.rollup.fill import Fill
from bridge.rollup.kinds import Kinds
from bridge.rollup.overflow import Overflow
from bridge.rollup.plan import FINISHED, LOST, MINUTE, OPEN, PARTIAL, Agenda
from bridge.rollup.reading import Counting, Reading, read, verdict
from bridge.rollup.steps import Policy
from bridge.rollup.tail import Tail
from bridge.rollup.tolerances import Tolerances
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import Source, SourceError
from models.database import DatabaseUnavailable
from models.queries import events as event_queries
from models.queries import ledger
from models.queries.layouts import bounds_of
from models.queries.series import kinds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.rollup.above import Above
    from bridge.rollup.mending import Mender
    from bridge.rollup.reports import Reporter
    from bridge.rollup.rows import Ints
    from bridge.rollup.tail import LastBefore, Newest
    from bridge.rollup.verification.trust import Trust
    from bridge.sources.buffer import Call
    from bridge.sources.known import Resolve
    from bridge.telemetry import Telemetry
    from models.database import Database
    from models.directory import SeriesDirectory
    from runtime import settings
    from runtime.clock import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What an engine works with; shared by the engines of all sources."""

    db: Database
    call: Call
    directory: SeriesDirectory
    telemetry: Telemetry
    clock: Clock
    losses: Callable[[], int] = lambda: 0
    """How often another process may have written meanwhile, as the lease was lost."""


class Engine:
    """Keeps the rollups of one source complete.

    `resolve` answers the ids of series that the engine makes itself.
    """

    def __init__(
        self,
        source: Source,
        initial_history: float,
        rollup: settings.Rollup,
        reporter: Reporter,
        parts: Parts,
        *,
        calendars: Calendars | None = None,
        trust: Trust | None = None,
        resolve: Resolve | None = None,
        mender: Mender | None = None,
    ) -> None:
        self._source = source
        self._initial_history = initial_history
        self._rollup = rollup
        self._lookback_ms = round(rollup.lookback * 1000)
        self._reporter = reporter
        self._parts = parts
        self._fill = Fill(parts.db, source.name)
        self._local = LocalEngine(
            source.name,
            calendars or Calendars((), parts.db, parts.call, parts.clock),
            parts,
        )
        self._kinds = Kinds(lambda ids: kinds_of(parts.db, ids))
        self._counting = replace(
            _counting(rollup, parts.directory, resolve),
            layouts=lambda ids: bounds_of(parts.db, ids),
        )
        self._trust = trust
        self._mender = mender
        self._agenda = Agenda(rollup.catch_up)
        self._tails: dict[int, Tail] = {}
        self._losses = 0
        self._folding = False
        self._overflow = Overflow(parts.db, source.name)
        self._begin: int | None = None
        self._kept_since: int | None = None
        self._searched: float | None = None
        self._warned: dict[int, int] = {}
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    @property
    def idle(self) -> threading.Event:
        """Set while no beat runs."""
        return self._idle

    def stop(self) -> None:
        """Ask a running beat to end after the window at hand."""
        self._stop.set()

    @property
    def pending(self) -> int:
        """How many windows wait to be done."""
        return len(self._agenda)

    def beat(self) -> None:
        """Do all windows that are due, newest and oldest in turns."""
        self._idle.clear()
        try:
            self._beat()
        finally:
            self._idle.set()

    def _beat(self) -> None:
        while not self._stop.is_set():
            self._amend()
            try:
                self._look()
            except SourceError as error:
                self._unreachable(error)
                return
            starts = self._agenda.next(self._parts.clock.monotonic())
            if starts and not self._work_off(starts):
                return
            self._fill_all()
            try:
                mended = self._mend()
            except SourceError as error:
                self._unreachable(error)
                return
            if not starts and not mended:
                self._verify()
                return

    def _look(self) -> None:
        """Put on the agenda what has closed, what is dirty and what was never done."""
        now_ms = self._source.now_ms()
        self._parts.telemetry.source_up.labels(self._source.name).set(1)
        settled = (now_ms - round(self._rollup.settle * 1000)) // 1000
        until = Resolution.MINUTE.floor(settled)
        begin = self._find_begin(now_ms)
        if begin is None or until <= begin:
            return
        self._take_back()
        self._search(begin, until)
        self._agenda.extend(begin, until)
        for entry in ledger.unfinished(
            self._parts.db, self._source.name, Resolution.MINUTE.value, 1000
        ):
            if begin <= entry.start < until:
                self._agenda.add(entry.start, entry.start + MINUTE)

    def _find_begin(self, now_ms: int) -> int | None:
        """Return the first window of the source, from the ledger or its first data."""
        name, minute = self._source.name, Resolution.MINUTE.value
        begin = ledger.begin(self._parts.db, name, minute)
        if begin is None:
            since_ms = now_ms - round(self._initial_history * 1000)
            earliest = self._source.earliest_ms(since_ms)
            if earliest is None:
                return None
            begin = Resolution.MINUTE.floor(earliest // 1000)
            self._mark_open(begin)
        if self._begin is None or begin < self._begin:
            self._begin, self._searched = begin, None
        self._kept_since = kept.since(self._parts.db, name, Resolution.MINUTE)
        return begin if self._kept_since is None else max(begin, self._kept_since)

    def _take_back(self) -> None:
        """Settle windows that were asked for after they had been deleted."""
        db, name = self._parts.db, self._source.name
        if kept.has_strays(db, name):
            now = int(self._parts.clock.now())
            taken = self._parts.call(
                "take_back", lambda: kept.take_back(db, name, self._reporter, now)
            )
            log.warning("windows are too old to be done", source=name, windows=taken)

    def _mark_open(self, begin: int) -> None:
        """Enter the first window before any other is done, so that none is missed."""
        name, now = self._source.name, int(self._parts.clock.now())
        self._parts.call(
            "mark_open",
            lambda: ledger.mark(
                self._parts.db,
                name,
                Resolution.MINUTE.value,
                [begin],
                OPEN,
                "the first window of the source",
                now,
            ),
        )

    def _search(self, begin: int, until: int) -> None:
        """Search the whole ledger for windows that were never done (RULES R59)."""
        now = self._parts.clock.monotonic()
        searched = self._searched
        if searched is not None and now - searched < self._rollup.find_holes:
            return
        self._searched = now
        self._fill.search()
        self._local.search_again()
        name, minute = self._source.name, Resolution.MINUTE.value
        newest = ledger.newest(self._parts.db, name, minute)
        if newest is None:
            return
        for low, high in ledger.holes(self._parts.db, name, minute, MINUTE, until):
            if high <= newest or self._agenda.until is not None:
                self._agenda.add(max(low, begin), high)
        if self._agenda.until is None:
            last = ledger.entries(self._parts.db, name, minute, newest, newest + 1)
            resume = newest + MINUTE if last[0].state in FINISHED else newest
            self._agenda.extend(resume, max(until, resume))

    def _work_off(self, starts: Sequence[int]) -> bool:
        """Do windows in order; return False when the source failed."""
        for start in starts:
            if self._stop.is_set():
                return False
            try:
                self.do(Window(start))
            except SourceError as error:
                self._agenda.put_off(start, self._parts.clock.monotonic())
                self._unreachable(error, start)
                if not error.permanent:
                    return False
            except DatabaseUnavailable:
                raise
            except Exception:
                # One window that cannot be done must not keep the others from it.
                log.exception("a window failed", source=self._source.name, window=start)
                self._agenda.put_off(start, self._parts.clock.monotonic())
                self._parts.telemetry.windows_failed.labels(self._source.name).inc()
        return True

    def do(self, window: Window) -> None:
        """Read one window, roll it up and commit it; raises SourceError."""
        began = self._parts.clock.monotonic()
        if self._losses != (losses := self._parts.losses()):
            self._losses = losses
            self._tails.clear()
        before = find_entry(self._parts.db, self._source.name, window)
        tail, lookback_ms = self._tail(window)
        reading = self._read(window, tail, lookback_ms)
        if self._asks_again(reading):
            return
        judged = verdict(self._source, reading, self._lookback_ms)
        events = self._reporter.of_rows(window, reading.rows)
        if judged.state in (PARTIAL, LOST):
            events += self._reporter.of_outcome(window, judged.state, judged.reason)
        result = Result(
            source=self._source.name,
            window=window,
            verdict=judged,
            rows=reading.rows,
            samples=reading.samples,
            detectors=self._reporter.detectors,
            events=events,
            before=before,
            held=None if reading.lookback_ms else reading.warnings.held,
            layouts=reading.layouts,
        )
        committed = self._commit(result)
        self._after(window, tail, reading, committed)
        self._parts.telemetry.cycle_seconds.labels(self._source.name).observe(
            self._parts.clock.monotonic() - began
        )

    def _read(self, window: Window, tail: Tail, lookback_ms: int) -> Reading:
        """Read a window; where series are folded, what came before as well.

        No rows say of a folded series by itself what it stood at, also where it is
        folded no longer as the budget was raised.
        """
        folding = self._folding or self._overflow.has_rows(window, self._lookback_ms)
        wanted_ms = self._lookback_ms if folding else lookback_ms
        reading = self._read_since(window, tail, wanted_ms)
        if reading.folded and not wanted_ms:
            reading = self._read_since(window, tail, self._lookback_ms)
        self._folding = bool(reading.folded)
        if self._folding:
            self._overflow.forget()
        folded = sum(map(len, reading.folded))
        self._parts.telemetry.series_folded.labels(self._source.name).set(folded)
        return reading

    def _read_since(self, window: Window, tail: Tail, lookback_ms: int) -> Reading:
        return read(
            self._source,
            window,
            tail,
            self._kinds,
            lookback_ms,
            None if self._trust is None else self._trust.corrections,
            counting=self._counting,
        )

    def reread(self, window: Window) -> Reading:
        """Compute a finished window once more; commits nothing, raises SourceError."""
        return self._read(window, *self._new_tail(window))

    def orient(self) -> None:
        """Learn from the ledger what is pending, for an engine that only rereads."""
        db, name, minute = self._parts.db, self._source.name, Resolution.MINUTE.value
        self._begin = ledger.begin(db, name, minute)
        self._kept_since = kept.since(db, name, Resolution.MINUTE)
        newest = ledger.newest(db, name, minute)
        if self._trust is not None:
            self._trust.corrections.refresh()
        if newest is None:
            return
        for low, high in ledger.holes(db, name, minute, MINUTE, newest):
            self._agenda.add(low, high)
        for entry in ledger.unfinished(db, name, minute, 1000):
            self._agenda.add(entry.start, entry.start + MINUTE)

    def _amend(self) -> None:
        """Have the rows say what corrections say."""
        if self._trust is not None and self._trust.amend():
            self._tails.clear()
            self._searched = None

    def _verify(self) -> None:
        """Look at finished windows again, as long as none before them is pending."""
        pending, until = self._agenda.oldest(), self._agenda.until
        if self._trust is None or until is None or self._stop.is_set():
            return
        self._trust.verify(self.reread, until if pending is None else pending)

    def _mend(self) -> bool:
        """Merge some series into finished windows; return whether there were any."""
        if self._mender is None:
            return False
        return self._mender.work(self, self._rollup.catch_up, self._stop.is_set)

    @property
    def census(self) -> Census | None:
        """What counts different label values."""
        return self._counting.census

    def above(self) -> Above:
        """Return which coarser windows lie above others."""
        return self._local.above()

    def closed(self) -> int:
        """Return the end of the windows that have closed, UTC seconds."""
        return self._agenda.until or 0

    def read_part(self, source: Source, window: Window, *, first: bool) -> Reading:
        """Read some of the source's series; with the look-back for a `first` window.

        Raises SourceError.
        """
        tail, lookback_ms = self._new_tail(window)
        if first or self._overflow.has_rows(window, self._lookback_ms):
            lookback_ms = self._lookback_ms
        corrections = None if self._trust is None else self._trust.corrections
        counting = replace(self._counting, census=None)
        return read(
            source, window, tail, self._kinds, lookback_ms, corrections, counting
        )

    def merged(self, window: Window) -> None:
        """Hear that rows were merged into a finished window."""
        self._tails.clear()
        self._fill.consider(window)
        self._local.consider(window)

    def _tail(self, window: Window) -> tuple[Tail, int]:
        """Return the last values before a window, and how far to look back for more."""
        tail = self._tails.pop(window.start, None)
        new, lookback_ms = self._new_tail(window)
        if tail is None or tail.run != new.run:  # windows before it were done meanwhile
            return new, lookback_ms
        return tail, lookback_ms

    def _new_tail(self, window: Window) -> tuple[Tail, int]:
        run = self._agenda.run_start(window.start)
        first = None if self._kept_since is not None else self._begin
        alone = window.start in (run, first)
        tail = Tail(window.start, run, None if alone else self._last_before(run))
        return tail, self._lookback_ms if alone else 0

    def _last_before(self, run: int | None) -> LastBefore:
        def lookup(series_id: Ints, start: int) -> Newest:
            return joints.predecessors(self._parts.db, series_id, start, run)

        return lookup

    def _asks_again(self, reading: Reading) -> bool:
        """Whether warnings make the window wait for another try (RULES R70)."""
        if not reading.warnings.messages:
            return False
        start = reading.window.start
        tries = self._agenda.put_off(start, self._parts.clock.monotonic())
        log.warning(
            "the source answered with warnings",
            source=self._source.name,
            window=start,
            tries=tries,
            warnings=reading.warnings.messages,
        )
        return tries < self._rollup.warnings

    def _commit(self, result: Result) -> Committed:
        now, above = int(self._parts.clock.now()), self._local.above()
        outdated = self._outdated(result.window)
        committed = self._parts.call(
            f"commit_{result.window.resolution.value}",
            lambda: commit(self._parts.db, result, now, outdated, above),
        )
        self._fill.consider(result.window)
        self._local.consider(result.window)
        telemetry, name = self._parts.telemetry, self._source.name
        resolution = result.window.resolution.value
        telemetry.windows.labels(name, resolution, committed.entry.state).inc()
        if not committed.kept:
            telemetry.rows.labels(resolution).inc(committed.entry.series)
            telemetry.rows_restated.labels(name, resolution).inc(committed.restated)
            for event in result.events:
                telemetry.events.labels(event.detector).inc()
        return committed

    def _outdated(self, window: Window) -> Callable[[Committed], Sequence[int]]:
        """Return what names the minutes that a window's commit outdates."""
        if window.resolution is not Resolution.MINUTE:
            return lambda _: ()
        db, name = self._parts.db, self._source.name
        return lambda committed: joints.after(db, name, window, committed, self._agenda)

    def _after(
        self, window: Window, tail: Tail, reading: Reading, committed: Committed
    ) -> None:
        """Take the window off the agenda and carry what it changed to later ones."""
        self._parts.telemetry.samples.labels(self._source.name).inc(reading.samples)
        self._agenda.finish(window.start)
        if committed.kept or len(committed.changed):
            self._tails.clear()
        else:
            tail.advance(window.end, reading.rows)
            self._tails = dict([*self._tails.items(), (window.end, tail)][-3:])
        self._source.done(self._done_until())

    def _done_until(self) -> int:
        """Return the end, in milliseconds, before which nothing is pending."""
        oldest = self._agenda.oldest()
        until = self._agenda.until or 0
        return (until if oldest is None else oldest) * 1000

    def _fill_all(self) -> None:
        """Merge every hour, then every day, that is due, and some local days."""
        for resolution in (Resolution.HOUR, Resolution.DAY):
            for window in self._fill.due(resolution):
                if self._stop.is_set():
                    return
                try:
                    self._merge(window)
                except DatabaseUnavailable:
                    raise
                except Exception:
                    # One window that cannot be merged must not keep the others from it.
                    name = self._source.name
                    log.exception("a window failed", source=name, window=str(window))
                    self._fill.put_off(window)
                    self._parts.telemetry.windows_failed.labels(name).inc()
        self._local.work(self._stop.is_set)

    def _merge(self, window: Window) -> None:
        result = self._fill.merge(window)
        if result is not None:
            # First, so that a kill in between leaves the window to be done.
            self._touch(result)
            self._commit(result)

    def _touch(self, result: Result) -> None:
        ids = np.concatenate(
            [rows.series_id[rows.count > 0] for rows in result.rows]
            or [np.zeros(0, dtype=np.int64)]
        )
        last_seen = result.window.end - 1
        self._parts.call(
            "touch_series", lambda: self._parts.directory.touch(ids, last_seen)
        )

    def _unreachable(self, error: SourceError, start: int | None = None) -> None:
        """Log and record that the source did not answer."""
        if self._stop.is_set():  # it was cut off
            return
        self._parts.telemetry.source_up.labels(self._source.name).set(0)
        log.warning(
            "the source did not answer",
            source=self._source.name,
            reason=error.reason,
            error=str(error),
            window=start,
        )
        minute = Resolution.MINUTE.floor(int(self._parts.clock.now()))
        events = self._reporter.of_failure(minute, error.reason, str(error))

        def record() -> None:
            for event in events:
                event_queries.record(self._parts.db, event)

        if events:
            self._parts.call("record_failure", record)


def _counting(
    rollup: settings.Rollup, directory: SeriesDirectory, resolve: Resolve | None
) -> Counting:
    policy = Policy(
        evidence=rollup.first_sample == "evidence",
        max_gap_ms=round(rollup.max_gap * 1000),
    )

    def describe(ids: Sequence[int]) -> list[tuple[str, dict[str, str]]]:
        return directory.describe(ids, remember=False)

    return Counting(
        policy,
        Tolerances(rollup.dips, describe).of,
        spreads=Spreads(rollup.distributions, describe),
        census=resolve and Census(rollup.distinct, describe, resolve),
    )
