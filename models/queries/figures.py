"""Figures of windows, chosen columns of chosen series: what answers are made of.

Like `rollups.series_rows`, but only what was asked for is read, as turning each value
into a Python object is what such a read costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.base import table_name
from models.dialect import is_sqlite, number_list, numbers, rows_of
from models.rollup import Ints, Rollup, RollupMinute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from peewee import Database

Figures: TypeAlias = NDArray[np.float64]
"""A row per window and a column per figure, NaN standing for NULL; oldest first."""

FIGURES: Final = {
    "count": "r.count",
    "sum": "r.sum",
    "min": "r.min",
    "max": "r.max",
    "first": "r.first",
    "last": "r.last",
    "increase": "r.increase",
    "resets": "r.resets",
    "changes": "r.changes",
    "avg": "r.sum / NULLIF(r.count, 0)",
    "mean": "r.sum / NULLIF(r.increase, 0)",
    "coverage": "CAST(r.count AS DOUBLE PRECISION) / NULLIF(r.expected, 0)",
}
"""What can be read, and how the database computes it."""

_FLAG_NO_SUM: Final = 8


def read_figures(
    db: Database,
    table: type[Rollup],
    series_ids: Ints,
    windows: range,
    names: Sequence[str],
) -> Iterator[Figures]:
    """Yield the rows of each series, in the order of the ids.

    The first column is the start, UTC seconds, of those of `windows` that have a row;
    the others are `names`, which must be in FIGURES.
    """
    chosen = [FIGURES[name] for name in names]
    return _read(db, table, chosen, series_ids, windows)


def windows_without_sum(
    db: Database, table: type[Rollup], series_id: int, windows: range
) -> Ints:
    """Return the starts of windows whose sum is infinities of both signs."""
    ids = np.array([series_id], dtype=np.int64)
    rows = next(_read(db, table, ["r.flags"], ids, windows)).astype(np.int64)
    starts: Ints = rows[(rows[:, 1] & _FLAG_NO_SUM) != 0, 0]
    return starts


def _read(
    db: Database,
    table: type[Rollup],
    chosen: Sequence[str],
    series_ids: Ints,
    windows: range,
) -> Iterator[Figures]:
    if table is RollupMinute:
        return _by_time(db, chosen, series_ids, windows)
    if is_sqlite(db):
        return _one_by_one(db, table, chosen, series_ids, windows)
    return _at_once(db, table, chosen, series_ids, windows)


def _one_by_one(
    db: Database,
    table: type[Rollup],
    chosen: Sequence[str],
    series_ids: Ints,
    windows: range,
) -> Iterator[Figures]:
    # A statement costs SQLite less than one more column in every row. For the same
    # reason the starts are not read as long as every window has its row.
    figures = ", ".join(chosen)
    rest = (
        f"FROM {table_name(table)} r WHERE r.series_id = ? "
        "AND r.start >= ? AND r.start < ? ORDER BY r.start"
    )
    without, complete = f"SELECT {figures} {rest}", True
    everything = f"SELECT r.start, {figures} {rest}"
    starts = np.array(windows, dtype=np.float64)
    for number in series_ids.tolist():
        params = (number, windows.start, windows.stop)
        if complete:
            found = _array(rows_of(db, without, params), len(chosen))
            complete = len(found) == len(windows)
        if complete:
            yield np.column_stack((starts, found))
        else:
            yield _array(rows_of(db, everything, params), 1 + len(chosen))


def _at_once(
    db: Database,
    table: type[Rollup],
    chosen: Sequence[str],
    series_ids: Ints,
    windows: range,
) -> Iterator[Figures]:
    sql = (
        f"SELECT r.series_id, r.start, {', '.join(chosen)} "  # noqa: S608 - own names
        f"FROM {numbers(db, 'ids')} "
        f"CROSS JOIN {table_name(table)} r "
        "WHERE r.series_id = ids.value AND r.start >= ? AND r.start < ?"
    )
    rows = rows_of(db, sql, (number_list(db, series_ids), windows.start, windows.stop))
    return _split(_array(rows, 2 + len(chosen)), series_ids)


def _by_time(
    db: Database, chosen: Sequence[str], series_ids: Ints, windows: range
) -> Iterator[Figures]:
    # The minute table is clustered by time: a range of it holds all series.
    sql = (
        f"SELECT r.series_id, r.start, {', '.join(chosen)} "  # noqa: S608 - own names
        f"FROM {numbers(db, 'starts')} "
        f"CROSS JOIN {numbers(db, 'ids')} CROSS JOIN rollup_minute r "
        "WHERE r.start = starts.value AND r.series_id = ids.value"
    )
    starts = np.array(windows, dtype=np.int64)
    rows = rows_of(db, sql, (number_list(db, starts), number_list(db, series_ids)))
    return _split(_array(rows, 2 + len(chosen)), series_ids)


def _array(rows: Sequence[tuple[object, ...]], width: int) -> Figures:
    return np.array(rows, dtype=np.float64).reshape(-1, width)


def _split(figures: Figures, series_ids: Ints) -> Iterator[Figures]:
    """Yield the rows of each series, sorted by time, without the leading id."""
    ordered = figures[np.lexsort((figures[:, 1], figures[:, 0]))]
    begins = np.searchsorted(ordered[:, 0], series_ids, "left")
    ends = np.searchsorted(ordered[:, 0], series_ids, "right")
    for begin, end in zip(begins, ends, strict=True):
        yield ordered[begin:end, 1:]
