from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.bulk import upsert_rollups
from models.directory import SeriesDirectory, SeriesFacts
from models.queries import expiry, ledger, retained
from models.queries.ledger import Entry
from models.rollup import Rollup, RollupHour, RollupMinute
from tests.models.rows import columns, row
from tests.models.statements import counted

if TYPE_CHECKING:
    from models.database import Database


def series(db: Database, source: str, *metrics: str) -> list[int]:
    facts = [SeriesFacts(metric, "{}", "gauge") for metric in metrics]
    ids: list[int] = SeriesDirectory(db).resolve(source, facts, 0).tolist()
    return ids


def write(db: Database, table: type[Rollup], ids: list[int], starts: range) -> None:
    with db.atomic():
        upsert_rollups(
            db, table, columns(row(one, start) for one in ids for start in starts)
        )


def left(db: Database, table: str) -> list[tuple[int, int]]:
    cursor = db.execute_sql(f"SELECT series_id, start FROM {table} ORDER BY 1, 2")
    return [tuple(one) for one in cursor.fetchall()]


def test_windows_go_with_the_rows_of_their_source_only(db: Database) -> None:
    own, other = series(db, "local", "a"), series(db, "other", "a")
    write(db, RollupMinute, [*own, *other], range(0, 300, 60))
    assert expiry.delete_windows(db, RollupMinute, "local", [0, 60, 120]) == 3
    assert left(db, "rollup_minute") == [
        *((own[0], start) for start in (180, 240)),
        *((other[0], start) for start in range(0, 300, 60)),
    ]


def test_rows_of_some_series_go_by_window_or_before_a_time(db: Database) -> None:
    a, b = series(db, "local", "a", "b")
    write(db, RollupMinute, [a, b], range(0, 180, 60))
    write(db, RollupHour, [a, b], range(0, 10800, 3600))
    ids = np.array([a], dtype=np.int64)
    assert expiry.delete_of_series(db, RollupMinute, 60, ids) == 1
    assert (a, 60) not in left(db, "rollup_minute")
    assert expiry.count_by_window(db, RollupHour, ids, 7200) == [(0, 1), (3600, 1)]
    assert expiry.delete_before(db, RollupHour, ids, 7200) == 2
    assert left(db, "rollup_hour") == [
        (a, 7200),
        *((b, start) for start in (0, 3600, 7200)),
    ]


@pytest.mark.parametrize(
    ("most", "count"), [(1, 1), (10, 1), (25, 2), (30, 3), (99, 3)]
)
def test_a_bite_has_as_many_windows_as_fit(db: Database, most: int, count: int) -> None:
    for start in (0, 60, 120):
        ledger.record(db, Entry("local", "minute", start, "done", series=10))
    found = expiry.bite(db, "local", "minute", None, 180, most)
    assert found == [0, 60, 120][:count]
    assert expiry.bite(db, "local", "minute", 60, 120, 99) == [60]
    assert expiry.bite(db, "other", "minute", None, 180, most) == []


def test_the_ledger_forgets_and_counts(db: Database) -> None:
    for start in range(0, 300, 60):
        ledger.record(db, Entry("local", "minute", start, "done", series=10))
    expiry.fewer(db, "local", "minute", 120, 4)
    assert expiry.size(db, "local", "minute", 60, 180) == (2, 16)
    assert expiry.forget(db, "local", "minute", 180, 60) == 2
    assert expiry.forget(db, "local", "minute", 60) == 1
    assert ledger.begin(db, "local", "minute") == 180
    assert expiry.unbroken_end(db, ["local", "other"]) == 300
    assert expiry.unbroken_end(db, ["other"]) is None
    ledger.mark(db, "local", "minute", [420], "done", "", 0)
    assert expiry.unbroken_end(db, ["local"]) == 300
    ledger.mark(db, "other", "minute", [120], "done", "", 0)
    assert expiry.unbroken_end(db, ["local", "other"]) == 300


def test_a_source_keeps_its_minutes_unless_all_of_them_may_go(db: Database) -> None:
    assert not expiry.keeps_minutes(db, None, 300)
    ledger.mark(db, "local", "minute", [120], "done", "", 0)
    assert expiry.keeps_minutes(db, None, 300)
    assert not expiry.keeps_minutes(db, 180, 300)
    for selector, since in (("", 300), ("a", 240)):
        retained.keep(db, [retained.Kept("local", "minute", selector, since, since, 0)])
    assert expiry.keeps_minutes(db, 0, 300)
    assert not expiry.keeps_minutes(db, 0, 240)


def test_the_oldest_unfinished_window_is_open_or_dirty(db: Database) -> None:
    assert expiry.oldest_unfinished(db, "local", "minute") is None
    ledger.mark(db, "local", "minute", [0], "done", "", 0)
    ledger.mark(db, "local", "minute", [120], "dirty", "", 0)
    ledger.mark(db, "local", "minute", [60, 180], "open", "", 0)
    assert expiry.oldest_unfinished(db, "local", "minute") == 60


def test_old_rows_go_a_few_at_a_time(db: Database) -> None:
    for at in (1, 2, 2, 3, 9):
        db.execute_sql(
            "INSERT INTO verifications (source, start, at, outcome, samples, found, "
            f"series, differing, detail) VALUES ('x', {at * 1000 + at}, {at}, '', 0, "
            "0, 0, 0, '') ON CONFLICT DO NOTHING"
        )
    assert expiry.count_old(db, "verifications", "at", 5) == (3, 1)
    assert expiry.delete_old(db, "verifications", "at", 5, 1) == 2
    assert expiry.delete_old(db, "verifications", "at", 5, 1) == 1
    assert expiry.delete_old(db, "verifications", "at", 5, 1) == 0


def test_rows_are_found_by_the_keys_of_their_tables(sqlite: Database) -> None:
    series(sqlite, "local", "a")
    ids = np.array([1], dtype=np.int64)
    with counted(sqlite) as said:
        expiry.delete_windows(sqlite, RollupMinute, "local", [60])
        expiry.delete_of_series(sqlite, RollupMinute, 60, ids)
        expiry.delete_before(sqlite, RollupHour, ids, 60)
        expiry.oldest_unfinished(sqlite, "local", "minute")
        expiry.size(sqlite, "local", "minute", 0, 60)
    ways = said.ways()
    assert not any(way.startswith("SCAN rollup") for way in ways), ways
    assert not any(way.startswith("SCAN ledger") for way in ways), ways
