"""Deleting what is old, against a bare driver loop, and what new minutes feel of it.

On SQLite both delete the same minutes of 100,000 series, one transaction each; the
peer is the shortest statement that does it. Hours are deleted a day at a time. On
PostgreSQL a day goes with its partition, and the peer deletes the rows of as many
minutes. Then minutes are written with a bite of retention between each two, and the
peer writes them without.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np  # noqa: E402 - from the lines above
from _claims import Claim, parser, report  # noqa: E402 - same
from write import BEGIN, SERIES, SERVER, bare, claim, migrated, minute, ours  # noqa: E402 - same

from bridge.rollup.deletion.sweeping import Sweep  # noqa: E402 - same
from bridge.rollup.windows import Resolution  # noqa: E402 - same
from models import partitions  # noqa: E402 - same
from models.bulk import upsert_rollups  # noqa: E402 - same
from models.queries import ledger  # noqa: E402 - same
from models.queries.rollups import Columns  # noqa: E402 - same
from models.rollup import COLUMNS, RollupHour, RollupMinute  # noqa: E402 - same
from tests.postgres import PostgresServer  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.database import Database

MINUTES: Final = 20
HOURS: Final = 24
HOUR_SERIES: Final = 20_000
DELETE_GOAL: Final = 1.3
COMMIT_GOAL: Final = 2.0
DROP_GOAL: Final = 0.2
BITE: Final = 20_000


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def fill(db: Database, first: int = 0, count: int = MINUTES) -> None:
    """Write minutes with their series and ledger."""
    with db.atomic():
        db.execute_sql(
            "INSERT INTO series (id, fingerprint, ordinal, source, metric, labels, "
            "kind, unit, help, workspace, environment, first_seen, last_seen) "
            "SELECT 1, 1, 0, 'local', 'a', '{}', 'gauge', '', '', '', '', 0, 0 "
            "WHERE NOT EXISTS (SELECT 1 FROM series)"
        )
        for number in range(first, first + count):
            upsert_rollups(db, RollupMinute, minute(number))
            start = BEGIN + 60 * number
            entry = ledger.Entry("local", "minute", start, "done", 4, SERIES, 1)
            ledger.record(db, entry)


def bites(db: Database, resolution: Resolution, end: int) -> list[float]:
    """Delete everything before a time; return the seconds of each transaction."""
    found: list[float] = []
    sweep = Sweep(db, "local", resolution, BITE).windows(end)
    while True:
        begin = time.perf_counter()
        if next(sweep, None) is None:
            return found
        found.append(time.perf_counter() - begin)


def minutes_on_sqlite(directory: Path) -> Claim:
    """Measure the deletion of minutes."""
    db = migrated(f"sqlite:///{directory}/ours.db")
    fill(db)
    found = statistics.median(bites(db, Resolution.MINUTE, BEGIN + 60 * MINUTES))
    db.close()
    peer = bare(directory / "peer.db")
    copy = migrated(f"sqlite:///{directory}/peer.db")
    fill(copy)
    copy.close()
    taken = [
        timed(
            lambda start=BEGIN + 60 * number: peer.execute(  # type: ignore[misc]
                "DELETE FROM rollup_minute WHERE start = ?", (start,)
            )
        )
        for number in range(MINUTES)
    ]
    peer.close()
    return claim(
        "SQLite, minutes deleted", found, statistics.median(taken), DELETE_GOAL
    )


def hours_on_sqlite(directory: Path) -> list[Claim]:
    """Measure the deletion of a day of hours, and its longest transaction."""
    db = migrated(f"sqlite:///{directory}/hours.db")
    day = BEGIN // 86400 * 86400
    with db.atomic():
        db.execute_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "  # noqa: S608 - own words
            f"WHERE i < {HOUR_SERIES}) INSERT INTO series (id, fingerprint, ordinal, "
            "source, metric, labels, kind, unit, help, workspace, environment, "
            "first_seen, last_seen) SELECT i, i, 0, 'local', 'a', '{}', 'gauge', '', "
            "'', '', '', 0, 0 FROM n"
        )
        rows = minute(0)
        cut = {name: getattr(rows, name)[:HOUR_SERIES] for name in COLUMNS}
        for number in range(5 * HOURS):
            start = day + 3600 * number
            cut["start"] = np.full(HOUR_SERIES, start)
            upsert_rollups(db, RollupHour, Columns(**cut))
            entry = ledger.Entry("local", "hour", start, "done", 4, HOUR_SERIES, 1)
            ledger.record(db, entry)
    taken = bites(db, Resolution.HOUR, day + 86400)
    db.close()
    per_100k = sum(taken) / (HOUR_SERIES * HOURS) * 100_000
    return [
        Claim("SQLite, hours deleted, s per 100k rows", round(per_100k, 4), None, 0.6),
        Claim("SQLite, hours, longest bite, s", round(max(taken), 4), None, 0.3),
    ]


def commits(db: Database, name: str) -> Claim:
    """Measure writing a minute while an old one is deleted after each."""
    fill(db)
    write = ours(db)
    alone = [timed(lambda n=n: write(minute_rows[n])) for n in range(9)]  # type: ignore[misc]
    sweep = Sweep(db, "local", Resolution.MINUTE, BITE)
    gone = sweep.windows(BEGIN + 60 * MINUTES)
    beside = []
    for number in range(9, 18):
        next(gone, None)
        beside.append(timed(lambda n=number: write(minute_rows[n])))  # type: ignore[misc]
    return claim(
        f"{name}, minute written beside retention",
        statistics.median(beside[1:]),
        statistics.median(alone[1:]),
        COMMIT_GOAL,
    )


minute_rows = [minute(MINUTES + number) for number in range(18)]
"""Made beforehand, so that only writing is measured."""


def on_postgres(server: PostgresServer) -> list[Claim]:
    """Measure a partition against as many rows deleted."""
    name = server.new_database()
    db = migrated(server.url(name))
    partitions.make(db, BEGIN // 86400 * 86400)
    fill(db)
    peer = migrated(server.url(server.new_database()))
    partitions.make(peer, BEGIN // 86400 * 86400)
    fill(peer)
    deleted = timed(
        lambda: peer.execute_sql(
            "DELETE FROM rollup_minute WHERE start < %s", (BEGIN + 60 * MINUTES,)
        )
    )
    peer.close()
    (partition,) = partitions.listed(db)
    dropped = timed(lambda: partitions.drop(db, partition))
    scale = 100_000 / (SERIES * MINUTES)
    db.close()
    other = migrated(server.url(server.new_database()))
    beside = commits(other, "PostgreSQL")
    other.close()
    return [
        claim(
            "PostgreSQL, minutes dropped", dropped * scale, deleted * scale, DROP_GOAL
        ),
        beside,
    ]


def main() -> None:
    """Measure both engines and print what was found."""
    as_json = parser(__doc__).parse_args().json
    with tempfile.TemporaryDirectory(prefix="epimetheus-bench-") as name:
        directory = Path(name)
        claims = [minutes_on_sqlite(directory), *hours_on_sqlite(directory)]
        db = migrated(f"sqlite:///{directory}/beside.db")
        claims.append(commits(db, "SQLite"))
        db.close()
    server = PostgresServer(SERVER)
    try:
        claims += on_postgres(server.create())
    finally:
        server.destroy()
    report(claims, "Deleting what is old", as_json=as_json)


if __name__ == "__main__":
    main()
