"""Local days of one source: merged from the hours or minutes that they consist of.

A local day is due once all of them are finished since the first window of the source,
whichever job finished the last one. As for hours and UTC days, what is due is found
from the ledger alone, also for a calendar that was added to an old database: its past
is derived newest and oldest in turns, a bounded number of windows at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.commit import TABLES
from bridge.rollup.days.adoption import can_be_made
from bridge.rollup.fill import SHARD
from bridge.rollup.merge import Merger, merge_spans
from bridge.rollup.plan import DIRTY, FINISHED, OPEN, PARTIAL, Verdict, judge_merged
from bridge.rollup.restatements import restate
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution
from models.queries import calendars as queries
from models.queries import ledger
from models.queries.calendars import Day
from models.queries.ledger import Entry
from models.queries.rollups import Columns, series_rows, window_rows
from models.queries.series import ids_of_source
from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bridge.rollup.above import Above
    from bridge.rollup.days.calendars import Calendar, Period
    from bridge.rollup.rows import Ints
    from bridge.rollup.windows import Window
    from models.database import Database

WINDOWS: Final = 3000
"""Finer windows that one turn merges at most: four months by hours, two days else."""

LOOKED_AT: Final = 400
"""Local days that one turn looks at."""

KEPT: Final = "what the day is made from was deleted before it was to be made again"
"""Why a finished local day that was to be done again is only partial."""


@dataclass(frozen=True, slots=True)
class LocalDay:
    """A day of a calendar."""

    period: Period
    calendar: Calendar

    @property
    def resolution(self) -> str:
        """What the ledger calls it."""
        return self.calendar.resolution

    @property
    def key(self) -> tuple[int, str]:
        """What tells it from others, in the order of time."""
        return self.period.start, self.calendar.name


@dataclass(frozen=True, slots=True)
class Merged:
    """A local day as it is about to be committed."""

    day: LocalDay
    verdict: Verdict
    rows: Rows


class LocalDays:
    """Finds and merges the local days of one source; see `bridge.rollup.fill.Fill`."""

    def __init__(self, db: Database, source: str) -> None:
        self._db = db
        self._source = source
        self._candidates: dict[tuple[int, str], LocalDay] = {}

    def search(self, calendars: Iterable[Calendar]) -> None:
        """Consider every day that is not finished, from the first to the newest."""
        begins = [ledger.begin(self._db, self._source, one.value) for one in Resolution]
        begin = min((one for one in begins if one is not None), default=None)
        newest = ledger.newest(self._db, self._source, Resolution.MINUTE.value)
        if begin is None or newest is None:
            return
        for calendar in calendars:
            finished = self._finished(calendar, begin - Resolution.DAY.width, newest)
            for period in calendar.within(begin, newest + 1):
                if period.start not in finished:
                    self._add(LocalDay(period, calendar))

    def consider(self, window: Window, above: Above) -> None:
        """Hear that a window was committed: what it is merged into may be due."""
        for calendar, day in above.days(window):
            self._add(LocalDay(day, calendar))

    def due(self, calendars: Sequence[Calendar]) -> list[LocalDay]:
        """Return days of some calendars that can be merged now, newest and oldest.

        So many that they have no more than `WINDOWS` finer ones, but at least one. A
        day that is not due is considered again when one of its windows is committed.
        """
        asked = [
            self._candidates[key]
            for key in sorted(self._candidates)
            if self._candidates[key].calendar in calendars
        ]
        due: list[LocalDay] = []
        windows = 0
        for day in _in_turns(asked)[:LOOKED_AT]:
            if windows >= WINDOWS:
                break
            if self._is_complete(day):
                due.append(day)
                windows += finer_windows(day)
            else:
                self._candidates.pop(day.key, None)
        return due

    def merge(self, day: LocalDay) -> Merged | None:
        """Merge a day from its finer rows; the caller commits it.

        Returns None where a finer window is to be done again meanwhile.
        """
        period, finer = day.period, day.period.built_from
        self._candidates.pop(day.key, None)
        if finer is None:
            return None
        entries = ledger.entries(
            self._db, self._source, finer.value, period.start, period.end
        )
        if any(entry.state not in FINISHED for entry in entries):
            return None
        states = (entry.state for entry in entries)
        return Merged(
            day,
            judge_merged(period.bounds.width // finer.width, states),
            self._from_hours(period)
            if finer is Resolution.HOUR
            else self._from_minutes(period),
        )

    def strays(self, calendars: Sequence[Calendar]) -> list[Entry]:
        """Return days to be done again whose finer windows are no longer kept."""
        return [
            entry
            for calendar in calendars
            for entry in ledger.unfinished(
                self._db, self._source, calendar.resolution, LOOKED_AT
            )
            if not can_be_made(
                self._db, self._source, calendar, entry.start, entry.start + 1
            )
        ]

    def _add(self, day: LocalDay) -> None:
        self._candidates[day.key] = day

    def _finished(self, calendar: Calendar, start: int, newest: int) -> set[int]:
        entries = ledger.entries(
            self._db, self._source, calendar.resolution, start, newest + 1
        )
        return {entry.start for entry in entries if entry.state not in (OPEN, DIRTY)}

    def _is_complete(self, day: LocalDay) -> bool:
        period, finer = day.period, day.period.built_from
        if finer is None or not can_be_made(
            self._db, self._source, day.calendar, period.start, period.end
        ):
            return False
        minute = ledger.begin(self._db, self._source, Resolution.MINUTE.value)
        begin = ledger.begin(self._db, self._source, finer.value)
        if begin is None or minute is None:
            return False
        begin = min(begin, finer.floor(minute))
        if period.end <= begin:
            return False
        since = max(period.start, begin)
        entries = ledger.entries(self._db, self._source, finer.value, since, period.end)
        wanted = (period.end - since) // finer.width
        return sum(entry.state in FINISHED for entry in entries) == wanted

    def _from_hours(self, period: Period) -> Rows:
        ids = ids_of_source(self._db, self._source)
        return Rows.join(
            [
                self._hours_of(ids[low : low + SHARD], period)
                for low in range(0, len(ids), SHARD)
            ]
        )

    def _hours_of(self, ids: Ints, period: Period) -> Rows:
        table = TABLES[Resolution.HOUR]
        hours = _rows(series_rows(self._db, table, ids, period.start, period.end))
        widths = np.full(len(hours), Resolution.HOUR.width, np.int64)
        return merge_spans(hours, widths, [period.bounds])

    def _from_minutes(self, period: Period) -> Rows:
        merger = Merger(period.bounds, Resolution.MINUTE)
        table = TABLES[Resolution.MINUTE]
        for start in range(period.start, period.end, Resolution.MINUTE.width):
            merger.add(_rows(window_rows(self._db, table, start, self._source)))
        return merger.result()


def commit_day(db: Database, source: str, merged: Merged, now: int) -> Entry:
    """Write a local day in place of what an earlier revision wrote.

    One transaction holds rows, ledger entry and the log of what changed. To be run on
    the writer.
    """
    day, rows = merged.day, merged.rows
    period, name = day.period, day.calendar.name
    with db.atomic():
        before = _entry(db, source, day)
        revised = before is not None and before.revision > 0
        old = queries.day_rows(db, source, name, period.start) if revised else None
        entry = Entry(
            source=source,
            resolution=day.resolution,
            start=period.start,
            state=merged.verdict.state,
            samples=int(rows.count.sum()),
            series=len(rows),
            revision=1 + (before.revision if before else 0),
            reason=merged.verdict.reason,
            computed_at=now,
        )
        named = Day(name, period.name, period.start, period.end)
        queries.replace_day(db, source, named, rows)
        ledger.record(db, entry)
        if before is not None and old is not None:
            why = before.reason if before.state == DIRTY else ""
            restate(db, entry, why or "done again", old, [rows])
    return entry


def settle(db: Database, strays: Sequence[Entry], now: int) -> None:
    """Leave days as they are that cannot be made again, and say so in the ledger."""
    with db.atomic():
        for entry in strays:
            kept = replace(entry, state=PARTIAL, reason=KEPT, computed_at=now)
            ledger.record(db, kept)


def _entry(db: Database, source: str, day: LocalDay) -> Entry | None:
    start = day.period.start
    found = ledger.entries(db, source, day.resolution, start, start + 1)
    return found[0] if found else None


def finer_windows(day: LocalDay) -> int:
    """Return of how many finer windows a day consists."""
    finer = day.period.built_from
    return day.period.bounds.width // finer.width if finer else 0


def _in_turns(days: Sequence[LocalDay]) -> list[LocalDay]:
    """Return days that are sorted by time as newest, oldest, second newest, ..."""

    def walk() -> Iterator[LocalDay]:
        low, high = 0, len(days) - 1
        while low <= high:
            yield days[high]
            if low < high:
                yield days[low]
            low, high = low + 1, high - 1

    return list(walk())


def _rows(columns: Columns) -> Rows:
    return Rows(**{name: getattr(columns, name) for name in COLUMNS})
