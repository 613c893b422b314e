from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge.events import detectors
from bridge.events.observer import Observer, Origin
from bridge.rollup.windows import Window
from models.database import open_database
from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.migrate import Migrations
from runtime.settings import Events
from tests.bridge.events.builders import MINUTE
from tests.bridge.rollup.builders import Row, row, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes import FakeClock

WINDOW = Window(MINUTE)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SeriesDirectory]:
    db = open_database(f"sqlite:///{tmp_path / 'events.db'}")
    Migrations(db).up()
    yield SeriesDirectory(db)
    db.close()


def series(directory: SeriesDirectory, metric: str, **labels: str) -> int:
    facts = [SeriesFacts(metric, canonical(labels))]
    return int(directory.resolve("main", facts, now=MINUTE)[0])


def observer(
    directory: SeriesDirectory, clock: FakeClock, events: Events | None = None
) -> Observer:
    events = events or Events()
    return Observer(
        Origin("main", "shop", "production"),
        detectors(events, "prometheus"),
        directory,
        clock,
        holes=events.holes,
    )


def minute(series_id: int, **given: float | None) -> Row:
    return row(series_id=series_id, start=MINUTE, **given)


def test_the_rows_of_a_window_become_rows_of_events(
    directory: SeriesDirectory, clock: FakeClock
) -> None:
    up = series(directory, "up", job="node", instance="a:1")
    quiet = series(directory, "node_load1", job="node", instance="a:1")
    failed = series(directory, "http_requests_total", code="500", path="/cart")
    served = series(directory, "http_requests_total", code="200", path="/cart")
    blocks = [
        rows(minute(quiet), minute(up, count=4, sum=1.0)),
        rows(minute(served, increase=5.0), minute(failed, increase=2.0)),
    ]
    watching = observer(directory, clock)
    found = watching.of_rows(WINDOW, blocks)
    assert [(e.detector, e.type, e.occurrences, e.endpoint) for e in found] == [
        ("down", "scrape_failed", 3, "a:1"),
        ("statuses", "http_500", 2, "/cart"),
    ]
    assert {
        (e.source, e.time, e.workspace, e.environment, e.recorded_at) for e in found
    } == {("main", MINUTE * 1000, "shop", "production", int(clock.now()))}


@pytest.mark.rule(84)
def test_r84_a_window_done_again_gives_the_same_events(
    directory: SeriesDirectory, clock: FakeClock
) -> None:
    up = series(directory, "up", job="node", instance="a:1")
    block = rows(minute(up, count=4, sum=1.0))
    watching = observer(directory, clock)
    first = watching.of_rows(WINDOW, [block])
    clock.advance(3600)
    again = observer(directory, clock).of_rows(WINDOW, [block])
    assert watching.of_rows(WINDOW, [block]) == again
    assert [replace(e, recorded_at=0) for e in again] == [
        replace(e, recorded_at=0) for e in first
    ]


def test_a_row_without_numbers_shows_no_failure(
    directory: SeriesDirectory, clock: FakeClock
) -> None:
    up = series(directory, "up", job="node")
    nothing = dict.fromkeys(("sum", "min", "max", "first", "last"))
    block = rows(minute(up, count=0, **nothing))
    assert observer(directory, clock).of_rows(WINDOW, [block]) == []


def test_a_silent_sources_events_outlive_the_window_of_the_same_time(
    directory: SeriesDirectory, clock: FakeClock
) -> None:
    watching = observer(directory, clock)
    (silent,) = watching.of_failure(MINUTE, "timeout", "no answer within 30 s")
    (lost,) = watching.of_outcome(WINDOW, "lost", "nothing was recorded")
    assert lost.detector in watching.detectors
    assert silent.detector not in watching.detectors


@pytest.mark.setting("events.holes")
def test_holes_and_silent_sources_can_be_left_out(
    directory: SeriesDirectory, clock: FakeClock
) -> None:
    reported = {}
    for holes in (True, False):
        watching = observer(directory, clock, Events(holes=holes))
        found = [
            *watching.of_outcome(WINDOW, "partial", "the source warned"),
            *watching.of_failure(MINUTE, "refused", "Connection refused"),
        ]
        reported[holes] = [event.type for event in found]
    assert reported == {True: ["window_partial", "source_unreachable"], False: []}
