"""Where windows done out of order meet, the later one may have to be done again.

A step across a border belongs to the later window. When an earlier window is done
after a later one, the later row either had no predecessor (it is flagged) or had one
that has changed; both are found here and marked dirty, nothing else (RULES R63).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.windows import Resolution, Window
from models.queries.previous import Last, last_before
from models.queries.recent import last_within
from models.queries.rollups import baseline_rows, series_rows
from models.rollup import RollupMinute

if TYPE_CHECKING:
    from bridge.rollup.commit import Committed
    from bridge.rollup.plan import Agenda
    from bridge.rollup.rows import Ints
    from models.database import Database


def predecessors(db: Database, series_id: Ints, start: int, run: int | None) -> Last:
    """Return the newest sample of each series in the rows before a minute.

    Never looks behind `run`, the start of the unbroken run of finished windows before
    that minute; None says that nothing before it is pending.
    """
    if run is None:
        return last_before(db, series_id, start)
    return last_within(db, series_id, run, start)


def after(
    db: Database, source: str, window: Window, committed: Committed, agenda: Agenda
) -> list[int]:
    """Return the starts of later minutes whose rows a commit has outdated.

    A window that is done for the first time before one that is finished already has
    that one done again: its first steps came from the source's look-back.
    """
    if committed.kept:
        return []
    dirty: set[int] = set()
    if len(committed.changed) and agenda.until is not None:
        dirty |= successors(db, committed.changed, window.end, agenda.until)
    until = agenda.run_end(window.end)
    if until > window.end:
        dirty |= _unrooted(db, source, window, agenda, until)
        if committed.entry.revision == 1:
            dirty.add(window.end)
    return sorted(dirty)


def _unrooted(
    db: Database, source: str, window: Window, agenda: Agenda, until: int
) -> set[int]:
    """Return minutes with rows that had no predecessor and have one now.

    What evidence made of their first sample, to count it wholly or not, is then void.
    """
    rows = baseline_rows(db, source, window.end, until)
    if not rows:
        return set()
    starts, ids = (
        np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)
    )
    run = agenda.run_start(window.start)
    rooted = np.isfinite(predecessors(db, ids, window.end, run).values)
    return {int(start) for start in starts[rooted]}


def successors(db: Database, ids: Ints, start: int, until: int) -> set[int]:
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
    return found
