"""Results are found by what they are of, in one order, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from models.queries import entries, results
from models.queries.entries import DESTINATIONS
from models.queries.results import Picked
from tests.models.statements import counted
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from peewee import Database


@pytest.fixture
def filled(db: Database) -> Database:
    """Four runs of two agents; `b` fails in every second one, and has a trace."""
    known(db, "a", "b")
    for minute in range(4):
        at = BEGIN + minute * MINUTE
        second = failure("b", at) if minute % 2 else result("b", at)
        trace = result("b", at, probe="way", kind="traceroute", rtts=(), facts={})
        for agent in ("here", "there"):
            store(db, run(at, result("a", at), second, trace), agent=agent)
    return db


QUESTIONS: list[tuple[dict[str, Any], int]] = [
    ({}, 24),
    ({"job": 1}, 24),
    ({"job": 9}, 0),
    ({"destination": 1}, 8),
    ({"destination": 2}, 16),
    ({"destination": 2, "job": 1, "probe": "icmp"}, 8),
    ({"kind": "traceroute"}, 8),
    ({"success": False}, 4),
    ({"success": True}, 20),
    ({"reason": "timeout"}, 4),
    ({"agent": 1, "success": False}, 2),
    ({"run": 3}, 3),
    ({"start": BEGIN + MINUTE, "end": BEGIN + 3 * MINUTE}, 12),
    ({"job": 1, "start": BEGIN + MINUTE, "end": BEGIN + 2 * MINUTE}, 6),
]


def test_each_is_found_once_in_both_directions(filled: Database) -> None:
    for question, found in QUESTIONS:
        look_both_ways(filled, Picked(**question), found)


def look_both_ways(filled: Database, picked: Picked, found: int) -> None:
    forth = list(results.stream(filled, picked, 5))
    back: list[results.ResultRow] = []
    while page := results.search(
        filled, picked, before=back[-1].cursor if back else None, limit=5
    ):
        back += page
    assert len(forth) == found, picked
    assert back == forth[::-1], picked
    keys = [one.cursor for one in forth]
    assert keys == sorted(set(keys))


def test_one_is_found_by_its_run_and_place(filled: Database) -> None:
    found = results.find(filled, 3, 1)
    assert found is not None
    assert (found.destination, found.reason) == ("b", "timeout")
    assert results.find(filled, 3, 9) is None
    assert results.of_runs(filled, []) == []
    assert [one.run_id for one in results.of_runs(filled, [4, 2])] == [2] * 3 + [4] * 3


def test_the_newest_answer_is_found(filled: Database) -> None:
    picked = Picked(destination=2)
    newest = results.search(filled, picked, limit=1)[0]
    answered = results.latest_answered(filled, picked)
    assert newest.rtt_mean is None
    assert answered is not None
    assert (answered.probe, answered.rtt_mean) == ("icmp", 0.01)
    assert answered.scheduled_ms == BEGIN + 2 * MINUTE
    assert results.latest_answered(filled, picked.between(0, 1)) is None


def test_certificates_come_back_whole(db: Database) -> None:
    known(db, "a")
    chain = [
        {"sha256": "aa", "subject": "CN=a", "not_after": 5, "sans": ["a"]},
        {"sha256": "bb", "subject": "CN=root", "not_after": 9},
    ]
    first = result("a", facts={"tls": {"chain": chain, "verified": True}})
    second = result("a", kind="tls", facts={"chain": chain[:1]})
    (number,) = store(db, run(BEGIN, first, second)).accepted
    stored = db.execute_sql("SELECT facts FROM probe_results ORDER BY place")
    assert stored.fetchall() == [
        ('{"tls":{"chain":["aa","bb"],"verified":true}}',),
        ('{"chain":["aa"]}',),
    ]
    with counted(db) as said:
        one, other = results.of_runs(db, [number])
    assert len(said) == 2
    told = one.facts["tls"]["chain"]
    assert [{**got, **was} for got, was in zip(told, chain, strict=True)] == told
    assert other.facts["chain"] == told[:1]


def test_sqlite_goes_by_the_key_or_the_destination(sqlite: Database) -> None:
    for picked, way in (
        (Picked(destination=1), "INDEX probe_results_destination_id_scheduled_ms"),
        (Picked(job=1), "INDEX probe_runs_job_id_scheduled_ms_agent_id"),
        (Picked(success=False), "INDEX probe_results_failures"),
        (Picked(), "PRIMARY KEY"),
    ):
        with counted(sqlite) as said:
            results.search(sqlite, picked.between(5, 9), limit=5)
        ways = said.ways()
        assert any(way in one for one in ways)
        assert not [one for one in ways if one.startswith("SCAN")]


def test_numbers_of_names_are_what_is_asked_by(filled: Database) -> None:
    number = entries.number(filled, DESTINATIONS, "a")
    assert len(list(results.stream(filled, Picked(destination=number)))) == 8
