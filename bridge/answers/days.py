"""The days of a calendar that one source has, and what stands in for the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bridge.answers.coverage import Counts
from bridge.answers.seams import Ledger, read_parts
from bridge.answers.times import Stretch
from bridge.rollup.days.calendars import UTC_NAME
from bridge.rollup.plan import DONE
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution
from models.queries import ledger
from models.queries.calendars import rows_of_series
from models.queries.coverage import STATES
from models.queries.rollups import Columns, series_rows
from models.rollup import COLUMNS, RollupDay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.answers.resolution import Extents
    from bridge.rollup.days.calendars import Calendar, Period
    from bridge.rollup.rows import Ints
    from models.database import Database


class Days:
    """The days of some periods of a calendar, of one source.

    Recorded is from `begin`, None where nothing is, to `end`: both UTC seconds.
    """

    def __init__(
        self,
        db: Database,
        source: str,
        calendar: Calendar,
        periods: Sequence[Period],
        extents: Extents,
    ) -> None:
        self._db = db
        self._source = source
        self._calendar = calendar
        self._extents = extents
        self._start = periods[0].start if periods else 0
        self._end = periods[-1].end if periods else 0
        self.begin = min((one.oldest for one in extents.values()), default=None)
        minutes = extents.get(Resolution.MINUTE)
        self.end = 0 if minutes is None else minutes.newest + Resolution.MINUTE.width
        # The ledger is read before the rows: a day that it calls done has its rows.
        self._states = {
            entry.start: entry.state
            for entry in ledger.entries(
                db, source, calendar.resolution, self._start, self._end
            )
        }
        self._missing = [
            day
            for day in self._recorded(self._start, self._end)
            if day.start not in self._states
        ]

    def is_open(self, period: Period) -> bool:
        """Whether a day of a period is not merged yet."""
        return any(period.start <= day.start < period.end for day in self._missing)

    def is_partial(self, period: Period) -> bool:
        """Whether a period lacks a day, or a day of it is not whole."""
        if self.begin is None or period.start < self.begin:
            return True
        days = self._calendar.within(period.start, period.end)
        return any(self._states.get(day.start) != DONE for day in days)

    def counts(self, closed: float) -> Counts:
        """Count the days by state; those that end until `closed` are expected."""
        until = min(math.floor(closed), self._end)
        begin = self._end if self.begin is None else max(self.begin, self._start)
        expected = [
            day for day in self._calendar.within(begin, until) if day.end <= until
        ]
        states = [self._states.get(day.start) for day in expected]
        by_state = {state: states.count(state) for state in STATES}
        return Counts(
            expected[0].start if expected else until,
            expected[-1].end if expected else until,
            len(expected),
            **by_state,
            missing=states.count(None),
        )

    def rows(self, ids: Ints, *, include_open: bool) -> tuple[Rows, Ints]:
        """Return rows of days, of finer windows for the rest, and their widths."""
        found = [self._stored(ids)]
        if include_open:
            for part, rows in read_parts(self._db, list(self._parts()), ids):
                widths = np.full(len(rows), part.resolution.width, np.int64)
                found.append((rows, widths))
        rows = Rows.join([one for one, _ in found])
        return rows, np.concatenate([widths for _, widths in found])

    def _recorded(self, start: int, end: int) -> Iterator[Period]:
        """Yield the days of a span in which anything was recorded."""
        if self.begin is not None:
            low, high = max(start, self.begin), min(end, self.end)
            yield from self._calendar.within(low, high)

    def _stored(self, ids: Ints) -> tuple[Rows, Ints]:
        span = (self._start, self._end)
        if self._calendar.name == UTC_NAME:
            rows = _rows(series_rows(self._db, RollupDay, ids, *span))
            until = rows.start + Resolution.DAY.width
        else:
            columns, until = rows_of_series(self._db, self._calendar.name, ids, *span)
            rows = _rows(columns)
        # A day that was merged since is made from its parts; one by other rules of
        # the zone is in no period of these.
        is_known = np.isin(rows.start, np.array([*self._states], np.int64))
        is_known &= until <= self._end
        return rows.take(is_known), (until - rows.start)[is_known]

    def _parts(self) -> Iterator[Stretch]:
        """Yield the finer windows that the missing days are made from."""
        of = Ledger(self._db, self._source, self._extents)
        for day in self._missing:
            finer = day.built_from
            if finer is not None:
                yield from of.windows(Stretch(finer, day.start, day.end))


def _rows(columns: Columns) -> Rows:
    return Rows(**{name: getattr(columns, name) for name in COLUMNS})
