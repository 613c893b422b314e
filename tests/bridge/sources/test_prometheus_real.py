"""The source against Debian's Prometheus, with history that promtool writes."""

from __future__ import annotations

import math
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bridge.sources.base import Presence, Warnings
from bridge.sources.ranges import between
from runtime.clock import SystemClock
from tests.bridge.sources.reading import Harness, members
from tests.servers import RealNodeExporter, RealPrometheus, create_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bridge.sources.reading import Labels, Read

MINUTE = 60_000
START = 1_700_000_040_000
"""The first minute of the history; it lasts for ten."""

VALUES = [
    "",
    "a",
    "A",
    "a.b",
    "a|b",
    "a\nb",
    'quo"te',
    "back\\slash",
    "[x-y]",
    "^$",
    "(?i)a",
    "é",
    "\u7aef\u53e3",
    "\U0001f600",
    "z" * 300,
    "z" * 300 + "1",
    " ",
    "~",
]


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def history() -> Iterator[str]:
    """Write series with awkward labels, with odd values, and with many of a name."""
    yield "# TYPE borders gauge"
    for at in (START - 1, START, START + MINUTE - 1, START + MINUTE):
        yield f'borders{{job="edge"}} {at} {at / 1000:.3f}'
    yield "# TYPE odd gauge"
    for n, value in enumerate(["NaN", "+Inf", "-Inf", "-0", "1e-320", "1.7e308"]):
        yield f'odd{{le="+Inf"}} {value} {START / 1000 + n}'
    yield "# TYPE awkward gauge"
    for n, value in enumerate(VALUES):
        yield f'awkward{{value="{quoted(value)}",n="{n}"}} 1 {START / 1000 + 1}'
        yield f'awkward{{value="{quoted(value)}"}} 2 {START / 1000 + 2}'
    for name, size in (("many", 700), ("few", 60), ("some", 150)):
        yield f"# TYPE {name} counter"
        for n in range(size):
            labels = f'instance="i{n % 9}:9100",path="/{n}",unlike_{n % 3}="{n}"'
            for second in range(0, 600, 20):
                when = START / 1000 + second + n % 20
                yield f"{name}_total{{{labels}}} {second + n} {when}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    create_blocks(directory / "data", history())
    with RealPrometheus(directory) as prometheus:
        yield prometheus


def harness(server: RealPrometheus, **changed: object) -> Harness:
    return Harness(server.url, SystemClock(), **changed)  # type: ignore[arg-type]  # settings of any type


def comparable(
    samples: dict[Labels, list[tuple[int, float]]],
) -> dict[Labels, list[tuple[int, str]]]:
    """Return values as text, so that NaN equals NaN; minus zero is zero."""
    return {
        labels: [(at, repr(value + 0.0)) for at, value in run]
        for labels, run in samples.items()
    }


EVERYTHING = '{__name__=~".+"}'


@pytest.mark.parametrize("transport", ["http", "remote_read"])
@pytest.mark.parametrize("shard", [100, 5000])
def test_every_window_equals_an_independent_reading(
    server: RealPrometheus, shard: int, transport: str
) -> None:
    with closing(harness(server, shard=shard, transport=transport)) as bench:
        for minute in range(-1, 12):
            start = START + minute * MINUTE
            expected = server.samples(EVERYTHING, start, start + MINUTE)
            assert len(expected) > 900 or minute not in range(10)
            found = bench.read(start, start + MINUTE)
            assert comparable(found.samples) == comparable(expected)
    assert bench.warnings.messages == []


@pytest.mark.rule(1)
@pytest.mark.rule(2)
def test_r1_r2_samples_exactly_on_the_minute_belong_to_the_minute_they_begin(
    server: RealPrometheus,
) -> None:
    (edge,) = [(("__name__", "borders"), ("job", "edge"))]
    selected = {"selectors": ('{job="edge"}',)}
    with closing(harness(server, **selected)) as bench:
        found = [
            bench.read(START + n * MINUTE, START + (n + 1) * MINUTE).samples
            for n in (-1, 0, 1)
        ]
    assert [[at for at, _ in window[edge]] for window in found] == [
        [START - 1],
        [START, START + MINUTE - 1],
        [START + MINUTE],
    ]


@pytest.mark.rule(65)
@pytest.mark.parametrize("transport", ["http", "remote_read"])
def test_r65_samples_are_counted_as_they_are_read(
    server: RealPrometheus, transport: str
) -> None:
    changed = {"shard": 100, "transport": transport}
    overlapping = ('{job="edge"}', '{__name__=~"borders|odd"}', "many_total")
    for selectors in ((EVERYTHING,), overlapping):
        with closing(harness(server, selectors=selectors, **changed)) as bench:
            for low, high in ((-1, 0), (0, 1), (3, 4), (9, 10)):
                span = (START + low * MINUTE, START + high * MINUTE)
                bench.warnings = Warnings()
                bench.read(*span)
                assert bench.warnings.held == bench.source.count(*span)
            tenfold = bench.source.count(START, START + 10 * MINUTE)
            assert tenfold == sum(
                bench.source.count(at, at + MINUTE) or 0
                for at in range(START, START + 10 * MINUTE, MINUTE)
            )


@pytest.mark.parametrize("transport", ["http", "remote_read"])
def test_odd_values_arrive_as_they_are(server: RealPrometheus, transport: str) -> None:
    selected = {"selectors": ("odd",), "transport": transport}
    with closing(harness(server, **selected)) as bench:
        (values,) = bench.read(START, START + MINUTE).samples.values()
    assert math.isnan(values[0][1])
    assert [value for _, value in values[1:]] == [
        math.inf,
        -math.inf,
        0.0,
        1e-320,
        1.7e308,
    ]


@pytest.mark.parametrize("transport", ["http", "remote_read"])
def test_labels_survive_being_divided_by(
    server: RealPrometheus, transport: str
) -> None:
    selected = {"selectors": ("awkward",), "shard": 100, "transport": transport}
    with closing(harness(server, **selected)) as bench:
        found = bench.read(START, START + MINUTE)
    assert sorted({dict(labels).get("value", "") for labels in found.samples}) == (
        sorted(VALUES)
    )
    assert len(found.samples) == 2 * len(VALUES)


def test_ranges_of_awkward_values_are_read_by_re2_as_by_us(
    server: RealPrometheus,
) -> None:
    for low in VALUES:
        for high in [*VALUES, None]:
            if high is not None and low >= high:
                continue
            expression = between(low, high).replace("\\", "\\\\").replace('"', '\\"')
            query = f'awkward{{n!="",value=~"{expression}"}}'.replace("\n", "\\n")
            found = server.query(query, START / 1000 + 2)
            inside = [
                value for value in VALUES if low <= value < (high or "\U0010ffff")
            ]
            assert sorted(one["metric"].get("value", "") for one in found) == (
                sorted(inside)
            )


def test_requests_are_one_per_name_and_one_more_per_shard_of_its_series(
    server: RealPrometheus,
) -> None:
    def requests(bench: Harness) -> float:
        labels = {"source": "main", "outcome": "ok"}
        name = "epimetheus_source_requests_total"
        return bench.registry.get_sample_value(name, labels) or 0.0

    with closing(harness(server, shard=100, transport="http")) as bench:
        sizes: dict[str, int] = {}
        for labels in bench.read(START, START + MINUTE).samples:
            name = dict(labels)["__name__"]
            sizes[name] = sizes.get(name, 0) + 1
        assert sizes == {
            "borders": 1,
            "odd": 1,
            "awkward": 2 * len(VALUES),
            "many_total": 700,
            "few_total": 60,
            "some_total": 150,
        }
        before = requests(bench)
        bench.read(START + MINUTE, START + 2 * MINUTE)
        bound = sum(1 + size // 100 for size in sizes.values())
        assert requests(bench) - before <= bound == 14


def test_the_history_begins_with_its_first_sample(server: RealPrometheus) -> None:
    with closing(harness(server)) as bench:
        long_ago = START - 40 * 86_400_000
        assert bench.source.earliest_ms(long_ago) == START - 1000
        assert bench.source.earliest_ms(START + 300_000) == START + 300_000
        assert bench.source.earliest_ms(START + 86_400_000) is None
        assert bench.source.presence(START, START + MINUTE) == Presence(
            recording=True, interval_ms=None
        )
        assert not bench.source.presence(START - MINUTE * 9, START - MINUTE).recording


def test_the_clock_is_the_servers(server: RealPrometheus) -> None:
    with closing(harness(server)) as bench:
        assert abs(bench.source.now_ms() / 1000 - time.time()) < 60


CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
- job_name: prometheus
  static_configs: [targets: ["127.0.0.1:{prometheus}"]]
- job_name: node
  scrape_interval: 500ms
  scrape_timeout: 500ms
  static_configs: [targets: ["127.0.0.1:{node}"]]
"""

RULES = """\
groups:
- name: g
  rules:
  - {record: "job:up:sum", expr: "sum by(job) (up)"}
  - {alert: Always, expr: "vector(1)"}
"""


def recorded(server: RealPrometheus, bench: Harness) -> tuple[int, Read]:
    """Read two seconds that are over, once all of it is being recorded."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        end = bench.source.now_ms() // 1000 * 1000 - 1000
        found = bench.read(end - 2000, end)
        often = {
            dict(labels)["__name__"]
            for labels, samples in found.samples.items()
            if len(samples) >= 2
        }
        if {"up", "node_load1", "job:up:sum", "ALERTS", "go_goroutines"} <= often:
            return end, bench.read(end - 2000, end)
        time.sleep(0.05)
    raise AssertionError("Prometheus recorded nothing")


def histograms_among(
    samples: dict[Labels, list[tuple[int, float]]],
) -> dict[tuple[Labels, str, float], list[tuple[int, float]]]:
    """Take the members of histograms out of samples; by family, suffix and bound."""
    bases = {
        dict(one)["__name__"].removesuffix("_bucket")
        for one in samples
        if "le" in dict(one)
    }
    found = {}
    for one in list(samples):
        labels = dict(one)
        name = labels.pop("__name__")
        for suffix in ("_bucket", "_sum", "_count"):
            if name.endswith(suffix) and name.removesuffix(suffix) in bases:
                bound = float(labels.pop("le", 0.0))
                labels["__name__"] = name.removesuffix(suffix)
                family = tuple(sorted(labels.items()))
                found[family, suffix, bound] = samples.pop(one)
    assert len(found) > 100
    return found


def test_what_a_live_server_scrapes_is_read_with_its_kinds_and_intervals(
    server: RealPrometheus, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("live")
    (directory / "rules.yml").write_text(RULES, encoding="utf-8")
    with RealNodeExporter(directory / "node") as node:
        live = RealPrometheus(directory)
        live.config = CONFIG.format(prometheus=live.port, node=node.port)
        with live, closing(harness(live, refresh="500ms")) as bench:
            end, found = recorded(live, bench)
            expected = live.samples(EVERYTHING, end - 2000, end)
            of_families = histograms_among(expected)
            assert members(found.families, bench.directory.names()) == of_families
            assert comparable(found.samples) == comparable(expected)
            presence = bench.source.presence(end - 2000, end)
    assert presence.recording
    assert presence.interval_ms is not None
    assert 400 <= presence.interval_ms <= 600
    counters = {dict(labels)["__name__"] for labels in found.counters}
    names = {dict(labels)["__name__"] for labels in found.samples}
    assert {
        "node_cpu_seconds_total",
        "node_context_switches_total",
        "go_gc_duration_seconds_sum",
        "process_cpu_seconds_total",
    } <= counters
    assert {"up", "go_gc_duration_seconds", "node_load1", "ALERTS"} <= names - counters
    by_job = {
        dict(labels).get("job"): samples for labels, samples in found.expected.items()
    }
    assert by_job == {"prometheus": 60, "node": 120, None: 60}
