"""Families under their own names as metrics of OpenTelemetry's data model.

Counters are cumulative monotonic sums, gauges and what has no type are gauges, classic
histograms are explicit ones. Numbers are doubles, as everywhere in Prometheus, and no
unit is told apart from the name, so that receivers which append units change none.
"""

from __future__ import annotations

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collectors.base import Family
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
    for labels, (edges, cumulated, total) in _series(family).items():
        counts = [
            int(at - below)
            for at, below in zip(cumulated, [0, *cumulated[:-1]], strict=True)
        ]
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


_Series = tuple[list[float], list[float], float]
"""Upper bounds, `+Inf` the last; counts up to each of them; the sum of all values."""


def _series(family: Family) -> dict[tuple[str, ...], _Series]:
    """Return the samples of a histogram by series, as `base.distribution` made them."""
    found: dict[tuple[str, ...], _Series] = {}
    for (*who, suffix, edge), value in family.samples:
        edges, cumulated, total = found.get(tuple(who), ([], [], 0.0))
        if suffix == "_bucket":
            edges.append(float(edge))
            cumulated.append(value)
        elif suffix == "_sum":
            total = float(value)
        found[tuple(who)] = edges, cumulated, total
    return found
