from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import catalogue, entries, statuses
from models.queries.entries import DESTINATIONS
from models.queries.statuses import Judged
from tests.probed import destination

if TYPE_CHECKING:
    from peewee import Database


def test_statuses_are_noted_and_counted(db: Database) -> None:
    for name in ("a", "b", "c"):
        document = destination(name, enabled=name != "c")
        catalogue.create(db, DESTINATIONS, document, origin="api", now=0)
    assert statuses.counts(db) == {"inactive": 1, "unknown": 2}
    statuses.note(db, [Judged(1, "error", 50, 40), Judged(2, "active", 60, 60)])
    statuses.note(db, [Judged(1, "degraded", 70, 30), Judged(2, "active", 60, None)])
    found = {one.name: one for one in entries.everything(db, DESTINATIONS)}
    told = [(one.status, one.status_since, one.last_seen) for one in found.values()]
    assert told == [("degraded", 70, 40), ("active", 60, 60), ("unknown", None, None)]
    assert found["a"].revision == 1
    assert statuses.counts(db) == {"active": 1, "degraded": 1, "inactive": 1}
