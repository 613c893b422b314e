from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import catalogue, former
from models.queries.entries import DESTINATIONS, JOBS
from tests.probed import BEGIN, known, result, run, store

if TYPE_CHECKING:
    from peewee import Database


def test_who_was_deleted_goes_once_nothing_is_told_of_it(db: Database) -> None:
    known(db, "a", "b")
    store(db, run(BEGIN, result("a")))
    for table, name in ((JOBS, "gateways"), (DESTINATIONS, "a"), (DESTINATIONS, "b")):
        catalogue.delete(db, table, name, revision=None, now=BEGIN + 5)
    assert former.count(db, DESTINATIONS, BEGIN + 5) == (0, 0)
    assert former.count(db, DESTINATIONS, BEGIN + 6) == (1, BEGIN + 5)
    assert former.delete(db, DESTINATIONS, BEGIN + 6) == 1
    assert former.delete(db, JOBS, BEGIN + 6) == 0
    db.execute_sql("DELETE FROM probe_results")
    db.execute_sql("DELETE FROM probe_runs")
    assert former.count(db, JOBS, BEGIN + 6) == (1, BEGIN + 5)
    assert former.delete(db, JOBS, BEGIN + 6) == former.delete(
        db, DESTINATIONS, BEGIN + 6
    )
    assert former.count(db, DESTINATIONS, BEGIN + 6) == (0, 0)
