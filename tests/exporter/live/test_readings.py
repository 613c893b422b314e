from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.base import Family, Metric
from exporter.live.readings import Reading, document, written

CPU = Metric("node_cpu_seconds_total", "counter", "CPU.", ("cpu", "mode"))
LOAD = Metric("node_load1", "gauge", "Load.")
PAGES = Metric("node_vmstat_pgpgin", "unknown", "Pages.")
TIMES = Metric("took_seconds", "histogram", "Times.")


def reading(second: float, busy: float, idle: float | None = None) -> Reading:
    cpu = [(("0", "user"), busy)]
    if idle is not None:
        cpu.append((("0", "idle"), idle))
    families = [
        LOAD.of(0.5),
        Family(CPU, cpu),
        PAGES.of(100 * second),
        Family(TIMES, [(("_bucket", "+Inf"), 1)]),
    ]
    return Reading.of(1_700_000_000.1234 + second, second, families)


def test_a_first_reading_has_gauges_and_no_rates() -> None:
    assert document(reading(10, 5.0), None) == {
        "time": 1_700_000_010.123,
        "seconds": None,
        "gauges": {
            "node_load1": [{"labels": {}, "value": 0.5}],
            "node_vmstat_pgpgin": [{"labels": {}, "value": 1000}],
        },
        "rates": {
            "node_cpu_seconds_total": [
                {"labels": {"cpu": "0", "mode": "user"}, "value": None}
            ],
            "node_vmstat_pgpgin": [{"labels": {}, "value": None}],
        },
    }


def test_rates_are_per_second_since_the_reading_before() -> None:
    told = document(reading(12, 6.0, 9.0), reading(10, 5.0))
    assert told["seconds"] == 2
    assert told["rates"] == {
        "node_cpu_seconds_total": [
            {"labels": {"cpu": "0", "mode": "user"}, "value": 0.5},
            # A series that is new has no rate yet.
            {"labels": {"cpu": "0", "mode": "idle"}, "value": None},
        ],
        "node_vmstat_pgpgin": [{"labels": {}, "value": 100}],
    }


def test_a_counter_that_fell_has_no_rate_and_not_zero() -> None:
    told = document(reading(12, 1.0), reading(10, 5.0))
    assert told["rates"]["node_cpu_seconds_total"][0]["value"] is None


def test_what_json_has_no_number_for_is_told_by_name() -> None:
    metric = Metric("odd", "gauge", "Odd.", ("n",))
    values = [(("a",), math.nan), (("b",), math.inf), (("c",), -math.inf)]
    text = written(Reading.of(1, 1, [Family(metric, values)]), None)
    assert "\n" not in text
    told = json.loads(text)["gauges"]["odd"]
    assert [one["value"] for one in told] == ["NaN", "+Inf", "-Inf"]


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=8))
def test_rates_times_seconds_add_up_to_the_rise(steps: list[float]) -> None:
    values = [sum(steps[: at + 1]) for at in range(len(steps))]
    rise = 0.0
    for at in range(1, len(values)):
        told = document(
            reading(2 * at, values[at]), reading(2 * at - 2, values[at - 1])
        )
        rise += told["rates"]["node_cpu_seconds_total"][0]["value"] * told["seconds"]
    assert rise == pytest.approx(values[-1] - values[0], abs=1e-3)


def test_distributions_are_left_out() -> None:
    summary = Metric("a_seconds", "summary", "A.")
    families = [LOAD.of(1), Family(summary, [(("_count", ""), 1), (("", "0.5"), 2)])]
    told = document(Reading.of(0.0, 0.0, families), None)
    assert list(told["gauges"]) == ["node_load1"]
    assert told["rates"] == {}
