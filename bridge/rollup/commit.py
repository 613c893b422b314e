"""Commits a window: its rows, its events and its ledger entry in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.above import OF_UTC, Above
from bridge.rollup.deletion.kept import is_gone
from bridge.rollup.plan import DIRTY, FINISHED, PARTIAL, Verdict
from bridge.rollup.restatements import restate
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution, Window
from models import bulk, partitions
from models.queries import events as event_queries
from models.queries import layouts as layout_queries
from models.queries import ledger
from models.queries.ledger import Entry
from models.queries.rollups import Columns, window_rows
from models.rollup import RollupDay, RollupHour, RollupMinute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bridge.rollup.buckets.layouts import Bounds
    from bridge.rollup.rows import Ints
    from models.database import Database
    from models.queries.events import EventRow

TABLES: Final = {
    Resolution.MINUTE: RollupMinute,
    Resolution.HOUR: RollupHour,
    Resolution.DAY: RollupDay,
}


@dataclass(frozen=True, slots=True)
class Result:
    """A window as it is about to be committed.

    `events` replace those that `detectors` recorded of the window before. `before` is
    the ledger entry that was in force when the window was read: if another is by the
    time of the commit, samples have come in between and the window stays dirty. `held`
    is how many raw samples the source had, by its own count, None if it did not say.
    `layouts` are those that the rows' buckets name.
    """

    source: str
    window: Window
    verdict: Verdict
    rows: Sequence[Rows]
    samples: int
    detectors: Sequence[str] = ()
    events: Sequence[EventRow] = ()
    before: Entry | None = None
    held: int | None = None
    layouts: Mapping[int, Bounds] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit changed.

    `entry` is the ledger entry now in force. `changed` are the series whose last value
    in the window is another than before, where the window had been done before;
    `kept` says that the rows of before stay: they are better covered, or retention has
    deleted what they would be made from (RULES R66). `restated` rows had been said
    before and are others now.
    """

    entry: Entry
    changed: Ints
    kept: bool = False
    restated: int = 0


def commit(
    db: Database,
    result: Result,
    now: int,
    outdated: Callable[[Committed], Sequence[int]] = lambda _: (),
    above: Above = OF_UTC,
) -> Committed:
    """Write a window, replacing what an earlier revision wrote.

    One transaction: rows, events, ledger entry, the marks on the coarser windows that
    have to be merged again, and marks on the windows of the same resolution that
    `outdated` names once the rows are in place. To be run on the writer.
    """
    window = result.window
    with db.atomic():
        before = find_entry(db, result.source, window)
        if is_gone(db, result.source, window):
            return _refuse(before, result, now)
        overtaken = window.resolution is Resolution.MINUTE and before != result.before
        if before is not None and result.samples < before.samples:
            return _keep(db, before, result, now, overtaken=overtaken)
        changed = np.zeros(0, dtype=np.int64)
        old: Columns | None = None
        if before is not None and before.revision:
            old = window_rows(
                db, TABLES[window.resolution], window.start, result.source
            )
            changed = _remove_stale(db, result, old)
        layout_queries.remember(db, result.layouts)
        if window.resolution is Resolution.MINUTE:
            partitions.make(db, Resolution.DAY.floor(window.start))
        for rows in result.rows:
            bulk.upsert_rollups(db, TABLES[window.resolution], rows)
        event_queries.replace_window(
            db,
            result.source,
            result.detectors,
            window.start_ms,
            window.end_ms,
            result.events,
        )
        entry = Entry(
            source=result.source,
            resolution=window.resolution.value,
            start=window.start,
            state=DIRTY if overtaken else result.verdict.state,
            samples=result.samples,
            series=sum(len(rows) for rows in result.rows),
            revision=1 + (before.revision if before else 0),
            reason="overtaken by samples" if overtaken else result.verdict.reason,
            computed_at=now,
        )
        ledger.record(db, entry)
        if window.resolution is Resolution.MINUTE:
            ledger.note_held(db, entry, result.held)
        restated = 0
        if before is not None and old is not None:
            restated = restate(db, entry, _why(before), old, result.rows)
        again = before is not None and before.revision
        told = f" again: {_why(before)}" if before is not None and again else ""
        mark_above(db, result.source, window, above, told, now)
        committed = Committed(entry, changed, restated=restated)
        _mark_outdated(db, result, outdated(committed), now)
        return committed


def _refuse(before: Entry | None, result: Result, now: int) -> Committed:
    """Write nothing, as retention deleted what belongs to the window (RULES R66)."""
    window = result.window
    entry = before or Entry(
        result.source, window.resolution.value, window.start, PARTIAL, computed_at=now
    )
    return Committed(entry, np.zeros(0, dtype=np.int64), kept=True)


def _mark_outdated(
    db: Database, result: Result, starts: Sequence[int], now: int
) -> None:
    if starts:
        ledger.mark(
            db,
            result.source,
            result.window.resolution.value,
            starts,
            DIRTY,
            f"the {result.window.resolution.value} {result.window.start} before it "
            "was done later",
            now,
        )


def _why(before: Entry) -> str:
    """Return why a window that had been done is done again."""
    return before.reason if before.state == DIRTY and before.reason else "done again"


def mark_above(  # noqa: PLR0917 - a window, and what became of it
    db: Database, source: str, window: Window, above: Above, told: str, now: int
) -> None:
    """Mark the coarser windows dirty that have been merged already (RULES R63, R64).

    `told` is what is said of the window after "was done".
    """
    reason = f"the {window.resolution.value} {window.start} was done{told}"
    for resolution, start in above.of(window):
        found = ledger.entries(db, source, resolution, start, start + 1)
        if found and found[0].state in FINISHED:
            ledger.mark(db, source, resolution, [start], DIRTY, reason, now)


def find_entry(db: Database, source: str, window: Window) -> Entry | None:
    """Return the ledger's entry of a window, None if there is none."""
    found = ledger.entries(
        db, source, window.resolution.value, window.start, window.end
    )
    return found[0] if found else None


def _keep(
    db: Database, before: Entry, result: Result, now: int, *, overtaken: bool
) -> Committed:
    """Leave the better rows in place and say so in the ledger."""
    if overtaken:
        return Committed(before, np.zeros(0, dtype=np.int64), kept=True)
    reason = (
        f"kept: the source now holds {result.samples} of the {before.samples} samples"
    )
    state = before.state if before.state in FINISHED else PARTIAL
    entry = replace(before, state=state, reason=reason, computed_at=now)
    ledger.record(db, entry)
    return Committed(entry, np.zeros(0, dtype=np.int64), kept=True)


def _remove_stale(db: Database, result: Result, old: Columns) -> Ints:
    """Delete rows that the new revision lacks; return the series that changed."""
    window = result.window
    table = TABLES[window.resolution]
    new = Rows.join(result.rows)
    gone = np.setdiff1d(old.series_id, new.series_id)
    if len(gone):
        bulk.delete_window(db, table, window.start, gone)
    return np.union1d(gone, _differing(old, new))


def _differing(old: Columns, new: Rows) -> Ints:
    """Return the new series that later steps are measured from in another way.

    Another last value, another time of it or another distribution: gaps are told from
    the time, and what a histogram rose by from its buckets.
    """
    if not len(old.series_id):
        return new.series_id
    order = np.argsort(old.series_id)
    place = order[
        np.minimum(np.searchsorted(old.series_id[order], new.series_id), len(order) - 1)
    ]
    last = old.last[place]
    same = (
        (old.series_id[place] == new.series_id)
        & ((last == new.last) | (np.isnan(last) & np.isnan(new.last)))
        & (old.last_offset[place] == new.last_offset)
        & (old.buckets[place] == new.buckets).astype(np.bool_)
    )
    changed: Ints = new.series_id[~same]
    return changed
