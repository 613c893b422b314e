"""The newest value of each series within a bounded span of minutes.

`models.queries.previous` answers at any distance; this one never looks behind a border,
for where windows behind it are still to be done and may hold the true predecessor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from models.queries.rollups import series_rows
from models.rollup import Floats, Ints, RollupMinute

if TYPE_CHECKING:
    from peewee import Database

_FIRST_SPAN: Final = 600
_GROWTH: Final = 4


def last_within(db: Database, series_ids: Ints, not_before: int, start: int) -> Floats:
    """Return `last` of the newest row of each series in `[not_before, start)`.

    In the order of `series_ids`, which may repeat. Rows whose `last` is NULL are
    passed over; NaN for a series without any other row there.
    """
    ids, places = np.unique(series_ids, return_inverse=True)
    values = np.full(len(ids), np.nan)
    high, span = start, _FIRST_SPAN
    while high > not_before and np.isnan(values).any():
        low = max(not_before, high - span)
        rows = series_rows(db, RollupMinute, ids[np.isnan(values)], low, high)
        known = ~np.isnan(rows.last)
        at = np.searchsorted(ids, rows.series_id[known])
        values[at] = rows.last[known]  # sorted by time, so the newest one stays
        high, span = low, span * _GROWTH
    answer: Floats = values[places]
    return answer
