"""What was told stays told, though what it was made of is kept no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.probing.catalogue import Catalogue
from bridge.probing.entries import DESTINATION, JOB
from tests.bridge.probing.judged import MINUTE, NOON_MS, Bench, ran, shown, traced
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from models.database import Database
    from runtime.probing.wire import Result

ENDS = NOON_MS + 10**9


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [
        (shown("aa", ENDS), shown("bb", ENDS), shown("cc", ENDS)),
        (traced("a", "b"), traced("a", "c"), traced("a", "d")),
    ],
)
def test_changes_of_spans_that_were_deleted_stay(
    db: Database, first: Result, second: Result, third: Result
) -> None:
    bench = Bench(db)
    bench.tell(ran(1, first), ran(2, second))
    before = bench.events()
    db.execute_sql("DELETE FROM probe_spans WHERE closed_ms IS NOT NULL")
    bench.tell(ran(3, second), ran(4, third))
    after = bench.events()
    assert len(before) == 1
    assert len(after) == 2
    assert before[0] in after


def test_changes_of_a_destination_stay_when_another_one_has_its_name(
    db: Database,
) -> None:
    bench = Bench(db)
    bench.tell(ran(1, shown("aa", ENDS)), ran(2, shown("bb", ENDS)))
    before = bench.events()
    catalogue = Catalogue(db, FakeClock((NOON_MS + 10 * MINUTE) / 1000))
    catalogue.patch(JOB, "ping", {"destinations": [], "tags": ["all"]}, "t")
    catalogue.remove(DESTINATION, "gateway", "t")
    catalogue.create(
        DESTINATION, {"name": "gateway", "host": "x", "tags": ["all"]}, "t"
    )
    bench.tell(ran(11, shown("cc", ENDS)), ran(12, shown("dd", ENDS)))
    after = bench.events()
    assert len(before) == 1
    assert len(after) == 2
    assert before[0] in after
