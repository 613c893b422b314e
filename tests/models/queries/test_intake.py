"""Runs are stored once, whole, of whoever had the name, and with few statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.queries import catalogue, entries, intake, results, runs
from models.queries.entries import DESTINATIONS, JOBS
from models.queries.results import Picked
from tests.models.statements import counted
from tests.probed import (
    BEGIN,
    MINUTE,
    destination,
    failure,
    job,
    known,
    result,
    run,
    store,
)

if TYPE_CHECKING:
    from peewee import Database


def count(db: Database, table: str) -> int:
    return int(db.execute_sql(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def test_a_run_is_kept_as_it_was_told(db: Database) -> None:
    known(db, "gateway", "other")
    told = run(
        BEGIN,
        result(),
        failure("other", message="no reply", marks=("starved",)),
        marks=("clock_stepped",),
        skipped=2,
        left_alone=1,
        error="e\0e",
    )
    stored = store(db, told, now=BEGIN + 5)
    (number,) = stored.accepted
    found = runs.find(db, number)
    assert found is not None
    assert (found.agent, found.job, found.state) == ("here", "gateways", "completed")
    assert (found.began_ms, found.ended_ms) == (BEGIN + 1, BEGIN + 1000)
    assert (found.destinations, found.succeeded, found.failed) == (2, 1, 1)
    assert (found.skipped, found.left_alone, found.results) == (2, 1, 2)
    assert (found.error, found.marks) == ("e\ufffde", ("clock_stepped",))
    assert (found.received_ms, found.evaluated) == (BEGIN + 5, False)
    good, bad = results.of_runs(db, [number])
    assert (good.place, good.destination, good.succeeded) == (0, "gateway", True)
    assert (good.began_ms, good.seconds, good.rtts) == (BEGIN + 3, 0.0125, (0.01,))
    assert (bad.reason, bad.message, bad.rtts) == ("timeout", "no reply", (None,))
    assert (bad.marks, bad.rtt_mean, bad.received) == (("starved",), None, 0)


def test_what_is_sent_again_is_kept_once(db: Database) -> None:
    known(db, "gateway")
    batch = [run(BEGIN + n * MINUTE, result()) for n in range(3)]
    assert len(store(db, *batch[:2]).accepted) == 2
    again = store(db, *batch, batch[2])
    assert (len(again.accepted), again.duplicates) == (1, 3)
    assert (count(db, "probe_runs"), count(db, "probe_results")) == (3, 3)
    other = store(db, *batch, agent="there")
    assert (len(other.accepted), other.duplicates) == (3, 0)


def test_what_nobody_ever_had_as_a_name_is_refused_and_the_rest_is_kept(
    db: Database,
) -> None:
    known(db, "gateway")
    stored = store(
        db,
        run(BEGIN, result(), name="nothing"),
        run(BEGIN, result()),
        run(BEGIN + MINUTE, result(), result("nobody")),
    )
    assert len(stored.accepted) == 1
    assert stored.refused == (
        (0, "there is no job 'nothing', and was none"),
        (2, "there is no destination 'nobody', and was none"),
    )
    assert (count(db, "probe_runs"), count(db, "probe_results")) == (1, 1)
    assert store(db) == intake.Stored((), 0, ())


def test_history_stays_with_who_had_the_name(db: Database) -> None:
    known(db, "gateway")
    old = entries.number(db, DESTINATIONS, "gateway")
    store(db, run(BEGIN, result()))
    for table, name in ((JOBS, "gateways"), (DESTINATIONS, "gateway")):
        catalogue.delete(db, table, name, revision=None, now=BEGIN + 2 * MINUTE)
    at = BEGIN + 4 * MINUTE
    catalogue.create(db, DESTINATIONS, destination("gateway"), origin="api", now=at)
    catalogue.create(db, JOBS, job("gateways", ["gateway"]), origin="api", now=at)
    new = entries.number(db, DESTINATIONS, "gateway")
    store(db, run(BEGIN + MINUTE, result()))  # was under way all the time
    store(db, run(BEGIN + 5 * MINUTE, result()))
    found = [
        [one.scheduled_ms for one in results.stream(db, Picked(destination=number))]
        for number in (old, new)
    ]
    assert found == [[BEGIN, BEGIN + MINUTE], [BEGIN + 5 * MINUTE]]
    listed = list(results.stream(db, Picked()))
    assert {(one.destination, one.job) for one in listed} == {("gateway", "gateways")}


@pytest.mark.parametrize("size", [1, 200])
def test_a_batch_takes_a_handful_of_statements(db: Database, size: int) -> None:
    names = [f"d{number}" for number in range(10)]
    known(db, *names)
    batch = [
        run(BEGIN + n * MINUTE, *(result(name) for name in names)) for n in range(size)
    ]
    with counted(db) as said:
        stored = store(db, *batch)
    assert len(stored.accepted) == size
    assert count(db, "probe_results") == 10 * size
    assert len([sql for sql, _ in said if not sql.startswith("BEGIN")]) <= 6


def test_echo_requests_keep_no_zeros_and_nothing_twice(db: Database) -> None:
    known(db, "gateway")
    facts = {
        "ttl": 57,
        "duplicates": 0,
        "unreachable": {},
        "jitter": 0.002,
        "percentiles": {"50": 0.011},
    }
    times = (0.010, None, 0.012)
    told = result(facts=facts, rtts=times, sent=3, received=2)
    other = result(kind="dns", facts={"answers": 0}, rtts=(0.02,))
    (number,) = store(db, run(BEGIN, told, other)).accepted
    sql = "SELECT facts, jitter FROM probe_results ORDER BY place"
    assert db.execute_sql(sql).fetchall() == [
        ('{"ttl":57}', 0.002),
        ('{"answers":0}', None),
    ]
    echo, dns = results.of_runs(db, [number])
    assert echo.facts["ttl"] == 57
    assert echo.facts["jitter"] == 0.002
    assert echo.facts["percentiles"]["50"] == pytest.approx(0.011)
    assert [one and round(one, 6) for one in echo.rtts] == list(times)
    assert dns.facts == {"answers": 0}


def test_another_run_in_the_place_of_one_is_refused(db: Database) -> None:
    known(db, "gateway")
    ours = [run(BEGIN + n * MINUTE, result()) for n in range(2)]
    store(db, ours[0])
    theirs = [
        run(BEGIN + n * MINUTE, result(), began_ms=BEGIN + n * MINUTE + 7)
        for n in range(2)
    ]
    stored = store(db, ours[0], theirs[0], ours[1], theirs[1])
    assert (len(stored.accepted), stored.duplicates) == (1, 1)
    assert [place for place, _ in stored.refused] == [1, 3]
    assert "another run of this agent, job and time is kept" in stored.refused[0][1]
    assert count(db, "probe_results") == 2
