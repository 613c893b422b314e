"""Rows of windows and of series, against filtering everything there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.bulk import upsert_rollups
from models.directory import SeriesDirectory, SeriesFacts
from models.queries.rollups import (
    Columns,
    baseline_rows,
    series_rows,
    window_rows,
)
from models.rollup import COLUMNS, Rollup, RollupDay, RollupHour, RollupMinute
from tests.models.rows import bits, columns, row
from tests.models.statements import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peewee import Database

TABLES = (RollupMinute, RollupHour, RollupDay)
QUIET = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40
)
VALUES = st.floats() | st.just(-0.0)


def exactly(found: Columns) -> list[tuple[object, ...]]:
    """Return rows as tuples with floats as bits, NaN in one way."""
    lists = [getattr(found, name).tolist() for name in COLUMNS]
    return [
        tuple(None if value != value else bits(value) for value in one)  # noqa: PLR0124 - NaN
        for one in zip(*lists, strict=True)
    ]


def _unsigned(value: Any) -> Any:
    return value + 0.0 if isinstance(value, float) else value


def wanted(rows: Iterable[dict[str, Any]]) -> list[tuple[object, ...]]:
    ordered = sorted(rows, key=lambda one: (one["series_id"], one["start"]))
    return [
        tuple(None if one[n] != one[n] else bits(_unsigned(one[n])) for n in COLUMNS)
        for one in ordered
    ]


def create(db: Database, source: str, count: int) -> list[int]:
    facts = [SeriesFacts("m", f'{{"n":"{number}"}}') for number in range(count)]
    ids: list[int] = SeriesDirectory(db).resolve(source, facts, 0).tolist()
    return ids


def sample(ids: Iterable[int], starts: Iterable[int]) -> list[dict[str, float]]:
    listed = list(starts)
    return [
        row(number, start, count=4, sum=start / 7, last=number / 3, flags=number % 4)
        for number in ids
        for start in listed
    ]


@pytest.mark.parametrize("table", TABLES)
def test_a_window_holds_the_rows_of_its_source(
    db: Database, table: type[Rollup]
) -> None:
    assert len(window_rows(db, table, 0, "a")) == 0
    ids = create(db, "a", 20)
    rows = sample(ids, (0, 86400))
    upsert_rollups(db, table, columns(rows))
    of_window = [one for one in rows if one["start"] == 86400]
    assert exactly(window_rows(db, table, 86400, "a")) == wanted(of_window)
    others = sample(create(db, "b", 5), (86400,))
    upsert_rollups(db, table, columns(others))
    assert exactly(window_rows(db, table, 86400, "a")) == wanted(of_window)
    assert exactly(window_rows(db, table, 86400, "b")) == wanted(others)
    assert len(window_rows(db, table, 86400, "c")) == 0
    assert len(window_rows(db, table, 172800, "a")) == 0


@pytest.mark.parametrize("table", TABLES)
def test_rows_of_many_pages_stay_in_order(db: Database, table: type[Rollup]) -> None:
    ids = create(db, "a", 4_001)
    rows = sample(ids, (86400,))
    upsert_rollups(db, table, columns(rows))
    assert exactly(window_rows(db, table, 86400, "a")) == wanted(rows)
    found = series_rows(db, table, np.array(ids, np.int64), 0, 86401)
    assert exactly(found) == wanted(rows)


def test_arrays_have_their_types_even_without_rows(db: Database) -> None:
    filled = columns([row(1, 0)])
    for found in (
        window_rows(db, RollupMinute, 0, "a"),
        series_rows(db, RollupHour, np.array([1]), 0, 9),
    ):
        for name in COLUMNS:
            assert getattr(found, name).dtype == getattr(filled, name).dtype


@pytest.mark.parametrize("table", TABLES)
@QUIET
@given(
    stored=st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(-3, 12)), VALUES, max_size=30
    ),
    asked=st.lists(st.integers(0, 6), unique=True),
    begin=st.integers(-5, 14),
    length=st.integers(0, 14),
)
def test_rows_of_series_are_those_of_the_span(  # noqa: PLR0917 - all drawn
    db: Database,
    table: type[Rollup],
    stored: dict[tuple[int, int], float],
    asked: list[int],
    begin: int,
    length: int,
) -> None:
    db.execute_sql(f"DELETE FROM {table._meta.table_name}")
    rows = [
        row(10**6 * number, 60 * minute, last=last, increase=-last)
        for (number, minute), last in stored.items()
    ]
    upsert_rollups(db, table, columns(rows))
    end = begin + length
    inside = [
        one
        for one in rows
        if one["series_id"] // 10**6 in asked and 60 * begin <= one["start"] < 60 * end
    ]
    ids = np.array(asked, dtype=np.int64) * 10**6
    found = series_rows(db, table, ids, 60 * begin, 60 * end)
    assert exactly(found) == wanted(inside)


def test_a_span_far_wider_than_the_data_costs_little(db: Database) -> None:
    ids = create(db, "a", 2)
    rows = sample(ids, (6000, 6060, 12000))
    upsert_rollups(db, RollupMinute, columns(rows))
    with counted(db) as said:
        found = series_rows(db, RollupMinute, np.array(ids), -(2**40), 2**40)
    assert exactly(found) == wanted(rows)
    assert sum(len(str(params)) for _, params in said) < 2000


def test_baselines_are_the_flagged_minutes_from_a_start_on(db: Database) -> None:
    ids, others = create(db, "a", 4), create(db, "b", 1)
    rows = [
        row(number, start, flags=flags)
        for number, start, flags in [
            (ids[2], 60, 1),
            (ids[0], 120, 3),
            (ids[1], 120, 2),
            (ids[3], 120, 1),
            (ids[0], 180, 0),
            (ids[0], 240, 17),
            (others[0], 120, 1),
        ]
    ]
    upsert_rollups(db, RollupMinute, columns(rows))
    assert baseline_rows(db, "a", 0, 9999)[0] == (60, ids[2])
    assert baseline_rows(db, "a", 61, 9999) == [
        (120, ids[0]),
        (120, ids[3]),
        (240, ids[0]),
    ]
    assert baseline_rows(db, "b", 0, 9999) == [(120, others[0])]
    upsert_rollups(db, RollupMinute, columns([row(others[0], 120, flags=0)]))
    assert baseline_rows(db, "b", 0, 9999) == []


def test_no_question_reads_a_whole_table(sqlite: Database) -> None:
    one = np.array([1])
    with counted(sqlite) as minutes:
        window_rows(sqlite, RollupMinute, 60, "a")
    with counted(sqlite) as hours:
        window_rows(sqlite, RollupHour, 3600, "a")
    with counted(sqlite) as baselines:
        baseline_rows(sqlite, "a", 60, 9999)
    upsert_rollups(sqlite, RollupMinute, columns([row(1, 0)]))
    with counted(sqlite) as spans:
        series_rows(sqlite, RollupMinute, one, 0, 600)
        series_rows(sqlite, RollupHour, one, 0, 600)
    of_source = {
        "SEARCH series USING INDEX series_source",
        "SEARCH series USING INDEX series_source (source=?)",
    }
    assert minutes.ways() == of_source | {"SEARCH r USING PRIMARY KEY (start=?)"}
    assert hours.ways() == {
        "SEARCH s USING INDEX series_source (source=?)",
        "SEARCH r USING PRIMARY KEY (series_id=? AND start=?)",
    }
    assert baselines.ways() == of_source | {
        "SEARCH r USING INDEX rollup_minute_baseline (start>? AND start<?)"
    }
    assert spans.ways() == {
        "SEARCH rollup_minute USING PRIMARY KEY (start>?)",
        "SEARCH rollup_minute USING PRIMARY KEY (start<?)",
        "SEARCH r USING PRIMARY KEY (start=? AND series_id=?)",
        "SEARCH r USING PRIMARY KEY (series_id=? AND start>? AND start<?)",
    }
