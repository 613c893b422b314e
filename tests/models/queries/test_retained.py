from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import retained
from models.queries.retained import EVERYTHING, Kept

if TYPE_CHECKING:
    from models.database import Database


def test_nothing_was_deleted_where_nothing_is_noted(db: Database) -> None:
    assert retained.since(db, "local", "minute") is None
    assert retained.groups(db, "local", "minute") == {}


def test_a_window_is_whole_since_the_latest_of_its_groups(db: Database) -> None:
    rest = Kept("local", "minute", EVERYTHING, 7200, 3600, 9)
    rule = Kept("local", "minute", 'up{job="a\0"}', 3600, 3600, 9)
    retained.keep(db, [rest, rule, Kept("local", "hour", EVERYTHING, 86400, 0, 9)])
    assert retained.since(db, "local", "minute") == 7200
    assert retained.since(db, "other", "minute") is None
    assert list(retained.groups(db, "local", "minute")) == [
        EVERYTHING,
        'up{job="a\ufffd"}',
    ]


def test_what_is_deleted_stays_deleted(db: Database) -> None:
    retained.keep(db, [Kept("local", "minute", EVERYTHING, 7200, 3600, 9)])
    retained.keep(db, [Kept("local", "minute", EVERYTHING, 3600, 7200, 10)])
    assert retained.groups(db, "local", "minute") == {
        EVERYTHING: Kept("local", "minute", EVERYTHING, 7200, 7200, 10)
    }


def test_a_group_can_be_forgotten(db: Database) -> None:
    retained.keep(db, [Kept("local", "minute", "up", 7200, 3600, 9)])
    retained.drop(db, "local", "minute", "up")
    assert retained.groups(db, "local", "minute") == {}
