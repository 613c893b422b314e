"""Histograms and summaries of programs, all the way to rows, against an oracle."""

from __future__ import annotations

import math
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Histogram, Summary, generate_latest

from bridge.composition import compose, parts_of
from bridge.rollup.buckets import classic
from bridge.rollup.rows import Flag
from bridge.rollup.windows import Window
from bridge.telemetry import Telemetry
from bridge.writer import Writer
from models.database import Database, open_database
from models.migrate import Migrations
from models.queries.layouts import bounds_of
from runtime.clock import SystemClock
from runtime.settings import Settings
from tests.oracle import (
    Expected,
    ExpectedFamily,
    Key,
    Samples,
    expected_family,
    expected_row,
    histograms_among,
    raw_samples,
)
from tests.servers import RealPrometheus, create_blocks
from tests.web import FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bridge.rollup.engine import Engine

    Snapshot = tuple[Mapping[str, float], float]

BEGIN = 1_700_000_040
INF = math.inf


@contextmanager
def bridge(
    directory: Path, url: str, transport: str
) -> Iterator[tuple[Engine, Database]]:
    """A bridge that was just started on the database in a directory."""
    db = open_database(f"sqlite:///{directory / 'rows.db'}")
    Migrations(db).up()
    settings = Settings.model_validate(
        {
            "sources": [
                {
                    "name": "main",
                    "kind": "prometheus",
                    "url": url,
                    "transport": transport,
                }
            ],
            "rollup": {"first_sample": "baseline"},
        }
    )
    telemetry, clock = Telemetry.create(CollectorRegistry()), SystemClock()
    writer = Writer(telemetry, clock, db.close)
    writer.start()
    parts = parts_of(db, writer, telemetry, clock)
    composition = compose(settings, parts, writer)
    yield composition.engines[0], db
    composition.close()
    writer.stop()
    db.close()


def family_rows(db: Database) -> dict[tuple[Key, int], ExpectedFamily]:
    """All minute rows of histograms by series and start."""
    found = {}
    for (
        metric,
        labels,
        start,
        count,
        total,
        first,
        last,
        increase,
        resets,
        buckets,
    ) in db.execute_sql(
        "SELECT s.metric, s.labels, r.start, r.count, r.sum, r.first, r.last, "
        "r.increase, r.resets, r.buckets FROM rollup_minute r "
        "JOIN series s ON s.id = r.series_id WHERE s.kind = 'histogram'"
    ).fetchall():
        rose: dict[float, float] = {}
        piles = classic.increases([bytes(buckets)], np.zeros(1, np.int64))
        for layout, pile in piles.items():
            (bounds,) = bounds_of(db, [layout]).values()
            summed = np.cumsum(pile.counts[0]).tolist()
            rose |= dict(zip(bounds, summed, strict=True)) if summed[-1] else {}
        found[(metric, labels), start] = ExpectedFamily(
            count, total, first, last, increase, resets, rose
        )
    return found


def told(at: float, name: str, snapshot: Snapshot, **labels: str) -> Iterator[str]:
    """Write a histogram as it stood at a time."""
    buckets, total = snapshot
    text = ",".join(f'{label}="{value}"' for label, value in labels.items())
    for bound, value in buckets.items():
        yield f'{name}_bucket{{{text},le="{bound}"}} {value} {at}'
    yield f"{name}_sum{{{text}}} {total} {at}"
    yield f"{name}_count{{{text}}} {buckets['+Inf']} {at}"


def history() -> Iterable[str]:
    """Four minutes, 15 s apart: a reset at 1:45, other bounds from 2:15 on."""
    yield "# TYPE h histogram"
    lines = []
    for tick in range(16):
        at = BEGIN + 15 * tick + 1
        n = tick if tick < 7 else tick - 6
        old = {"0.5": n, "1": 2 * n, "2.0": 2 * n, "+Inf": 3 * n}
        new = {"0.25": 1 * n, "1.0": 4 * n, "+Inf": 5 * n}
        snapshot = (old if tick < 9 else new, 0.7 * n)
        lines += [(at, line) for line in told(at, "h", snapshot, job="a")]
        steady = ({"1": tick, "+Inf": tick}, 0.1 * tick)
        lines += [(at, line) for line in told(at, "h", steady, job="b")]
    # Series by series, as the format wants it.
    yield from (line for _, line in sorted(lines, key=lambda one: one[1].split(" ")[0]))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    directory = tmp_path_factory.mktemp("recorded")
    create_blocks(directory / "data", history())
    with RealPrometheus(directory) as server:
        yield server


@pytest.mark.rule(26)
@pytest.mark.rule(49)
@pytest.mark.rule(53)
@pytest.mark.parametrize("transport", ["http", "remote_read"])
@pytest.mark.parametrize("restarts", [False, True])
def test_r26_r49_r53_rows_of_histograms_whatever_was_restarted(
    recorded: RealPrometheus, tmp_path: Path, transport: str, *, restarts: bool
) -> None:
    starts = [BEGIN + 60 * minute for minute in range(4)]
    runs = [[start] for start in starts] if restarts else [starts]
    for run in runs:
        with bridge(tmp_path, recorded.url, transport) as (engine, db):
            for start in run:
                engine.do(Window(start))
            rows = family_rows(db)
    scrapes = histograms_among(
        raw_samples(recorded.url, BEGIN * 1000, (BEGIN + 240) * 1000)
    )
    steady = ("h", '{"job":"b"}')
    for start in starts:
        span = (start * 1000, start * 1000 + 60_000)
        assert rows[steady, start] == expected_family(scrapes[steady], *span)
    reset = ("h", '{"job":"a"}')
    first, second, third, fourth = (rows[reset, start] for start in starts)
    assert first == ExpectedFamily(
        4, first.sum, 0, 9, 9, 0, {0.5: 3, 1: 6, 2: 6, INF: 9}
    )
    assert first.sum == pytest.approx(2.1)
    # 12 15 18 | 3: what rose before the reset, and all that there is after it.
    assert (second.increase, second.resets) == (9 + 3, 1)
    assert second.buckets == {0.5: 4, 1: 8, 2: 8, INF: 12}
    # 6 | 15 20 25 by other bounds: from 6 to 15 is all that is known of that step.
    assert (third.increase, third.resets) == (3 + 9 + 5 + 5, 0)
    assert (fourth.increase, fourth.last) == (20, 45)
    assert fourth.buckets == {0.25: 4, 1: 16, INF: 20}


class Program:
    """A program with a histogram and a summary, which may be restarted."""

    def __init__(self) -> None:
        self.busy = threading.Lock()  # a scrape sees all of some work or none of it
        self.restart(0.1, 1.0)

    def restart(self, *bounds: float) -> None:
        self.registry = CollectorRegistry()
        self.latency = Histogram(
            "latency_seconds", "L.", ["path"], registry=self.registry, buckets=bounds
        )
        self.size = Summary("size_bytes", "S.", registry=self.registry)

    def work(self, *seconds: float) -> None:
        with self.busy:
            for one in seconds:
                self.latency.labels("/").observe(one)
                self.size.observe(100 * one)

    def answer(self, _: Any) -> Told:
        quantiles = b'# TYPE wait summary\nwait{quantile="0.5"} 3\nwait_sum 9\n'
        headers = {"Content-Type": "text/plain; version=0.0.4"}
        with self.busy:
            return Told(generate_latest(self.registry) + quantiles, headers=headers)


CONFIG = """\
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
scrape_configs:
- job_name: program
  static_configs: [targets: ["127.0.0.1:{port}"]]
"""


def wait_for(server: RealPrometheus, query: str) -> None:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        if server.query(query, time.time()):
            return
        time.sleep(0.05)
    raise AssertionError(f"never {query}")


def rows_of(db: Database, kind: str) -> dict[tuple[Key, int], tuple[Expected, int]]:
    """All minute rows of a kind with their flags, by series and start."""
    return {
        ((row[0], row[1]), row[2]): (Expected(*row[4:]), row[3])
        for row in db.execute_sql(
            "SELECT s.metric, s.labels, r.start, r.flags, r.count, r.sum, r.min, "
            "r.max, r.first, r.last, r.increase, r.resets FROM rollup_minute r "
            "JOIN series s ON s.id = r.series_id WHERE s.kind = ?",
            (kind,),
        ).fetchall()
    }


def run(program: Program, server: RealPrometheus) -> None:
    """Let the program work and start anew, and then let nothing more be scraped."""
    wait_for(server, "size_bytes_count == 0")
    program.work(0.05, 0.5, 5.0)
    wait_for(server, "latency_seconds_count == 3")
    program.restart(0.1, 1.0)
    program.work(0.01, 0.02)
    wait_for(server, "latency_seconds_count == 2")
    program.work(7.0)
    wait_for(server, "latency_seconds_count == 3")
    config = server.config.replace("interval: 100ms", "interval: 10h")
    (server.directory / "prometheus.yml").write_text(config)
    reload = urllib.request.Request(f"{server.url}/-/reload", method="POST")
    with urllib.request.urlopen(reload, timeout=30):
        pass


@pytest.mark.rule(56)
@pytest.mark.parametrize("transport", ["http", "remote_read"])
def test_r56_what_a_live_program_says_is_what_the_raw_samples_say(
    tmp_path: Path, transport: str
) -> None:
    program = Program()
    with (
        FakeWeb(program.answer) as web,
        RealPrometheus(tmp_path / "server", CONFIG.format(port=web.port)) as server,
    ):
        begin = int(time.time()) // 60 * 60
        run(program, server)
        minutes = range(begin, int(time.time()) // 60 * 60 + 60, 60)
        with bridge(tmp_path, server.url, transport) as (engine, db):
            for start in minutes:
                engine.do(Window(start))
                engine.do(Window(start))  # start times may first have to be met
            families = family_rows(db)
            summaries, counters = rows_of(db, "summary"), rows_of(db, "counter")
        series = raw_samples(server.url, begin * 1000, minutes.stop * 1000)
    assert families == {
        (key, start): row
        for key, found in histograms_among(series).items()
        for start in minutes
        if (row := expected_family(found, start * 1000, start * 1000 + 60_000))
    }
    assert sum(row.resets for row in families.values()) == 1
    assert sum(row.increase for row in families.values()) == 3, "the first 3 are old"
    assert summaries == {
        (key, start): (replace(row, sum=None), Flag.QUANTILE | Flag.NO_SUM)
        for key, start, row in expected(series, "wait", minutes, counter=False)
    }
    assert summaries
    for name in ("size_bytes_sum", "size_bytes_count", "wait_sum"):
        rows = list(expected(series, name, minutes, counter=True))
        assert rows
        assert [counters[key, start][0] for key, start, _ in rows] == [
            row for *_, row in rows
        ]


def expected(
    series: dict[Key, Samples], name: str, minutes: range, *, counter: bool
) -> Iterator[tuple[Key, int, Expected]]:
    """The rows of a metric by the oracle."""
    for key, samples in series.items():
        for start in minutes:
            span = (start * 1000, start * 1000 + 60_000)
            row = expected_row(samples, *span, counter=counter)
            if row is not None and key[0] == name:
                yield key, start, row
