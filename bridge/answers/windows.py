"""Whole rows of the windows of a range, those that are not merged yet included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.answers.coverage import Counts, count_windows, read_extents
from bridge.answers.days import Days
from bridge.answers.periods import merged
from bridge.answers.rollups import TABLES
from bridge.answers.seams import find_seams, left_out, read_open
from bridge.rollup.rows import Rows
from models.queries.rollups import series_rows
from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.answers.ranges import Ranges, Side
    from bridge.answers.times import Stretch
    from bridge.rollup.days.calendars import Calendar
    from bridge.rollup.rows import Ints
    from models.database import Database
    from models.queries.series import SeriesRow


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows by series and start; `open` are the starts of those not merged yet."""

    rows: Rows
    coverage: dict[str, Counts]
    open: dict[str, tuple[int, ...]]
    notes: tuple[str, ...] = ()


def read_side(  # noqa: PLR0917 - what is read, and of what
    db: Database,
    series: Sequence[SeriesRow],
    side: Side,
    ranges: Ranges,
    closed: float,
    max_rows: int,
) -> Windows:
    """Return the rows of one of two ranges."""
    if ranges.frame is None:
        return read_windows(db, series, side.stretch, closed, max_rows)
    return _read_days(db, series, side, ranges.calendar, closed)


def read_windows(
    db: Database,
    series: Sequence[SeriesRow],
    stretch: Stretch,
    closed: float,
    max_rows: int,
) -> Windows:
    """Return the rows of windows of UTC; windows beyond `max_rows` are noted."""
    found: list[Rows] = []
    coverage, opened = {}, {}
    notes: list[str] = []
    for source, ids in _by_source(series).items():
        extents = read_extents(db, source)
        counts = count_windows(db, source, stretch, closed, extents)
        holes = {source} if counts.missing else set()
        most = {source: max_rows // len(ids)}
        seams = find_seams(db, stretch, {source: extents}, most, with_holes=holes)
        columns = series_rows(db, TABLES[stretch.resolution], ids, *stretch.bounds)
        stored = Rows(**{name: getattr(columns, name) for name in COLUMNS})
        seam = seams[source]
        late = read_open(db, seam, ids, stretch.resolution) if seam.windows else None
        if late is not None:
            # What was merged since the ledger was read is no longer open.
            late = late.take(~np.isin(late.start, stored.start))
            found.append(late)
        found.append(stored)
        coverage[source], opened[source] = counts, seam.windows
        notes += left_out(seams, stretch)
    return Windows(_in_order(found), coverage, opened, tuple(notes))


def _read_days(
    db: Database,
    series: Sequence[SeriesRow],
    side: Side,
    calendar: Calendar,
    closed: float,
) -> Windows:
    found: list[Rows] = []
    coverage, opened = {}, {}
    for source, ids in _by_source(series).items():
        days = Days(db, source, calendar, side.periods, read_extents(db, source))
        rows, widths = days.rows(ids, include_open=True)
        found.append(merged(rows, widths, side.periods))
        coverage[source] = days.counts(closed)
        opened[source] = tuple(
            period.start
            for period in side.periods
            if period.end > closed or days.is_open(period)
        )
    return Windows(_in_order(found), coverage, opened)


def _by_source(series: Sequence[SeriesRow]) -> dict[str, Ints]:
    found: dict[str, list[int]] = {}
    for row in series:
        found.setdefault(row.source, []).append(row.id)
    return {
        source: np.array(sorted(found[source]), np.int64) for source in sorted(found)
    }


def _in_order(found: Sequence[Rows]) -> Rows:
    rows = Rows.join(list(found))
    return rows.take(np.lexsort((rows.start, rows.series_id)))
