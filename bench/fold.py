"""An hour out of 60 minutes and a day out of 24 hours, for 100,000 series.

Ours is what the engine does: read the finer rows, merge them exactly, and commit rows
and ledger. The peer of reading and merging is one GROUP BY of the database, which adds
up the same columns with plain additions, knows no first, last and buckets, and hands
out its rows; that of committing is a driver loop that writes the same rows. SQLite and
PostgreSQL, in turns with their peers; medians are compared.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np  # noqa: E402 - from the lines above
import psycopg  # noqa: E402 - same
from _claims import Claim, parser, report  # noqa: E402 - same
from write import SERIES, SERVER, bare, copy_new, many_rows, migrated, minute  # noqa: E402 - same

from bridge.rollup.commit import commit  # noqa: E402 - same
from bridge.rollup.fill import Fill  # noqa: E402 - same
from bridge.rollup.rows import Rows  # noqa: E402 - same
from bridge.rollup.windows import Resolution, Window  # noqa: E402 - same
from models import partitions  # noqa: E402 - same
from models.bulk import upsert_rollups  # noqa: E402 - same
from models.queries import ledger  # noqa: E402 - same
from models.queries.rollups import Columns  # noqa: E402 - same
from models.rollup import COLUMNS, RollupHour, RollupMinute  # noqa: E402 - same
from tests.postgres import PostgresServer  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.database import Database

    Write = Callable[[Columns], None]

DAY: Final = 1_790_000_000 // 86400 * 86400
ROUNDS: Final = 3
MERGE_GOAL: Final = 2.5
COMMIT_GOAL: Final = 1.5
TABLES: Final = {
    Resolution.HOUR: ("rollup_minute", RollupMinute),
    Resolution.DAY: ("rollup_hour", RollupHour),
}
SUMS: Final = ", ".join(
    [f"SUM({name})" for name in ("count", "sum", "increase", "resets", "changes")]
    + ["SUM(expected)", "MIN(min)", "MAX(max)", "MAX(gap)"]
)


@dataclass(frozen=True)
class Engine:
    """A database with ours in it, and how its driver is used alone.

    `write` writes rows into a database of its own, and `undo` runs a statement in both.
    """

    name: str
    db: Database
    fetch: Callable[[str], list[Any]]
    write: Write
    undo: Callable[[str], object]


def fill(db: Database, resolution: Resolution, series: int) -> None:
    """Write the finer rows of a window with their ledger."""
    finer = resolution.finer
    if finer is None:
        raise ValueError("minutes are not merged from anything")
    with db.atomic():
        partitions.make(db, DAY)
        for number, child in enumerate(Window(DAY, resolution).children()):
            rows = minute(number % 4)
            columns = {name: getattr(rows, name)[:series] for name in COLUMNS}
            columns["start"] = np.full(series, child.start)
            upsert_rollups(db, TABLES[resolution][1], Columns(**columns))
            entry = ledger.Entry(
                "local", finer.value, child.start, "done", 4 * series, series, 1
            )
            ledger.record(db, entry)


def fill_series(db: Database, series: int) -> None:
    """Name the series that rows are of."""
    values = "({0}, {0}, 0, 'local', 'a', '{0}', 'gauge', '', '', '', '', 0, 0)"
    with db.atomic():
        for low in range(1, series + 1, 1000):
            numbers = range(low, min(low + 1000, series + 1))
            db.execute_sql(
                "INSERT INTO series (id, fingerprint, ordinal, source, metric, labels, "  # noqa: S608 - own numbers
                "kind, unit, help, workspace, environment, first_seen, last_seen) "
                f"VALUES {', '.join(values.format(number) for number in numbers)}"
            )


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long some work takes, and its result."""
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def measure(engine: Engine, resolution: Resolution, series: int) -> list[Claim]:
    """Fold one window in turns with the peers."""
    fill(engine.db, resolution, series)
    window, width = Window(DAY, resolution), resolution.width
    finer = TABLES[resolution][0]
    sql = (
        f"SELECT series_id, {SUMS} FROM {finer} "  # noqa: S608 - own names
        f"WHERE start >= {DAY} AND start < {DAY + width} GROUP BY series_id"
    )
    folds = Fill(engine.db, "local")
    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        merged, result = seconds(lambda: folds.merge(window))
        grouped, rows = seconds(lambda: engine.fetch(sql))
        compare(Rows.join(result.rows), rows)
        committed, _ = seconds(lambda: commit(engine.db, result, DAY + width))  # noqa: B023 - at once
        columns = Columns(*(getattr(Rows.join(result.rows), n) for n in COLUMNS))
        written, _ = seconds(lambda: engine.write(columns))  # noqa: B023 - at once
        for name, value in (
            ("merge", merged),
            ("group", grouped),
            ("commit", committed),
            ("write", written),
        ):
            taken.setdefault(name, []).append(value)
        engine.undo(f"DELETE FROM rollup_{resolution.value}")  # noqa: S608 - own name
        engine.undo(f"DELETE FROM ledger WHERE resolution = '{resolution.value}'")  # noqa: S608 - same
    found = {name: round(statistics.median(v), 3) for name, v in taken.items()}
    count = len(list(window.children())) * series
    rate = round(count / (found["merge"] + found["commit"]))
    told = f"{engine.name}, {resolution.value} of {series} series"
    return [
        Claim(f"{told}: merged, s", found["merge"], found["group"], MERGE_GOAL),
        Claim(f"{told}: committed, s", found["commit"], found["write"], COMMIT_GOAL),
        Claim(f"{told}: finer rows per second (more is better)", rate),
    ]


def compare(rows: Rows, grouped: list[Any]) -> None:
    """Refuse to compare times of different sums."""
    theirs = np.array(sorted(grouped), np.float64)
    mine = np.stack([rows.series_id, rows.count, rows.sum, rows.increase], axis=1)
    if not np.allclose(mine, theirs[:, :4], rtol=1e-9, equal_nan=True):
        raise RuntimeError("ours and GROUP BY differ")


def on_sqlite(directory: Path, series: int) -> list[Claim]:
    """Measure SQLite."""
    db, peer = migrated(f"sqlite:///{directory}/ours.db"), bare(directory / "peer.db")
    fill_series(db, series)
    claims: list[Claim] = []
    for resolution in TABLES:
        engine = Engine(
            "SQLite",
            db,
            lambda sql: db.execute_sql(sql).fetchall(),
            many_rows(peer, f"rollup_{resolution.value}"),
            lambda sql: (db.execute_sql(sql), peer.execute(sql)),
        )
        claims += measure(engine, resolution, series)
    db.close()
    peer.close()
    return claims


def on_postgres(server: PostgresServer, series: int) -> list[Claim]:
    """Measure PostgreSQL."""
    names = [server.new_database(), server.new_database()]
    db = migrated(server.url(names[0]))
    migrated(server.url(names[1])).close()
    peer = psycopg.connect(server.url(names[1]), autocommit=True)
    fill_series(db, series)
    claims: list[Claim] = []
    for resolution in TABLES:
        engine = Engine(
            "PostgreSQL",
            db,
            lambda sql: db.execute_sql(sql).fetchall(),
            copy_new(peer, f"rollup_{resolution.value}"),
            lambda sql: (db.execute_sql(sql), peer.execute(sql)),
        )
        claims += measure(engine, resolution, series)
    db.close()
    peer.close()
    return claims


def main() -> None:
    """Measure both engines and print what was found."""
    arguments = parser(__doc__)
    arguments.add_argument("--series", type=int, default=SERIES)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="epimetheus-bench-") as directory:
        claims = on_sqlite(Path(directory), chosen.series)
    server = PostgresServer(SERVER)
    try:
        claims += on_postgres(server.create(), chosen.series)
    finally:
        server.destroy()
    report(claims, "Folding minutes and hours", as_json=chosen.json)


if __name__ == "__main__":
    main()
