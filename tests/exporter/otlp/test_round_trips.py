from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics.export import ExponentialHistogram

from exporter.collectors.base import Family, distribution
from exporter.otlp.exponential import index
from exporter.otlp.round_trips import EXPLICIT, LABELS, RoundTrips
from exporter.prober.families import RTT
from runtime.probing.jobs import Job
from runtime.probing.wire import Plan, Result, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = 1_700_000_000_000_000_000
BEGIN = NOW - 10**9


def job(name: str, **given: Any) -> Job:
    return Job(name=name, interval="1s", destinations=("d",), **given)


def run(name: str, *times: float | None, kind: str = "icmp") -> Run:
    result = Result(
        destination="d", probe="icmp", kind=kind, began_ms=0, seconds=1.0, rtts=times
    )
    return Run(
        job=name,
        scheduled_ms=0,
        began_ms=0,
        ended_ms=1,
        state="completed",
        results=(result,),
    )


def explicit(*jobs: str) -> Family:
    return Family(
        RTT,
        [
            sample
            for name in jobs
            for sample in distribution((name, "d", "icmp"), ("1", "+Inf"), (1, 0), 0.1)
        ],
    )


def counting(*jobs: Job) -> RoundTrips:
    return RoundTrips(lambda: Plan(version="1", jobs=jobs), BEGIN)


def jobs_in(family: Family) -> set[str]:
    return {labels[0] for labels, _ in family.samples}


def points(metrics: Sequence[Any]) -> dict[str, Any]:
    (metric,) = metrics
    assert (metric.name, metric.unit) == ("netprobe.icmp.rtt", "s")
    assert isinstance(metric.data, ExponentialHistogram)
    return {str((p.attributes or {})["job_name"]): p for p in metric.data.data_points}


def test_the_family_and_its_labels_are_the_probers() -> None:
    assert (RTT.name, RTT.labels) == (EXPLICIT, LABELS)


def test_times_of_runs_are_counted() -> None:
    known = counting(job("a"))
    known.add_run(run("a", 0.001, None, 0.004))
    known.add_run(run("a", 0.002))
    metrics, left = known.of([explicit("a")], NOW)
    point = points(metrics)["a"]
    assert (point.count, point.min, point.max) == (3, 0.001, 0.004)
    assert point.sum == pytest.approx(0.007)
    assert (point.start_time_unix_nano, point.time_unix_nano) == (BEGIN, NOW)
    assert point.attributes == {"job_name": "a", "destination": "d", "probe": "icmp"}
    last = point.positive.offset + len(point.positive.bucket_counts) - 1
    assert point.positive.offset == index(0.001, 8) >> (8 - point.scale)
    assert last == index(0.004, 8) >> (8 - point.scale)
    assert sum(point.positive.bucket_counts) == 3
    assert left == [Family(RTT, [])]


@pytest.mark.parametrize("history", ["failures", "none"])
def test_jobs_that_do_not_tell_all_times_keep_their_explicit_histogram(
    history: str,
) -> None:
    known = counting(job("a"), job("b", history=history))
    known.add_run(run("a", 0.001))
    known.add_run(run("b", 0.001))
    metrics, (left,) = known.of([explicit("a", "b")], NOW)
    assert points(metrics).keys() == {"a"}
    assert jobs_in(left) == {"b"}


def test_only_echoes_are_counted() -> None:
    known = counting(job("a"))
    known.add_run(run("a", 0.001, kind="tcp"))
    known.add_run(run("a", None, None))
    metrics, (left,) = known.of([explicit("a")], NOW)
    assert metrics == []
    assert jobs_in(left) == {"a"}


def test_what_is_probed_no_more_is_forgotten() -> None:
    known = counting(job("a"), job("b"))
    known.add_run(run("a", 0.001))
    known.add_run(run("b", 0.001))
    assert points(known.of([explicit("a")], NOW)[0]).keys() == {"a"}
    assert points(known.of([explicit("a", "b")], NOW)[0]).keys() == {"a"}


def test_while_no_prober_runs_nothing_is_told_and_nothing_forgotten() -> None:
    known = counting(job("a"))
    known.add_run(run("a", 0.001))
    assert known.of([], NOW) == ([], [])
    assert points(known.of([explicit("a")], NOW)[0])["a"].count == 1


def test_nothing_begins_later_than_now_if_the_clock_was_set_back() -> None:
    times = RoundTrips(lambda: Plan(version="1", jobs=(job("a"),)), BEGIN)
    times.add_run(run("a", 0.1))
    for now, start in ((BEGIN - 50, BEGIN - 50), (BEGIN - 40, BEGIN - 50)):
        (metric,), _ = times.of([explicit("a")], now)
        (point,) = metric.data.data_points
        assert point.start_time_unix_nano == start
