"""What the ledger says of a span of time: how much of it is done, and what is not.

Spans are half-open and their ends are window starts, UTC seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.dialect import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

    from models.rollup import Ints

STATES: Final = ("done", "partial", "dirty", "open", "lost")
"""States of windows in the ledger."""

Extent = tuple[int, int]
"""The starts of the oldest and the newest window."""


def extents(db: Database, source: str, resolutions: Sequence[str]) -> dict[str, Extent]:
    """Return the extent of each resolution of a source that has windows."""
    one = (
        "SELECT CAST(? AS TEXT) AS resolution, "
        "(SELECT MIN(start) FROM ledger WHERE source = ? AND resolution = ?), "
        "(SELECT MAX(start) FROM ledger WHERE source = ? AND resolution = ?)"
    )
    params = [
        part for name in resolutions for part in (name, source, name, source, name)
    ]
    rows: list[Any] = rows_of(db, " UNION ALL ".join([one] * len(resolutions)), params)
    return {
        name: (oldest, newest) for name, oldest, newest in rows if oldest is not None
    }


def counts(
    db: Database, source: str, resolution: str, start: int, end: int
) -> dict[str, int]:
    """Return how many windows of a span are in each of STATES."""
    # One range of the index by state after the other is quicker than grouping.
    one = (
        "SELECT CAST(? AS TEXT), COUNT(*) FROM ledger WHERE state = ? AND source = ? "
        "AND resolution = ? AND start >= ? AND start < ?"
    )
    params = [
        part
        for state in STATES
        for part in (state, state, source, resolution, start, end)
    ]
    rows: list[Any] = rows_of(db, " UNION ALL ".join([one] * len(STATES)), params)
    return dict(rows)


def finished(db: Database, source: str, resolution: str, start: int, end: int) -> Ints:
    """Return the starts of the windows of a span that are done, oldest first."""
    rows = rows_of(
        db,
        "SELECT start FROM ledger WHERE source = ? AND resolution = ? "
        "AND start >= ? AND start < ? AND state = 'done' ORDER BY start",
        (source, resolution, start, end),
    )
    return np.array(rows, dtype=np.int64).reshape(-1)


def newest_finished(db: Database, source: str, resolution: str) -> int | None:
    """Return the start of the newest window that is done, None if none is."""
    rows: list[Any] = rows_of(
        db,
        "SELECT start FROM ledger WHERE source = ? AND resolution = ? "
        "AND state = 'done' ORDER BY start DESC LIMIT 1",
        (source, resolution),
    )
    return rows[0][0] if rows else None


def unlike_done(
    db: Database, source: str, resolution: str, start: int, end: int, *, limit: int
) -> list[tuple[int, str, str]]:
    """Return (start, state, reason) of windows of a span that are not done.

    Oldest first, at most `limit`.
    """
    rows: list[Any] = rows_of(
        db,
        "SELECT start, state, reason FROM ledger WHERE source = ? AND resolution = ? "
        "AND start >= ? AND start < ? AND state <> 'done' ORDER BY start LIMIT ?",
        (source, resolution, start, end, limit),
    )
    return rows


def gaps(
    db: Database, source: str, resolution: str, start: int, end: int, *, width: int
) -> list[tuple[int, int]]:
    """Return the parts of a span, as `[from, to)`, that the ledger has no windows of.

    Oldest first, and up to both ends of the span; `width` is the seconds of a window.
    """
    sql = """
        SELECT gap_start, gap_end FROM (
            SELECT start + CAST(? AS BIGINT) AS gap_start,
                LEAD(start, 1, CAST(? AS BIGINT)) OVER (ORDER BY start) AS gap_end
            FROM (
                SELECT CAST(? AS BIGINT) AS start
                UNION ALL
                SELECT start FROM ledger WHERE source = ? AND resolution = ?
                    AND start >= ? AND start < ?
            ) AS windows
        ) AS steps
        WHERE gap_end > gap_start
        ORDER BY gap_start
    """
    params = (width, end, start - width, source, resolution, start, end)
    rows: list[Any] = rows_of(db, sql, params)
    return rows
