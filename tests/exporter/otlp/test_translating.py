from __future__ import annotations

import math

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Sum,
)

from exporter.collectors.base import Family, Kind, Metric, distribution
from exporter.otlp.starts import Starts
from exporter.otlp.translating import clean, parts, plain

NOW = 1_700_000_000_000_000_000
BEGIN = NOW - 10**9


def starts() -> Starts:
    return Starts(NOW - 10**12, BEGIN)


def test_a_counter_is_a_monotonic_sum_with_its_start() -> None:
    metric = Metric("a_total", "counter", "What it is.", ("b", "c"))
    made = plain(Family(metric, [(("x", ""), 3), (("y", "z"), 2**64)]), starts(), NOW)
    assert (made.name, made.description, made.unit) == ("a_total", "What it is.", "")
    assert isinstance(made.data, Sum)
    assert made.data.is_monotonic
    assert made.data.aggregation_temporality == AggregationTemporality.CUMULATIVE
    assert [
        (p.attributes, p.value, p.start_time_unix_nano, p.time_unix_nano)
        for p in made.data.data_points
    ] == [({"b": "x"}, 3.0, BEGIN, NOW), ({"b": "y", "c": "z"}, 2.0**64, BEGIN, NOW)]


def test_gauges_and_what_has_no_type_are_gauges() -> None:
    kinds: tuple[Kind, ...] = ("gauge", "unknown")
    for kind in kinds:
        metric = Metric("a", kind, "A.")
        made = plain(metric.of(1), starts(), NOW)
        assert isinstance(made.data, Gauge)
        (point,) = made.data.data_points
        assert type(point.value) is float
        assert point.value == 1


def test_a_histogram_keeps_its_bounds() -> None:
    metric = Metric("a_seconds", "histogram", "A.", ("who",))
    samples = [
        *distribution(("x",), ("0.1", "1", "+Inf"), (1, 0, 4), 7.5),
        *distribution(("y",), ("0.1", "1", "+Inf"), (0, 0, 0), 0.0),
    ]
    made = plain(Family(metric, samples), starts(), NOW)
    assert isinstance(made.data, Histogram)
    one, other = made.data.data_points
    assert one.attributes == {"who": "x"}
    assert (one.explicit_bounds, one.bucket_counts) == ([0.1, 1.0], [1, 0, 4])
    assert (one.count, one.sum, one.start_time_unix_nano) == (5, 7.5, BEGIN)
    assert (other.count, other.sum) == (0, 0)


def test_a_histogram_that_was_counted_anew_begins_anew() -> None:
    metric = Metric("a_seconds", "histogram", "A.")
    known = starts()
    for count, now, start in ((5, NOW, BEGIN), (2, NOW + 9, NOW), (3, NOW + 20, NOW)):
        samples = distribution((), ("1", "+Inf"), (count, 0), 1.0)
        made = plain(Family(metric, samples), known, now)
        (point,) = made.data.data_points
        assert point.start_time_unix_nano == start


def test_texts_that_are_no_utf_8_are_cleaned() -> None:
    assert clean("plain") == "plain"
    assert clean("für") == "für"
    assert clean("f\udcfcr") == "f?r"


def test_a_histogram_of_a_file_adds_up_whatever_it_says() -> None:
    metric = Metric("a_seconds", "histogram", "A.")
    buckets = {"+Inf": math.nan, "2": 3, "1": 5, "0.5": -1, "3": 7.5, "4": math.inf}
    samples = [(("_bucket", edge), count) for edge, count in buckets.items()]
    made = plain(Family(metric, samples), starts(), NOW)
    (point,) = made.data.data_points
    assert isinstance(point, HistogramDataPoint)
    assert point.explicit_bounds == [0.5, 1.0, 2.0, 3.0, 4.0]
    assert (point.bucket_counts, point.count) == ([0, 5, 0, 2, 0, 0], 7)


def test_a_summary_is_told_as_its_parts() -> None:
    metric = Metric("a_seconds", "summary", "A.", ("who",))
    samples = [
        (("x", "", "0.5"), 0.1),
        (("x", "_count", ""), 3),
        (("x", "_sum", ""), 0.4),
    ]
    made = [plain(one, starts(), NOW) for one in parts(Family(metric, samples))]
    assert [
        (one.name, [(p.attributes, p.value) for p in one.data.data_points])
        for one in made
        if isinstance(one.data, Gauge)
    ] == [
        ("a_seconds", [({"who": "x", "quantile": "0.5"}, 0.1)]),
        ("a_seconds_count", [({"who": "x"}, 3.0)]),
        ("a_seconds_sum", [({"who": "x"}, 0.4)]),
    ]
