from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.composition import compose
from bridge.probing.entries import DESTINATION
from bridge.probing.judgement import Judgement
from bridge.rollup.parts import Parts
from bridge.telemetry import Telemetry
from models.directory import SeriesDirectory
from runtime.probing.jobs import Probes
from runtime.settings import Settings
from tests.bridge.application import NOON
from tests.bridge.probing.judged import MINUTE, NOON_MS, Bench, found, ran, shown
from tests.bridge.probing.scraped import Scraped
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.database import Database


class Rig:
    """The beat, with a clock and metrics that a test reads."""

    def __init__(self, bench: Bench, **probes: Any) -> None:
        self.bench = bench
        self.clock = FakeClock(NOON + 600.0)
        self.registry = CollectorRegistry()
        self.parts = Parts(
            bench.db,
            lambda _, job: job(),
            SeriesDirectory(bench.db),
            Telemetry.create(self.registry),
            self.clock,
        )
        self.judgement = Judgement(Probes(**probes), self.parts, ["local"])

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"epimetheus_{name}", labels)


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db, "gateway", "web")


@pytest.fixture
def rig(bench: Bench) -> Rig:
    return Rig(bench)


def test_a_beat_judges_all_that_waits_and_counts_it(rig: Rig) -> None:
    failing = found(destination="web", reason="timeout")
    starved = found(probe="http", reason="timeout", marks=("starved",))
    rig.bench.store([ran(1, found(), failing, starved)])

    rig.judgement.beat()

    assert rig.bench.status() == ("active", 1, 1)
    assert {
        outcome: rig.metric("results_judged_total", outcome=outcome)
        for outcome in ("good", "bad", "ignored")
    } == {"good": 1, "bad": 1, "ignored": 1}
    assert {
        status: rig.metric("destinations", status=status)
        for status in ("unknown", "active", "degraded", "error", "inactive")
    } == {"unknown": 0, "active": 1, "degraded": 1, "error": 0, "inactive": 0}
    assert rig.metric("destinations_failing") == 1
    assert rig.metric("judgement_lag_seconds") == 0
    assert rig.metric("events_recorded_total", detector="probe_failed") == 1


def test_how_long_results_wait_is_told(rig: Rig) -> None:
    rig.bench.store([ran(1, found())])
    rig.judgement.stop()
    rig.judgement.beat()

    assert rig.bench.status()[0] == "unknown"
    assert rig.metric("judgement_lag_seconds") == 600


def test_an_event_that_is_told_again_is_counted_once(rig: Rig) -> None:
    for minute in (1, 2, 3):
        rig.bench.store([ran(minute, found(reason="timeout"))])
        rig.judgement.beat()

    assert rig.metric("events_recorded_total", detector="probe_failed") == 1


def test_failures_of_what_is_probed_no_more_end(rig: Rig) -> None:
    rig.bench.store([ran(minute, found(reason="timeout")) for minute in (1, 2, 3)])
    rig.judgement.beat()
    assert rig.bench.status()[0] == "error"
    off = {"enabled": False}
    rig.bench.catalogue.patch(DESTINATION, "gateway", off, "test")

    rig.judgement.beat()

    assert rig.bench.status()[0] == "unknown"
    assert rig.metric("destinations", status="inactive") == 1
    assert rig.metric("destinations_failing") == 0
    _, ended = rig.bench.events()
    assert (ended["type"], ended["minute"]) == ("not_probed", 3)


def test_hours_that_are_over_are_made(rig: Rig) -> None:
    week = 7 * 24 * 60
    rig.bench.store(
        [ran(at, found(rtts=(0.01, 0.01))) for at in (-2 * week, -week)]
        + [ran(0, found(rtts=(0.1, 0.1)))]
    )
    rig.clock.advance(3600)

    rig.judgement.beat()

    (event,) = rig.bench.events()
    assert event["detector"] == "probe_slower"


@pytest.mark.setting("probes.certificates")
def test_certificates_are_told_of_as_long_ahead_as_is_settled(bench: Bench) -> None:
    bench.store([ran(5, shown("leaf", NOON_MS + 30 * MINUTE))])
    Rig(bench, certificates="24m").judgement.beat()
    assert bench.events() == []
    bench.store([ran(6, shown("leaf", NOON_MS + 30 * MINUTE))])
    Rig(bench, certificates="24m").judgement.beat()

    (event,) = bench.events()
    assert (event["type"], event["minute"]) == ("certificate_expiring", 6)


@pytest.mark.setting("probes.evaluate")
def test_results_are_judged_as_often_as_is_settled(rig: Rig) -> None:
    beats: dict[str, float] = {}

    class Scheduler:
        def add(
            self,
            name: str,
            every_seconds: float,
            job: Callable[[], None],
            offset_seconds: float = 0.0,
        ) -> None:
            beats[name] = every_seconds

    settings = Settings.model_validate({"probes": {"evaluate": "7s"}, "sources": []})
    writer: Any = None
    compose(settings, rig.parts, writer).schedule(Scheduler())

    assert beats["judgement"] == 7.0


def test_hours_of_jobs_that_keep_nothing_are_made_of_what_was_scraped(
    rig: Rig,
) -> None:
    rig.bench.create_job(
        {"name": "bulk", "destinations": ["gateway"], "history": "none"}
    )
    scraped = Scraped(rig.bench.db)
    scraped.hour((10, 0, 0, 0), start=NOON - 3600)
    scraped.done(NOON - 3600)

    rig.judgement.beat()

    assert rig.bench.rows("SELECT agent_id, sent FROM probe_hours") == [(0, 10)]
