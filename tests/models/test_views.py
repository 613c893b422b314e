"""The views say the same to a person on both engines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from models.bulk import upsert_rollups
from models.directory import SeriesDirectory, SeriesFacts
from models.rollup import Rollup, RollupDay, RollupHour, RollupMinute
from tests.models.rows import columns, row

if TYPE_CHECKING:
    from peewee import Database

WANTED = (
    "time, start, source, metric, labels, kind, count, avg, min, max, sum, first, "
    "last, increase, coverage, series_id, resets, flags, last_at, gap, "
    "changes"
)


@pytest.mark.parametrize(
    ("view", "table", "start", "time"),
    [
        ("minutes", RollupMinute, 1_772_323_140, "2026-02-28T23:59:00Z"),
        ("hours", RollupHour, 1_772_319_600, "2026-02-28T23:00:00Z"),
        ("days", RollupDay, -86400, "1969-12-31T00:00:00Z"),
    ],
)
def test_a_view_shows_rows_with_their_series(
    db: Database, view: str, table: type[Rollup], start: int, time: str
) -> None:
    fact = SeriesFacts("up", '{"job":"x"}', kind="gauge")
    number = int(SeriesDirectory(db).resolve("a", [fact], 0)[0])
    full = row(
        number, start, count=3, sum=1.0, min=0.0, max=1.0, first=0.0, last=1.0,
        increase=0.1 + 0.2, expected=4, resets=2, flags=32, last_offset=45, gap=90,
        changes=1,
    )  # fmt: skip
    empty = row(number, start + 86400)
    upsert_rollups(db, table, columns([full, empty]))
    found = db.execute_sql(f"SELECT {WANTED} FROM {view} ORDER BY start").fetchall()
    series = ("a", "up", '{"job":"x"}', "gauge")
    assert found[0] == (
        time, start, *series, 3, 1 / 3, 0.0, 1.0, 1.0, 0.0, 1.0, 0.1 + 0.2, 0.75,
        number, 2, 32, start * 1000 + 45, 90, 1,
    )  # fmt: skip
    assert found[1][1:] == (
        start + 86400,
        *series,
        0,
        *[None] * 8,
        number,
        0,
        0,
        (start + 86400) * 1000,
        0,
        0,
    )


def test_views_have_these_columns_in_this_order(db: Database) -> None:
    for view in ("minutes", "hours", "days"):
        cursor = db.execute_sql(f"SELECT * FROM {view}")
        assert ", ".join(column[0] for column in cursor.description) == WANTED


def test_the_average_of_a_histogram_is_that_of_its_observations(db: Database) -> None:
    fact = SeriesFacts("latency_seconds", "{}", kind="histogram")
    number = int(SeriesDirectory(db).resolve("a", [fact], 0)[0])
    some = row(number, 0, count=4, sum=6.0, increase=12.0)
    none = row(number, 3600, count=4, sum=0.0, increase=0.0)
    upsert_rollups(db, RollupHour, columns([some, none]))
    found = db.execute_sql("SELECT avg FROM hours ORDER BY start").fetchall()
    assert found == [(0.5,), (None,)]


def test_infinite_averages_are_shown(db: Database) -> None:
    number = int(SeriesDirectory(db).resolve("a", [SeriesFacts("up", "{}")], 0)[0])
    upsert_rollups(db, RollupHour, columns([row(number, 0, count=2, sum=math.inf)]))
    assert db.execute_sql("SELECT avg, coverage FROM hours").fetchall() == [
        (math.inf, None)
    ]
