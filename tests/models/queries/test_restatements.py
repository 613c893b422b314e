from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.directory import SeriesDirectory, SeriesFacts
from models.queries import ledger, restatements
from models.queries.ledger import Entry
from models.queries.restatements import SEVERAL, Restated

if TYPE_CHECKING:
    from models.database import Database


def entry(number: int, start: int, revision: int, at: int, **said: object) -> Restated:
    facts = {"reason": "late", "before": "{}", "after": "{}", **said}
    return Restated(number, "minute", start, revision, "s", at, **facts)  # type: ignore[arg-type]  # of several types


@pytest.fixture
def ids(db: Database) -> list[int]:
    facts = [SeriesFacts(name, "{}") for name in ("a", "b")]
    return [int(one) for one in SeriesDirectory(db).resolve("s", facts, 1)]


def test_entries_are_found_by_series_window_and_time(
    db: Database, ids: list[int]
) -> None:
    first, second = ids
    several = entry(SEVERAL, 60, 2, 100, series=7, before=None, after=None)
    made = [
        entry(first, 60, 2, 100),
        entry(first, 60, 3, 300),
        entry(second, 120, 2, 200),
        several,
    ]
    restatements.record(db, made)
    restatements.record(db, made)

    def found(
        *series: int, start: int = 0, since: int = 0, limit: int = 9
    ) -> list[int]:
        asked = np.array(series, np.int64)
        rows = restatements.search(db, asked, "minute", start, 1000, since, limit=limit)
        return [one.at for one in rows]

    assert found(first, second) == [300, 200, 100, 100]
    assert found(second) == [200, 100]
    assert found(first, start=120) == []
    assert found(first, since=101) == [300]
    assert found(first, second, limit=1) == [300]
    nothing = restatements.search(
        db, np.array(ids, np.int64), "hour", 0, 1000, 0, limit=9
    )
    assert nothing == []
    every = restatements.search(
        db, np.array([first], np.int64), None, 0, 1000, 101, limit=9
    )
    assert every == [made[1]]


def test_the_first_state_after_a_time_is_found(db: Database, ids: list[int]) -> None:
    first, second = ids
    restatements.record(
        db,
        [
            entry(first, 60, 2, 100, before='{"n":1}'),
            entry(first, 60, 3, 300, before='{"n":2}'),
            entry(second, 60, 2, 300, before=None),
        ],
    )
    asked = np.array(ids, np.int64)

    def then(at: int) -> dict[tuple[int, int], str | None]:
        return restatements.first_after(db, asked, "minute", 0, 1000, at)

    assert then(99) == {(first, 60): '{"n":1}', (second, 60): None}
    assert then(100) == {(first, 60): '{"n":2}', (second, 60): None}
    assert then(300) == {}


def test_what_is_only_counted_is_summed(db: Database) -> None:
    restatements.record(
        db,
        [
            entry(SEVERAL, 60, 2, 100, series=7),
            entry(SEVERAL, 120, 2, 200, series=5),
        ],
    )
    assert restatements.uncounted_after(db, "s", "minute", 0, 1000, 0) == 12
    assert restatements.uncounted_after(db, "s", "minute", 0, 1000, 100) == 5
    assert restatements.uncounted_after(db, "other", "minute", 0, 1000, 0) == 0


def test_windows_that_came_later_are_found(db: Database) -> None:
    for start, at in ((0, 10), (60, 20), (120, 30)):
        ledger.record(db, Entry("s", "minute", start, "done", 4, 1, 1, "", at))
    again = Entry("s", "minute", 0, "done", 4, 1, 2, "", 99)
    ledger.record(db, again)
    later = restatements.first_done_after(db, "s", "minute", 0, 1000, 10)
    assert later.tolist() == [60, 120]


def test_entries_of_reasons_come_in_the_order_of_revisions(
    db: Database, ids: list[int]
) -> None:
    made = [
        entry(ids[0], 60, 3, 300, reason="b"),
        entry(ids[0], 60, 2, 200, reason="a"),
        entry(ids[0], 60, 4, 400, reason="c"),
    ]
    restatements.record(db, made)
    found = restatements.of_reasons(db, "s", ("a", "b"), 0)
    assert [one.reason for one in found] == ["a", "b"]
    assert restatements.of_reasons(db, "s", ("a", "b"), 250) == [made[0]]
    assert restatements.of_reasons(db, "other", ("a", "b"), 0) == []
