"""Corrections of histograms, whose rows hold no first state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from models.queries import corrections as table
from models.queries.corrections import CorrectionRow
from tests.bridge.trusted import BEGIN, Lived, lived

if TYPE_CHECKING:
    from models.database import Database


@pytest.fixture
def past(db: Database) -> Lived:
    made = lived(db)
    for minute in range(10):
        seen: list[tuple[float, float]] = [
            (minute * 60 + t, 8.0 * (minute * 4 + n))
            for n, t in enumerate((0, 15, 30, 45))
        ]
        made.feed_histogram("h", seen)
    made.beat()
    return made


def rows(past: Lived) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = past.db.execute_sql(
        "SELECT r.count, r.increase, r.sum, r.flags, r.buckets FROM rollup_minute r "
        "JOIN series s ON s.id = r.series_id WHERE s.metric = 'h' ORDER BY r.start"
    ).fetchall()
    return found


def correct(past: Lived) -> int:
    row = CorrectionRow(
        0, "local", "h", BEGIN + 120, BEGIN + 240, "ignore", "why", "me", 5
    )
    number = table.create(past.db, row).id
    past.beat()
    found = table.find(past.db, number)
    assert found is not None
    assert found.applied_at is not None, found.outcome
    return number


def test_the_next_minute_is_measured_from_before_the_span(past: Lived) -> None:
    before = rows(past)
    assert [row[1] for row in before[1:5]] == [32.0] * 4
    number = correct(past)
    after = rows(past)
    assert [row[:2] for row in after[2:4]] == [(0, None), (0, None)]
    assert (after[4][0], after[4][1], after[4][2]) == (4, 96.0, 192.0)
    assert after[5:] == before[5:]
    table.revoke(past.db, number, 6)
    past.beat()
    assert rows(past) == before


def test_without_its_samples_the_next_minute_counts_nothing(past: Lived) -> None:
    before = rows(past)
    past.db.execute_sql("DELETE FROM buffer")
    number = correct(past)
    after = rows(past)
    assert [row[:2] for row in after[2:5]] == [(0, None)] * 3
    assert after[5:] == before[5:]
    table.revoke(past.db, number, 6)
    past.beat()
    assert rows(past) == before
