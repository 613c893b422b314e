"""How large the database is, without counting what is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.directory import SeriesDirectory, SeriesFacts
from models.queries import buffer, ledger, sizes
from models.queries.ledger import Entry

if TYPE_CHECKING:
    from peewee import Database


def test_bytes_grow_with_what_is_stored(db: Database) -> None:
    before = sizes.database_bytes(db)
    noise = np.random.default_rng(1).random(200_000)
    ids = np.arange(200_000)
    buffer.append(db, "a", 0, buffer.Samples.plain(ids, ids, noise))
    assert sizes.database_bytes(db) - before > 8 * 200_000
    assert before > 0


def test_rows_of_rollups_are_those_that_the_ledger_noted(db: Database) -> None:
    assert set(sizes.table_rows(db).values()) == {0}
    SeriesDirectory(db).resolve("a", [SeriesFacts("up", "{}")], 1)
    for start, rows in ((0, 1000), (60, 1001)):
        ledger.record(db, Entry("a", "minute", start, "done", series=rows))
    ledger.record(db, Entry("a", "hour", 0, "dirty", series=7))
    assert sizes.table_rows(db) == {
        "rollup_minute": 2001,
        "rollup_hour": 7,
        "rollup_day": 0,
        "series": 1,
        "ledger": 3,
        "error_events": 0,
        "buffer": 0,
        "api_keys": 0,
    }
