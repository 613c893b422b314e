from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.composition import Composition, compose, parts_of, splay
from bridge.receivers.scrape import Failure
from bridge.rollup.verification.trust import Habits
from bridge.telemetry import Telemetry
from bridge.writer import Writer
from models.database import Database, open_database
from models.directory import SeriesFacts, canonical
from models.migrate import Migrations
from models.queries import events, series
from runtime.settings import Settings
from tests.fakes import FakeClock
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TARGETS = [{"url": "http://127.0.0.1:1/metrics"}, {"url": "http://127.0.0.1:2/metrics"}]
SCRAPE = {"name": "local", "kind": "scrape", "interval": "30s", "targets": TARGETS}
PROMETHEUS = {"name": "prom", "kind": "prometheus", "url": "http://127.0.0.1:3"}


class Bench:
    """A database and a writer to compose with."""

    def __init__(self, directory: Path) -> None:
        self.db: Database = open_database(f"sqlite:///{directory / 'c.db'}")
        Migrations(self.db).up()
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.telemetry = Telemetry.create(self.registry)
        self.writer = Writer(self.telemetry, self.clock, self.db.close)
        self.writer.start()
        self.parts = parts_of(self.db, self.writer, self.telemetry, self.clock)

    def compose(self, *sources: dict[str, Any], **sections: Any) -> Composition:
        settings = Settings.model_validate({"sources": sources, **sections})
        return compose(settings, self.parts, self.writer)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.writer.stop()
    made.db.close()


class Recorder:
    """Takes jobs as the scheduler does, and remembers when they would run."""

    def __init__(self) -> None:
        self.jobs: dict[str, tuple[float, float]] = {}

    def add(
        self,
        name: str,
        every_seconds: float,
        job: Callable[[], None],
        offset_seconds: float = 0.0,
    ) -> None:
        assert callable(job)
        self.jobs[name] = (every_seconds, offset_seconds)


@pytest.mark.setting("retention.every")
def test_retention_has_a_beat_where_all_sources_are_kept(bench: Bench) -> None:
    recorder = Recorder()
    bench.compose(SCRAPE, retention={"every": "9m"}).schedule(recorder)
    assert recorder.jobs["retention"] == (540.0, 0.0)
    one = Settings.model_validate({"sources": [SCRAPE]})
    assert compose(one, bench.parts, bench.writer, only="local").retentions == []


@pytest.mark.setting("rollup.every")
@pytest.mark.setting("sources.scrape.interval")
def test_engines_and_scrapes_have_their_beats(bench: Bench) -> None:
    recorder = Recorder()
    composition = bench.compose(SCRAPE, PROMETHEUS, rollup={"every": "7s"})
    composition.schedule(recorder)
    assert {name: every for name, (every, _) in recorder.jobs.items()} == {
        "rollup_local": 7.0,
        "rollup_prom": 7.0,
        "retention": 300.0,
        "judgement": 5.0,
        "scrape_local_http://127.0.0.1:1/metrics": 30.0,
        "scrape_local_http://127.0.0.1:2/metrics": 30.0,
    }
    offsets = [offset for name, (_, offset) in recorder.jobs.items() if "http" in name]
    assert len(set(offsets)) == 2
    assert all(0 <= offset < 30 for offset in offsets)


def test_offsets_are_steady_and_spread_over_the_interval() -> None:
    offsets = [splay(f"target {number}", 15.0) for number in range(200)]
    assert offsets == [splay(f"target {number}", 15.0) for number in range(200)]
    thirds = [sum(low <= o < low + 5 for o in offsets) for low in (0, 5, 10)]
    assert min(thirds) > 40


@pytest.mark.setting("sources.scrape.name")
@pytest.mark.setting("sources.prometheus.name")
@pytest.mark.setting("sources.scrape.kind")
@pytest.mark.setting("sources.prometheus.kind")
def test_each_source_has_an_engine_of_its_kind_under_its_name(bench: Bench) -> None:
    composition = bench.compose(SCRAPE, PROMETHEUS)
    kinds = {source.name: type(source).__name__ for source in composition.sources}
    assert kinds == {"local": "BufferSource", "prom": "PrometheusSource"}
    assert [scraper for scraper, _ in composition.scrapers]
    composition.close()


def test_one_source_can_be_composed_alone(bench: Bench) -> None:
    settings = Settings.model_validate({"sources": [SCRAPE, PROMETHEUS]})
    composition = compose(settings, bench.parts, bench.writer, only="prom")
    assert [source.name for source in composition.sources] == ["prom"]
    assert composition.scrapers == []


@pytest.mark.setting("sources.scrape.workspace")
@pytest.mark.setting("sources.scrape.environment")
@pytest.mark.setting("sources.prometheus.workspace")
@pytest.mark.setting("sources.prometheus.environment")
def test_series_and_events_carry_what_their_source_says(bench: Bench) -> None:
    said = {"workspace": "team", "environment": "production"}
    composition = bench.compose(SCRAPE | said, PROMETHEUS | said)
    ((scraper, _),) = composition.scrapers
    prometheus = composition.sources[1]
    facts = [SeriesFacts("m", "{}")]
    scraper._resolve(facts)
    prometheus._catalogue._known._resolve(facts)  # type: ignore[attr-defined]  # its own resolver
    found = [
        (row.source, row.workspace, row.environment)
        for row in series.everything(bench.db)
    ]
    assert found == [("local", "team", "production"), ("prom", "team", "production")]
    scraper._on_failure(Failure("node", "h:1", 1_700_000_000_000, "refused", "no"))
    (event,) = events.search(bench.db, start_ms=0, end_ms=2**50, limit=9)
    assert (event.workspace, event.environment) == ("team", "production")


@pytest.mark.setting("events.down")
def test_failed_scrapes_are_counted_within_their_minute(bench: Bench) -> None:
    failure = Failure("node", "h:1", 1_700_000_000_000, "refused", "no")
    for down in (True, False):
        ((scraper, _),) = bench.compose(SCRAPE, events={"down": down}).scrapers
        scraper._on_failure(failure)
        scraper._on_failure(failure)
    (event,) = events.search(bench.db, start_ms=0, end_ms=2**50, limit=9)
    assert (event.occurrences, event.type) == (2, "scrape_failed")


@pytest.mark.setting("events.alerts")
def test_what_events_need_is_selected_beside_what_the_user_selects(
    bench: Bench,
) -> None:
    for alerts, names in ((True, "ALERTS|a|up"), (False, "a|up")):
        wanted = PROMETHEUS | {"selectors": ["a"]}
        composition = bench.compose(wanted, events={"alerts": alerts})
        (source,) = composition.sources
        found = {str(selector) for selector in source._selectors}  # type: ignore[attr-defined]  # what it asks for
        assert found == {f'{{__name__=~"{names}"}}'}


@pytest.mark.parametrize("told", [Told(b"x", cut=0, stall=True)])
def test_a_source_that_hangs_does_not_keep_the_end_waiting(
    bench: Bench, told: Told
) -> None:
    patience = 60.0
    with FakeWeb(lambda _: told) as web:
        scrape = SCRAPE | {"targets": [{"url": web.url}], "timeout": "30s"}
        composition = bench.compose(PROMETHEUS | {"url": web.url}, scrape)
        ((scraper, settings),) = composition.scrapers
        threads = [
            threading.Thread(target=composition.engines[0].beat),
            threading.Thread(target=scraper.scrape, args=(settings.targets[0],)),
        ]
        for thread in threads:
            thread.start()
        pause = threading.Event()
        while len(web.asked) < len(threads):
            pause.wait(0.01)
        composition.stop()
        for thread in threads:
            thread.join(patience / 4)  # the deadlines of both are longer
        assert not any(thread.is_alive() for thread in threads)
    assert composition.engines[0].idle.is_set()
    # Nothing is said to have failed that was only cut off.
    assert bench.db.execute_sql("SELECT * FROM error_events").fetchall() == []
    assert bench.db.execute_sql("SELECT * FROM buffer").fetchall() == []


@pytest.mark.setting("sources.scrape.max_series")
@pytest.mark.setting("sources.prometheus.max_series")
@pytest.mark.rule(76)
def test_r76_series_beyond_the_budget_are_folded_with_an_event(bench: Bench) -> None:
    composition = bench.compose(SCRAPE | {"max_series": 1}, PROMETHEUS)
    ((scraper, _),) = composition.scrapers
    prometheus = composition.sources[1]
    facts = [SeriesFacts("m", canonical({"pod": name})) for name in "abc"]
    for _ in range(2):
        ids = scraper._resolve(facts)
        assert [number > 0 for number in ids.tolist()] == [True, False, False]
    own = prometheus._catalogue._known._resolve(facts)  # type: ignore[attr-defined]  # its own resolver
    assert own.min() > 0
    (event,) = events.search(bench.db, start_ms=0, end_ms=2**50, limit=9)
    assert (event.source, event.type) == ("local", "series_budget")
    assert event.time % 86_400_000 == 0
    assert "Source local has its 1 series" in event.message


def test_a_series_called_as_an_overflow_series_is_no_event(bench: Bench) -> None:
    composition = bench.compose(SCRAPE | {"max_series": 2})
    ((scraper, _),) = composition.scrapers
    alike = SeriesFacts("m", canonical({"overflow": "true"}))
    (number,) = scraper._resolve([alike]).tolist()
    assert number < 0
    assert not events.search(bench.db, start_ms=0, end_ms=2**50, limit=9)
    scraper._resolve([SeriesFacts("m", canonical({"pod": name})) for name in "ab"])
    assert len(events.search(bench.db, start_ms=0, end_ms=2**50, limit=9)) == 1


def test_folded_series_of_a_scrape_add_up(bench: Bench) -> None:
    seconds = iter(range(0, 10**6, 30))

    def told(_: Asked) -> Told:
        now = next(seconds)
        lines = [f'hits_total{{pod="{pod}"}} {now * (pod + 1)}' for pod in range(4)]
        return Told("\n".join(["# TYPE hits_total counter", *lines, ""]).encode())

    with FakeWeb(told) as web:
        scrape = SCRAPE | {"targets": [{"url": web.url}], "max_series": 2}
        composition = bench.compose(scrape)
        ((scraper, settings),) = composition.scrapers
        for _ in range(12):
            scraper.scrape(settings.targets[0])
            composition.engines[0].beat()
            bench.clock.advance(30)
        composition.stop()
    rows = bench.db.execute_sql(
        "SELECT SUM(increase), COUNT(DISTINCT labels) FROM minutes "
        "WHERE metric = 'hits_total' GROUP BY start ORDER BY start"
    ).fetchall()
    assert [increase for increase, _ in rows[1:-1]] == [60.0 * 10] * len(rows[1:-1])
    assert {series for _, series in rows} == {3}
    name = "epimetheus_series_folded"
    assert bench.registry.get_sample_value(name, {"source": "local"}) == 2


def test_engines_verify_as_the_settings_say(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Habits] = []

    def trust(_source: object, habits: Habits, *_: object, **__: object) -> None:
        seen.append(habits)

    monkeypatch.setattr("bridge.composition.Trust", trust)
    verify = {"every": "1m", "windows": 5, "lookback": "2h"}
    bench.compose(SCRAPE, verify=verify, rollup={"recheck": "30m"})
    assert seen == [Habits(60.0, 5, 7200.0, 1800.0)]
