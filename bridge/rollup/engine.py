"""The engine of one source: does every closed window once, and again where needed.

A beat asks the source for its time, puts what has closed since on the agenda, and
works it off. All that must survive a crash is in the ledger; what the engine keeps in
memory only saves looking there.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import structlog

from bridge.rollup import joints
from bridge.rollup.commit import Committed, Result, commit, find_entry
from bridge.rollup.days.adoption import Calendars
from bridge.rollup.days.local_engine import LocalEngine
from bridge.rollup.fill import Fill
from bridge.rollup.lookout import Lookout
from bridge.rollup.plan import LOST, PARTIAL
from bridge.rollup.reader import Reader
from bridge.rollup.reading import Reading, verdict
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import Source, SourceError
from models.database import DatabaseUnavailable
from models.queries import events as event_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.rollup.above import Above
    from bridge.rollup.buckets.census import Census
    from bridge.rollup.mending import Mender
    from bridge.rollup.parts import Parts
    from bridge.rollup.reports import Reporter
    from bridge.rollup.tail import Tail
    from bridge.rollup.verification.trust import Trust
    from bridge.sources.known import Resolve
    from runtime import settings

log = structlog.get_logger(__name__)


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
        self._rollup = rollup
        self._reporter = reporter
        self._parts = parts
        self._fill = Fill(parts.db, source.name)
        self._local = LocalEngine(
            source.name,
            calendars or Calendars((), parts.db, parts.call, parts.clock),
            parts,
        )
        self._trust = trust
        self._mender = mender
        self._lookout = Lookout(source, initial_history, rollup, reporter, parts)
        self._reader = Reader(
            source,
            rollup,
            parts,
            self._lookout,
            None if trust is None else trust.corrections,
            resolve,
        )
        self._agenda = self._lookout.agenda
        self._losses = 0
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
                if self._lookout.look():
                    self._fill.search()
                    self._local.search_again()
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
            self._reader.forget()
        before = find_entry(self._parts.db, self._source.name, window)
        reading, tail = self._reader.read(window)
        if self._asks_again(reading):
            return
        judged = verdict(self._source, reading, round(self._rollup.lookback * 1000))
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

    def _amend(self) -> None:
        """Have the rows say what corrections say."""
        if self._trust is not None and self._trust.amend():
            self._reader.forget()
            self._lookout.search_again()

    def _verify(self) -> None:
        """Look at finished windows again, as long as none before them is pending."""
        pending, until = self._agenda.oldest(), self._agenda.until
        if self._trust is None or until is None or self._stop.is_set():
            return
        self._trust.verify(self._reader.reread, until if pending is None else pending)

    def _mend(self) -> bool:
        """Merge some series into finished windows; return whether there were any."""
        if self._mender is None:
            return False
        return self._mender.work(self, self._rollup.catch_up, self._stop.is_set)

    @property
    def census(self) -> Census | None:
        """What counts different label values."""
        return self._reader.census

    def orient(self) -> None:
        """Learn from the ledger what is pending, for an engine that only rereads."""
        self._lookout.orient()
        if self._trust is not None:
            self._trust.corrections.refresh()

    def reread(self, window: Window) -> Reading:
        """Compute a finished window once more; commits nothing, raises SourceError."""
        return self._reader.reread(window)

    def read_part(self, source: Source, window: Window, *, first: bool) -> Reading:
        """Read some of the source's series; with the look-back for a `first` window.

        Raises SourceError.
        """
        return self._reader.read_part(source, window, first=first)

    def above(self) -> Above:
        """Return which coarser windows lie above others."""
        return self._local.above()

    def closed(self) -> int:
        """Return the end of the windows that have closed, UTC seconds."""
        return self._agenda.until or 0

    def merged(self, window: Window) -> None:
        """Hear that rows were merged into a finished window."""
        self._reader.forget()
        self._fill.consider(window)
        self._local.consider(window)

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
            self._reader.forget()
        else:
            self._reader.advance(window, tail, reading)
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
