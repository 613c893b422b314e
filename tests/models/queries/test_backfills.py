from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import backfills

if TYPE_CHECKING:
    from models.database import Database


def test_what_was_asked_for_is_kept_until_it_is_finished(db: Database) -> None:
    match = ('a{x="ü"}', "b")
    first = backfills.create(db, "s", match, 60, 600, 5, 7)
    second = backfills.create(db, "s", ("c",), 0, 60, 0, 8)
    backfills.create(db, "t", ("c",), 0, 60, 0, 8)
    assert (first.match, first.position, first.changed) == (match, 60, 0)
    assert first.reason == f'backfill {first.id} of a{{x="ü"}}, b'
    assert backfills.unfinished(db, "s") == [first, second]
    backfills.advance(db, first.id, 120, 3)
    backfills.advance(db, first.id, 180, 2)
    found = backfills.find(db, first.id)
    assert (found.position, found.changed) == (180, 5)
    backfills.finish(db, first.id, 9, "done")
    found = backfills.find(db, first.id)
    assert (found.finished_at, found.outcome) == (9, "done")
    assert backfills.unfinished(db, "s") == [second]
