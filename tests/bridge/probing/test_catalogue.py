from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from structlog.testing import capture_logs

from bridge.probing.catalogue import Catalogue, merged
from bridge.probing.entries import DESTINATION, JOB, MODULE, WrongEntry
from bridge.probing.refusals import ChangedMeanwhile, InUse, NameTaken, NoSuchEntry
from models.database import open_database
from models.queries import catalogue as changes
from models.queries import entries as table
from models.queries.entries import Sought
from tests.bridge.application import NOON
from tests.bridge.probing.runs import stage
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database


_TIMES: Final = 5


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


def test_every_change_says_who_made_it(db: Database) -> None:
    catalogue = Catalogue(db, FakeClock(float(NOON)))
    with capture_logs() as logs:
        catalogue.create(DESTINATION, {"name": "a", "host": "x"}, "grace")
        catalogue.patch(DESTINATION, "a", {"host": "y"}, "ada")
        catalogue.remove(DESTINATION, "a", "grace")
    assert [(log["what"], log["name"], log["by"]) for log in logs] == [
        ("made destination", "a", "grace"),
        ("changed destination", "a", "ada"),
        ("removed destination", "a", "grace"),
    ]


def test_what_was_refused_changed_nothing(db: Database) -> None:
    catalogue = stage(db, "a")
    before = [table.everything(db, key) for key in ("destinations", "jobs")]
    with pytest.raises(NameTaken):
        catalogue.create(DESTINATION, {"name": "a", "host": "x"}, "t")
    with pytest.raises(InUse):
        catalogue.remove(DESTINATION, "a", "t")
    with pytest.raises(WrongEntry):
        catalogue.patch(JOB, "ping", {"destinations": ["z"]}, "t")
    with pytest.raises(NoSuchEntry):
        catalogue.patch(MODULE, "m", {"count": 1}, "t")
    with pytest.raises(ChangedMeanwhile) as caught:
        catalogue.patch(JOB, "ping", {"enabled": False}, "t", lambda tag: tag == "0.0")
    assert caught.value.current.name == "ping"
    assert [table.everything(db, key) for key in ("destinations", "jobs")] == before


def test_nobody_undoes_what_others_do_at_the_same_time(db: Database) -> None:
    catalogue = stage(db, "a")
    catalogue.create(MODULE, {"name": "m", "kind": "icmp", "count": 1}, "t")

    def count_up() -> None:
        done = 0
        while done < _TIMES:
            entry = catalogue.entry(MODULE, "m")
            more = {"count": entry.row.document["count"] + 1}
            with suppress(ChangedMeanwhile):
                catalogue.patch(MODULE, "m", more, "t", entry.tag.__eq__)
                done += 1
        db.close()

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = catalogue.entry(MODULE, "m").row
    assert (row.document["count"], row.revision) == (1 + 4 * _TIMES, 1 + 4 * _TIMES)


def test_many_destinations_are_named_at_once(db: Database) -> None:
    names = [f"d{number}" for number in range(60)]
    catalogue = stage(db, *names)
    assert catalogue.entry(JOB, "ping").row.document["destinations"] == sorted(names)
    with pytest.raises(WrongEntry, match="there is no destination 'x'"):
        catalogue.patch(JOB, "ping", {"destinations": [*names, "x"]}, "t")
    assert catalogue.count(DESTINATION) == 60
    assert catalogue.count(DESTINATION, Sought("d5")) == 11


def test_merge_patches_are_those_of_rfc_7396() -> None:
    cases = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "foo"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ]
    for document, patch, changed in cases:
        assert merged(document, patch) == changed  # type: ignore[arg-type]  # of many types


def test_what_a_new_entry_names_is_not_removed_before_it_is_there(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = stage(db, "a")
    catalogue.create(MODULE, {"name": "m", "kind": "icmp"}, "t")
    create = changes.create
    removed: list[str] = []

    def remove() -> None:
        with suppress(InUse):
            removed.append(catalogue.remove(MODULE, "m", "t").name)
        db.close()

    other = threading.Thread(target=remove)

    def slowly(*args: Any, **options: Any) -> Any:
        # What the entry names was looked up by now.
        other.start()
        other.join(0.3)
        return create(*args, **options)

    monkeypatch.setattr(changes, "create", slowly)
    job = {"name": "j", "interval": "30s", "destinations": ["a"], "probes": ["m"]}
    catalogue.create(JOB, job, "t")
    other.join()
    assert removed == []
    assert table.find(db, MODULE.key, "m") is not None
