from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from bridge.probing.scraped_hours import BACK, ScrapedHours
from bridge.rollup.parts import Parts
from bridge.telemetry import Telemetry
from models.database import open_database
from models.directory import SeriesDirectory
from runtime.probing.jobs import Baseline
from tests.bridge.application import NOON
from tests.bridge.probing.judged import NOON_MS, Bench
from tests.bridge.probing.scraped import Scraped
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database

FAST = (100, 0, 0, 0)
SLOW = (0, 0, 100, 0)


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def bench(db: Database) -> Bench:
    bench = Bench(db)
    for name, history in (("bulk", "none"), ("odd", "failures"), ("whole", "all")):
        bench.create_job(
            {"name": name, "destinations": ["gateway"], "history": history}
        )
    return bench


@pytest.fixture
def scraped(db: Database) -> Scraped:
    return Scraped(db)


def hours(bench: Bench, hour: int = 1, *sources: str) -> ScrapedHours:
    parts = Parts(
        bench.db,
        lambda _, job: job(),
        SeriesDirectory(bench.db),
        Telemetry.create(CollectorRegistry()),
        FakeClock(NOON + hour * 3600.0),
    )
    return ScrapedHours(parts, sources or ("local",), Baseline())


def weeks(
    scraped: Scraped, count: int = 2, start: int = NOON, job: str = "bulk"
) -> None:
    for week in range(1, count + 1):
        scraped.hour(FAST, start=start, week=week, job_name=job)


@pytest.mark.parametrize("job", ["bulk", "odd"])
def test_a_job_whose_results_are_not_kept_is_compared_too(
    bench: Bench, scraped: Scraped, job: str
) -> None:
    weeks(scraped, job=job)
    scraped.hour(SLOW, job_name=job)
    scraped.done()

    assert hours(bench).beat()

    (event,) = bench.events()
    assert (event["type"], event["minute"], event["occurrences"]) == ("degraded", 0, 1)
    assert event["message"] == (
        "icmp of gateway is worse than usual in this hour of the week: 30.0 ms instead "
        "of 5.0 ms."
    )


def test_what_is_lost_more_than_usual_is_told(bench: Bench, scraped: Scraped) -> None:
    weeks(scraped)
    scraped.hour(FAST, lost=100)
    scraped.done()

    hours(bench).beat()

    (event,) = bench.events()
    assert event["message"].endswith("50.0% lost instead of 0.0%.")


def test_a_job_whose_results_are_kept_is_compared_by_them(
    bench: Bench, scraped: Scraped
) -> None:
    weeks(scraped, job="whole")
    scraped.hour(SLOW, job_name="whole")
    scraped.done()

    hours(bench).beat()

    assert bench.rows("SELECT * FROM probe_hours") == []


def test_nothing_is_usual_of_which_one_week_is_known(
    bench: Bench, scraped: Scraped
) -> None:
    weeks(scraped, 1)
    scraped.hour(SLOW)
    scraped.done()

    hours(bench).beat()

    assert bench.rows("SELECT sent, received, verdict FROM probe_hours") == [
        (100, 100, "")
    ]
    assert bench.events() == []


def test_the_event_lasts_until_an_hour_is_as_usual(
    bench: Bench, scraped: Scraped
) -> None:
    made = hours(bench, 3)
    for hour, counts in enumerate((SLOW, SLOW, FAST)):
        start = NOON + hour * 3600
        weeks(scraped, start=start)
        scraped.hour(counts, start=start)
        scraped.done(start)
    assert [made.beat() for _ in range(2)] == [True, True]
    (event,) = bench.events()
    assert event["occurrences"] == 2
    assert json.loads(event["metadata"])["closed"] is None

    assert [made.beat(), made.beat()] == [True, False]

    (event,) = bench.events()
    assert json.loads(event["metadata"])["closed"] == NOON_MS + 2 * 3_600_000


@pytest.mark.parametrize("state", ["open", "dirty"])
def test_an_hour_waits_for_all_sources_that_work_at_it(
    bench: Bench, scraped: Scraped, state: str
) -> None:
    weeks(scraped)
    scraped.hour(SLOW)
    scraped.done()
    scraped.done(state=state, source="other")
    made = hours(bench, 1, "local", "other")
    assert not made.beat()

    scraped.done(source="other")
    assert made.beat()


def test_an_hour_is_made_again_when_its_rollups_are_others(
    bench: Bench, scraped: Scraped
) -> None:
    weeks(scraped)
    scraped.hour(SLOW)
    scraped.done()
    made = hours(bench)
    made.beat()
    assert len(bench.events()) == 1

    scraped.hour(FAST)
    assert not made.beat()
    bench.db.execute_sql("UPDATE ledger SET revision = 1")

    assert made.beat()
    assert bench.events() == []


def test_the_same_is_told_again_after_a_restart(bench: Bench, scraped: Scraped) -> None:
    weeks(scraped)
    scraped.hour(SLOW)
    scraped.done()
    hours(bench).beat()
    before = bench.everything()

    assert hours(bench).beat()

    assert bench.everything() == before


def test_hours_of_more_than_a_day_ago_are_left_as_they_are(
    bench: Bench, scraped: Scraped
) -> None:
    scraped.done()

    assert hours(bench, BACK).beat()
    assert not hours(bench, BACK + 1).beat()


def test_many_destinations_are_read_and_written_by_parts(
    bench: Bench, scraped: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.probing.scraped_hours.MOST", 2)
    for probe in ("a", "b", "c"):
        scraped.hour(FAST, probe=probe)
    scraped.done()

    hours(bench).beat()

    found = bench.rows("SELECT probe, sent FROM probe_hours ORDER BY probe")
    assert found == [("a", 100), ("b", 100), ("c", 100)]
