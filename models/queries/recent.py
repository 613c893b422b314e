"""The newest sample of each series within a bounded span of minutes.

`models.queries.previous` answers at any distance; this one never looks behind a border,
for where windows behind it are still to be done and may hold the true predecessor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from models.queries.previous import Last
from models.queries.rollups import series_rows
from models.rollup import Ints, RollupMinute

if TYPE_CHECKING:
    from peewee import Database

_FIRST_SPAN: Final = 600
_GROWTH: Final = 4


def last_within(db: Database, series_ids: Ints, not_before: int, start: int) -> Last:
    """Return the newest sample of each series in `[not_before, start)`.

    In the order of `series_ids`, which may repeat. Rows whose `last` is NULL are
    passed over.
    """
    ids, places = np.unique(series_ids, return_inverse=True)
    found = Last.unknown(len(ids))
    high, span = start, _FIRST_SPAN
    while high > not_before and np.isnan(found.values).any():
        low = max(not_before, high - span)
        rows = series_rows(db, RollupMinute, ids[np.isnan(found.values)], low, high)
        known = ~np.isnan(rows.last)
        at = np.searchsorted(ids, rows.series_id[known])
        # Sorted by time, so the newest one stays.
        found.values[at] = rows.last[known]
        found.times[at] = rows.start[known] * 1000 + rows.last_offset[known]
        found.buckets[at] = rows.buckets[known]
        high, span = low, span * _GROWTH
    return found.take(places)
