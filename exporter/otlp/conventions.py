"""Families under the names of the semantic conventions, by the table of `semantics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.sdk.metrics.export import Gauge, Metric, NumberDataPoint, Sum

from exporter.collectors.base import Family
from exporter.otlp.semantics import INTEGERS, RULES
from exporter.otlp.translating import CUMULATIVE, NO_START, clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.otlp.semantics import Rule
    from exporter.otlp.starts import Starts

    Attributes = dict[str, str | bool | int | float]


class Translated(NamedTuple):
    """What has a convention, and what is left to be told under its own name."""

    metrics: list[Metric]
    left: list[Family]


def translate(families: Iterable[Family], starts: Starts, now: int) -> Translated:
    """Return what there is, as of `now` in nanoseconds since 1970."""
    by_name = {family.metric.name: family for family in families}
    points: dict[str, list[NumberDataPoint]] = {}
    told: dict[str, set[tuple[str, ...]]] = {}
    rules: dict[str, Rule] = {}
    for rule in RULES:
        samples = _added_up(rule, by_name)
        if not samples:
            continue
        labels = by_name[rule.signed[0][0]].metric.labels
        names = () if rule.counted else labels
        rules.setdefault(rule.name, rule)
        points.setdefault(rule.name, []).extend(
            _points(rule, names, samples, starts, now)
        )
        if not rule.keeps:
            for name, _ in rule.signed:
                told.setdefault(name, set()).update(samples)
    metrics = [_metric(rules[name], found) for name, found in points.items()]
    return Translated(metrics, list(_left(by_name.values(), told)))


def _added_up(
    rule: Rule, families: Mapping[str, Family]
) -> dict[tuple[str, ...], float]:
    """Return a rule's values by labels; only where all of its families have one."""
    if any(name not in families for name, _ in rule.signed):
        return {}
    (first, sign), *more = rule.signed
    family = families[first]
    if not _fits(rule, family):
        return {}
    if rule.counted:
        return _counted(family, *rule.counted)
    place = family.metric.labels.index(rule.worded) if rule.worded else 0
    found = {
        labels: sign * float(value)
        for labels, value in family.samples
        if not (rule.worded and rule.words.get(labels[place], "") is None)
    }
    for name, sign in more:
        others = dict(families[name].samples)
        found = {
            labels: value + sign * others[labels]
            for labels, value in found.items()
            if labels in others
        }
    return found


def _fits(rule: Rule, family: Family) -> bool:
    """Return whether a family is what a rule is about; a file may use its name."""
    needed = {rule.worded, rule.counted[0] if rule.counted else ""} - {""}
    is_number = family.metric.kind not in {"histogram", "summary"}
    return is_number and needed <= set(family.metric.labels)


def _counted(family: Family, label: str, value: str) -> dict[tuple[str, ...], float]:
    place = family.metric.labels.index(label)
    found = sum(labels[place] == value for labels, _ in family.samples)
    return {(): float(found)} if found else {}


def _points(
    rule: Rule,
    names: tuple[str, ...],
    samples: Mapping[tuple[str, ...], float],
    starts: Starts,
    now: int,
) -> Iterator[NumberDataPoint]:
    key = " ".join((rule.name, *rule.fixed.values()))
    for labels, value in samples.items():
        counts = rule.instrument == "counter"
        start = starts.of(key, labels, value, now) if counts else NO_START
        yield NumberDataPoint(_attributes(rule, names, labels), start, now, value)


def _attributes(
    rule: Rule, names: tuple[str, ...], labels: tuple[str, ...]
) -> Attributes:
    found: Attributes = {}
    for name, value in zip(names, labels, strict=True):
        if not value:
            continue
        if name == rule.worded:
            value = rule.words.get(value) or value  # noqa: PLW2901 - in other words
        key = rule.labels.get(name, name)
        number = key in INTEGERS and value.isdecimal()
        found[key] = int(value) if number else clean(value)
    return found | dict(rule.fixed)


def _metric(rule: Rule, points: list[NumberDataPoint]) -> Metric:
    data: Sum | Gauge
    if rule.instrument == "gauge":
        data = Gauge(points)
    else:
        data = Sum(points, CUMULATIVE, is_monotonic=rule.instrument == "counter")
    return Metric(rule.name, "", rule.unit, data)


def _left(
    families: Iterable[Family], told: Mapping[str, set[tuple[str, ...]]]
) -> Iterator[Family]:
    for family in families:
        if family.metric.name not in told:
            yield family
            continue
        done = told[family.metric.name]
        if rest := [sample for sample in family.samples if sample[0] not in done]:
            yield Family(family.metric, rest)
