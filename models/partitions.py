"""The daily partitions of the minutes on PostgreSQL; other engines have none.

A day without a partition of its own has its rows in the default one, which is as right
and only slower to delete. So nothing here waits for long, or fails a write.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from models.failures import DatabaseUnavailable
from models.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database

DAY: Final = 86400
MOST: Final = 1000
"""Partitions beyond which no more are made, as each makes planning a bit slower."""
_MOVED_AT_ONCE: Final = 1_000_000
"""Rows that are moved out of the default partition when their day gets its own."""
_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""
_LOCK: Final = 0x4570_7061
"""Advisory lock number: "Eppa"."""
_PATIENCE: Final = "200ms"
_HARMLESS: Final = ("locked", "permission")
"""Why a day may go without a partition: a user who owns no table may still write."""
_BOUND: Final = re.compile(r"FROM \((MINVALUE|'?-?\d+'?)\) TO \('?(-?\d+)'?\)")
_LISTED: Final = """
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'rollup_minute'::regclass ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """The table of the minutes of `[start, end)`; `start` is None for all before."""

    name: str
    start: int | None
    end: int


def listed(db: Database) -> list[Partition]:
    """Return the partitions that have bounds, oldest first; none on other engines."""
    if not isinstance(db, Postgres):
        return []
    found = [
        (name, match)
        for name, bound in db.execute_sql(_LISTED).fetchall()
        if (match := _BOUND.search(bound))
    ]
    partitions = [
        Partition(
            name,
            None if match[1] == "MINVALUE" else int(match[1].strip("'")),
            int(match[2]),
        )
        for name, match in found
    ]
    return sorted(partitions, key=lambda one: one.end)


def make(db: Database, day: int) -> bool:
    """Make the partition of the day that starts at `day`; return whether it is there.

    It is not where another transaction holds on to the default partition, where that
    has too many rows of the day, where the user may make no tables, or beyond MOST; a
    later call tries again.
    """
    if not isinstance(db, Postgres) or not 0 <= day <= _LAST - DAY:
        return False
    name = f"rollup_minute_{datetime.fromtimestamp(day, UTC):%Y%m%d}"
    if _exists(db, name):
        return True
    known = listed(db)
    if any(one.end > day and (one.start or 0) <= day for one in known):
        return True
    if len(known) >= MOST:
        return False
    try:
        with db.atomic(), _impatient(db):
            return _attach(db, name, day)
    except DatabaseUnavailable as error:
        if error.reason not in _HARMLESS:
            raise
        return False


def drop(db: Database, partition: Partition) -> bool:
    """Drop a partition with its rows; return whether it is gone.

    It is not where a reader is in the way, or where the table is another user's.
    """
    try:
        with db.atomic(), _impatient(db):
            db.execute_sql(f'DROP TABLE "{partition.name}"')
    except DatabaseUnavailable as error:
        if error.reason not in _HARMLESS:
            raise
        return False
    return True


def _attach(db: Postgres, name: str, day: int) -> bool:
    db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    if _exists(db, name):
        return True
    span = (day, day + DAY)
    (strays,) = db.execute_sql(
        "SELECT COUNT(*) FROM (SELECT 1 FROM rollup_minute_default "
        "WHERE start >= %s AND start < %s LIMIT %s) AS strays",
        (*span, _MOVED_AT_ONCE + 1),
    ).fetchone()
    if strays > _MOVED_AT_ONCE:
        return False
    # Attaching a table locks less than creating it as a partition.
    db.execute_sql(
        f'CREATE TABLE "{name}" (LIKE rollup_minute INCLUDING DEFAULTS '
        "INCLUDING INDEXES)"
    )
    if strays:
        db.execute_sql(
            "WITH moved AS (DELETE FROM rollup_minute_default "  # noqa: S608 - own names
            "WHERE start >= %s AND start < %s RETURNING *) "
            f'INSERT INTO "{name}" SELECT * FROM moved',
            span,
        )
    db.execute_sql(
        f'ALTER TABLE rollup_minute ATTACH PARTITION "{name}" '
        f"FOR VALUES FROM ({day}) TO ({day + DAY})"
    )
    return True


def _exists(db: Postgres, name: str) -> bool:
    # Not to_regclass: what it remembers may be older than the lock that was waited for.
    cursor = db.execute_sql(
        "SELECT 1 FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid)",
        (name,),
    )
    return cursor.fetchone() is not None


@contextmanager
def _impatient(db: Database) -> Iterator[None]:
    """Wait for locks only shortly, until the end of the block."""
    before: Any = db.execute_sql("SHOW lock_timeout").fetchone()
    db.execute_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
    yield
    db.execute_sql(f"SET LOCAL lock_timeout = '{before[0]}'")
