"""The buckets of rows, as they are stored: what percentiles are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.base import table_name
from models.dialect import number_list, numbers, rows_of
from models.rollup import RollupMinute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database

    from models.rollup import Ints, Rollup


@dataclass(frozen=True, slots=True)
class BucketRow:
    """The buckets of a window of a series, and its extremes where they are known."""

    series_id: int
    start: int
    buckets: bytes
    min: float | None
    max: float | None


def read_buckets(
    db: Database, table: type[Rollup], series_ids: Ints, windows: range
) -> Iterator[BucketRow]:
    """Yield the rows of some series in `windows` that have buckets, in any order."""
    chosen = "r.series_id, r.start, r.buckets, r.min, r.max"
    if table is RollupMinute:
        # The minute table is clustered by time.
        sql = (
            f"SELECT {chosen} FROM {numbers(db, 'starts')} "  # noqa: S608 - own names
            f"CROSS JOIN {numbers(db, 'ids')} CROSS JOIN rollup_minute r "
            "WHERE r.start = starts.value AND r.series_id = ids.value "
            "AND r.buckets IS NOT NULL"
        )
        starts = np.array(windows, dtype=np.int64)
        params: tuple[Any, ...] = (number_list(db, starts), number_list(db, series_ids))
    else:
        sql = (
            f"SELECT {chosen} FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
            f"CROSS JOIN {table_name(table)} r WHERE r.series_id = ids.value "
            "AND r.start >= ? AND r.start < ? AND r.buckets IS NOT NULL"
        )
        params = (number_list(db, series_ids), windows.start, windows.stop)
    rows: list[Any] = rows_of(db, sql, params)
    for number, start, buckets, low, high in rows:
        yield BucketRow(number, start, bytes(buckets), low, high)
