from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import probe_tests

if TYPE_CHECKING:
    from peewee import Database

    from models.queries.probe_tests import AskedTest


def ask(db: Database, agent: str = "here", now: int = 100) -> AskedTest:
    probe = {"name": "icmp", "kind": "icmp"}
    return probe_tests.create(
        db, agent=agent, destination="a", host="192.0.2.1", probe=probe, now=now
    )


def test_a_test_waits_for_its_agent_and_is_finished_once(db: Database) -> None:
    made = ask(db)
    assert made.state == "waiting"
    assert made.probe == {"name": "icmp", "kind": "icmp"}
    assert probe_tests.find(db, made.id) == made
    assert probe_tests.waiting(db, "here") == [made]
    assert probe_tests.waiting(db, "there") == []
    assert not probe_tests.finish(db, made.id, "there", {"reason": "x"}, 200)
    assert probe_tests.finish(db, made.id, "here", {"reason": ""}, 200)
    assert not probe_tests.finish(db, made.id, "here", {"reason": "late"}, 300)
    found = probe_tests.find(db, made.id)
    assert found is not None
    assert (found.state, found.finished_at) == ("finished", 200)
    assert found.result == {"reason": ""}
    assert probe_tests.waiting(db, "here") == []


def test_a_test_that_nobody_does_expires(db: Database) -> None:
    old, new = ask(db, now=100), ask(db, now=200)
    assert probe_tests.expire(db, 200) == 1
    assert probe_tests.expire(db, 200) == 0
    assert [one.id for one in probe_tests.waiting(db, "here")] == [new.id]
    assert not probe_tests.finish(db, old.id, "here", {}, 300)
    assert probe_tests.find(db, 99) is None
