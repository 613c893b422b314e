"""Minutes of the real programs against a real Prometheus, with everything going wrong.

One Prometheus scrapes the exporter and node_exporter every 5 s. One bridge is left
alone, one is killed at random moments, one speaks through a proxy that spoils answers,
one is stopped for minutes, and one scrapes without any Prometheus. Then Prometheus
itself is stopped for a while. In the end every row of all of them must be what the
oracle computes from Prometheus' raw samples, and what nobody recorded must say so.

EPIMETHEUS_SOAK_MINUTES sets how long it goes well (3 by default, 10 for the full run).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import subprocess
import time
import urllib.error
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from bridge.rollup.buckets import classic
from bridge.rollup.merge import merge
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution
from models.rollup import COLUMNS
from tests.e2e.faulty_proxy import FAULTS, FaultyProxy
from tests.e2e.programs import (
    ALWAYS_FIRING,
    RunningBridge,
    RunningExporter,
    free_port,
    prometheus_config,
    prometheus_source,
    scrape_source,
)
from tests.oracle import (
    Expected,
    ExpectedFamily,
    Key,
    Samples,
    Scrape,
    counters,
    expected_family,
    expected_row,
    histograms_among,
    merged,
    raw_samples,
)
from tests.servers import RealNodeExporter, RealPrometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]

MINUTES: Final = float(os.environ.get("EPIMETHEUS_SOAK_MINUTES", "3"))
FULL: Final = MINUTES >= 10
KILLS: Final = 20 if FULL else 8
BRIDGE_STOPPED: Final = 300 if FULL else 100
PROMETHEUS_STOPPED: Final = 120 if FULL else 75
INTERVAL: Final = 5
FIGURES: Final = ("count", "sum", "min", "max", "first", "last", "increase", "resets")


@dataclass
class Soak:
    """Everything that ran, and what Prometheus holds of it."""

    quiet: RunningBridge
    killed: RunningBridge
    through_proxy: RunningBridge
    stopped: RunningBridge
    alone: RunningBridge
    samples: dict[Key, Samples]
    histograms: dict[Key, dict[int, Scrape]]
    counters: set[str]
    dead: int
    gap: tuple[int, int]
    newest: int
    spoilt: dict[str, int]
    kills: int


@pytest.fixture(scope="module")
def soak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Soak]:
    root = tmp_path_factory.mktemp("soak")
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(RunningExporter(root / "exporter"))
        node = stack.enter_context(RealNodeExporter(root / "node"))
        prometheus = RealPrometheus(root / "prometheus")
        dead = free_port()
        prometheus.config = prometheus_config(
            prometheus.port, INTERVAL, exporter.port, node.port, dead
        )
        prometheus.directory.mkdir()
        (prometheus.directory / "rules.yml").write_text(ALWAYS_FIRING)
        stack.enter_context(prometheus)
        proxy = stack.enter_context(FaultyProxy(prometheus.url, share=0.0))
        _await_samples(prometheus)
        sources = [prometheus_source(prometheus.url, timeout="3s")]
        # The oracle knows of nothing but samples.
        rollup = {"first_sample": "baseline"}
        bridges = {
            name: RunningBridge(root / name, sources, rollup=rollup)
            for name in ("quiet", "killed", "stopped")
        }
        bridges["through_proxy"] = RunningBridge(
            root / "through_proxy",
            [prometheus_source(proxy.url, timeout="3s")],
            rollup=rollup,
        )
        bridges["alone"] = RunningBridge(
            root / "alone", [scrape_source(INTERVAL, exporter.url)]
        )
        for bridge in bridges.values():
            stack.enter_context(bridge)
        proxy.share = 0.1
        kills = _go_well(bridges, prometheus)
        gap = _stop_prometheus(prometheus)
        proxy.share = 0.0
        bridges["stopped"].start()
        newest = int(time.time()) // 60 * 60
        for bridge in bridges.values():
            bridge.wait_for(newest, 240)
        begin = min(min(bridge.states()) for bridge in bridges.values())
        samples = raw_samples(prometheus.url, _ms(begin - 300), _ms(newest + 60))
        histograms = histograms_among(samples)
        yield Soak(
            **bridges,
            samples=samples,
            histograms=histograms,
            counters=counters(prometheus.url),
            dead=dead,
            gap=gap,
            newest=newest,
            spoilt=dict(proxy.spoilt),
            kills=kills,
        )


def _ms(seconds: int) -> int:
    return seconds * 1000


def _await_samples(prometheus: RealPrometheus) -> None:
    """Wait until the first window is one that Prometheus recorded from its start."""
    while not prometheus.query("count(up == 1) == 3", time.time()):
        time.sleep(0.5)
    time.sleep(60 - time.time() % 60)


def _ask_wrongly(prometheus: RealPrometheus) -> None:
    """Have Prometheus answer 400, which it counts."""
    with contextlib.suppress(urllib.error.HTTPError):
        prometheus.api("label/a-b/values")


def _go_well(bridges: dict[str, RunningBridge], prometheus: RealPrometheus) -> int:
    """Let time pass; kill one bridge again and again, stop another towards the end."""
    chance = random.Random(20)
    end = time.time() + MINUTES * 60
    moments = sorted(chance.uniform(time.time() + 5, end - 5) for _ in range(KILLS))
    stop_at = end + PROMETHEUS_STOPPED - BRIDGE_STOPPED
    kills = 0
    while time.time() < end:
        _ask_wrongly(prometheus)
        if moments and time.time() >= moments[0]:
            moments.pop(0)
            bridges["killed"].kill_9()
            bridges["killed"].start_unready()
            kills += 1
        if time.time() >= stop_at:
            bridges["stopped"].stop()
            stop_at = end + 1e9
        time.sleep(0.1)
    return kills


def _stop_prometheus(prometheus: RealPrometheus) -> tuple[int, int]:
    prometheus.stop()
    began = int(time.time())
    time.sleep(PROMETHEUS_STOPPED)
    prometheus.start()
    return began, int(time.time())


def rows_of(bridge: RunningBridge) -> dict[tuple[Key, int], Expected]:
    """All minute rows of a bridge by series and start, but those of histograms."""
    return {
        ((row[0], row[1]), row[2]): Expected(*row[3:])
        for row in bridge.ask(
            "SELECT s.metric, s.labels, r.start, "
            f"{', '.join(f'r.{name}' for name in FIGURES)} "
            "FROM rollup_minute r JOIN series s ON s.id = r.series_id "
            "WHERE s.kind <> 'histogram'"
        )
    }


def families_of(bridge: RunningBridge) -> dict[tuple[Key, int], ExpectedFamily]:
    """All minute rows of histograms by series and start."""
    layouts = {
        layout: [float(bound) for bound in json.loads(bounds)]
        for layout, bounds in bridge.ask("SELECT id, bounds FROM layouts")
    }
    found = {}
    for metric, labels, start, *figures, buckets in bridge.ask(
        "SELECT s.metric, s.labels, r.start, r.count, r.sum, r.first, r.last, "
        "r.increase, r.resets, r.buckets FROM rollup_minute r "
        "JOIN series s ON s.id = r.series_id WHERE s.kind = 'histogram'"
    ):
        rose: dict[float, float] = {}
        for layout, pile in classic.increases([buckets], np.zeros(1, int)).items():
            summed = np.cumsum(pile.counts[0]).tolist()
            rose |= dict(zip(layouts[layout], summed, strict=True))
        rose = rose if any(rose.values()) else {}
        count, total, first, last, increase, resets = figures
        found[(metric, labels), start] = ExpectedFamily(
            count, total, first, last, increase, resets, rose
        )
    return found


def truth_of(soak: Soak, bridge: RunningBridge) -> dict[tuple[Key, int], Expected]:
    """What the rows of a bridge must be, from Prometheus' raw samples."""
    kinds = dict(bridge.ask("SELECT metric, kind FROM series"))
    truth = {}
    for key, samples in soak.samples.items():
        for start in bridge.states():
            kind = kinds.get(key[0])
            row = expected_row(
                samples, _ms(start), _ms(start + 60), counter=kind == "counter"
            )
            if row is not None:
                truth[key, start] = replace(row, sum=None) if kind == "summary" else row
    return truth


BRIDGES = ("quiet", "killed", "through_proxy", "stopped")


@pytest.mark.parametrize("name", BRIDGES)
def test_every_row_equals_what_the_raw_samples_say(soak: Soak, name: str) -> None:
    bridge = getattr(soak, name)
    rows, truth = rows_of(bridge), truth_of(soak, bridge)
    differing = {
        key: (rows.get(key), truth.get(key))
        for key in rows.keys() | truth.keys()
        if rows.get(key) != truth.get(key)
    }
    series = {key for key, _ in rows}
    assert differing == {}
    assert len(series) >= 200
    assert sum(row.increase is not None for row in rows.values()) >= 200


@pytest.mark.parametrize("name", BRIDGES)
def test_histograms_are_what_their_parts_say(soak: Soak, name: str) -> None:
    bridge = getattr(soak, name)
    rows = families_of(bridge)
    truth = {
        (key, start): row
        for key, scrapes in soak.histograms.items()
        for start in bridge.states()
        if (row := expected_family(scrapes, _ms(start), _ms(start + 60))) is not None
    }
    differing = {
        key: (rows.get(key), truth.get(key))
        for key in rows.keys() | truth.keys()
        if rows.get(key) != truth.get(key)
    }
    assert differing == {}
    assert len({key for key, _ in rows}) >= 10
    assert sum(row.increase > 0 for row in rows.values()) >= 10


def test_counters_are_those_that_metadata_calls_so(soak: Soak) -> None:
    kinds = dict(soak.quiet.ask("SELECT metric, kind FROM series"))
    told = {name for name in kinds if name in soak.counters}
    assert len(told) >= 100
    assert {kinds[name] for name in told} == {"counter"}
    untold = {name for name, kind in kinds.items() if kind == "counter"} - told
    assert all(name.endswith("_total") for name in untold)


@pytest.mark.parametrize("name", BRIDGES)
def test_no_window_is_missing_and_none_is_there_twice(soak: Soak, name: str) -> None:
    starts = list(getattr(soak, name).states())
    assert starts == list(range(starts[0], soak.newest + 60, 60))


def test_kills_leave_the_rows_of_an_undisturbed_run(soak: Soak) -> None:
    assert soak.kills == KILLS
    assert rows_of(soak.killed) == rows_of(soak.quiet)


@pytest.mark.parametrize("name", BRIDGES)
def test_windows_say_what_prometheus_recorded_of_them(soak: Soak, name: str) -> None:
    heard = sorted({t for samples in soak.samples.values() for t, _ in samples})
    states = getattr(soak, name).states()
    for start, state in states.items():
        inside = [t for t in heard if _ms(start) <= t < _ms(start + 60)]
        edges = [_ms(start), *inside, _ms(start + 60)]
        silence = max(b - a for a, b in itertools.pairwise(edges))
        if not inside:
            assert state == "lost"
        elif silence > 2 * _ms(INTERVAL) + 2000:
            assert state == "partial"
        elif silence < 2 * _ms(INTERVAL) - 1000:
            assert state == "done"
    began, ended = soak.gap
    inner = [s for s in states if began + INTERVAL <= s and s + 60 <= ended]
    assert inner or not FULL
    assert {states[start] for start in inner} <= {"lost"}


@pytest.mark.parametrize("name", BRIDGES)
def test_events_tell_of_windows_that_are_not_whole(soak: Soak, name: str) -> None:
    bridge = getattr(soak, name)
    unwhole = {start for start, state in bridge.states().items() if state != "done"}
    told = {
        time_ms // 1000
        for (time_ms,) in bridge.ask(
            "SELECT time FROM error_events WHERE detector = 'holes'"
        )
    }
    assert told == unwhole
    assert unwhole


def test_events_tell_that_prometheus_did_not_answer(soak: Soak) -> None:
    began, ended = soak.gap
    times = [
        time_ms // 1000
        for (time_ms,) in soak.quiet.ask(
            "SELECT time FROM error_events WHERE type = 'source_unreachable' "
            "ORDER BY time"
        )
    ]
    assert any(began - 60 <= start <= ended for start in times)


def test_events_tell_of_targets_requests_and_alerts(soak: Soak) -> None:
    found = {
        (category, kind): (windows, occurrences)
        for category, kind, windows, occurrences in soak.quiet.ask(
            "SELECT category, type, COUNT(DISTINCT time), SUM(occurrences) "
            "FROM error_events GROUP BY category, type"
        )
    }
    down = [
        (row.count - row.sum)
        for (key, _), row in truth_of(soak, soak.quiet).items()
        if key[0] == "up" and row.sum is not None and row.min == 0
    ]
    scrapes = found.pop(("availability", "scrape_failed"))
    assert scrapes[1] == sum(down)
    ((message,),) = soak.quiet.ask(
        "SELECT DISTINCT message FROM error_events WHERE type = 'scrape_failed' "
        f"AND message LIKE '%127.0.0.1:{soak.dead}%12 of 12%'"
    )
    assert f"127.0.0.1:{soak.dead} (job node) failed 12 of 12 times" in message
    refused = [
        row.increase
        for (key, _), row in truth_of(soak, soak.quiet).items()
        if key[0].endswith(("_requests_total", "_count"))
        and '"code":"400"' in key[1]
        and row.increase
    ]
    assert found.pop(("client_error", "http_400"))[1] == sum(refused)
    assert found.pop(("alert", "AlwaysOn"))[0] >= MINUTES


def test_the_proxy_spoilt_answers_in_every_way(soak: Soak) -> None:
    assert set(soak.spoilt) == set(FAULTS)


def test_minutes_merge_into_what_the_oracle_merges(soak: Soak) -> None:
    names = {
        number: (metric, labels)
        for number, metric, labels in soak.quiet.ask(
            "SELECT id, metric, labels FROM series WHERE kind <> 'histogram'"
        )
    }
    rows = [
        Rows(**dict(zip(COLUMNS, columns, strict=True)))
        for columns in _columns_by_minute(soak.quiet)
    ]
    hour = merge(rows, Resolution.HOUR)
    hour = hour.take(np.isin(hour.series_id, list(names)))
    groups: dict[tuple[Key, int], list[Expected]] = {}
    for (key, start), row in sorted(rows_of(soak.quiet).items()):
        groups.setdefault((key, start // 3600 * 3600), []).append(row)
    found = {
        (names[int(hour.series_id[i])], int(hour.start[i])): Expected(
            **{name: _or_none(getattr(hour, name)[i]) for name in FIGURES}
        )
        for i in range(len(hour))
    }
    assert found == {key: merged(rows) for key, rows in groups.items()}


def _columns_by_minute(bridge: RunningBridge) -> Iterator[list[np.ndarray]]:
    for start in bridge.states():
        rows = bridge.ask(
            f"SELECT {', '.join(COLUMNS)} FROM rollup_minute WHERE start = ? "
            "ORDER BY series_id",
            start,
        )
        if rows:
            yield [
                np.array(column, dtype=_type(name))
                for name, column in zip(COLUMNS, zip(*rows, strict=True), strict=True)
            ]


def _type(column: str) -> type:
    if column == "buckets":
        return np.object_
    return np.float64 if column in FIGURES[1:7] else np.int64


def _or_none(value: Any) -> Any:
    return None if np.isnan(value) else value


def test_without_prometheus_the_bridge_scrapes_itself(soak: Soak) -> None:
    states = soak.alone.states()
    whole = [start for start, state in states.items() if state == "done"]
    assert len(whole) >= MINUTES - 1
    newest = max(whole)
    ((count, low, high),) = soak.alone.ask(
        "SELECT r.count, r.min, r.max FROM rollup_minute r "
        "JOIN series s ON s.id = r.series_id "
        "WHERE s.metric = 'node_load1' AND r.start = ?",
        newest,
    )
    assert count == 60 // INTERVAL
    assert low <= high
    answer = soak.alone.get(
        f"/api/v1/rollups?match=node_load1&resolution=minute&start={newest}"
        f"&end={newest + 60}&aggregate=max,count"
    )
    (series,) = answer["series"]
    assert series["max"] == [high]
    assert series["count"] == [count]


def test_sigterm_ends_a_bridge_and_its_workers(soak: Soak) -> None:
    bridge = soak.alone
    pid = bridge.pid
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert children
    bridge.stop()
    assert not any(_alive(child) for child in [pid, *map(int, children)])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
