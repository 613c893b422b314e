"""A minute of rollups for 100,000 series, against a bare driver loop.

Both write the same rows, from the same arrays to the commit, into databases with the
same tables and settings, in turns. On SQLite the peer is the faster of `executemany`
and of prepared statements of 500 rows; on PostgreSQL it is psycopg's binary COPY, row
by row, and for a redo a COPY into a temporary table with one upsert. The bytes of a row
are those of SQLite's file after all minutes of a mix of counters, whole and fractional
gauges, and of 10,000 histograms of 12 buckets.
"""

from __future__ import annotations

import math
import sqlite3
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - from the line above
import psycopg  # noqa: E402 - same
from _claims import Claim, parser, report  # noqa: E402 - beside this file

from bridge.rollup.buckets.histograms import aggregate  # noqa: E402 - same
from bridge.rollup.tail import Previous  # noqa: E402 - same
from bridge.rollup.windows import Window  # noqa: E402 - same
from bridge.sources.base import Families  # noqa: E402 - same
from models.bulk import upsert_rollups  # noqa: E402 - same
from models.database import Database, open_database  # noqa: E402 - same
from models.migrate import Migrations  # noqa: E402 - same
from models.queries.rollups import Columns  # noqa: E402 - same
from models.queries.sizes import database_bytes  # noqa: E402 - same
from models.rollup import COLUMNS, RollupMinute  # noqa: E402 - same
from tests.postgres import PostgresServer  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Write = Callable[[Columns], None]
    RowsOf = Callable[[int], Columns]

SERIES: Final = 100_000
MINUTES: Final = 11
BEGIN: Final = 1_790_000_040 // 60 * 60
SAMPLES: Final = 4
CHUNK: Final = 500
SQLITE_GOAL: Final = 1.2
POSTGRES_GOAL: Final = 1.3
BYTES_GOAL: Final = 48
HISTOGRAMS: Final = 10_000
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.inf)
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


def histogram_minute(number: int) -> Columns:
    """Return the rows of a minute of histograms, as the engine makes them."""
    random = np.random.default_rng(number)
    window = Window(BEGIN + 60 * number)
    shape = (HISTOGRAMS, SAMPLES, len(BOUNDS))
    cumulative = random.integers(0, 20, shape).cumsum(axis=2).cumsum(axis=1)
    cumulative += 1_000_000 * (1 + number)
    scrapes = window.start_ms + np.arange(SAMPLES) * 15_000
    observations = cumulative[:, :, -1].ravel().astype(float)
    block = Families(
        series_id=np.arange(1, HISTOGRAMS + 1),
        offsets=np.arange(0, HISTOGRAMS * SAMPLES + 1, SAMPLES),
        times=np.tile(scrapes, HISTOGRAMS),
        expected=np.full(HISTOGRAMS, SAMPLES),
        observations=observations,
        totals=observations / 7,
        bounds=(BOUNDS,),
        layout=np.zeros(HISTOGRAMS * SAMPLES, np.int64),
        cumulative=cumulative.reshape(-1, len(BOUNDS)).astype(float),
    )
    rows, _ = aggregate(block, window, Previous.unknown(HISTOGRAMS))
    return Columns(**{name: getattr(rows, name) for name in COLUMNS})


def lists(rows: Columns) -> list[list[Any]]:
    """Return the columns as lists of Python's numbers."""
    return [getattr(rows, name).tolist() for name in COLUMNS]


def with_nulls(rows: Columns) -> list[list[Any]]:
    """Return the same with None for NaN, which sqlite3 needs not and psycopg does."""
    found = lists(rows)
    for name in FLOATS:
        place = COLUMNS.index(name)
        if np.isnan(getattr(rows, name)).any():
            found[place] = [None if value != value else value for value in found[place]]  # noqa: PLR0124 - NaN
    return found


@dataclass(frozen=True)
class Load:
    """What is written: so many rows a minute."""

    name: str
    minute: RowsOf
    rows: int
    bytes_goal: float | None = None

    def claims(
        self, way: str, seconds: float, peer: float, goal: float
    ) -> Iterator[Claim]:
        """Yield what a minute takes, and how many rows that is in a second."""
        told = f"{way} of {self.rows} {self.name}"
        yield Claim(f"{told}, s", round(seconds, 4), round(peer, 4), goal)
        per_second = round(self.rows / seconds)
        yield Claim(f"{told}, rows per second (more is better)", per_second)


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


def medians(ways: dict[str, Write], rows_of: RowsOf) -> dict[str, float]:
    """Return the seconds of a minute each way, in turns; the first warms up."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(MINUTES):
        rows = rows_of(number)
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


def on_sqlite(directory: Path, load: Load) -> list[Claim]:
    """Measure SQLite, first with new minutes and then with the same ones again."""
    db = migrated(f"sqlite:///{directory}/{load.name}.db")
    paths = [directory / f"{load.name}-{way}.db" for way in ("executemany", "many")]
    peers = [bare(path) for path in paths]
    empty = database_bytes(db)
    ways = {
        "ours": ours(db),
        "executemany": executemany(peers[0]),
        "500 rows": many_rows(peers[1]),
    }
    claims: list[Claim] = []
    for name in ("a new minute", "the same minute again"):
        found = medians(ways, load.minute)
        peer = min(found["executemany"], found["500 rows"])
        claims += load.claims(f"SQLite, {name}", found["ours"], peer, SQLITE_GOAL)
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    size = round((database_bytes(db) - empty) / (load.rows * MINUTES), 1)
    text = f"SQLite, bytes per row of {load.name}"
    claims.append(Claim(text, size, None, load.bytes_goal))
    db.close()
    for connection in peers:
        connection.close()
    return claims


def on_postgres(server: PostgresServer, load: Load) -> list[Claim]:
    """Measure PostgreSQL in the same way."""
    names = [server.new_database(), server.new_database()]
    db = migrated(server.url(names[0]))
    migrated(server.url(names[1])).close()
    peer = psycopg.connect(server.url(names[1]), autocommit=True)
    claims: list[Claim] = []
    both = {"a new minute": copy_new(peer), "the same minute again": copy_again(peer)}
    for name, theirs in both.items():
        found = medians({"ours": ours(db), "peer": theirs}, load.minute)
        text = f"PostgreSQL, {name}"
        claims += load.claims(text, found["ours"], found["peer"], POSTGRES_GOAL)
    db.close()
    peer.close()
    return claims


def claim(name: str, seconds: float, peer: float, goal: float) -> Claim:
    """Return a claim about seconds for 100,000 rows."""
    return Claim(f"{name}, s per 100k rows", round(seconds, 4), round(peer, 4), goal)


def main() -> None:
    """Measure both engines and print what was found."""
    as_json = parser(__doc__).parse_args().json
    loads = (
        Load("series", minute, SERIES, BYTES_GOAL),
        Load("histograms", histogram_minute, HISTOGRAMS),
    )
    with tempfile.TemporaryDirectory(prefix="epimetheus-bench-") as directory:
        claims = [one for load in loads for one in on_sqlite(Path(directory), load)]
    server = PostgresServer(SERVER)
    try:
        server.create()
        claims += [one for load in loads for one in on_postgres(server, load)]
    finally:
        server.destroy()
    report(claims, "Writing a minute", as_json=as_json)


if __name__ == "__main__":
    main()
