"""Writes what corrections change, and puts it back when they are revoked.

A correction changes the rows of all resolutions, the ledger and the log of restatements
in one transaction. Corrections are undone in the reverse order in which they were made,
so that each finds the rows that it left; later ones are made again afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.commit import TABLES
from bridge.rollup.correction.correcting import edits
from bridge.rollup.correction.restoring import Restoration, put_back
from bridge.rollup.correction.tiers import Uncorrectable
from bridge.rollup.plan import DIRTY, FINISHED
from bridge.rollup.restatements import restated
from bridge.rollup.windows import Resolution
from models import bulk
from models.queries import corrections as table
from models.queries import events as event_queries
from models.queries import ledger
from models.queries.ledger import Entry
from models.queries.restatements import record
from models.queries.series import ids_of_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.rollup.correction.corrections import Corrections
    from bridge.rollup.rows import Ints, Rows
    from models.database import Database
    from models.queries.corrections import CorrectionRow
    from models.queries.events import EventRow

APPLIED: Final = "applied"
REVOKED: Final = "revoked"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Amended:
    """What became of a correction: `done` is one of applied, revoked and failed."""

    row: CorrectionRow
    done: str
    outcome: str


@dataclass(slots=True)
class _Count:
    rows: int = 0
    removed: int = 0
    """How many samples fewer the coarser rows hold."""
    series: set[int] = field(default_factory=set)


def amend(
    db: Database,
    corrections: Corrections,
    now: int,
    event_of: Callable[[Amended], EventRow],
) -> list[Amended]:
    """Do all that corrections of a source wait for; return what was done.

    One transaction for each, which also records its event, so that a kill leaves both
    or neither. To be run on the writer.
    """
    done = []
    for row in corrections.refresh():
        if row.waits:
            with db.atomic():
                amended = _amend(db, corrections, row, now)
                event_queries.record(db, event_of(amended))
            done.append(amended)
            corrections.refresh()
    return done


def _amend(
    db: Database, corrections: Corrections, row: CorrectionRow, now: int
) -> Amended:
    if row.revoked_at is not None:
        outcome = _revoke(db, corrections, row, now)
        table.note_restored(db, row.id, now, outcome)
        return Amended(row, REVOKED, outcome)
    ids = chosen_ids(db, corrections, row)
    try:
        # Asked for before anything is written, so that all of it is or nothing.
        with db.atomic():
            outcome = _apply(db, row, ids, now)
    except Uncorrectable as reason:
        outcome = f"{FAILED}: {reason}"
        table.note_failed(db, row.id, outcome)
        return Amended(row, FAILED, outcome)
    table.note_applied(db, row.id, now, outcome)
    return Amended(row, APPLIED, outcome)


def chosen_ids(db: Database, corrections: Corrections, row: CorrectionRow) -> Ints:
    """Return the series that a correction is about, rising."""
    ids = ids_of_source(db, row.source)
    return ids[corrections.chosen(row, ids)]


def again_reason(row: CorrectionRow) -> str:
    """Return why minutes after a corrected span are done again."""
    return f"looked at again after correction {row.id}"


def _apply(db: Database, row: CorrectionRow, ids: Ints, now: int) -> str:
    count = _Count()
    for edit in edits(db, row, ids):
        removed = 0
        for resolution, before, after in edit.tiers.changes():
            _write(db, row, resolution, before, after, now)
            removed = max(removed, int(before.count.sum() - after.count.sum()))
            count.rows += len(after)
            count.series.update(after.series_id.tolist())
        count.removed += removed
        _mark_finished(db, row.source, edit.again, again_reason(row), now)
    table.mark_local_days(db, row, count.removed, row.reason, now)
    return f"{count.rows} rows of {len(count.series)} series changed"


def _revoke(
    db: Database, corrections: Corrections, row: CorrectionRow, now: int
) -> str:
    ids = chosen_ids(db, corrections, row)
    later = [
        other
        for other in table.listed(db, row.source)
        if other.id > row.id
        and other.holds
        and len(np.intersect1d(ids, chosen_ids(db, corrections, other)))
    ]
    for other in reversed(later):
        _restore(db, other, chosen_ids(db, corrections, other), now)
    restored = _restore(db, row, ids, now)
    for other in later:
        _apply(db, other, chosen_ids(db, corrections, other), now)
    return restored


def _restore(db: Database, row: CorrectionRow, ids: Ints, now: int) -> str:
    found: Restoration = put_back(db, row, ids, again_reason(row))
    for resolution, before, after in found.changes:
        _write(db, row, resolution, before, after, now, revoked=True)
    reason = f"correction {row.id} was revoked"
    for resolution, starts in found.dirty.items():
        _mark_finished(db, row.source, starts, reason, now, resolution)
    table.mark_local_days(db, row, 0, reason, now)
    more = sum(map(len, found.dirty.values()))
    asked = f", {more} windows are done again" if more else ""
    return f"{found.rows} rows put back{asked}"


def _write(  # noqa: PLR0917 - rows before and after, and why
    db: Database,
    row: CorrectionRow,
    resolution: Resolution,
    before: Rows,
    after: Rows,
    now: int,
    *,
    revoked: bool = False,
) -> None:
    """Replace rows of any windows of a resolution, with ledger and restatements."""
    reason = f"correction {row.id} was revoked" if revoked else row.reason
    bulk.upsert_rollups(db, TABLES[resolution], after)
    starts = np.union1d(before.start, after.start)
    if not len(starts):
        return
    entries = {
        entry.start: entry
        for entry in ledger.entries(
            db, row.source, resolution.value, int(starts[0]), int(starts[-1]) + 1
        )
    }
    for start in starts.tolist():
        old, new = before.take(before.start == start), after.take(after.start == start)
        gone = np.setdiff1d(old.series_id, new.series_id)
        bulk.delete_window(db, TABLES[resolution], start, gone)
        known = entries.get(start)
        entry = known or Entry(row.source, resolution.value, start, FINISHED[0])
        fewer = int(old.count.sum() - new.count.sum())
        if resolution is Resolution.MINUTE:
            fewer = 0  # a minute's entry counts what the source held
        entry = replace(
            entry,
            samples=entry.samples - fewer,
            revision=entry.revision + 1,
            computed_at=now,
        )
        if known is not None:
            ledger.record(db, entry)
        record(db, restated(entry, reason, old, new, whole=True))


def _mark_finished(  # noqa: PLR0917 - the columns of an entry
    db: Database,
    source: str,
    starts: Sequence[int],
    reason: str,
    now: int,
    resolution: Resolution = Resolution.MINUTE,
) -> None:
    """Have windows done again that had been finished."""
    if not starts:
        return
    low, high = min(starts), max(starts) + 1
    finished = {
        entry.start
        for entry in ledger.entries(db, source, resolution.value, low, high)
        if entry.state in FINISHED
    }
    wanted = sorted(finished.intersection(starts))
    ledger.mark(db, source, resolution.value, wanted, DIRTY, reason, now)
