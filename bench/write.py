"""A minute of rollups for 100,000 series, against a bare driver loop.

Both write the same rows, from the same arrays to the commit, into databases with the
same tables and settings, in turns. On SQLite the peer is the faster of `executemany`
and of prepared statements of 500 rows; on PostgreSQL it is psycopg's binary COPY, row
by row, and for a redo a COPY into a temporary table with one upsert. The bytes of a row
are those of SQLite's file after all minutes of a mix of counters, whole and fractional
gauges.
"""

from __future__ import annotations

import math
import sqlite3
import statistics
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - from the line above
import psycopg  # noqa: E402 - same
from _claims import Claim, parser, report  # noqa: E402 - beside this file

from models.bulk import upsert_rollups  # noqa: E402 - same
from models.database import Database, open_database  # noqa: E402 - same
from models.migrate import Migrations  # noqa: E402 - same
from models.queries.rollups import Columns  # noqa: E402 - same
from models.queries.sizes import database_bytes  # noqa: E402 - same
from models.rollup import COLUMNS, RollupMinute  # noqa: E402 - same
from tests.postgres import PostgresServer  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[Columns], None]

SERIES: Final = 100_000
MINUTES: Final = 11
BEGIN: Final = 1_790_000_040 // 60 * 60
SAMPLES: Final = 4
CHUNK: Final = 500
SQLITE_GOAL: Final = 1.2
POSTGRES_GOAL: Final = 1.3
BYTES_GOAL: Final = 48
SERVER: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}
NAMES: Final = ", ".join(COLUMNS)
ROW: Final = f"({','.join('?' * len(COLUMNS))})"
FLOATS: Final = ("sum", "min", "max", "first", "last", "increase")
TYPE_OF: Final = {
    **dict.fromkeys(FLOATS, "float8"),
    **dict.fromkeys(("resets", "flags", "last_offset"), "int4"),
    "buckets": "bytea",
}
TYPES: Final = [TYPE_OF.get(name, "int8") for name in COLUMNS]


def minute(number: int) -> Columns:
    """Return the rows of a minute: half counters, a quarter each of the two gauges."""
    random = np.random.default_rng(number)
    samples = random.integers(0, 2**30, (SERIES, SAMPLES)).astype(float)
    counters = np.arange(SERIES) % 2 == 0
    fractions = np.arange(SERIES) % 4 == 1
    samples[counters] = np.sort(samples[counters], axis=1)
    samples[fractions] /= 1000.0
    whole = np.full(SERIES, SAMPLES)
    zeros = np.zeros(SERIES, dtype=np.int64)
    return Columns(
        series_id=np.arange(1, SERIES + 1),
        start=np.full(SERIES, BEGIN + 60 * number),
        count=whole,
        sum=samples.sum(axis=1),
        min=samples.min(axis=1),
        max=samples.max(axis=1),
        first=samples[:, 0].copy(),
        last=samples[:, -1].copy(),
        increase=np.where(counters, samples[:, -1] - samples[:, 0], np.nan),
        resets=zeros,
        expected=whole,
        flags=zeros,
        last_offset=np.full(SERIES, 45_000),
        gap=zeros,
        changes=np.full(SERIES, 3),
        buckets=np.full(SERIES, None, np.object_),
    )


def lists(rows: Columns) -> list[list[Any]]:
    """Return the columns as lists of Python's numbers."""
    return [getattr(rows, name).tolist() for name in COLUMNS]


def with_nulls(rows: Columns) -> list[list[Any]]:
    """Return the same with None for NaN, which sqlite3 needs not and psycopg does."""
    found = lists(rows)
    place = COLUMNS.index("increase")
    found[place] = [None if math.isnan(value) else value for value in found[place]]
    return found


def ours(db: Database) -> Write:
    """Return the way by which the engine writes."""

    def write(rows: Columns) -> None:
        with db.atomic():
            upsert_rollups(db, RollupMinute, rows)

    return write


def executemany(connection: sqlite3.Connection) -> Write:
    """Return the loop that the driver has built in."""
    sql = f"INSERT OR REPLACE INTO rollup_minute ({NAMES}) VALUES {ROW}"  # noqa: S608 - own names

    def write(rows: Columns) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, zip(*lists(rows), strict=True))
        connection.execute("COMMIT")

    return write


def many_rows(connection: sqlite3.Connection, table: str = "rollup_minute") -> Write:
    """Return a loop over statements of many rows each; SERIES is a multiple."""
    values = ",".join([ROW] * CHUNK)
    sql = f"INSERT OR REPLACE INTO {table} ({NAMES}) VALUES {values}"  # noqa: S608 - own names

    def write(rows: Columns) -> None:
        connection.execute("BEGIN IMMEDIATE")
        flat = list(chain.from_iterable(zip(*lists(rows), strict=True)))
        step = CHUNK * len(COLUMNS)
        for begin in range(0, len(flat), step):
            connection.execute(sql, flat[begin : begin + step])
        connection.execute("COMMIT")

    return write


def copy_rows(cursor: psycopg.Cursor[Any], table: str, rows: Columns) -> None:
    """Send rows by the driver's own COPY."""
    statement = f"COPY {table} ({NAMES}) FROM STDIN (FORMAT BINARY)"
    with cursor.copy(statement) as copy:
        copy.set_types(TYPES)
        for row in zip(*with_nulls(rows), strict=True):
            copy.write_row(row)


def copy_new(
    connection: psycopg.Connection[Any], table: str = "rollup_minute"
) -> Write:
    """Return a COPY straight into the table."""

    def write(rows: Columns) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            copy_rows(cursor, table, rows)

    return write


def copy_again(connection: psycopg.Connection[Any]) -> Write:
    """Return a COPY into a temporary table and an upsert from there."""
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS[2:])

    def write(rows: Columns) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE incoming (LIKE rollup_minute) ON COMMIT DROP"
            )
            copy_rows(cursor, "incoming", rows)
            cursor.execute(
                f"INSERT INTO rollup_minute ({NAMES}) SELECT {NAMES} FROM incoming "  # noqa: S608 - own names
                f"ON CONFLICT (start, series_id) DO UPDATE SET {updates}"
            )

    return write


def medians(ways: dict[str, Write], minutes: range) -> dict[str, float]:
    """Return the seconds of a minute each way, in turns; the first warms up."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in minutes:
        rows = minute(number)
        for name, write in ways.items():
            begin = time.perf_counter()
            write(rows)
            taken[name].append(time.perf_counter() - begin)
    return {name: statistics.median(found[1:]) for name, found in taken.items()}


def migrated(url: str) -> Database:
    """Return a database that has its tables."""
    db = open_database(url)
    Migrations(db).up()
    return db


def bare(path: Path) -> sqlite3.Connection:
    """Return a connection by the driver alone, tuned as ours is."""
    db = migrated(f"sqlite:///{path}")
    cache = db.execute_sql("PRAGMA cache_size").fetchone()[0]
    db.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = normal")
    connection.execute(f"PRAGMA cache_size = {cache}")
    return connection


def on_sqlite(directory: Path) -> list[Claim]:
    """Measure SQLite, first with new minutes and then with the same ones again."""
    db = migrated(f"sqlite:///{directory}/ours.db")
    peers = [bare(directory / "executemany.db"), bare(directory / "many.db")]
    ways = {
        "ours": ours(db),
        "executemany": executemany(peers[0]),
        "500 rows": many_rows(peers[1]),
    }
    claims = []
    for name in ("new", "again"):
        found = medians(ways, range(MINUTES))
        peer = min(found["executemany"], found["500 rows"])
        claims.append(claim(f"SQLite, minute {name}", found["ours"], peer, SQLITE_GOAL))
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    size = database_bytes(db) / (SERIES * MINUTES)
    claims.append(Claim("SQLite, bytes per row", round(size, 1), None, BYTES_GOAL))
    db.close()
    for connection in peers:
        connection.close()
    return claims


def on_postgres(server: PostgresServer) -> list[Claim]:
    """Measure PostgreSQL in the same way."""
    names = [server.new_database(), server.new_database()]
    db = migrated(server.url(names[0]))
    migrated(server.url(names[1])).close()
    peer = psycopg.connect(server.url(names[1]), autocommit=True)
    claims = []
    for name, theirs in (("new", copy_new(peer)), ("again", copy_again(peer))):
        found = medians({"ours": ours(db), "peer": theirs}, range(MINUTES))
        text = f"PostgreSQL, minute {name}"
        claims.append(claim(text, found["ours"], found["peer"], POSTGRES_GOAL))
    db.close()
    peer.close()
    return claims


def claim(name: str, seconds: float, peer: float, goal: float) -> Claim:
    """Return a claim about seconds for 100,000 rows."""
    return Claim(f"{name}, s per 100k rows", round(seconds, 4), round(peer, 4), goal)


def main() -> None:
    """Measure both engines and print what was found."""
    as_json = parser(__doc__).parse_args().json
    with tempfile.TemporaryDirectory(prefix="epimetheus-bench-") as directory:
        claims = on_sqlite(Path(directory))
    server = PostgresServer(SERVER)
    try:
        claims += on_postgres(server.create())
    finally:
        server.destroy()
    report(claims, "Writing a minute", as_json=as_json)


if __name__ == "__main__":
    main()
