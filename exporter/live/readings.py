"""One reading of the host as JSON: gauges as they are, counters as rates.

A rate is the rise since the reading before, per second of a clock that never steps.
Where that is not known it is null and never zero: in a first reading, for a series that
is new, and for a counter that fell because what counts was started anew.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.collectors.base import Family, Metric

Values: TypeAlias = "Mapping[tuple[str, ...], float]"
Listed: TypeAlias = "list[dict[str, Any]]"

_NAMES: Final = {math.inf: "+Inf", -math.inf: "-Inf"}


class Reading(NamedTuple):
    """What was measured at a time.

    `time` is UTC seconds, `second` that of a clock that only rises.
    """

    time: float
    second: float
    families: Mapping[Metric, Values]

    @classmethod
    def of(cls, time: float, second: float, families: Iterable[Family]) -> Reading:
        """Return what families say at a time, without distributions."""
        kept = {
            metric: dict(samples)
            for metric, samples in families
            if metric.kind not in {"histogram", "summary"}
        }
        return cls(time, second, kept)


def document(reading: Reading, before: Reading | None) -> dict[str, Any]:
    """Return a reading as what an event says; `before` is the one that it follows.

    What is neither a counter nor a gauge by its name is told as both.
    """
    seconds = None if before is None else reading.second - before.second
    gauges: dict[str, Listed] = {}
    rates: dict[str, Listed] = {}
    for metric, values in sorted(reading.families.items(), key=lambda one: one[0].name):
        if metric.kind != "counter":
            gauges[metric.name] = _listed(metric, values)
        if metric.kind != "gauge":
            earlier = {} if before is None else before.families.get(metric, {})
            rates[metric.name] = _listed(metric, _rates(values, earlier, seconds))
    return {
        "time": round(reading.time, 3),
        "seconds": seconds and round(seconds, 3),
        "gauges": gauges,
        "rates": rates,
    }


def written(reading: Reading, before: Reading | None) -> str:
    """Return a reading as JSON on one line."""
    return json.dumps(
        document(reading, before), separators=(",", ":"), ensure_ascii=False
    )


def _rates(
    values: Values, earlier: Values, seconds: float | None
) -> dict[tuple[str, ...], float | None]:
    rates: dict[tuple[str, ...], float | None] = {}
    for labels, value in values.items():
        old = earlier.get(labels)
        known = old is not None and seconds and value >= old
        rates[labels] = (value - old) / seconds if known else None  # type: ignore[operator]  # all three are numbers
    return rates


def _listed(
    metric: Metric, values: Mapping[tuple[str, ...], float | None]
) -> list[dict[str, Any]]:
    return [
        {
            "labels": dict(zip(metric.labels, labels, strict=True)),
            "value": _number(value),
        }
        for labels, value in values.items()
    ]


def _number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return _NAMES.get(value, "NaN")
