"""Where windows done out of order meet, the later one may have to be done again.

A step across a border belongs to the later window. When an earlier window is done
after a later one, the later row either had no predecessor (it is flagged) or had one
that has changed; both are found here and marked dirty, nothing else (RULES R63).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.rollup.commit import Committed
from bridge.rollup.plan import DIRTY, Agenda
from bridge.rollup.windows import Resolution, Window
from models.database import Database
from models.queries import ledger
from models.queries.rollups import baseline_rows, last_before, series_rows
from models.rollup import RollupMinute


def after(
    db: Database, source: str, window: Window, committed: Committed, agenda: Agenda
) -> list[int]:
    """Return the starts of later minutes whose rows a commit has outdated."""
    until = agenda.run_end(window.end)
    if until <= window.end or committed.kept:
        return []
    if committed.entry.revision == 1:
        return _unrooted(db, source, window, agenda, until)
    if len(committed.changed):
        return _successors(db, committed.changed, window.end, until)
    return []


def mark(db: Database, source: str, starts: list[int], now: int) -> None:
    """Mark minutes dirty; to be run on the writer."""
    ledger.mark(
        db,
        source,
        Resolution.MINUTE.value,
        starts,
        DIRTY,
        "an earlier window was done after this one",
        now,
    )


def _unrooted(
    db: Database, source: str, window: Window, agenda: Agenda, until: int
) -> list[int]:
    """Return minutes with rows that had no predecessor and have one now."""
    rows = [
        (start, series_id)
        for start, series_id in baseline_rows(db, source, window.end)
        if start < until
    ]
    if not rows:
        return []
    starts, ids = (
        np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)
    )
    run = agenda.run_start(window.start)
    rooted = ~np.isnan(last_before(db, ids, window.end, not_before=run))
    return [int(start) for start in np.unique(starts[rooted])]


def _successors(
    db: Database, ids: NDArray[np.int64], start: int, until: int
) -> list[int]:
    """Return the minutes of the next row of each series in `[start, until)`."""
    found: set[int] = set()
    low, span = start, Resolution.MINUTE.width
    while low < until and len(ids):
        high = min(low + span, until)
        rows = series_rows(db, RollupMinute, ids, low, high)
        next_ids, first = np.unique(rows.series_id, return_index=True)
        found.update(int(minute) for minute in rows.start[first])
        ids = np.setdiff1d(ids, next_ids)
        low, span = high, span * 4
    return sorted(found)
