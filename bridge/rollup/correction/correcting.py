"""Makes the rows say what a correction says, at every resolution at once.

The samples of the span are left out: its rows count nothing. The next row of a counter
loses the step from the last wrong value and gets the one from the last value before,
or none. All of it follows from rows alone, so it does not need the source any more;
where the source still has the samples after the span, that next minute is read again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup import counters
from bridge.rollup.correction.leaving_out import emptied
from bridge.rollup.correction.next_rows import Next, next_rows
from bridge.rollup.correction.tiers import Tiers, Uncorrectable
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.windows import Resolution
from models.queries.previous import last_before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.rollup.rows import Floats, Ints
    from models.database import Database
    from models.queries.corrections import CorrectionRow

MOST: Final = 500_000
"""Minutes of series that one correction may be about."""

_HOUR: Final = Resolution.HOUR.width
_SHARD: Final = 100


@dataclass(frozen=True, slots=True)
class Edit:
    """What a correction changes of some series: rows before and after, by resolution.

    `again` are the starts of minutes after the span that are worth reading again.
    """

    tiers: Tiers
    again: tuple[int, ...]


def edits(db: Database, row: CorrectionRow, series_id: Ints) -> Iterator[Edit]:
    """Yield what a correction changes, some series at a time; nothing is written.

    Raises Uncorrectable.
    """
    minutes = len(series_id) * ((row.until - row.start) // Resolution.MINUTE.width)
    if minutes > MOST:
        raise Uncorrectable(
            f"{len(series_id)} series of {(row.until - row.start) // 60} minutes are "
            f"{minutes}, more than the {MOST} of one correction: make several, of "
            "fewer series or shorter spans"
        )
    ids = np.unique(series_id)
    for low in range(0, len(ids), _SHARD):
        yield _edit(db, row, ids[low : low + _SHARD])


def _edit(db: Database, row: CorrectionRow, series_id: Ints) -> Edit:
    following = next_rows(db, row.source, series_id, row.until)
    first = Resolution.HOUR.floor(row.start - Resolution.MINUTE.width)
    hours = {*range(first, row.until, _HOUR), *(one.start for one in following)}
    tiers = Tiers(db, series_id, hours)
    before, before_times = _before(db, tiers, row)
    wrong, _ = tiers.last_within(row.start, row.until)
    tiers.empty(row.start, row.until)
    again = []
    for one in following:
        at = int(np.searchsorted(series_id, one.series_id))
        if math.isnan(wrong[at]):
            continue
        old = float(wrong[at])
        if row.action == "baseline":
            _step(tiers, one, old, math.nan, 0)
        else:
            _step(tiers, one, old, float(before[at]), int(before_times[at]))
        if one.resolution is Resolution.MINUTE:
            again.append(one.start)
    tiers.carry_up()
    return Edit(tiers, tuple(sorted(set(again))))


def _before(db: Database, tiers: Tiers, row: CorrectionRow) -> tuple[Floats, Ints]:
    """Return the last sample of each series before the span, and its time."""
    values, times = tiers.last_before(row.start)
    unknown = np.isnan(values)
    if unknown.any():
        found = last_before(db, tiers.series_id[unknown], row.start)
        values[unknown], times[unknown] = found.values, found.times
    return values, times


def _step(tiers: Tiers, one: Next, old: float, new: float, new_time: int) -> None:
    """Measure the first step of a row from another value than before."""
    rows = tiers.rows(one.resolution)
    at = np.flatnonzero((rows.series_id == one.series_id) & (rows.start == one.start))
    row = rows.take(at)
    if not len(row) or math.isnan(row.increase[0]):
        return
    if row.buckets[0] is not None:
        # Which of its observations came first is not to be told from the row.
        tiers.put(one.resolution, emptied(row.series_id, row.start, row.expected))
        return
    gap = _gap(row, one.resolution, new_time)
    tiers.put(one.resolution, stepped(row, old, new, gap))


def stepped(row: Rows, old: float, new: float, gap: int = 0) -> Rows:
    """Return one row of a counter whose first step is measured from `new`.

    Until now it was measured from `old`. NaN is no value, from which no step is; `gap`
    is how long samples are missing before the row, in milliseconds.
    """
    flags = int(row.flags[0])
    lost, was_reset = _first_step(row, old)
    if flags & Flag.DISCARDED:
        lost, was_reset = 0.0, False
    gained, is_reset = _first_step(row, new)
    flags &= ~Flag.BASELINE
    if not math.isfinite(new):
        flags |= Flag.BASELINE
    columns = {
        "increase": np.array([math.fsum((row.increase[0], -lost, gained))]),
        "resets": row.resets - was_reset + is_reset,
        "flags": np.array([flags], np.int64),
        "gap": np.maximum(row.gap, gap),
    }
    return _with(row, columns)


def _first_step(row: Rows, before: float) -> tuple[float, bool]:
    steps, resets = counters.steps(row.first, np.array([before]))
    return float(steps[0]), bool(resets[0])


def _gap(row: Rows, resolution: Resolution, before_time: int) -> int:
    """Return how long samples are missing before a row at least, as in `steps.gaps`.

    The row does not say when its first sample was, so its start is taken for that.
    """
    expected = int(row.expected[0])
    if not before_time or not expected:
        return 0
    apart = int(row.start[0]) * 1000 - before_time
    interval = resolution.width * 1000 // expected
    return apart if apart > 2 * interval else 0


def _with(row: Rows, columns: dict[str, Floats | Ints]) -> Rows:
    names = Rows.__dataclass_fields__
    return Rows(**{name: columns.get(name, getattr(row, name)) for name in names})
