from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.probing.hours import Hours
from bridge.telemetry import Telemetry
from models.database import open_database
from runtime.probing.jobs import Baseline
from tests.bridge.application import NOON
from tests.bridge.probing.judged import NOON_MS, Bench, found, ran

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database
    from runtime.probing.wire import Run

HOUR = 60
WEEK = 7 * 24 * HOUR


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db)


def hours(bench: Bench, **rules: Any) -> Hours:
    telemetry = Telemetry.create(CollectorRegistry())
    return Hours(bench.db, telemetry, Baseline(**rules))


def measured(minute: int, rtt: float, received: int = 2) -> Run:
    times = tuple(rtt if place < received else None for place in range(2))
    return ran(minute, found(rtts=times, received=received))


def weeks(bench: Bench, count: int, rtt: float = 0.010, minute: int = 0) -> None:
    for week in range(1, count + 1):
        bench.tell(measured(minute - week * WEEK, rtt))


def end(hour: int) -> float:
    """Return when an hour after noon is over and settled, UTC seconds."""
    return NOON + (hour + 1) * 3600 + 120


def verdicts(bench: Bench) -> dict[int, str]:
    rows = bench.rows("SELECT start_ms, verdict FROM probe_hours WHERE stale = 0")
    return {(start - NOON_MS) // 3_600_000: verdict for start, verdict in rows}


def test_an_hour_is_compared_once_it_is_over_and_settled(bench: Bench) -> None:
    weeks(bench, 2)
    bench.tell(measured(5, 0.100))
    made = hours(bench)

    made.batch(end(0) - 1)
    assert 0 not in verdicts(bench)
    made.batch(end(0))

    assert verdicts(bench)[0] == "slow"
    (event,) = bench.events()
    assert (event["detector"], event["category"]) == ("probe_slower", "latency")
    assert (event["type"], event["minute"], event["occurrences"]) == ("degraded", 0, 1)
    assert event["message"] == (
        "icmp of gateway, as seen by one, is worse than usual in this hour of the "
        "week: 100.0 ms instead of 10.0 ms."
    )


def test_hours_that_follow_each_other_are_one_event_until_one_is_as_usual(
    bench: Bench,
) -> None:
    made = hours(bench)
    for hour in range(3):
        weeks(bench, 2, minute=hour * HOUR)
        bench.tell(measured(hour * HOUR, 0.100 if hour < 2 else 0.010))
    made.batch(end(1))
    (event,) = bench.events()
    assert (event["minute"], event["occurrences"]) == (0, 2)
    assert json.loads(event["metadata"])["closed"] is None

    made.batch(end(2))

    (event,) = bench.events()
    assert json.loads(event["metadata"])["closed"] == NOON_MS + 2 * 3_600_000


def test_what_is_lost_more_than_usual_is_told(bench: Bench) -> None:
    weeks(bench, 2)
    bench.tell(measured(5, 0.010), measured(6, 0.010, received=0))
    hours(bench).batch(end(0))

    (event,) = bench.events()
    assert "50.0% lost instead of 0.0%" in event["message"]


def test_an_hour_is_made_again_when_results_come_late(bench: Bench) -> None:
    weeks(bench, 2)
    bench.tell(measured(5, 0.100))
    made = hours(bench)
    made.batch(end(0))
    assert verdicts(bench)[0] == "slow"

    bench.tell(measured(6, 0.010), measured(7, 0.010))
    made.batch(end(0))

    assert verdicts(bench)[0] == ""
    assert bench.events() == []


def test_hours_that_were_compared_with_one_are_made_again_with_it(
    bench: Bench,
) -> None:
    weeks(bench, 2)
    bench.tell(measured(5, 0.100))
    made = hours(bench)
    made.batch(end(0))

    bench.tell(*(measured(at - WEEK, 0.100) for at in range(1, 10)))
    assert [made.batch(end(0)) for _ in range(3)] == [1, 1, 0]

    assert verdicts(bench)[0] == ""


@pytest.mark.setting("probes.baseline.weeks")
def test_as_many_weeks_are_looked_at_as_are_settled(bench: Bench) -> None:
    weeks(bench, 2, rtt=0.010)
    bench.tell(measured(-3 * WEEK, 0.100), measured(-4 * WEEK, 0.100))
    bench.tell(measured(-5 * WEEK, 0.100), measured(5, 0.100))

    hours(bench, weeks=2).batch(end(0))
    assert verdicts(bench)[0] == "slow"
    bench.db.execute_sql("UPDATE probe_hours SET stale = 1")
    hours(bench, weeks=5).batch(end(0))
    assert verdicts(bench)[0] == ""


def test_batches_are_bounded(bench: Bench) -> None:
    weeks(bench, 2)
    made = hours(bench)

    assert [made.batch(end(0), most=1) for _ in range(3)] == [1, 1, 0]


def test_jobs_that_keep_failures_only_make_no_hours(bench: Bench) -> None:
    bench.create_job(
        {"name": "odd", "destinations": ["gateway"], "history": "failures"}
    )
    bench.tell(ran(1, found(reason="timeout"), job="odd"))

    assert bench.rows("SELECT * FROM probe_hours") == []
