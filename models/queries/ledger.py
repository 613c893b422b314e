"""Questions to the ledger, and entries into it."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

_COLUMNS: Final = (
    "source",
    "resolution",
    "start",
    "state",
    "samples",
    "series",
    "revision",
    "reason",
    "computed_at",
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM ledger"  # noqa: S608 - own names
_CHUNK: Final = 500
_UNFINISHED: Final = ("open", "dirty")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger; see `models.ledger.Ledger`."""

    source: str
    resolution: str
    start: int
    state: str
    samples: int = 0
    series: int = 0
    revision: int = 0
    reason: str = ""
    computed_at: int = 0


def begin(db: Database, source: str, resolution: str) -> int | None:
    """Return the start of the oldest window in the ledger, None if there is none."""
    return _extreme(db, "MIN", source, resolution)


def newest(db: Database, source: str, resolution: str) -> int | None:
    """Return the start of the newest window in the ledger, None if there is none."""
    return _extreme(db, "MAX", source, resolution)


def entries(
    db: Database, source: str, resolution: str, start: int, end: int
) -> list[Entry]:
    """Return the windows that start in `[start, end)`, oldest first."""
    sql = (
        f"{_SELECT} WHERE source = ? AND resolution = ? "
        "AND start >= ? AND start < ? ORDER BY start"
    )
    return _entries(db, sql, (source, resolution, start, end))


def count(  # noqa: PLR0917 - a span of windows
    db: Database,
    source: str,
    resolution: str,
    states: Sequence[str],
    start: int,
    end: int,
) -> int:
    """Return how many windows that start in `[start, end)` have one of the states."""
    marks = ", ".join("?" * len(states))
    sql = (
        "SELECT COUNT(*) FROM ledger WHERE source = ? AND resolution = ? "  # noqa: S608 - marks only
        f"AND start >= ? AND start < ? AND state IN ({marks})"
    )
    rows: list[Any] = rows_of(db, sql, (source, resolution, start, end, *states))
    return int(rows[0][0])


def unfinished(db: Database, source: str, resolution: str, limit: int) -> list[Entry]:
    """Return at most `limit` windows that are open or dirty, oldest first."""
    # Starts alone and one state at a time are in the index; otherwise SQLite would
    # read all windows of the source.
    oldest = (
        "SELECT start FROM (SELECT start FROM ledger WHERE state = ? AND source = ? "
        "AND resolution = ? ORDER BY start LIMIT ?) AS oldest"
    )
    starts = " UNION ALL ".join([oldest] * len(_UNFINISHED))
    sql = (
        f"{_SELECT} WHERE source = ? AND resolution = ? "
        f"AND start IN ({starts} ORDER BY start LIMIT ?) ORDER BY start"
    )
    params = [(state, source, resolution, limit) for state in _UNFINISHED]
    return _entries(db, sql, (source, resolution, *chain.from_iterable(params), limit))


def holes(
    db: Database, source: str, resolution: str, width: int, until: int
) -> list[tuple[int, int]]:
    """Return the spans `[from, to)` before `until` in which windows have no row.

    They lie between the oldest window and `until`; before the oldest one there is
    nothing to miss. `width` is the seconds of a window.
    """
    sql = """
        SELECT gap_start, gap_end FROM (
            SELECT start + CAST(? AS BIGINT) AS gap_start,
                LEAD(start, 1, CAST(? AS BIGINT)) OVER (ORDER BY start) AS gap_end
            FROM ledger
            WHERE source = ? AND resolution = ? AND start < ?
        ) AS steps
        WHERE gap_end > gap_start
        ORDER BY gap_start
    """
    rows: list[Any] = rows_of(db, sql, (width, until, source, resolution, until))
    return rows


def record(db: Database, entry: Entry) -> None:
    """Write an entry, replacing the one of the same window."""
    _upsert(db, [entry], [name for name in _COLUMNS if name not in _KEY])
    if entry.revision == 1:
        _note_first(db, entry)


def mark(  # noqa: PLR0917 - the columns of an entry
    db: Database,
    source: str,
    resolution: str,
    starts: Sequence[int],
    state: str,
    reason: str,
    now: int,
) -> None:
    """Give windows a state; what their rows hold and their revision stay as noted.

    Windows that the ledger does not know yet are entered without rows.
    """
    marked = [
        Entry(source, resolution, start, state, reason=reason, computed_at=now)
        for start in starts
    ]
    for begin_at in range(0, len(marked), _CHUNK):
        chunk = marked[begin_at : begin_at + _CHUNK]
        _upsert(db, chunk, ["state", "reason", "computed_at"])


def remove(db: Database, source: str, resolution: str, start: int) -> None:
    """Delete the entry of a window."""
    sql = "DELETE FROM ledger WHERE source = ? AND resolution = ? AND start = ?"
    db.execute_sql(sql.replace("?", db.param), (source, resolution, start))


def summary(db: Database) -> list[tuple[str, str, str, int, int, int]]:
    """Return (source, resolution, state, count, oldest start, newest start) groups."""
    rows: list[Any] = rows_of(
        db,
        "SELECT source, resolution, state, COUNT(*), MIN(start), MAX(start) "
        "FROM ledger GROUP BY source, resolution, state "
        "ORDER BY source, resolution, state",
    )
    return rows


_KEY: Final = ("source", "resolution", "start")


def _upsert(db: Database, chunk: Sequence[Entry], update: Sequence[str]) -> None:
    row = f"({', '.join('?' * len(_COLUMNS))})"
    values = ", ".join([row] * len(chunk))
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in update)
    sql = (
        f"INSERT INTO ledger ({', '.join(_COLUMNS)}) VALUES {values} "  # noqa: S608 - own names
        f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {updates}"
    )
    params = [
        storable(value) if isinstance(value, str) else value
        for entry in chunk
        for value in astuple(entry)
    ]
    db.execute_sql(sql.replace("?", db.param), params)


def _note_first(db: Database, entry: Entry) -> None:
    sql = (
        "UPDATE ledger SET first_at = ? "
        "WHERE source = ? AND resolution = ? AND start = ?"
    )
    key = (entry.source, entry.resolution, entry.start)
    db.execute_sql(sql.replace("?", db.param), (entry.computed_at, *key))


def note_held(db: Database, entry: Entry, held: int | None) -> None:
    """Note how many raw samples the source had of a window, by its own count."""
    sql = "UPDATE ledger SET held = ? WHERE source = ? AND resolution = ? AND start = ?"
    key = (entry.source, entry.resolution, entry.start)
    db.execute_sql(sql.replace("?", db.param), (held, *key))


def counted(
    db: Database, source: str, resolution: str, start: int, end: int
) -> list[tuple[int, int]]:
    """Return (start, raw samples that the source had) of finished windows of a span.

    Oldest first, without those whose samples the source did not count.
    """
    rows: list[Any] = rows_of(
        db,
        "SELECT start, held FROM ledger WHERE source = ? AND resolution = ? "
        "AND start >= ? AND start < ? AND held IS NOT NULL "
        "AND state NOT IN ('open', 'dirty') ORDER BY start",
        (source, resolution, start, end),
    )
    return rows


def _extreme(db: Database, function: str, source: str, resolution: str) -> int | None:
    rows: list[Any] = rows_of(
        db,
        f"SELECT {function}(start) FROM ledger WHERE source = ? AND resolution = ?",  # noqa: S608 - own names
        (source, resolution),
    )
    found: int | None = rows[0][0]
    return found


def _entries(db: Database, sql: str, params: tuple[object, ...]) -> list[Entry]:
    rows: list[Any] = rows_of(db, sql, params)
    return [Entry(*row) for row in rows]
