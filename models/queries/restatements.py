"""The log of rows that were changed after they had been said."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.dialect import number_list, numbers, rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

    from models.rollup import Ints

SEVERAL: Final = 0
"""The series of an entry that stands for several rows."""

_COLUMNS: Final = (
    "series_id",
    "resolution",
    "start",
    "revision",
    "source",
    "at",
    "reason",
    "series",
    "before",
    "after",
)
_KEY: Final = _COLUMNS[:5]
_SELECTED: Final = ", ".join(f"r.{name}" for name in _COLUMNS)
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Restated:
    """A row of restatements; see `models.trust.Restatement`."""

    series_id: int
    resolution: str
    start: int
    revision: int
    source: str
    at: int
    reason: str
    series: int = 1
    before: str | None = None
    after: str | None = None


def record(db: Database, entries: Sequence[Restated]) -> None:
    """Write entries; to be called inside the transaction that changes the rows."""
    row = f"({', '.join('?' * len(_COLUMNS))})"
    updates = ", ".join(
        f"{name} = EXCLUDED.{name}" for name in _COLUMNS if name not in _KEY
    )
    for begin in range(0, len(entries), _CHUNK):
        chunk = entries[begin : begin + _CHUNK]
        sql = (
            f"INSERT INTO restatements ({', '.join(_COLUMNS)}) "  # noqa: S608 - own names
            f"VALUES {', '.join([row] * len(chunk))} "
            f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {updates}"
        )
        params = [
            storable(value) if isinstance(value, str) else value
            for entry in chunk
            for value in astuple(entry)
        ]
        db.execute_sql(sql.replace("?", db.param), params)


def search(  # noqa: PLR0917 - what to search by
    db: Database,
    series_ids: Ints,
    resolution: str | None,
    start: int,
    end: int,
    since: int,
    *,
    limit: int,
) -> list[Restated]:
    """Return entries of rows that start in `[start, end)`, restated since a time.

    Newest first, at most `limit`; of all resolutions if None. With the entries of
    series come those that stand for several rows of the same sources.
    """
    asked = "" if resolution is None else " AND r.resolution = ?"
    condition = f"r.start >= ? AND r.start < ? AND r.at >= ?{asked}"
    bounds = (start, end, since, *(() if resolution is None else (resolution,)))
    ids = numbers(db, "ids")
    sql = (
        f"SELECT {_SELECTED} FROM {ids} CROSS JOIN restatements r "  # noqa: S608 - own names
        f"WHERE r.series_id = ids.value AND {condition} UNION ALL "
        f"SELECT {_SELECTED} FROM restatements r "
        f"WHERE r.series_id = {SEVERAL} AND {condition} AND r.source IN "
        f"(SELECT s.source FROM {ids} CROSS JOIN series s WHERE s.id = ids.value) "
        f"ORDER BY 6 DESC, 2, 3 DESC, 1, 4 DESC LIMIT ?"
    )
    listed = number_list(db, series_ids)
    params = (listed, *bounds, *bounds, listed, limit)
    rows: list[Any] = rows_of(db, sql, params)
    return [Restated(*row) for row in rows]


def first_after(  # noqa: PLR0917 - rows of a stretch, and a time
    db: Database, series_ids: Ints, resolution: str, start: int, end: int, at: int
) -> dict[tuple[int, int], str | None]:
    """Return what rows were before they were first restated after `at` (UTC seconds).

    By (series, start) of the rows that start in `[start, end)`; None for a row that
    was not there.
    """
    sql = (
        "SELECT r.series_id, r.start, r.before "  # noqa: S608 - own names
        f"FROM {numbers(db, 'ids')} CROSS JOIN restatements r "
        "WHERE r.series_id = ids.value AND r.resolution = ? "
        "AND r.start >= ? AND r.start < ? AND r.at > ? ORDER BY r.revision DESC"
    )
    listed = number_list(db, series_ids)
    rows: list[Any] = rows_of(db, sql, (listed, resolution, start, end, at))
    return {(number, begin): before for number, begin, before in rows}


def uncounted_after(  # noqa: PLR0917 - rows of a stretch, and a time
    db: Database, source: str, resolution: str, start: int, end: int, at: int
) -> int:
    """Return how many rows were changed after `at` without an entry of their own."""
    rows: list[Any] = rows_of(
        db,
        "SELECT COALESCE(SUM(series), 0) FROM restatements "  # noqa: S608 - own names
        f"WHERE series_id = {SEVERAL} AND source = ? AND resolution = ? "
        "AND start >= ? AND start < ? AND at > ?",
        (source, resolution, start, end, at),
    )
    return int(rows[0][0])


def first_done_after(  # noqa: PLR0917 - windows of a stretch, and a time
    db: Database, source: str, resolution: str, start: int, end: int, at: int
) -> Ints:
    """Return the starts of windows that had no rows yet at a time, oldest first."""
    rows = rows_of(
        db,
        "SELECT start FROM ledger WHERE source = ? AND resolution = ? "
        "AND start >= ? AND start < ? AND first_at > ? ORDER BY start",
        (source, resolution, start, end, at),
    )
    return np.array(rows, dtype=np.int64).reshape(-1)


def of_reasons(
    db: Database, source: str, reasons: Sequence[str], since: int
) -> list[Restated]:
    """Return the entries of a source with one of some reasons, oldest first.

    Only those of rows that were changed at `since` (UTC seconds) or later.
    """
    marks = ", ".join("?" * len(reasons))
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_SELECTED} FROM restatements r WHERE r.at >= ? AND r.source = ? "  # noqa: S608 - own names
        f"AND r.reason IN ({marks}) ORDER BY r.revision",
        (since, source, *reasons),
    )
    return [Restated(*row) for row in rows]
