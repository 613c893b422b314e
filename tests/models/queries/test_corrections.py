from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.queries import corrections as table
from models.queries import ledger
from models.queries.corrections import CorrectionRow
from models.queries.ledger import Entry

if TYPE_CHECKING:
    from models.database import Database

ROW = CorrectionRow(0, "s", "up", 60, 120, "ignore", "why", "me", 5)


def test_a_correction_is_kept_and_listed(db: Database) -> None:
    first = table.create(db, ROW)
    second = table.create(db, replace(ROW, source="t"))
    assert first == replace(ROW, id=1)
    assert table.listed(db) == [first, second]
    assert table.listed(db, "t") == [second]
    assert table.find(db, 2) == second
    assert table.find(db, 3) is None
    assert first.reason == "correction 1: why"


def test_it_waits_until_it_is_applied_and_when_it_is_revoked(db: Database) -> None:
    row = table.create(db, ROW)

    def now() -> CorrectionRow:
        found = table.find(db, row.id)
        assert found is not None
        return found

    assert (now().waits, now().holds) == (True, False)
    table.note_applied(db, row.id, 6, "3 rows")
    assert (now().waits, now().holds, now().outcome) == (False, True, "3 rows")
    assert table.revoke(db, row.id, 7)
    assert not table.revoke(db, row.id, 8)
    assert (now().waits, now().holds, now().revoked_at) == (True, True, 7)
    table.note_restored(db, row.id, 9, "put back")
    assert (now().waits, now().holds) == (False, False)


def test_one_that_failed_or_was_revoked_in_time_waits_no_more(db: Database) -> None:
    failed = table.create(db, ROW)
    table.note_failed(db, failed.id, "failed: gone")
    early = table.create(db, ROW)
    table.revoke(db, early.id, 7)
    assert [row.waits for row in table.listed(db)] == [False, False]
    assert [row.holds for row in table.listed(db)] == [False, False]


def test_local_days_that_it_touches_are_done_again(db: Database) -> None:
    day = 86400
    for number in range(5):
        entry = Entry("s", "day@berlin", number * day - 3600, "done", 1000, 3, 1)
        ledger.record(db, entry)
    ledger.record(db, Entry("s", "day", 2 * day, "done", 1000, 3, 1))
    row = replace(ROW, id=4, start=2 * day + 600, until=2 * day + 1200)
    table.mark_local_days(db, row, 40, row.reason, 9)
    found = ledger.entries(db, "s", "day@berlin", -day, 9 * day)
    states = [(one.state, one.samples) for one in found]
    assert states == [
        ("done", 1000),
        ("dirty", 960),
        ("dirty", 960),
        ("dirty", 960),
        ("done", 1000),
    ]
    assert found[2].reason == "correction 4: why"
    (utc,) = ledger.entries(db, "s", "day", 0, 9 * day)
    assert utc.state == "done"
