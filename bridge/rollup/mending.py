"""Works off backfills of some series: merges them into windows that are finished.

What is asked for stands in the table `backfills`, and each window is committed together
with how far it is. Windows are done oldest first, so that steps are measured from the
rows of the window before; windows that are not finished are passed over, as they are
read whole. When all are done, the next rows of the series after the span are done
again, as what came before them is another (RULES R63).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import structlog

from bridge.rollup import joints
from bridge.rollup.commit import find_entry
from bridge.rollup.deletion import kept
from bridge.rollup.patching import Better, Patch, better, patch, stored
from bridge.rollup.plan import DIRTY, FINISHED, LOST, MINUTE
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import SourceError
from bridge.sources.narrowing import matching_stored
from models.database import DatabaseUnavailable
from models.queries import backfills, ledger
from models.queries.rollups import window_rows
from models.queries.series import by_ids, ids_of_source
from models.rollup import COLUMNS, RollupMinute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bridge.rollup.above import Above
    from bridge.rollup.buckets.census import Census
    from bridge.rollup.parts import Parts
    from bridge.rollup.reading import Reading
    from bridge.rollup.rows import Bools, Ints
    from bridge.sources.base import Source
    from models.queries.backfills import BackfillRow
    from models.queries.ledger import Entry

log = structlog.get_logger(__name__)

_SHARD: Final = 2000
_LAG: Final = Resolution.DAY.width
"""Seconds by which `series.last_seen` may be behind: hours note it when merged."""
_PAUSE: Final = 60.0
"""Seconds after a window failed, and how long a rate is counted."""


class Host(Protocol):
    """The engine that a mender works for."""

    @property
    def census(self) -> Census | None:
        """What counts different label values in all rows of a window."""

    def above(self) -> Above:
        """Return which coarser windows lie above others."""

    def read_part(self, source: Source, window: Window, *, first: bool) -> Reading:
        """Read a finished window; before the `first` of a span no rows may say."""

    def merged(self, window: Window) -> None:
        """Hear that rows were merged into a window."""

    def closed(self) -> int:
        """Return the end of the windows that have closed, UTC seconds."""


@dataclass(slots=True)
class _Chosen:
    """Which series a backfill is about; remembered."""

    matches: Callable[[str, Mapping[str, str], str], bool]
    known: dict[int, bool] = field(default_factory=dict)

    def of(self, parts: Parts, series_id: Ints) -> Bools:
        new = [one for one in series_id.tolist() if one not in self.known]
        for row in by_ids(parts.db, np.array(new, np.int64)):
            self.known[row.id] = self.matches(row.metric, row.labels, row.kind)
        get = self.known.get
        return np.array([get(one, False) for one in series_id.tolist()], np.bool_)


@dataclass(slots=True)
class _Task:
    request: BackfillRow
    source: Source
    chosen: _Chosen
    tries: int = 0


class Mender:
    """Merges what was asked for of one source into its finished windows.

    `narrow` answers the source with the series of some selectors alone; it raises
    ValueError where they are not among those that are kept. `warnings` is how often a
    window is tried while the source warns.
    """

    def __init__(
        self,
        name: str,
        narrow: Callable[[Sequence[str]], Source],
        parts: Parts,
        warnings: int,
    ) -> None:
        self._name = name
        self._narrow = narrow
        self._parts = parts
        self._warnings = warnings
        self._task: _Task | None = None
        self._paused_until = float("-inf")
        self._minute = float("-inf")
        self._in_minute = 0

    def work(self, host: Host, share: int, stopped: Callable[[], bool]) -> bool:
        """Do at most `share` windows; return whether anything was done.

        Raises SourceError.
        """
        now = self._parts.clock.monotonic()
        if now < self._paused_until:
            return False
        requests = backfills.unfinished(self._parts.db, self._name)
        if not requests:
            self._task = None
            return False
        done = False
        for _ in range(share):
            if stopped():
                break
            task = self._ready(requests[0])
            if task is None:
                return True
            if task.request.position >= task.request.until:
                self._finish(host, task)
                return True
            if not self._may_go_on(task.request.rate) or not self._do(host, task):
                break
            done = True
        return done

    def _may_go_on(self, rate: int) -> bool:
        now = self._parts.clock.monotonic()
        if now - self._minute >= _PAUSE:
            self._minute, self._in_minute = now, 0
        return not rate or self._in_minute < rate

    def _ready(self, request: BackfillRow) -> _Task | None:
        """Return the task at hand; None where it cannot be one and was given up."""
        if self._task is None or self._task.request.id != request.id:
            try:
                source = self._narrow(request.match)
                chosen = _Chosen(matching_stored(request.match))
            except ValueError as error:
                self._give_up(request, str(error))
                return None
            self._task = _Task(request, source, chosen)
        return self._task

    def _do(self, host: Host, task: _Task) -> bool:
        """Do the next window; return whether to go on at once."""
        window = Window(task.request.position)
        before = find_entry(self._parts.db, self._name, window)
        try:
            done = self._merge(host, task, window, before)
        except SourceError as error:
            if error.permanent:
                self._give_up(task.request, str(error))
                return False
            raise
        except DatabaseUnavailable:
            raise
        except Exception:
            # What cannot be done now must not keep windows that close from it.
            log.exception("a window failed", source=self._name, window=window.start)
            self._parts.telemetry.windows_failed.labels(self._name).inc()
            done = False
        if done:
            self._in_minute += 1
            task.tries = 0
            task.request = replace(task.request, position=window.end)
        else:
            self._paused_until = self._parts.clock.monotonic() + _PAUSE
        return done

    def _merge(
        self, host: Host, task: _Task, window: Window, before: Entry | None
    ) -> bool:
        gone = kept.is_gone(self._parts.db, self._name, window)
        if before is None or before.state not in FINISHED or gone:
            return self._pass_over(task.request, window, "")
        first = window.start == task.request.start
        reading = host.read_part(task.source, window, first=first)
        said = "; ".join(reading.warnings.messages)
        task.tries += 1
        if said and task.tries < self._warnings:
            return False
        if reading.folded or (before.state == LOST and reading.samples):
            # An overflow series, and why a window is lost, follow from all of it.
            return self._pass_over(task.request, window, task.request.reason)
        it = Patch(
            task.request,
            window,
            before,
            self._better(host, task, window, reading),
            held=None if reading.lookback_ms else reading.warnings.held,
            warning=f"the source warned: {said}" if said else "",
            layouts=reading.layouts,
        )
        return self._write(host, it)

    def _better(
        self, host: Host, task: _Task, window: Window, reading: Reading
    ) -> Better:
        rows = Rows.join(reading.rows)
        rows = rows.take(task.chosen.of(self._parts, rows.series_id))
        heard: dict[int, int] = {}
        for ids, counts in reading.heard:
            for number, count in zip(ids.tolist(), counts.tolist(), strict=True):
                heard[number] = heard.get(number, 0) + count
        found = better(stored(self._parts.db, rows, window), rows, heard)
        if host.census is None or not len(found.rows):
            return found
        return self._counted(host.census, window, found)

    def _counted(self, census: Census, window: Window, found: Better) -> Better:
        """Count label values again, in all rows that the window will have."""
        columns = window_rows(self._parts.db, RollupMinute, window.start, self._name)
        every = Rows(**{name: getattr(columns, name) for name in COLUMNS})
        others = every.take(~np.isin(every.series_id, found.rows.series_id))
        counts = census.of([others, found.rows], window)
        stood = every.take(np.isin(every.series_id, counts.series_id))
        return replace(
            found,
            rows=Rows.join([found.rows, counts]),
            old=Rows.join([found.old, stood]),
        )

    def _write(self, host: Host, it: Patch) -> bool:
        now, above = int(self._parts.clock.now()), host.above()
        done = self._parts.call(
            "merge_series", lambda: patch(self._parts.db, it, now, above)
        )
        if done and len(it.better.rows):
            self._parts.telemetry.rows.labels("minute").inc(len(it.better.rows))
            self._parts.telemetry.samples.labels(self._name).inc(it.better.samples)
            restated = self._parts.telemetry.rows_restated
            restated.labels(self._name, "minute").inc(len(it.better.rows))
            host.merged(it.window)
        return done

    def _pass_over(self, request: BackfillRow, window: Window, reason: str) -> bool:
        """Go on without a window, which is read whole if there is a reason."""
        db, now = self._parts.db, int(self._parts.clock.now())

        def work() -> None:
            with db.atomic():
                if reason:
                    self._mark([window.start], reason, now)
                backfills.advance(db, request.id, window.end, 0)

        self._parts.call("pass_over", work)
        return True

    def _mark(self, starts: Sequence[int], reason: str, now: int) -> None:
        minute = Resolution.MINUTE.value
        ledger.mark(self._parts.db, self._name, minute, starts, DIRTY, reason, now)

    def _finish(self, host: Host, task: _Task) -> None:
        """Have the rows after the span measured from those within it."""
        db, now = self._parts.db, int(self._parts.clock.now())
        request = backfills.find(db, task.request.id)
        ids = self._ids(task) if request.changed else np.zeros(0, np.int64)
        starts = sorted(joints.successors(db, ids, request.until, host.closed()))
        outcome = f"{request.changed} rows of minutes added or replaced"

        def work() -> None:
            with db.atomic():
                self._mark(self._finished(starts), request.reason, now)
                backfills.finish(db, request.id, now, outcome)

        self._parts.call("finish_backfill", work)
        self._task = None
        log.info("a backfill is done", id=request.id, outcome=outcome)

    def _finished(self, starts: Sequence[int]) -> list[int]:
        if not starts:
            return []
        minute = Resolution.MINUTE.value
        found = ledger.entries(
            self._parts.db, self._name, minute, starts[0], starts[-1] + MINUTE
        )
        finished = {entry.start for entry in found if entry.state in FINISHED}
        return sorted(finished.intersection(starts))

    def _ids(self, task: _Task) -> Ints:
        """Return the series of a backfill that may have rows after its span."""
        ids, found = ids_of_source(self._parts.db, self._name), list[int]()
        seen = task.request.until - _LAG
        for low in range(0, len(ids), _SHARD):
            for row in by_ids(self._parts.db, ids[low : low + _SHARD]):
                if row.last_seen >= seen and task.chosen.matches(
                    row.metric, row.labels, row.kind
                ):
                    found.append(row.id)
        return np.array(found, np.int64)

    def _give_up(self, request: BackfillRow, why: str) -> None:
        now = int(self._parts.clock.now())
        self._parts.call(
            "finish_backfill",
            lambda: backfills.finish(self._parts.db, request.id, now, f"failed: {why}"),
        )
        self._task = None
        log.warning("a backfill cannot be done", id=request.id, reason=why)
