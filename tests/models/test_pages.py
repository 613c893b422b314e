from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.ledger import Ledger
from models.pages import count_rows, is_empty, key_of, pages, snapshot
from models.queries import ledger
from models.rollup import RollupHour
from models.shape import shape

if TYPE_CHECKING:
    from models.database import Database

LEDGER = shape(Ledger)
SOURCES = ["b", "B", "a", "ä", "Z", "a b", "a-b"]


@pytest.fixture(autouse=True)
def _entries(db: Database) -> None:
    for source in SOURCES:
        ledger.mark(db, source, "minute", [-60, 0, 60], "open", "", 0)


@pytest.mark.parametrize("size", [1, 3, 21, 100])
def test_pages_are_in_the_same_order_on_both_engines(db: Database, size: int) -> None:
    with snapshot(db):
        found = list(pages(db, LEDGER, size))
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    keys = [key_of(LEDGER, row) for page in found for row in page]
    expected = sorted(SOURCES, key=str.encode)
    starts = (-60, 0, 60)
    assert keys == [[name, "minute", start] for name in expected for start in starts]


def test_pages_begin_behind_a_key(db: Database) -> None:
    with snapshot(db):
        found = [*pages(db, LEDGER, 4, ["a-b", "minute", 0])]
    first = key_of(LEDGER, found[0][0])
    assert first == ["a-b", "minute", 60]
    assert sum(map(len, found)) == count_rows(db, LEDGER) - 14


def test_floats_come_with_all_bits_but_no_minus_zero(db: Database) -> None:
    hours = shape(RollupHour)
    assert is_empty(db, hours)
    for series, value in enumerate([-0.0, 5e-324, 0.1 + 0.2, None]):
        db.execute_sql(
            'INSERT INTO rollup_hour (series_id, start, "count", "sum") VALUES '
            f"({db.param}, 0, 0, {db.param})",
            (series, value),
        )
    with snapshot(db):
        rows = next(pages(db, hours, 10))
    place = hours.columns.index("sum")
    assert [repr(row[place]) for row in rows] == [
        "0.0",
        "5e-324",
        "0.30000000000000004",
        "None",
    ]
    assert not is_empty(db, hours)
