from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.queries import catalogue, entries, stories
from models.queries.entries import DESTINATIONS, JOBS, MAINTENANCE, MODULES, Sought
from tests.models.statements import counted
from tests.probed import destination, job

if TYPE_CHECKING:
    from peewee import Database


@pytest.fixture
def office(db: Database) -> Database:
    """Four destinations, of which one is off and one in error."""
    for document in (
        destination("router", tags=["core", "paris"], description="Der große Router"),
        destination("Printer", tags=["paris"], display_name="ÄRGER", host="10.0.0.9"),
        destination("web_1", host="https://Example.org/", tags=["core"]),
        destination("webx1", enabled=False),
    ):
        catalogue.create(db, DESTINATIONS, document, origin="api", now=0)
    ids = {one.name: one.id for one in entries.everything(db, DESTINATIONS)}
    stories.set_status(db, ids["web_1"], "error", 5, 4)
    return db


def names(db: Database, **sought: object) -> list[str]:
    found = entries.listed(db, DESTINATIONS, Sought(**sought), limit=9)  # type: ignore[arg-type]
    assert entries.count(db, DESTINATIONS, Sought(**sought)) == len(found)  # type: ignore[arg-type]
    return [one.name for one in found]


def test_any_part_of_what_is_said_is_found(office: Database) -> None:
    for query, found in (
        ("", ["Printer", "router", "web_1", "webx1"]),
        ("PRINT", ["Printer"]),
        ("example.ORG", ["web_1"]),
        ("ärger", ["Printer"]),
        ("GROSSE", ["router"]),
        ("_", ["web_1"]),
        ("%", []),
    ):
        assert names(office, query=query) == found


def test_filters_hold_together(office: Database) -> None:
    assert names(office, tags=("paris",)) == ["Printer", "router"]
    assert names(office, tags=("core", "paris")) == ["router"]
    assert names(office, tags=("core", "nobody")) == []
    assert names(office, status="error") == ["web_1"]
    assert names(office, status="inactive") == ["webx1"]
    assert names(office, status="unknown", tags=("core",)) == ["router"]
    assert names(office, enabled=False) == ["webx1"]
    assert names(office, origin="config") == []


def test_pages_follow_each_other(
    office: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "_PAGE", 2)
    first = entries.listed(office, DESTINATIONS, Sought(), limit=3)
    rest = entries.listed(office, DESTINATIONS, Sought(), after=first[-1].name, limit=3)
    found = [one.name for one in (*first, *rest)]
    assert found == ["Printer", "router", "web_1", "webx1"]


def test_a_page_takes_few_statements(office: Database) -> None:
    with counted(office) as said:
        entries.listed(office, DESTINATIONS, Sought(), limit=100)
    assert len(said) == 2
    catalogue.create(office, JOBS, job("j", ["router"]), origin="api", now=0)
    with counted(office) as said:
        entries.everything(office, JOBS)
    assert len(said) == 3


def test_numbers_and_names_are_those_of_the_deleted_too(office: Database) -> None:
    first = entries.number(office, DESTINATIONS, "router")
    assert first is not None
    catalogue.delete(office, DESTINATIONS, "router", revision=None, now=9)
    assert entries.number(office, DESTINATIONS, "router") == first
    assert entries.names(office, DESTINATIONS, [first]) == {first: "router"}
    catalogue.create(office, DESTINATIONS, destination("router"), origin="api", now=10)
    assert entries.number(office, DESTINATIONS, "router") != first
    assert entries.number(office, DESTINATIONS, "nobody") is None
    assert entries.number(office, MODULES, "nobody") is None


def test_documents_are_those_of_the_deleted_too(db: Database) -> None:
    made = catalogue.create(db, JOBS, job("j"), origin="api", now=0)
    catalogue.delete(db, JOBS, "j", revision=None, now=9)
    assert entries.documents(db, JOBS, [made.id])[made.id]["interval"] == "1m"


def test_maintenance_is_found_by_its_tags(db: Database) -> None:
    for name, tags in (("night", ["lan", "core"]), ("day", ["lan"]), ("all", [])):
        document = {"name": name, "note": "", "tags": tags}
        catalogue.create(db, MAINTENANCE, document, origin="api", now=1)
    sought = Sought(tags=("core", "lan"))
    found = entries.listed(db, MAINTENANCE, sought, limit=9)
    assert [one.name for one in found] == ["night"]
    assert entries.count(db, MAINTENANCE, Sought(tags=("lan",))) == 2
    assert entries.count(db, MAINTENANCE, Sought()) == 3
