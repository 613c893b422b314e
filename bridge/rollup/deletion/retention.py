"""Deletes rows that are older than people want to keep, never ahead of their use.

A beat first notes since when rows are kept, which from then on keeps the engine from
doing those windows again, and then deletes what is older in bites. Whenever it ends,
the next beat goes on: what the ledger still has of that time is what is left to do.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import structlog

from bridge.rollup.deletion import expiry
from bridge.rollup.deletion.ageing import (
    AGED,
    LONGEST,
    PROBED,
    WEEK,
    local_days,
    probed_horizon,
)
from bridge.rollup.deletion.sweeping import Sweep
from bridge.rollup.windows import Resolution
from bridge.sources.matching import matching
from models import partitions
from models.dialect import is_sqlite
from models.queries import expiry as queries
from models.queries import retained
from models.queries.retained import EVERYTHING, Kept
from models.queries.series import of_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bridge.rollup.days.adoption import Calendars
    from bridge.rollup.deletion.ageing import Aged
    from bridge.rollup.deletion.expiry import Due
    from bridge.rollup.deletion.sweeping import Bite
    from bridge.rollup.parts import Parts
    from bridge.rollup.rows import Ints
    from models.database import Database
    from models.partitions import Partition
    from runtime import settings

log = structlog.get_logger(__name__)


def kept_for(retention: settings.Retention, resolution: Resolution) -> dict[str, float]:
    """Return the seconds that each group of series is kept, by its selector."""
    tier = resolution.value
    rest = retention.kept()[tier]
    rules = {rule.match: retention.kept(rule)[tier] for rule in retention.rules}
    apart = {match: seconds for match, seconds in rules.items() if seconds != rest}
    return {EVERYTHING: rest, **apart}


def members(
    db: Database, source: str, retention: settings.Retention, selectors: Iterable[str]
) -> dict[str, Ints]:
    """Return the series of each group of a source; the first rule that fits counts."""
    rules = [(rule.match, matching(rule.match)) for rule in retention.rules]
    found: dict[str, list[int]] = {selector: [] for selector in selectors}
    for row in of_source(db, source):
        first = (match for match, fits in rules if fits(row.metric, row.labels))
        selector = next(first, EVERYTHING)
        found[selector if selector in found else EVERYTHING].append(row.id)
    return {name: np.array(ids, dtype=np.int64) for name, ids in found.items()}


def horizon(db: Database, sources: Iterable[str], clock: float) -> int | None:
    """Return the time that ages are reckoned from, None where nothing is done yet.

    That is until when any source has its minutes without a hole, or now if that is
    earlier. So a clock that was set to next year makes nothing old, even where the
    source has the same clock and samples of next year (RULES R85).
    """
    end = queries.unbroken_end(db, list(sources))
    return None if end is None else min(end, int(clock))


def due(
    db: Database,
    source: str,
    resolution: Resolution,
    retention: settings.Retention,
    now: int,
) -> list[Due]:
    """Return what is old enough of a source at a resolution, and what must stay."""
    step = expiry.STEPS[resolution]
    if resolution is Resolution.MINUTE and not is_sqlite(db):
        step = partitions.DAY
    kept = kept_for(retention, resolution)
    return expiry.plan(db, source, resolution, kept, now, step)


class Retention:
    """Deletes what is old, on its beat."""

    def __init__(
        self,
        retention: settings.Retention,
        sources: Sequence[str],
        parts: Parts,
        calendars: Calendars | None = None,
    ) -> None:
        """Take the sources of the settings; others are found by their series.

        `calendars` are noted before anything is deleted, as engines note them only
        once their sources answer.
        """
        self._retention = retention
        self._calendars = calendars
        self._configured = sources
        self._db = parts.db
        self._call = parts.call
        self._telemetry = parts.telemetry
        self._clock = parts.clock
        self._left = 0
        self._stop = threading.Event()
        for resolution in Resolution:
            # Nothing deleted is 0, and not nothing known.
            self._telemetry.retention_rows.labels(resolution.value)
            self._telemetry.retention_windows.labels(resolution.value)
            for source in sources:
                # Processes share gauges that were set only.
                held = self._telemetry.retention_held
                held.labels(source, resolution.value).set(0)

    def stop(self) -> None:
        """Ask a running beat to end after the bite at hand."""
        self._stop.set()

    def beat(self) -> None:
        """Delete what is due, at most as many rows as one beat may."""
        self._left = self._retention.rows_per_beat
        if self._calendars is not None:
            self._calendars.note()
        sources = sorted({*self._configured, *queries.sources(self._db)})
        clock = self._clock.now()
        now = horizon(self._db, sources, clock)
        if now is not None:
            self._delete_windows(sources, now)
        probed = probed_horizon(self._db, now, clock)
        if probed is not None:
            for aged in PROBED:
                self._delete_aged(aged, probed)

    def _delete_windows(self, sources: Sequence[str], now: int) -> None:
        """Delete what is due of windows, and of what is told of them."""
        for day in range(2):
            ahead = Resolution.DAY.floor(now) + day * partitions.DAY
            self._call("partitions", partial(partitions.make, self._db, ahead))
        armed = {
            (source, resolution): self._call(
                "retention", partial(self._arm, source, resolution, now)
            )
            for source in sources
            for resolution in Resolution
        }
        self._drop_partitions(armed, sources)
        for (source, resolution), groups in armed.items():
            if groups:
                self._delete(source, resolution, groups)
        for source in sources:
            self._delete_local_days(source, now)
        for aged in AGED:
            self._delete_aged(aged, now)

    def finish(self) -> None:
        """Beat until nothing that is due is left."""
        self.beat()
        while self._left <= 0 and not self._stop.is_set():
            self.beat()

    def _drop_partitions(
        self,
        armed: Mapping[tuple[str, Resolution], list[Kept]],
        sources: Sequence[str],
    ) -> None:
        """Drop the partitions of which no source keeps any row."""
        kept = [
            group.since
            for (_, resolution), groups in armed.items()
            if resolution is Resolution.MINUTE
            for group in groups
        ]
        for partition in partitions.listed(self._db) if kept else ():
            if partition.end > min(kept) or self._stop.is_set():
                return
            rows = self._call(
                "retention", partial(self._drop_partition, partition, sources)
            )
            if rows is None:  # somebody needs it; the next beat tries again
                return
            self._telemetry.retention_rows.labels("minute").inc(rows)

    def _drop_partition(
        self, partition: Partition, sources: Sequence[str]
    ) -> int | None:
        """Drop a partition and what the ledger says of it; return how many rows.

        None if it stays: a reader is in the way, or a source has minutes in it that it
        keeps, such as one that has only begun to do them.
        """
        name, rows = Resolution.MINUTE.value, 0
        start, end = partition.start, partition.end
        with self._db.atomic():
            if queries.keeps_minutes(self._db, start, end):
                return None
            if not partitions.drop(self._db, partition):
                return None
            for source in sources:
                windows, own = queries.size(self._db, source, name, start, end)
                queries.forget(self._db, source, name, end, start)
                self._telemetry.retention_windows.labels(name).inc(windows)
                rows += own
        return rows

    def _delete(self, source: str, resolution: Resolution, groups: list[Kept]) -> None:
        """Sweep one resolution of a source."""
        sweep = Sweep(self._db, source, resolution, self._retention.rows_at_once)
        whole = min(group.since for group in groups)
        # Partitions go as a whole, unless another source keeps its rows for longer.
        waits = resolution is Resolution.MINUTE and not is_sqlite(self._db)
        gone = whole - partitions.DAY if waits else whole
        if not self._bites(sweep.windows(gone), resolution.value):
            return
        late = [group for group in groups if max(group.swept, whole) < group.since]
        if not late:
            return
        names = kept_for(self._retention, resolution)
        ids = members(self._db, source, self._retention, names)
        for group in late:
            start = max(group.swept, whole)
            bites = sweep.series(ids[group.selector], start, group.since)
            if not self._bites(bites, resolution.value):
                return
            self._call("retention", partial(self._swept, group))

    def _arm(self, source: str, resolution: Resolution, now: int) -> list[Kept]:
        """Note since when rows are kept; return the groups of series.

        On the writer, so that nothing is committed between the look and the note.
        """
        with self._db.atomic():
            dues = due(self._db, source, resolution, self._retention, now)
            known = retained.groups(self._db, source, resolution.value)
            groups = [_moved(each, known, now) for each in dues]
            if known or any(group.since > group.swept for group in groups):
                retained.keep(self._db, groups)
            if groups:
                self._drop_old_rules(known, groups)
        held = [each.cut - each.until for each in dues]
        gauge = self._telemetry.retention_held.labels(source, resolution.value)
        gauge.set(max(held, default=0))
        return groups

    def _drop_old_rules(self, known: dict[str, Kept], groups: list[Kept]) -> None:
        """Forget rules that are gone, once the rest has caught up with them."""
        now = {group.selector: group for group in groups}
        for selector, old in known.items():
            if selector not in now and old.since <= now[EVERYTHING].since:
                retained.drop(self._db, old.source, old.resolution, selector)

    def _swept(self, group: Kept) -> None:
        with self._db.atomic():
            retained.keep(self._db, [replace(group, swept=group.since)])

    def _delete_local_days(self, source: str, now: int) -> None:
        """Delete the days of calendars, retired ones too, that are old enough."""
        kept = self._retention.local_day
        if not kept:
            return
        cut = (now - round(kept) - LONGEST) // WEEK * WEEK
        for name in queries.calendars_in_ledger(self._db, source):
            bites = local_days(self._db, source, name, cut, now)
            if not self._bites(bites, "local_day"):
                return

    def _delete_aged(self, aged: Aged, now: int) -> None:
        """Delete the oldest rows of a table that no window holds."""
        kept = getattr(self._retention, aged.setting)
        if not kept:
            return
        before = (now - round(kept)) * aged.units
        bites = aged.bites(self._db, before, self._retention.rows_at_once)
        self._bites(bites, aged.table)

    def _bites(self, bites: Iterator[Bite], resolution: str) -> bool:
        """Take bite by bite on the writer; return whether that was all."""
        while True:
            if self._left <= 0 or self._stop.is_set():
                return False
            bite = self._call("retention", lambda: next(bites, None))
            if bite is None:
                return True
            self._left -= max(bite.rows, 1)
            self._telemetry.retention_rows.labels(resolution).inc(bite.rows)
            self._telemetry.retention_windows.labels(resolution).inc(bite.windows)


def _moved(due_: Due, known: Mapping[str, Kept], now: int) -> Kept:
    """Return a group as it is to be noted: what is due counts as deleted from now on.

    A rule that is new begins where the rest stood, as its series were among them.
    """
    resolution = due_.resolution.value
    old = known.get(due_.selector, known.get(EVERYTHING))
    if old is None:
        return Kept(due_.source, resolution, due_.selector, due_.until, due_.start, now)
    since = max(due_.until, old.since)
    return Kept(due_.source, resolution, due_.selector, since, old.swept, now)
