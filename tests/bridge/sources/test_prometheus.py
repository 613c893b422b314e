from __future__ import annotations

import math
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from bridge.sources.base import Block, Families, Natives, Presence, SourceError
from runtime.config import read_secret
from runtime.settings import PrometheusSource as Settings
from tests.bridge.sources.reading import Harness
from tests.fake_prometheus import FakePrometheus, labels
from tests.web import Asked, Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes import FakeClock

START = 1_700_000_040_000
END = START + 60_000
EVERY_15_S = [(START + 15_000 * n, float(n)) for n in range(4)]


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus() as fake:
        yield fake


def harness(server: FakePrometheus, clock: FakeClock, **changed: Any) -> Harness:
    chosen = {"retries": 0, "transport": "http", **changed}
    return Harness(server.url, clock, **chosen)


@pytest.mark.rule(1)
@pytest.mark.rule(2)
@pytest.mark.parametrize("left_open", [False, True])
def test_r1_r2_a_window_has_its_start_and_not_its_end_in_both_versions(
    server: FakePrometheus, clock: FakeClock, *, left_open: bool
) -> None:
    server.left_open = left_open
    times = [START - 1, START, END - 1, END]
    server.add("x", [(at, float(at)) for at in times], job="a")
    with closing(harness(server, clock)) as bench:
        for start in (START - 60_000, START, END):
            window = bench.read(start, start + 60_000)
            inside = [(at, float(at)) for at in times if start <= at < start + 60_000]
            assert window.samples == {labels("x", job="a"): inside}


@pytest.mark.rule(20)
def test_r20_a_gap_in_a_gauge_is_not_filled_with_its_last_value(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", [(START, 1.0), (START + 240_000, 2.0)])
    with closing(harness(server, clock)) as bench:
        found = [
            len(bench.read(at, at + 60_000).samples)
            for at in range(START, START + 300_000, 60_000)
        ]
    assert found == [1, 0, 0, 0, 1]
    assert "query_range" not in server.paths


@pytest.mark.setting("sources.prometheus.url")
def test_the_server_is_where_the_url_says(clock: FakeClock) -> None:
    with FakePrometheus() as here, FakePrometheus(now=5.0) as there:
        with closing(Harness(f"{there.url}/", clock)) as bench:
            assert bench.source.now_ms() == 5000
        assert here.paths == []


@pytest.mark.setting("sources.prometheus.selectors")
def test_only_selected_series_are_read_and_each_once(
    server: FakePrometheus, clock: FakeClock
) -> None:
    for name, job in [("up", "a"), ("x", "a"), ("y", "b"), ("ALERTS", "b"), ("x", "c")]:
        server.add(name, EVERY_15_S, job=job)
    selectors = ('{job="a"}', '{job=~"a|b",__name__=~"x|y"}')
    bench = harness(server, clock, selectors=selectors, also=("ALERTS", "up"))
    with closing(bench):
        for _ in range(2):
            assert bench.read(START, END).samples == {
                labels("up", job="a"): EVERY_15_S,
                labels("x", job="a"): EVERY_15_S,
                labels("y", job="b"): EVERY_15_S,
                labels("ALERTS", job="b"): EVERY_15_S,
            }


def test_a_narrowed_source_reads_only_what_matches(
    server: FakePrometheus, clock: FakeClock
) -> None:
    for name, job in [("up", "a"), ("x", "a"), ("y", "a"), ("x", "b"), ("x", "c")]:
        server.add(name, EVERY_15_S, job=job)
    bench = harness(server, clock, selectors=('{job=~"a|b"}',), also=("up",))
    with closing(bench):
        whole = bench.read(START, END)
        plain, bench.source = bench.source, bench.source.narrowed(['x{job="a"}', "up"])
        for _ in range(2):
            assert bench.read(START, END).samples == {
                labels("x", job="a"): EVERY_15_S,
                labels("up", job="a"): EVERY_15_S,
            }
        bench.source = plain
        assert bench.read(START, END).samples == whole.samples
        with pytest.raises(ValueError, match="not covered by the settings"):
            plain.narrowed(['x{job="c"}'])


def test_a_selector_that_is_none_is_refused_before_anything_is_asked(
    server: FakePrometheus, clock: FakeClock
) -> None:
    with pytest.raises(ValueError, match="not a PromQL selector"):
        harness(server, clock, also=("rate(x[5m])",))
    assert server.paths == []


def many(server: FakePrometheus, shape: str) -> Counter[str]:
    """Give the server series of a shape; return how many each name has."""
    at = [(START, 1.0)]
    for name, size in {
        "big": 950,
        "huge": 1600,
        "mid": 100,
        "one": 1,
        "two": 2,
    }.items():
        for n in range(size):
            match shape:
                case "unique":
                    server.add(name, at, path=f"/{n}")
                case "grid":
                    server.add(name, at, instance=f"i{n % 13}", pod=f"p{n // 13}")
                case "lopsided":
                    server.add(name, at, le="+Inf" if n else "1", id=str(max(n, 1)))
                case "unlike":
                    server.add(name, at, **{f"label_{n % 7}": f"é\n{n}"})
    return Counter(dict(found)["__name__"] for found in server.series)


@pytest.mark.setting("sources.prometheus.shard")
@pytest.mark.parametrize("shard", [100, 200, 5000])
@pytest.mark.parametrize("shape", ["unique", "grid", "lopsided", "unlike"])
def test_requests_are_one_per_name_and_one_more_per_shard_of_its_series(
    server: FakePrometheus, clock: FakeClock, shape: str, shard: int
) -> None:
    sizes = many(server, shape)
    bound = sum(1 + size // shard for size in sizes.values())
    with closing(harness(server, clock, shard=shard)) as bench:
        for _ in range(3):
            server.web.asked.clear()
            assert len(bench.read(START, END).samples) == len(server.series)
            queries = server.range_queries
            assert len(queries) <= bound
            assert len(set(queries)) == len(queries)
        assert server.paths == ["query"] * len(queries), "a cycle asks nothing else"


def test_answers_are_about_as_large_as_a_shard(
    server: FakePrometheus, clock: FakeClock
) -> None:
    many(server, "grid")
    with closing(harness(server, clock, shard=200)) as bench:
        blocks = list(bench.source.read(START, END, bench.warnings))
        assert max(len(block.series_id) for block in blocks) <= 200 * 1.25


def test_series_that_appear_after_planning_are_read_at_once(
    server: FakePrometheus, clock: FakeClock
) -> None:
    many(server, "grid")
    later = [(END + 5000, 1.0)]
    with closing(harness(server, clock, shard=100)) as bench:
        bench.read(START, END)
        server.series.clear()
        new = ["aaa", "big_", "biz", "huge_total", "mid", "zzz", ":r:", "huge"]
        for name in new:
            for instance in ("", "i0", "i99", "j", "\U0001f600"):
                server.add(name, later, instance=instance, other=name)
        server.web.asked.clear()
        assert len(bench.read(END, END + 60_000).samples) == 5 * len(new)
        assert not [
            one for one in server.web.asked if "count" in one.fields.get("query", "")
        ]


@pytest.mark.setting("sources.prometheus.refresh")
def test_sizes_are_read_again_for_each_stretch_of_the_windows_own_time(
    server: FakePrometheus, clock: FakeClock
) -> None:
    day = 86_400_000
    server.add("today", [(START + n * 60_000, 1.0) for n in range(40)])
    server.add("yesterday", [(START - day + n * 60_000, 1.0) for n in range(40)])

    def counted() -> int:
        queries = [one.fields.get("query", "") for one in server.web.asked]
        return sum(query.startswith("count") for query in queries)

    with closing(harness(server, clock, refresh="10m")) as bench:
        for n in range(20):
            start = START + n * 60_000
            assert set(bench.read(start, start + 60_000).samples) == {labels("today")}
            start -= day
            assert set(bench.read(start, start + 60_000).samples) == {
                labels("yesterday")
            }
        assert 4 <= counted() <= 6
        server.web.asked.clear()
    with closing(harness(server, clock, refresh="1m")) as bench:
        for n in range(5):
            bench.read(START + n * 60_000, START + (n + 1) * 60_000)
        assert counted() == 5


def test_a_plan_that_has_become_far_too_coarse_is_made_anew(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", [(START, 1.0)])
    with closing(harness(server, clock, shard=100, refresh="1h")) as bench:
        bench.read(START, END)
        for n in range(500):
            server.add("x", [(END, 1.0), (END + 60_000, 1.0)], pod=str(n))
        largest = []
        for start in (END, END + 60_000):
            blocks = bench.source.read(start, start + 60_000, bench.warnings)
            largest.append(max(len(block.series_id) for block in blocks))
        assert largest[0] == 500
        assert largest[1] <= 125


@pytest.mark.setting("sources.prometheus.max_response")
def test_an_answer_over_the_limit_fails_and_is_planned_anew(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", [(START, 1.0)])
    with closing(harness(server, clock, shard=100, max_response="16KiB")) as bench:
        bench.read(START, END)
        for n in range(400):
            server.add("x", [(END, 1.0)], pod=f"{n:04}")
        with pytest.raises(SourceError) as caught:
            bench.read(END, END + 60_000)
        assert (caught.value.reason, caught.value.permanent) == ("too_large", True)
        server.interfere = lambda asked: (
            None if asked.path != "/api/v1/series" else _series(server)
        )
        assert len(bench.read(END, END + 60_000).samples) == 400


def _series(server: FakePrometheus) -> Told:
    """Answer a listing briefly enough for a small limit."""
    return server.success(
        [{"pod": dict(found).get("pod", "")} for found in server.series]
    )


def test_kinds_and_intervals_come_with_the_samples(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.metadata = {
        "reqs": [{"type": "counter", "help": "Requests.", "unit": "1"}],
        "temp": [{"type": "gauge", "help": "", "unit": ""}],
    }
    server.targets = [
        {"labels": {"job": "a", "instance": "h:1"}, "scrapeInterval": "5s"},
        {"labels": {"job": "b", "instance": "h:1"}, "scrapeInterval": "2m"},
    ]
    server.add("reqs_total", EVERY_15_S, job="a", instance="h:1")
    server.add("temp", EVERY_15_S, job="b", instance="h:1")
    server.add("rule:x", EVERY_15_S)
    with closing(harness(server, clock)) as bench:
        window = bench.read(START, END)
    reqs = labels("reqs_total", job="a", instance="h:1")
    assert window.counters == {reqs}
    assert window.expected == {
        reqs: 12,
        labels("temp", job="b", instance="h:1"): 0,
        labels("rule:x"): 4,
    }
    facts = {fact.metric: fact for fact in bench.directory.asked}
    assert (facts["reqs_total"].kind, facts["reqs_total"].help) == (
        "counter",
        "Requests.",
    )
    assert facts["temp"].kind == "gauge"
    assert facts["rule:x"].kind == "unknown"


def test_a_kind_that_becomes_known_reaches_the_series(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("jobs", [(START + n * 60_000, 1.0) for n in range(3)])
    with closing(harness(server, clock, refresh="10m")) as bench:
        assert bench.read(START, END).counters == set()
        server.metadata = {"jobs": [{"type": "counter"}], "new": [{"type": "counter"}]}
        server.add("new", [(END, 1.0)])
        assert bench.read(END, END + 60_000).counters == {labels("new")}
        assert bench.read(END + 60_000, END + 120_000).counters == {labels("jobs")}
        assert [fact.kind for fact in bench.directory.asked] == [
            "unknown",
            "counter",
            "counter",
        ]


def test_targets_are_asked_again_when_that_is_due_and_not_before(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("up", EVERY_15_S)

    def asked() -> Counter[str]:
        found = Counter(server.paths)
        server.web.asked.clear()
        return found

    with closing(harness(server, clock, refresh="10m")) as bench:
        bench.read(START, END)
        assert asked() == {"metadata": 1, "targets": 1, "status/config": 1, "query": 2}
        clock.advance(599)
        bench.read(START, END)
        assert asked() == {"query": 1}
        clock.advance(1)
        bench.read(START, END)
        assert asked() == {"metadata": 1, "targets": 1, "status/config": 1, "query": 1}


def test_what_was_known_of_targets_serves_while_they_cannot_be_read(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.metadata = {"x": [{"type": "counter"}]}
    server.add("x", EVERY_15_S)

    def only_queries(asked: Asked) -> Told | None:
        return None if asked.path == "/api/v1/query" else Told(b"busy", 503)

    with closing(harness(server, clock)) as bench:
        server.interfere = only_queries
        with pytest.raises(SourceError, match="503"):
            bench.read(START, END)
        server.interfere = lambda _: None
        assert bench.read(START, END).counters == {labels("x")}
        server.interfere = only_queries
        clock.advance(3600)
        assert bench.read(START, END).counters == {labels("x")}


def test_a_server_that_offers_queries_only_is_enough(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x_total", EVERY_15_S)
    server.interfere = lambda asked: (
        None if asked.path == "/api/v1/query" else Told(b"404 page not found", 404)
    )
    with closing(harness(server, clock)) as bench:
        window = bench.read(START, END)
    assert window.samples == {labels("x_total"): EVERY_15_S}
    assert window.counters == {labels("x_total")}
    assert window.expected == {labels("x_total"): 0}


@pytest.mark.rule(70)
def test_r70_warnings_of_any_answer_are_handed_on(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", EVERY_15_S)
    server.warnings, server.infos = ["one store is down"], ["hm"]
    with closing(harness(server, clock)) as bench:
        bench.read(START, END)
        assert bench.warnings.messages == ["one store is down", "hm"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (Told(b"busy", 503), "status"),
        (Told(b"<html>"), "garbage"),
        (Told(b'{"status":"success","data":{"resultType":"matrix","x":1}}'), "garbage"),
        (Told(b'{"status"' + b" " * 99, cut=30), "truncated"),
        (Told(b"", 401), "unauthorized"),
    ],
)
def test_a_window_of_which_an_answer_failed_can_be_read_again(
    server: FakePrometheus, clock: FakeClock, told: Told, reason: str
) -> None:
    many(server, "grid")
    with closing(harness(server, clock, shard=100)) as bench:
        assert len(bench.read(START, END).samples) == len(server.series)
        answers = iter([None, None, None, told])
        server.interfere = lambda _: next(answers, None)
        with pytest.raises(SourceError) as caught:
            bench.read(START, END)
        assert caught.value.reason == reason
        assert len(bench.read(START, END).samples) == len(server.series)


def test_reading_can_be_given_up_halfway(
    server: FakePrometheus, clock: FakeClock
) -> None:
    many(server, "grid")
    with closing(harness(server, clock, shard=100)) as bench:
        blocks = bench.source.read(START, END, bench.warnings)
        assert len(next(blocks).series_id)
        blocks.close()  # type: ignore[attr-defined]  # a generator
        assert len(bench.read(START, END).samples) == len(server.series)


def test_what_is_left_out_of_native_histograms_is_said_once(
    server: FakePrometheus, clock: FakeClock
) -> None:
    at = START / 1000
    odd = {
        "count": "1",
        "sum": "1",
        "buckets": [[0, "2", "3", "1"], [0, "3", "7", "1"]],
    }
    good = {"count": "1", "sum": "1", "buckets": [[0, "1", "2", "1"]]}
    server.metadata = {"falls": [{"type": "gaugehistogram", "help": ""}]}
    found = [
        {"metric": {"__name__": "falls"}, "histograms": [[at, good]]},
        {"metric": {"__name__": "odd"}, "histograms": [[at, odd]]},
        {"metric": {"__name__": "good"}, "histograms": [[at, good], [at + 60, good]]},
    ]
    matrix = server.success({"resultType": "matrix", "result": found})
    server.interfere = lambda asked: (
        matrix if asked.fields.get("query", "")[:1] == "{" else None
    )
    with (
        closing(harness(server, clock)) as bench,
        structlog.testing.capture_logs() as logs,
    ):
        for _ in range(2):
            (natives,) = bench.source.read(START, END, bench.warnings)
            assert isinstance(natives, Natives)
            assert natives.times.tolist() == [START]
            assert bench.directory.names()[int(natives.series_id[0])] == (
                ("__name__", "good"),
            )
        kinds = {fact.metric: fact.kind for fact in bench.directory.asked}
        assert kinds == {"falls": "gauge", "good": "histogram"}
    told = [entry for entry in logs if "left out in part" in entry["event"]]
    assert [(entry["source"], entry["series"]) for entry in told] == [("main", 1)]


FAMILY = {
    ("h_bucket", "1"): 1.0,
    ("h_bucket", "2.0"): 3.0,
    ("h_bucket", "+Inf"): 4.0,
    ("h_sum", ""): 7.5,
    ("h_count", ""): 4.0,
}


def add_family(server: FakePrometheus, **to: str) -> None:
    for (name, bound), value in FAMILY.items():
        le = {"le": bound} if bound else {}
        samples = [(START + n * 15_000, value + n) for n in range(5)]
        server.add(name, samples, job="j", **le, **to)


@pytest.mark.parametrize("metadata", [{}, {"h": [{"type": "histogram", "help": "H."}]}])
@pytest.mark.parametrize("shard", [100, 5000])
@pytest.mark.parametrize("selectors", [[], ['{job="j"}', '{le=~".+"}']])
def test_the_members_of_a_histogram_are_one_series(
    *,
    server: FakePrometheus,
    clock: FakeClock,
    metadata: dict[str, Any],
    shard: int,
    selectors: list[str],
) -> None:
    server.metadata = metadata
    for path in range(60):
        add_family(server, path=f"/{path}")
    server.add("plain", [(START, 1.0)], job="j")
    chosen = {"selectors": selectors} if selectors else {}
    with closing(harness(server, clock, shard=shard, **chosen)) as bench:
        for _ in range(2):  # without metadata the second window is sure of all members
            answers = list(bench.source.read(START, END, bench.warnings))
    families = [one for one in answers if isinstance(one, Families)]
    assert sum(len(one.series_id) for one in families) == 60
    first = families[0]
    assert first.bounds == ((1.0, 2.0, math.inf),)
    assert first.times[:4].tolist() == [START + n * 15_000 for n in range(4)]
    assert first.expected[0] == 4
    assert first.observations[:4].tolist() == [4, 5, 6, 7]
    assert first.totals[:4].tolist() == [7.5, 8.5, 9.5, 10.5]
    assert first.cumulative[:2].tolist() == [[1, 3, 4], [2, 4, 5]]
    plain = [one for one in answers if isinstance(one, Block)]
    assert sum(len(one.series_id) for one in plain) == 1
    kinds = {(fact.metric, fact.kind) for fact in bench.directory.asked}
    assert ("h", "histogram") in kinds
    assert "h_bucket" not in {metric for metric, _ in kinds}
    assert {
        bench.directory.names()[series]
        for one in families
        for series in one.series_id.tolist()
    } == {labels("h", job="j", path=f"/{path}") for path in range(60)}


def test_without_metadata_what_was_a_histogram_before_is_one(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("h_sum", [(START, 1.0)])
    server.add("g_sum", [(START, 1.0)])
    with closing(harness(server, clock, histograms=lambda: {"h"})) as bench:
        answers = list(bench.source.read(START, END, bench.warnings))
    assert [type(one) for one in answers] == [Block, Families]
    assert {(fact.metric, fact.kind) for fact in bench.directory.asked} == {
        ("g_sum", "unknown"),
        ("h", "histogram"),
    }


def test_quantiles_of_a_summary_are_told_apart(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.metadata = {"s": [{"type": "summary", "help": ""}]}
    server.add("s", [(START, 1.0)], quantile="0.5")
    server.add("s_sum", [(START, 1.0)])
    with closing(harness(server, clock)) as bench:
        (block,) = bench.source.read(START, END, bench.warnings)
    assert isinstance(block, Block)
    assert block.quantile is not None
    kinds = {
        bench.directory.ids[fact.metric, fact.labels]: fact.kind
        for fact in bench.directory.asked
    }
    assert {
        kinds[series]: (is_quantile, is_counter)
        for series, is_quantile, is_counter in zip(
            block.series_id.tolist(),
            block.quantile.tolist(),
            block.counter.tolist(),
            strict=True,
        )
    } == {"counter": (False, True), "summary": (True, False)}


def test_the_earliest_sample_is_that_of_up(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.now = END / 1000
    server.add("up", [(START + n * 15_000, 1.0) for n in range(5)], job="a")
    server.add("up", [(START - 3_723_456, 1.0), (START, 1.0)], job="b")
    with closing(harness(server, clock)) as bench:
        earliest = bench.source.earliest_ms
        assert earliest(START - 86_400_000) == START - 3_723_456 // 1000 * 1000 - 1000
        assert earliest(START - 3_000_000) == START
        assert earliest(START + 20_001) == START + 30_000
        assert earliest(END) is None


def test_without_up_the_earliest_sample_is_any_selected(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.now = END / 1000
    server.add("x", [(START - 600_000, 1.0)], job="a")
    server.add("y", [(START - 900_000, 1.0)], job="b")
    server.add("z", [(START - 999_000, 1.0)], job="c")
    selectors = ('{job="a"}', '{job="b"}')
    with closing(harness(server, clock, selectors=selectors)) as bench:
        assert bench.source.earliest_ms(0) == START - 900_000


def test_samples_from_before_the_first_up_belong_to_the_history(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.now = END / 1000
    server.add("up", [(START, 1.0)], job="a")
    server.add("x", [(START - 900_000, 1.0), (START, 1.0)], job="a")
    server.add("y", [(START - 990_000, 1.0)], job="b")
    with closing(harness(server, clock, selectors=('{job="a"}',))) as bench:
        assert bench.source.earliest_ms(START - 86_400_000) == START - 900_000
        assert bench.source.earliest_ms(START - 800_000) == START


def test_the_index_may_know_series_long_before_their_first_sample(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.now = END / 1000
    server.add("up", [(START, 1.0)])
    everything = server.success(["__name__"])
    server.interfere = lambda asked: (
        everything if asked.path == "/api/v1/labels" else None
    )
    with closing(harness(server, clock)) as bench:
        assert bench.source.earliest_ms(START - 30 * 86_400_000) == START
        # Of `up`, and of what was selected before it.
        assert len(server.paths) < 60 + 30
        assert bench.source.earliest_ms(START + 1000) is None


def test_up_says_whether_the_server_was_recording_and_how_often(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("up", EVERY_15_S, job="a")
    server.add("up", [(START + 1, 0.0), (START + 5001, 0.0)], job="b")
    with closing(harness(server, clock)) as bench:
        assert bench.source.presence(START, END) == Presence(
            recording=True, interval_ms=5000
        )
        assert bench.source.presence(END, END + 60_000) == Presence(
            recording=False, interval_ms=None
        )


def test_without_up_any_selected_sample_says_that_the_server_was_recording(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", EVERY_15_S, job="a")
    for job, recording in {"a": True, "b": False}.items():
        selectors = (f'{{job="{job}"}}',)
        with closing(harness(server, clock, selectors=selectors)) as bench:
            found = bench.source.presence(START, END)
            assert found == Presence(recording=recording, interval_ms=None)


@pytest.mark.setting("sources.prometheus.bearer_token")
@pytest.mark.setting("sources.prometheus.bearer_token_file")
@pytest.mark.parametrize("by", ["bearer_token", "bearer_token_file"])
def test_the_bearer_token_of_the_settings_opens_the_server(
    server: FakePrometheus, clock: FakeClock, tmp_path: Path, by: str
) -> None:
    server.interfere = lambda asked: (
        None
        if asked.headers.get("authorization") == "Bearer s3cret"
        else Told(b"", 401)
    )
    path = tmp_path / "token"
    path.write_text("s3cret\n", encoding="utf-8")
    value = str(path) if by == "bearer_token_file" else "s3cret"
    source = Settings.model_validate(
        {"name": "main", "kind": "prometheus", "url": server.url, by: value}
    )
    token = read_secret(source.bearer_token, source.bearer_token_file)
    with closing(harness(server, clock, token=token)) as bench:
        assert bench.source.now_ms() == 1_700_000_000_000


def test_done_windows_need_nothing(server: FakePrometheus, clock: FakeClock) -> None:
    with closing(harness(server, clock)) as bench:
        bench.source.done(END)
        assert bench.source.name == "main"
    assert server.paths == []
