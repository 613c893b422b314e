"""Runs go when they are old, their results before them, what they name after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.answers.retention import planned
from bridge.rollup.deletion.retention import Retention
from bridge.rollup.parts import Parts
from bridge.telemetry import Telemetry
from models.database import open_database
from models.directory import SeriesDirectory
from models.judgement import ProbeHour, ProbeSpan, ProbeView
from models.queries import agents, catalogue, entries, evidence, probe_tests
from runtime import settings
from tests.fakes import FakeClock
from tests.probed import BEGIN, MINUTE, known, result, run, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database

HOUR = 60 * MINUTE
PROBED = ("probe_results", "probe_runs", "routes", "certificates", "probe_tests")
JUDGED = ("probe_spans", "probe_hours", "probe_views")
CHAIN = {"tls": {"chain": [{"sha256": "c0ffee", "subject": "a"}]}}


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    """Three hours of runs, a minute apart, each of a route and a certificate."""
    database = open_database(migrated_url)
    known(database, "gateway", "other")
    told = []
    for minute in range(180):
        at = BEGIN + minute * MINUTE
        name = f"{minute // 60:016x}"
        traced = result(at=at, kind="traceroute", route=name, facts={"hops": []})
        secured = result("other", at, kind="tls", certificate="c0ffee", facts=CHAIN)
        told.append(run(at, traced, secured))
        probe_tests.create(
            database, agent="here", destination="", host="a", probe={}, now=at
        )
    store(database, *told)
    judge(database)
    yield database
    database.close()


def judge(db: Database) -> None:
    """Note what was judged of an old hour, and of the newest."""
    for hour in (0, 2):
        at = BEGIN + hour * HOUR
        key = {"destination_id": 1, "agent_id": hour, "probe": "icmp"}
        ProbeSpan.insert(
            **key,
            kind="failure",
            opened_ms=at,
            closed_ms=None if hour else at,
            value="",
            facts="",
        ).execute()
        ProbeHour.insert(
            **key, start_ms=at, stale=0, sent=1, received=1, verdict="", facts=""
        ).execute()
        ProbeView.insert(
            **key, status="active", bad=0, good=0, last_ms=at, interval_ms=1
        ).execute()


def beat(db: Database, now: int, **given: Any) -> None:
    clock = FakeClock(now / 1000)
    telemetry = Telemetry.create(CollectorRegistry())
    parts = Parts(db, lambda _, job: job(), SeriesDirectory(db), telemetry, clock)
    policy = settings.Retention.model_validate(given)
    Retention(policy, ["local"], parts).finish()


def count(db: Database, table: str) -> int:
    return int(db.execute_sql(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


@pytest.mark.setting("retention.runs")
def test_runs_go_once_they_are_old_and_all_that_is_theirs(db: Database) -> None:
    newest = BEGIN + 179 * MINUTE
    beat(db, newest, runs="1h")
    left = {table: count(db, table) for table in PROBED}
    assert left == {
        "probe_results": 122,
        "probe_runs": 61,
        "routes": 2,
        "certificates": 1,
        "probe_tests": 61,
    }
    assert [count(db, table) for table in JUDGED] == [1, 1, 1]
    assert set(evidence.routes(db, [f"{hour:016x}" for hour in range(3)])) == {
        f"{hour:016x}" for hour in (1, 2)
    }
    assert len(agents.everyone(db)) == 1


def test_nothing_goes_that_is_kept_for_ever(db: Database) -> None:
    beat(db, BEGIN + 1000 * HOUR, runs="0s")
    assert [count(db, table) for table in PROBED] == [360, 180, 3, 1, 180]


def test_a_clock_that_is_ahead_deletes_nothing(db: Database) -> None:
    beat(db, BEGIN + 1000 * HOUR, runs="3h")
    assert count(db, "probe_runs") == 180


def test_results_go_before_their_runs_and_in_bites(db: Database) -> None:
    policy = {"runs": "1h", "rows_at_once": 100, "rows_per_beat": 1000}
    clock = FakeClock((BEGIN + 179 * MINUTE) / 1000)
    telemetry = Telemetry.create(CollectorRegistry())
    steps: list[tuple[int, int]] = []

    def call(_: str, job: Any) -> Any:
        done = job()
        steps.append((count(db, "probe_results"), count(db, "probe_runs")))
        return done

    parts = Parts(db, call, SeriesDirectory(db), telemetry, clock)
    Retention(settings.Retention.model_validate(policy), ["local"], parts).finish()
    results = [rows for rows, _ in steps]
    assert results[0] == 258
    assert all(rows == 122 for rows, runs in steps if runs < 180)


def test_who_was_deleted_stays_as_long_as_there_is_history(db: Database) -> None:
    for table, name in ((entries.JOBS, "gateways"), (entries.DESTINATIONS, "other")):
        catalogue.delete(db, table, name, revision=None, now=BEGIN + HOUR)
    beat(db, BEGIN + 179 * MINUTE, runs="1h")
    assert (count(db, "jobs"), count(db, "destinations")) == (1, 2)
    db.execute_sql("DELETE FROM probe_results")
    db.execute_sql("DELETE FROM probe_runs WHERE id < 180")
    beat(db, BEGIN + 179 * MINUTE, runs="1h")
    assert (count(db, "jobs"), count(db, "destinations")) == (1, 1)
    assert entries.find(db, entries.DESTINATIONS, "gateway") is not None


def test_what_lasts_goes_once_nobody_tells_of_it(db: Database) -> None:
    # Of the first hour the view is old, and of the other it is not.
    for agent in (0, 2):
        for kind in ("route", "certificate", "failure"):
            ProbeSpan.insert(
                destination_id=1,
                agent_id=agent,
                probe="icmp",
                kind=kind,
                opened_ms=BEGIN + 5,
                closed_ms=None,
                value="",
                facts="",
            ).execute()
    policy = settings.Retention.model_validate({"runs": "1h"})
    told = planned(db, policy, ["local"], (BEGIN + 179 * MINUTE) / 1000)
    assert [one.rows for one in told if one.resolution == "probe_spans"] == [3]
    beat(db, BEGIN + 179 * MINUTE, runs="1h")
    left = db.execute_sql("SELECT agent_id, kind FROM probe_spans ORDER BY 1, 2")
    assert left.fetchall() == [
        (0, "failure"),
        (2, "certificate"),
        (2, "failure"),
        (2, "failure"),
        (2, "route"),
    ]


def test_what_will_go_is_told_before(db: Database) -> None:
    policy = settings.Retention.model_validate({"runs": "1h"})
    told = planned(db, policy, ["local"], (BEGIN + 179 * MINUTE) / 1000)
    assert [(one.resolution, one.rows, one.kept) for one in told] == [
        ("probe_results", 238, 3600.0),
        ("probe_runs", 119, 3600.0),
        ("routes", 1, 3600.0),
        ("certificates", 0, 3600.0),
        ("probe_tests", 119, 3600.0),
        ("probe_spans", 1, 3600.0),
        ("probe_hours", 1, 3600.0),
        ("probe_views", 1, 3600.0),
        ("jobs", 0, 3600.0),
        ("destinations", 0, 3600.0),
    ]
    assert told[0].start == BEGIN // 1000
    assert told[0].cut == (BEGIN + 119 * MINUTE) // 1000
