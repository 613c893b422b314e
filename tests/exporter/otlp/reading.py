"""OTLP read back as an exposition: names of conventions turned back by the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.otlp.semantics import RULES
from exporter.render import go_float
from tests.exporter.otlp.receiving import attributes, metrics, points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

    from exporter.otlp.semantics import Rule
    from tests.exporter.exposition import Read

Labels = tuple[tuple[str, str], ...]
Samples = dict[str, dict[Labels, float]]


def shown(families: Mapping[str, Read]) -> Samples:
    """Return what a scrape shows, and with it the sums that rules make of it."""
    found = {
        name: {_labels(dict(labels)): value for labels, value in read.samples.items()}
        for name, read in families.items()
    }
    for rule in RULES:
        if len(rule.terms) > 1 and all(name in found for name, _ in rule.signed):
            first, *_ = rule.signed
            found[_together(rule)] = {
                labels: sum(sign * found[name][labels] for name, sign in rule.signed)
                for labels in found[first[0]]
            }
        if rule.counted and rule.terms[0] in found:
            samples = found[rule.terms[0]]
            count = sum(rule.counted in labels for labels in samples)
            found[_together(rule)] = {(): count}
    return found


def told(message: ExportMetricsServiceRequest) -> Samples:
    """Return what a message tells, under the names of `shown`."""
    found: Samples = {}
    known = {rule.name for rule in RULES}
    for metric in metrics(message).values():
        if metric.name in known:
            samples = _turned_back(metric)
        elif metric.WhichOneof("data") == "histogram":
            samples = _histogram(metric)
        elif metric.WhichOneof("data") == "exponential_histogram":
            continue
        else:
            samples = _numbers(metric)
        for name, labels, value in samples:
            # With both names a value comes twice, and is the same.
            assert found.setdefault(name, {}).setdefault(labels, value) == value
    return found


def parts_of(name: str) -> set[str]:
    """Return the sums that a family is a part of."""
    return {
        _together(rule)
        for rule in RULES
        if not rule.keeps and len(rule.terms) > 1 and name in dict(rule.signed)
    }


def _together(rule: Rule) -> str:
    return f"number of {rule.terms[0]}" if rule.counted else " ".join(rule.terms)


def _labels(pairs: dict[str, Any]) -> Labels:
    return tuple(
        sorted((key, str(value)) for key, value in pairs.items() if value != "")
    )


def _numbers(metric: Metric) -> Iterator[tuple[str, Labels, float]]:
    for point in points(metric):
        yield metric.name, _labels(attributes(point.attributes)), point.as_double


def _turned_back(metric: Metric) -> Iterator[tuple[str, Labels, float]]:
    for point in points(metric):
        pairs = attributes(point.attributes)
        (rule,) = [
            rule
            for rule in RULES
            if rule.name == metric.name and rule.fixed.items() <= pairs.items()
        ]
        names = {to: name for name, to in rule.labels.items()}
        words = {to: word for word, to in rule.words.items()}
        labels = {
            names.get(key, key): value
            for key, value in pairs.items()
            if key not in rule.fixed
        }
        if rule.worded:
            word = str(labels[rule.worded])
            labels[rule.worded] = words.get(word) or word
        yield _together(rule), _labels(labels), point.as_double


def _histogram(metric: Metric) -> Iterator[tuple[str, Labels, float]]:
    for point in points(metric):
        labels = attributes(point.attributes)
        count = 0
        edges = [*map(go_float, point.explicit_bounds), "+Inf"]
        for edge, counted in zip(edges, point.bucket_counts, strict=True):
            count += counted
            yield f"{metric.name}_bucket", _labels({**labels, "le": edge}), count
        assert count == point.count
        yield f"{metric.name}_count", _labels(labels), count
        yield f"{metric.name}_sum", _labels(labels), point.sum
