"""What is probed is changed by one at a time, and nothing that is used goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import peewee
import pytest

from models.queries import catalogue, entries
from models.queries.catalogue import (
    EntryInUse,
    EntryMissing,
    EntryStale,
    EntryTaken,
    NamesUnknown,
)
from models.queries.entries import DESTINATIONS, JOBS, MAINTENANCE, MODULES, EntryRow
from tests.probed import destination, job

if TYPE_CHECKING:
    from peewee import Database

DOCUMENTS: dict[str, dict[str, Any]] = {
    DESTINATIONS: destination("a", tags=["x", "y"], description="Büro"),
    JOBS: job("a", tags=["x"], windows=[{"days": ["mon"]}]),
    MODULES: {"name": "a", "kind": "icmp", "count": 3},
    MAINTENANCE: {"name": "a", "note": "", "destinations": [], "tags": ["x"]},
}


def create(db: Database, table: str, document: dict[str, Any]) -> EntryRow:
    return catalogue.create(db, table, document, origin="api", now=1000)


def replace(
    db: Database, table: str, document: dict[str, Any], revision: int | None
) -> EntryRow:
    return catalogue.replace(
        db, table, document, revision=revision, origin="config", now=2000
    )


def delete(db: Database, table: str, name: str, now: int = 3000) -> EntryRow:
    return catalogue.delete(db, table, name, revision=None, now=now)


def tags(db: Database) -> list[str]:
    return sorted(name for (name,) in db.execute_sql("SELECT name FROM tags"))


@pytest.mark.parametrize("table", DOCUMENTS)
def test_an_entry_is_written_read_replaced_and_deleted(
    db: Database, table: str
) -> None:
    document = DOCUMENTS[table]
    made = create(db, table, document)
    assert made.document == document
    assert (made.revision, made.origin) == (1, "api")
    assert (made.created_at, made.updated_at) == (1000, 1000)
    assert entries.find(db, table, "a") == made
    changed = replace(db, table, document | {"description": "new", "note": "n"}, 1)
    assert (changed.id, changed.revision, changed.origin) == (made.id, 2, "config")
    assert (changed.created_at, changed.updated_at) == (1000, 2000)
    assert delete(db, table, "a") == changed
    assert entries.find(db, table, "a") is None
    assert tags(db) == []


@pytest.mark.parametrize("table", DOCUMENTS)
def test_a_name_is_given_once_at_a_time(db: Database, table: str) -> None:
    first = create(db, table, DOCUMENTS[table])
    with pytest.raises(EntryTaken):
        create(db, table, DOCUMENTS[table])
    for _ in range(2):  # at the same time, too
        delete(db, table, "a")
        again = create(db, table, DOCUMENTS[table])
        assert again.id > first.id


def test_nobody_overwrites_what_another_one_changed(db: Database) -> None:
    create(db, DESTINATIONS, destination("a"))
    replace(db, DESTINATIONS, destination("a", host="b"), 1)
    with pytest.raises(EntryStale) as stale:
        replace(db, DESTINATIONS, destination("a", host="c"), 1)
    assert stale.value.current.revision == 2
    assert stale.value.current.document["host"] == "b"
    with pytest.raises(EntryStale):
        catalogue.delete(db, DESTINATIONS, "a", revision=1, now=0)
    assert replace(db, DESTINATIONS, destination("a"), None).revision == 3


def test_what_is_not_there_is_neither_replaced_nor_deleted(db: Database) -> None:
    with pytest.raises(EntryMissing):
        replace(db, JOBS, job("a"), None)
    with pytest.raises(EntryMissing):
        delete(db, JOBS, "a")


def test_a_job_names_only_what_is_there_and_leaves_nothing_else(db: Database) -> None:
    create(db, DESTINATIONS, destination("a"))
    with pytest.raises(NamesUnknown) as unknown:
        create(db, JOBS, job("j", ["a", "c", "b"], tags=["x"]))
    assert unknown.value.names == ("b", "c")
    assert entries.find(db, JOBS, "j") is None
    assert tags(db) == []


def test_what_is_used_tells_by_whom(db: Database) -> None:
    for name in ("a", "b"):
        create(db, DESTINATIONS, destination(name, tags=["x"]))
    create(db, MODULES, {"name": "ping", "kind": "icmp"})
    create(db, JOBS, job("j", ["a"], tags=["x"], probes=["ping"]))
    create(db, JOBS, job("i", ["a", "b"]))
    night = {"name": "night", "destinations": ["a"], "tags": ["x"]}
    create(db, MAINTENANCE, night)
    with pytest.raises(EntryInUse) as used:
        delete(db, DESTINATIONS, "a")
    users = (("jobs", "i"), ("jobs", "j"), ("maintenance", "night"))
    assert used.value.users == users
    with pytest.raises(EntryInUse) as used:
        delete(db, MODULES, "ping")
    assert used.value.users == (("jobs", "j"),)
    for name in ("i", "j"):
        delete(db, JOBS, name)
    delete(db, MAINTENANCE, "night")
    assert delete(db, DESTINATIONS, "a").name == "a"
    assert delete(db, MODULES, "ping").name == "ping"
    assert catalogue.users(db, DESTINATIONS, "b") == []


def test_tags_stay_while_anybody_has_them(db: Database) -> None:
    create(db, DESTINATIONS, destination("a", tags=["x", "y"]))
    create(db, JOBS, job("j", tags=["y", "z"]))
    assert tags(db) == ["x", "y", "z"]
    replace(db, DESTINATIONS, destination("a", tags=["w"]), None)
    assert tags(db) == ["w", "y", "z"]


def test_the_database_itself_keeps_joins_whole(db: Database) -> None:
    create(db, DESTINATIONS, destination("a", tags=["x"]))
    create(db, JOBS, job("j", ["a"]))
    for table in ("destinations", "jobs", "tags"):
        with pytest.raises(peewee.IntegrityError), db.atomic():
            db.execute_sql(f"DELETE FROM {table}")
    with pytest.raises(peewee.IntegrityError), db.atomic():
        db.execute_sql("INSERT INTO job_destinations VALUES (1, 99)")
