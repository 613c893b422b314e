"""Families under their own names as metrics of OpenTelemetry's data model.

Counters are cumulative monotonic sums, gauges and what has no type are gauges, classic
histograms are explicit ones. A summary is told as the gauges that it is made of, as
the data model keeps its own kind for old programs only. Numbers are doubles, as
everywhere in Prometheus, and no unit is told apart from the name, so that receivers
which append units change none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from exporter.collectors.base import Family, Gathered
from exporter.collectors.base import Metric as Described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.otlp.starts import Starts

CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
UNKNOWN: Final[Any] = None
"""A smallest or largest value that nobody kept; the encoder leaves it out."""
NO_START: Final = 0


def plain(family: Family, starts: Starts, now: int) -> Metric:
    """Return a family under its own name, as of `now` in nanoseconds since 1970."""
    metric = family.metric
    data: Sum | Gauge | Histogram
    if metric.kind == "histogram":
        data = Histogram(list(_distributions(family, starts, now)), CUMULATIVE)
    elif metric.kind == "counter":
        data = Sum(list(_counts(family, starts, now)), CUMULATIVE, is_monotonic=True)
    else:
        data = Gauge(
            [
                NumberDataPoint(
                    attributes(metric.labels, labels), NO_START, now, float(value)
                )
                for labels, value in family.samples
            ]
        )
    return Metric(metric.name, clean(metric.help), "", data)


def parts(family: Family) -> list[Family]:
    """Return a family as such that `plain` takes: a summary as its parts."""
    metric = family.metric
    if metric.kind != "summary":
        return [family]
    made: dict[str, Described] = {}
    found = Gathered()
    for (*who, suffix, quantile), value in family.samples:
        names = metric.labels if suffix else (*metric.labels, "quantile")
        name = metric.name + suffix
        part = made.setdefault(name, Described(name, "gauge", metric.help, names))
        found.add(part, tuple(who) if suffix else (*who, quantile), value)
    return found.families()


def attributes(
    names: tuple[str, ...], labels: tuple[str, ...]
) -> dict[str, str | bool | int | float]:
    """Return labels as attributes; one that is empty is one that is not there."""
    return {
        name: clean(value) for name, value in zip(names, labels, strict=True) if value
    }


def clean(text: str) -> str:
    """Return a text that is valid UTF-8; what is not becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _counts(family: Family, starts: Starts, now: int) -> Iterator[NumberDataPoint]:
    metric = family.metric
    for labels, value in family.samples:
        start = starts.of(metric.name, labels, value, now)
        yield NumberDataPoint(
            attributes(metric.labels, labels), start, now, float(value)
        )


def _distributions(
    family: Family, starts: Starts, now: int
) -> Iterator[HistogramDataPoint]:
    metric = family.metric
    for labels, (buckets, total) in _series(family).items():
        edges = sorted(buckets)
        counts = _apart([buckets[edge] for edge in edges])
        count = sum(counts)
        yield HistogramDataPoint(
            attributes=attributes(metric.labels, labels),
            start_time_unix_nano=starts.of(metric.name, labels, count, now),
            time_unix_nano=now,
            count=count,
            sum=total,
            bucket_counts=counts,
            explicit_bounds=edges[:-1],
            min=UNKNOWN,
            max=UNKNOWN,
        )


def _apart(cumulated: list[float]) -> list[int]:
    """Return the count of each bucket by itself.

    A file may have counts that do not rise, or are none; they count as those below, as
    for Prometheus' `histogram_quantile`.
    """
    counts = []
    below = 0
    for at in cumulated:
        upto = max(below, int(at)) if math.isfinite(at) else below
        counts.append(upto - below)
        below = upto
    return counts


_Series = tuple[dict[float, float], float]
"""Counts up to each upper bound, of which `+Inf` is one; the sum of all values."""


def _series(family: Family) -> dict[tuple[str, ...], _Series]:
    """Return the samples of a histogram by series, as `base.distribution` made them."""
    found: dict[tuple[str, ...], _Series] = {}
    for (*who, suffix, edge), value in family.samples:
        buckets, total = found.get(tuple(who), ({}, 0.0))
        if suffix == "_bucket":
            buckets[float(edge)] = value
        elif suffix == "_sum":
            total = float(value)
        found[tuple(who)] = buckets, total
    return found
