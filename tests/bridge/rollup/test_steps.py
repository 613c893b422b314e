from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.aggregate import aggregate
from bridge.rollup.counters import restarted
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.steps import USUAL, Falls, Policy
from bridge.rollup.windows import Window
from tests.bridge.rollup.builders import (
    HOUR,
    NAN,
    Line,
    Row,
    block,
    previous,
    table,
    windows,
)
from tests.bridge.rollup.evidence_oracle import Told, counted

if TYPE_CHECKING:
    from collections.abc import Sequence


MINUTE = Window(HOUR)
S = MINUTE.start_ms


def of(*values: float, before: float = NAN, before_at: int = 0, first: int = 0) -> Line:
    """A counter every 15 s from `first` milliseconds into the minute on."""
    samples = [(S + first + 15_000 * i, value) for i, value in enumerate(values)]
    return Line(samples, previous=before, previous_at=before_at)


def rolled(
    line: Line,
    policy: Policy = USUAL,
    *,
    falls: Falls | None = None,
    window: Window = MINUTE,
    **told: Sequence[int],
) -> Row:
    """The row of one series of which `told` is known beside its samples."""
    said: dict[str, Any] = {
        name: np.array(values, np.int64) for name, values in told.items()
    }
    found = aggregate(
        replace(block(line), **said), window, previous(line), policy, falls
    )
    (row,) = table(found)
    return row


def increase(row: Row) -> tuple[float | int | None, float | int | None]:
    return row["increase"], row["flags"]


@pytest.mark.rule(25)
@pytest.mark.parametrize(
    ("started", "expected"),
    [
        (0, (0.0, Flag.BASELINE)),  # no start time: only a baseline
        (S - 1_000_000, (0.0, Flag.BASELINE)),  # outside
        (S, (3.0, Flag.CREATED)),  # inside
        (S + 29_999, (3.0, Flag.CREATED)),
        (S + 30_000, (0.0, Flag.BASELINE)),  # at the sample
        (S + 30_001, (0.0, Flag.BASELINE)),  # after the sample
    ],
)
def test_r25a_a_series_that_began_in_the_window_counts_wholly(
    started: int, expected: tuple[float, int]
) -> None:
    # Prometheus, start_timestamps.test: the st_*_single_datapoint rows.
    line = replace(of(3.0, first=30_000), expected=0)
    assert increase(rolled(line, started=[started])) == expected


@pytest.mark.rule(25)
def test_r25a_a_series_that_began_just_before_the_window_counts_wholly() -> None:
    line = of(3.0, 5.0, first=5_000)
    near = [S + 5_000 - 31_000] * 2
    assert increase(rolled(line, started=near)) == (5.0, Flag.CREATED)
    far = [S + 5_000 - 31_001] * 2
    assert increase(rolled(line, started=far)) == (2.0, Flag.BASELINE)


@pytest.mark.rule(25)
@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        (0, (1.0, Flag.BASELINE)),
        (S + 15_000, (8.0, Flag.APPEARED)),
        (S - 1_000, (8.0, Flag.APPEARED)),
        (S - 1_001, (1.0, Flag.BASELINE)),
        (S + 30_000, (1.0, Flag.BASELINE)),
    ],
)
def test_r25b_a_series_that_its_target_was_scraped_without_counts_wholly(
    absent: int, expected: tuple[float, int]
) -> None:
    line = of(7.0, 8.0, first=30_000)
    assert increase(rolled(line, absent=[absent])) == expected


@pytest.mark.rule(25)
def test_r25b_how_often_a_target_is_scraped_must_be_known() -> None:
    line = replace(of(7.0, first=30_000), expected=0)
    assert increase(rolled(line, absent=[S + 15_000])) == (0.0, Flag.BASELINE)


@pytest.mark.rule(25)
def test_r25_what_came_before_is_better_than_evidence() -> None:
    line = of(7.0, before=5.0, before_at=S - 15_000, first=30_000)
    assert increase(rolled(line, absent=[S + 15_000])) == (2.0, 0)


def test_evidence_of_gauges_is_passed_over() -> None:
    line = replace(of(7.0, first=30_000), counter=False)
    row = rolled(line, absent=[S + 15_000], started=[S])
    assert increase(row) == (None, 0)


@pytest.mark.setting("rollup.first_sample")
@pytest.mark.rule(25)
def test_r25c_evidence_can_be_left_out() -> None:
    line = of(7.0, 8.0, first=30_000)
    told = rolled(line, Policy(evidence=False), absent=[S + 15_000], started=[S, S])
    assert increase(told) == (1.0, Flag.BASELINE)


@pytest.mark.rule(27)
def test_r27_a_reset_that_a_high_first_value_hides_is_found_by_the_start() -> None:
    line = of(600.0, before=80.0, before_at=S - 15_000)
    assert (rolled(line)["increase"], rolled(line)["resets"]) == (520.0, 0)
    restart = rolled(line, started=[S - 5_000])
    assert (restart["increase"], restart["resets"]) == (600.0, 1)
    same = rolled(line, started=[S - 1_000_000])
    assert (same["increase"], same["resets"]) == (520.0, 0)


@pytest.mark.rule(28)
@pytest.mark.parametrize(
    ("before_started", "adds"),
    [
        (0, 0.0),  # otel_cumulative_unknown_start_ST=0
        (S, 0.0),  # otel_cumulative_unknown_start_ST=T
        (S - 60_000, 1.0),  # otel_delta
        (S + 60_000, 0.0),  # invalid_prev_st
    ],
)
def test_r28_deltas_are_told_from_totals_of_unknown_beginning(
    before_started: int, adds: float
) -> None:
    # Prometheus, start_timestamps.test: a sample of 1 at the start and one after it,
    # which says that it counts from there.
    line = Line([(S, 1.0), (S + 15_000, 1.0)], previous=1.0, previous_at=S - 60_000)
    row = rolled(line, Policy(evidence=False), started=[before_started, S])
    assert row["increase"] == adds


@pytest.mark.rule(28)
def test_r28_starts_of_all_kinds_are_told_apart() -> None:
    minute = 60_000

    def says(*samples: tuple[int, int]) -> list[bool]:
        times = np.array([time for time, _ in samples], np.int64)
        starts = np.array([start for _, start in samples], np.int64)
        again = restarted(times[1:], starts[1:], times[:-1], starts[:-1])
        return [bool(one) for one in again]

    delta = [(minute * n, minute * (n - 1)) for n in range(2, 6)]
    assert says(*delta) == [True] * 3
    just_after = [(minute * n, minute * (n - 1) + 1) for n in range(2, 6)]
    assert says(*just_after) == [True] * 3
    empty = [(minute * n, minute * n) for n in range(2, 6)]
    assert says(*empty) == [False] * 3
    total = [(minute * n, 30_000) for n in range(2, 6)]
    assert says(*total) == [False] * 3
    clock_ahead = [(minute, 90_000), (2 * minute, 90_000)]
    assert says(*clock_ahead) == [False]


@pytest.mark.rule(29)
def test_r29_a_gap_is_told_with_the_window_it_ended_in() -> None:
    line = of(7.0, 8.0, before=5.0, before_at=S - 30_000, first=15_000)
    assert rolled(line)["gap"] == 45_000
    near = replace(line, previous_at=S - 15_000)
    assert rolled(near)["gap"] == 0
    inside = Line([(S, 1.0), (S + 45_000, 2.0)], previous_at=S - 15_000, previous=1.0)
    assert rolled(inside)["gap"] == 45_000
    assert rolled(replace(inside, expected=0))["gap"] == 0


def since(values: dict[int, float], limit: int) -> list[float]:
    """What samples every 10 s or so add up to since the last gap that is too long."""
    totals: list[float] = []
    before, at = NAN, 0
    for second, value in values.items():
        window = Window(HOUR + second // 60 * 60)
        line = Line(
            [(S + second * 1000, value)], previous=before, previous_at=at, expected=6
        )
        row = rolled(line, Policy(max_gap_ms=limit * 1000), window=window)
        begins = row["flags"] in {Flag.BASELINE, Flag.DISCARDED}
        totals.append(value if begins else totals[-1] + float(row["increase"] or 0))
        before, at = value, S + second * 1000
    return totals


@pytest.mark.rule(29)
@pytest.mark.setting("rollup.max_gap")
def test_r29_steps_over_too_long_a_gap_are_left_out_and_say_so() -> None:
    # VictoriaMetrics, removeCounterResets with a staleness interval of 10.
    times = (10, 20, 30, 60, 70, 80, 90, 100, 120, 130)
    values = dict(zip(times, (10.0, 12, 14, 4, 6, 8, 6, 8, 4, 6), strict=True))
    assert since(values, 10) == [10, 12, 14, 4, 6, 8, 14, 16, 4, 6]
    line = of(50.0, before=5.0, before_at=S - 600_000)
    assert increase(rolled(line)) == (45.0, 0)
    limited = rolled(line, Policy(max_gap_ms=300_000))
    assert increase(limited) == (0.0, Flag.DISCARDED)
    assert limited["gap"] == 600_000


def falls(tolerance: float, *, subtracted: bool = False) -> Falls:
    return Falls(np.array([tolerance]), np.array([subtracted]))


def totals(values: Sequence[float], tolerated: Falls | None, every: int) -> list[float]:
    """What increases add up to, by windows of `every` samples, from the first on."""
    total, before, found = 0.0, NAN, []
    for low in range(0, len(values), every):
        line = of(*values[low : low + every], before=before)
        total += float(rolled(line, falls=tolerated)["increase"] or 0)
        found.append(total)
        before = values[min(low + every, len(values)) - 1]
    return found


@pytest.mark.rule(30)
@pytest.mark.setting("rollup.dips.tolerance")
@pytest.mark.parametrize("every", [1, 2, 3])
def test_r30_small_falls_add_nothing_where_they_are_tolerated(every: int) -> None:
    # VictoriaMetrics, whose tolerance is one eighth; it starts from the first value.
    values = [100.0, 95, 120, 119, 139, 50]
    found = [100 + one for one in totals(values, falls(1 / 8), every)]
    assert found == [100.0, 100, 125, 125, 145, 195][every - 1 :: every]


@pytest.mark.rule(30)
@pytest.mark.setting("rollup.dips.adds")
def test_r30_small_falls_can_be_subtracted() -> None:
    # Home Assistant, test_recorder: three windows of three states.
    values = [10.0, 15, 20, 19, 30, 40, 39, 60, 70]
    assert totals(values, falls(0.1, subtracted=True), 3) == [10, 30, 60]
    restarts = [10.0, 15, 20, 10, 30, 40, 50, 60, 70]
    assert totals(restarts, falls(0.1, subtracted=True), 3) == [10, 50, 80]


@pytest.mark.rule(30)
def test_r30_no_fall_is_tolerated_by_default_and_those_that_are_say_so() -> None:
    line = of(95.0, before=100.0)
    assert (rolled(line)["increase"], rolled(line)["resets"]) == (95.0, 1)
    row = rolled(line, falls=falls(0.05))
    assert (row["increase"], row["resets"], row["flags"]) == (0.0, 0, Flag.DIP)
    row = rolled(line, falls=falls(0.04))
    assert (row["increase"], row["resets"], row["flags"]) == (95.0, 1, 0)


@pytest.mark.rule(30)
@given(
    values=st.lists(st.integers(0, 100).map(float), min_size=1, max_size=12),
    every=st.integers(1, 4),
    subtracted=st.booleans(),
)
def test_r30_tolerated_falls_merge_at_any_border(
    *, values: list[float], every: int, subtracted: bool
) -> None:
    tolerated = falls(0.25, subtracted=subtracted)
    assert totals(values, tolerated, every)[-1] == totals(values, tolerated, 1)[-1]


@pytest.mark.rule(11)
def test_r11_a_series_that_was_marked_as_ended_says_so() -> None:
    assert rolled(of(1.0), ended=[S + 15_000])["flags"] == Flag.ENDED | Flag.BASELINE
    assert rolled(of(1.0), ended=[0])["flags"] == Flag.BASELINE
    ends_before = rolled(of(2.0, before=1.0), ended=[S - 1])
    assert ends_before["flags"] == 0


def test_rows_of_no_series_are_none() -> None:
    nothing = aggregate(block(), MINUTE, previous())
    assert isinstance(nothing, Rows)
    assert len(nothing) == 0


@pytest.mark.rule(33)
def test_r33_a_series_that_was_a_histogram_begins_anew() -> None:
    line = of(7.0, 9.0, before=5.0, before_at=S - 15_000)
    packed = np.array([b"buckets"], np.object_)
    before = replace(previous(line), buckets=packed)
    (row,) = table(aggregate(block(line), MINUTE, before))
    assert increase(row) == (2.0, Flag.BASELINE)
    (gauge,) = table(aggregate(block(replace(line, counter=False)), MINUTE, before))
    assert gauge["flags"] == 0


@pytest.mark.rule(19)
def test_r19_the_time_of_the_last_usable_sample_is_kept() -> None:
    line = Line([(S, 1.0), (S + 30_000, 2.0), (S + 45_000, NAN)])
    assert rolled(line)["last_offset"] == 30_000
    assert rolled(Line([(S + 45_000, NAN)]))["last_offset"] == 0


@pytest.mark.rule(34)
@given(st.lists(st.integers(0, 50).map(float), min_size=1, max_size=40))
def test_r34_as_a_total_a_counter_only_rises_and_ends_at_its_last_value(
    values: list[float],
) -> None:
    line = Line([(S + 15_000 * n, value) for n, value in enumerate(values)])
    rows = table(Rows.join(windows(line)))
    total, totals = values[0], []
    for row in rows:
        total += float(row["increase"] or 0)
        totals.append(total)
    assert totals == sorted(totals)
    assert rows[-1]["last"] == values[-1]
    undone = sum(a for a, b in pairwise(values) if b < a)
    assert totals[-1] == values[-1] + undone


@st.composite
def told_of(draw: st.DrawFn) -> Told:
    times = sorted(draw(st.sets(st.integers(0, 59), min_size=1, max_size=6)))
    near = st.sampled_from([0, *range(S - 120_000, S + 60_000, 5_000)])
    return Told(
        tuple(
            (S + 1000 * time, float(draw(st.integers(0, 40))), draw(near))
            for time in times
        ),
        before=draw(st.sampled_from([NAN, 0.0, 7.0, 40.0])),
        before_at=S - 1000 * draw(st.integers(1, 400)),
        absent=draw(near),
        expected=draw(st.sampled_from([0, 1, 4, 12])),
        evidence=draw(st.booleans()),
        max_gap=draw(st.sampled_from([0, 20_000, 90_000])),
        tolerance=draw(st.sampled_from([0.0, 0.25])),
        subtracted=draw(st.booleans()),
    )


@given(told_of())
def test_steps_are_what_the_slow_truth_says(told: Told) -> None:
    if np.isnan(told.before):
        told = replace(told, before_at=0)
    row = rolled(
        Line(
            [(time, value) for time, value, _ in told.samples],
            expected=told.expected,
            previous=told.before,
            previous_at=told.before_at,
        ),
        Policy(told.evidence, told.max_gap),
        falls=falls(told.tolerance, subtracted=told.subtracted),
        started=[start for _, _, start in told.samples],
        absent=[told.absent],
    )
    found = tuple(row[name] for name in ("increase", "resets", "flags", "gap"))
    assert found == counted(told, S)
