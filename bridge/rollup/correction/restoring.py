"""Finds what rows were before a correction, so that it can be revoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.rollup.commit import TABLES
from bridge.rollup.compare import read, written
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.windows import Resolution
from models.queries.restatements import of_reasons
from models.queries.rollups import series_rows
from models.rollup import COLUMNS, RollupMinute

if TYPE_CHECKING:
    from bridge.rollup.rows import Ints
    from models.database import Database
    from models.queries.corrections import CorrectionRow
    from models.queries.restatements import Restated


@dataclass(slots=True)
class Restoration:
    """What revoking a correction takes.

    `changes` are rows as they are and as they were, by resolution; `dirty` are the
    starts of windows that have to be done again, as their rows were changed since.
    """

    changes: list[tuple[Resolution, Rows, Rows]] = field(default_factory=list)
    dirty: dict[Resolution, list[int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows are put back."""
        return sum(len(after) for _, _, after in self.changes)


@dataclass(slots=True)
class _Log:
    """What the log says of one row: how it was, and how it was left."""

    before: str | None
    after: str | None


def put_back(
    db: Database, row: CorrectionRow, series_id: Ints, again: str
) -> Restoration:
    """Return what it takes to have the rows say what they said before a correction.

    `series_id` are the series that it is about; `again` is the reason by which minutes
    after its span were done again.
    """
    since = row.applied_at or 0
    logged = _logged(of_reasons(db, row.source, (row.reason, again), since), row.reason)
    found = Restoration()
    for resolution in Resolution:
        log = {key[1:]: one for key, one in logged.items() if key[0] is resolution}
        if log:
            _compare(db, resolution, log, found)
    _add_unlogged(db, row, series_id, logged, found)
    return found


def _logged(
    entries: list[Restated], reason: str
) -> dict[tuple[Resolution, int, int], _Log]:
    logged: dict[tuple[Resolution, int, int], _Log] = {}
    known = {resolution.value: resolution for resolution in Resolution}
    for entry in entries:
        if entry.resolution not in known:
            continue
        key = (known[entry.resolution], entry.series_id, entry.start)
        if entry.reason == reason or key not in logged:
            logged[key] = _Log(entry.before, entry.after)
        else:
            logged[key].after = entry.after
    return logged


def _compare(
    db: Database,
    resolution: Resolution,
    log: dict[tuple[int, int], _Log],
    found: Restoration,
) -> None:
    """Tell rows that are as the correction left them from others."""
    ids = np.array(sorted({series for series, _ in log}), np.int64)
    starts = [start for _, start in log]
    rows = _rows(db, resolution, ids, min(starts), max(starts) + 1)
    keys = zip(rows.series_id.tolist(), rows.start.tolist(), strict=True)
    place = {key: at for at, key in enumerate(keys)}
    current, back, dirty = [], [], set()
    for (series, start), one in log.items():
        at = place.get((series, start))
        now = None if at is None else written(rows, at, whole=True)
        if not _alike(now, one.after):
            dirty.add(start)
            continue
        if at is not None:
            current.append(at)
        if one.before is not None:
            back.append({"series_id": series, "start": start, **read(one.before)})
    if current or back:
        before = rows.take(np.array(sorted(current), np.int64))
        found.changes.append((resolution, before, _made(back)))
    if dirty:
        found.dirty[resolution] = sorted(dirty)


def _alike(now: str | None, logged: str | None) -> bool:
    """Whether a row is as it was logged; buckets are compared by their digest."""
    if now is None or logged is None:
        return now is logged
    ours, theirs = read(now), read(logged)
    if "buckets" not in theirs:
        return False
    return all(
        ours[name] == theirs[name] or repr(ours[name]) == repr(theirs[name])  # NaN
        for name in ours
    )


def _add_unlogged(
    db: Database,
    row: CorrectionRow,
    ids: Ints,
    logged: dict[tuple[Resolution, int, int], _Log],
    found: Restoration,
) -> None:
    """Have minutes done again that were first done while the correction held."""
    columns = series_rows(db, RollupMinute, ids, row.start, row.until)
    empty = (columns.flags & Flag.CORRECTED) != 0
    starts = {
        start
        for series, start in zip(
            columns.series_id[empty].tolist(),
            columns.start[empty].tolist(),
            strict=True,
        )
        if (Resolution.MINUTE, series, start) not in logged
    }
    if starts:
        known = found.dirty.get(Resolution.MINUTE, [])
        found.dirty[Resolution.MINUTE] = sorted(starts.union(known))


def _rows(
    db: Database, resolution: Resolution, ids: Ints, start: int, end: int
) -> Rows:
    columns = series_rows(db, TABLES[resolution], ids, start, end)
    return Rows(**{name: getattr(columns, name) for name in COLUMNS})


def _made(back: list[dict[str, Any]]) -> Rows:
    nothing = Rows.join([])
    columns = {}
    for name in COLUMNS:
        kind = getattr(nothing, name).dtype
        column = np.empty(len(back), kind)
        column[:] = [one[name] for one in back]
        columns[name] = column
    made = Rows(**columns)
    return made.take(np.lexsort((made.start, made.series_id)))
