"""Published numbers of other systems, rolled up by ours.

The windows of the vectors are 50 ms to 100 s wide; times are scaled so that theirs
become our minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.rollup.aggregate import aggregate
from bridge.rollup.merge import merge
from bridge.rollup.rows import Floats, Rows
from bridge.rollup.windows import Resolution, Window
from tests.bridge.rollup.builders import (
    DAY,
    HOUR,
    NAN,
    Line,
    Row,
    Samples,
    block,
    previous,
    table,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def scaled(samples: Samples, width: int, start: int = HOUR) -> Line:
    """Samples of windows of a width become samples of minutes from `start` on."""
    factor = 60_000 // width
    return Line([(start * 1000 + time * factor, value) for time, value in samples])


def column(rows: Sequence[Rows] | Rows, name: str) -> list[float]:
    parts = [rows] if isinstance(rows, Rows) else rows
    found: list[float] = getattr(Rows.join(parts), name).tolist()
    return found


def cumulative(first: float, increases: Sequence[float]) -> list[float]:
    """What a counter that had started at its first value would have shown."""
    return [first + sum(increases[: i + 1]) for i in range(len(increases))]


@pytest.mark.rule(11)
def test_r11_a_stale_marker_is_no_value_and_breaks_no_counter() -> None:
    # Thanos, TestDownsample, "single chunk". The source leaves out the marker at 101.
    line = scaled(
        [(20, 1), (40, 2), (60, 3), (80, 1), (100, 2), (120, 5), (180, 10), (250, 1)],
        width=100,
    )
    minutes = windows(line)
    assert column(minutes, "count") == [4, 3, 1]
    assert column(minutes, "sum") == [7, 17, 1]
    assert column(minutes, "min") == [1, 2, 1]
    assert column(minutes, "max") == [3, 10, 1]
    assert cumulative(1, column(minutes, "increase")) == [4, 13, 14]


@pytest.mark.rule(13)
def test_r13_windows_of_nan_count_none_and_the_rest_is_as_without_them() -> None:
    # Thanos, "first one with NaN values only": nine NaN or stale, then numbers.
    nothing = [(time, NAN) for time in (20, 40, 60, 80, 100, 101, 120, 180, 250)]
    numbers = [
        (260, 1.0),
        (300, 10.0),
        (340, 15.0),
        (380, 25.0),
        (420, 35.0),
        (500, 10.0),
        (540, 3.0),
    ]
    rows = table(Rows.join(windows(scaled([*nothing, *numbers], width=100))))
    some = [row for row in rows if row["count"]]
    assert [row["start"] for row in some] == [HOUR + 60 * i for i in (2, 3, 4, 5)]
    assert [row["count"] for row in some] == [1, 3, 1, 2]
    assert [row["sum"] for row in some] == [1, 50, 35, 13]
    assert [row["sum"] for row in rows if not row["count"]] == [None, None]


def anchored(values: Sequence[float | None], at: int) -> float:
    """The increase of the minute before a time, of samples every 15 s from 0 on."""
    shift = HOUR + 60 - at
    line = Line(
        [
            ((15 * i + shift) * 1000, value)
            for i, value in enumerate(values)
            if value is not None and 15 * i < at
        ]
    )
    rows = aggregate(block(line), Window(HOUR), previous(line))
    increase: Floats = rows.increase
    return float(increase[0])


TIMES = (5, 20, 35, 50, 65, 80, 95, 110, 125)


@pytest.mark.rule(22)
def test_r22_increase_telescopes_as_prometheus_anchored_increase_does() -> None:
    # Prometheus, extended_vectors.test: 1+1x4 9+1x4 every 15 s.
    values = [1, 2, 3, 4, 5, 9, 10, 11, 12, 13]
    assert [anchored(values, at) for at in TIMES] == [0, 1, 2, 3, 4, 7, 7, 7, 7]


@pytest.mark.rule(29)
def test_r29_a_gaps_whole_difference_lands_in_the_first_window_after_it() -> None:
    # The same with two missed scrapes.
    values = [1, 2, 3, None, None, 9, 10, 11, 12, 13]
    assert [anchored(values, at) for at in TIMES] == [0, 1, 2, 2, 2, 7, 7, 8, 9]


@pytest.mark.rule(29)
def test_r29_a_gap_of_whole_windows_is_not_spread_over_them() -> None:
    minute = 60_000
    samples = [(0, 100.0), (30_000, 110.0), (5 * minute, 170.0), (6 * minute, 180.0)]
    rows = table(Rows.join(windows(scaled(samples, width=minute))))
    assert [(row["start"], row["increase"]) for row in rows] == [
        (HOUR, 10.0),
        (HOUR + 300, 60.0),
        (HOUR + 360, 10.0),
    ]


@pytest.mark.rule(23)
def test_r23_wider_windows_from_narrow_ones_lose_no_step_or_reset() -> None:
    # Thanos, TestDownsampleCounterBoundaryReset. Two of the narrow windows lie in one
    # hour and two in the next, so that their wide windows are parts of our hours.
    line = scaled(
        [
            (10, 1),
            (20, 3),
            (30, 5),
            (50, 1),
            (60, 8),
            (70, 10),
            (120, 1),
            (130, 18),
            (140, 20),
            (160, 21),
            (170, 38),
            (180, 40),
        ],
        width=50,
        start=HOUR + 3600 - 120,
    )
    minutes = windows(line)
    assert cumulative(1, column(minutes, "increase")) == [5, 15, 35, 55]
    hours = merge(minutes, Resolution.HOUR)
    assert cumulative(1, column(hours, "increase")) == [15, 55]
    assert column(minutes, "resets") == [0, 1, 1, 0]
    assert column(hours, "resets") == [1, 1]


@pytest.mark.rule(21)
def test_r21_the_published_resets_add_up() -> None:
    # Prometheus, functions.test: 0 1 2 3 2 3 4 rises by 7.
    samples = [(1000 * i, float(v)) for i, v in enumerate([0, 1, 2, 3, 2, 3, 4])]
    assert column(windows(scaled(samples, width=60_000)), "increase") == [7]


@pytest.mark.rule(24)
def test_r24_a_counter_that_rose_by_100_is_stored_as_having_risen_by_100() -> None:
    # prometheus#3746: 10+10x10 over 100 minutes; PromQL says 105.
    minute = 60_000
    samples = [(10 * minute * i, 10.0 + 10 * i) for i in range(11)]
    minutes = windows(scaled(samples, width=minute))
    assert sum(column(minutes, "increase")) == 100
    assert sum(column(merge(minutes, Resolution.HOUR), "increase")) == 100


@pytest.mark.rule(45)
@pytest.mark.parametrize("start", [DAY, HOUR, DAY + 86_400 - 60])
def test_r45_half_a_minute_of_samples_reaches_every_resolution(start: int) -> None:
    samples = [(15_000 * i, 3.0) for i in range(2)]
    minutes = windows(scaled(samples, width=60_000, start=start))
    hours = merge(minutes, Resolution.HOUR)
    days = merge([hours], Resolution.DAY)
    for rows in (*minutes, hours, days):
        assert (rows.count.tolist(), rows.sum.tolist()) == ([2], [6.0])
    (day,) = table(days)
    assert day["expected"] == 4 * 1440


@pytest.mark.rule(42)
def test_r42_hours_without_samples_have_no_row() -> None:
    hour = 3_600_000
    line = scaled([(0, 5.0), (3 * hour, 5.0)], width=60_000, start=DAY)
    found: list[Row] = table(merge(windows(line), Resolution.HOUR))
    assert [(row["start"], row["increase"]) for row in found] == [
        (DAY, 0.0),
        (DAY + 3 * 3600, 0.0),
    ]
