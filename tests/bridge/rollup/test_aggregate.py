from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.aggregate import aggregate
from bridge.rollup.rows import Flag
from bridge.rollup.windows import Window
from tests.bridge.rollup import oracle
from tests.bridge.rollup.builders import (
    HOUR,
    INF,
    NAN,
    Line,
    Row,
    block,
    previous,
    row,
    table,
)

MINUTE = Window(HOUR)
S, E = MINUTE.start_ms, MINUTE.end_ms


def rolled(*lines: Line) -> list[Row]:
    return table(aggregate(block(*lines), MINUTE, previous(*lines)))


def of(*values: float, counter: bool = False, before: float = NAN) -> Line:
    """A series with these values every 100 ms of the minute."""
    samples = [(S + 100 * i, value) for i, value in enumerate(values)]
    return Line(samples, counter=counter, previous=before)


def only(*values: float, counter: bool = False, before: float = NAN) -> Row:
    (found,) = rolled(of(*values, counter=counter, before=before))
    return found


@pytest.mark.rule(1)
def test_r1_a_window_holds_its_start_and_not_its_end() -> None:
    line = Line([(S - 1, 1.0), (S, 2.0), (E - 1, 4.0)])
    assert [found["count"] for found in rolled(line)] == [2]
    with pytest.raises(ValueError, match=rf"^a sample at {E} is not before {E}$"):
        rolled(replace(line, samples=[*line.samples, (E, 8.0)]))


def test_a_gauges_row_says_all_of_its_samples() -> None:
    assert only(3.0, 1.0, 2.0) == row(
        count=3,
        sum=6.0,
        min=1.0,
        max=3.0,
        first=3.0,
        last=2.0,
        last_offset=200,
        changes=2,
    )


def test_a_counters_row_says_how_much_it_rose() -> None:
    assert only(3.0, 1.0, 2.0, counter=True, before=2.0) == row(
        count=3,
        sum=6.0,
        min=1.0,
        max=3.0,
        first=3.0,
        last=2.0,
        increase=3.0,
        resets=1,
        last_offset=200,
        changes=2,
    )


def test_only_series_with_a_sample_in_the_window_have_a_row() -> None:
    lines = [
        Line([], series_id=1),
        Line([(S - 15_000, 7.0)], series_id=2),
        Line([(S, 1.0)], series_id=5, counter=False),
        Line([(S - 1, 7.0), (S + 1, 9.0)], series_id=3),
    ]
    assert [(found["series_id"], found["increase"]) for found in rolled(*lines)] == [
        (5, None),
        (3, 2.0),
    ]


def test_a_block_without_series_or_samples_makes_no_rows() -> None:
    assert rolled() == []
    assert rolled(Line([])) == []


@pytest.mark.rule(13)
def test_r13_nan_are_left_out_and_flagged() -> None:
    assert only(NAN, 3.0, NAN, 1.0, NAN) == row(
        count=2,
        sum=4.0,
        min=1.0,
        max=3.0,
        first=3.0,
        last=1.0,
        flags=Flag.NAN,
        last_offset=300,
        changes=1,
    )


@pytest.mark.rule(13)
def test_r13_nothing_but_nan_is_a_row_that_counts_none() -> None:
    nothing = row(
        count=0, sum=None, min=None, max=None, first=None, last=None, flags=Flag.NAN
    )
    assert only(NAN, NAN) == nothing
    assert only(NAN, counter=True, before=1.0) == nothing
    both = rolled(of(NAN), replace(of(5.0), series_id=2))
    assert [found["sum"] for found in both] == [None, 5.0]


@pytest.mark.rule(14)
@pytest.mark.parametrize(
    ("values", "total", "flags"),
    [
        ((1.0, 1.0), 2.0, 0),
        ((1.0, NAN), 1.0, Flag.NAN),
        ((1.0, INF), INF, Flag.INFINITE),
        ((1.0, -INF), -INF, Flag.INFINITE),
        ((INF, INF), INF, Flag.INFINITE),
        ((INF, -INF), None, Flag.INFINITE | Flag.NO_SUM),
        ((NAN, INF), INF, Flag.NAN | Flag.INFINITE),
        ((NAN, -INF), -INF, Flag.NAN | Flag.INFINITE),
        ((1e308, 1e308), None, Flag.NO_SUM),
    ],
)
def test_r14_infinities_are_kept_and_what_has_no_sum_says_so(
    values: tuple[float, ...], total: float | None, flags: int
) -> None:
    usable = [value for value in values if not math.isnan(value)]
    assert only(*values) == row(
        count=len(usable),
        sum=total,
        min=min(usable),
        max=max(usable),
        first=usable[0],
        last=usable[-1],
        flags=flags,
        last_offset=100 * max(i for i, v in enumerate(values) if not math.isnan(v)),
        changes=sum(a != b for a, b in pairwise(usable)),
    )


def test_minus_zero_is_zero() -> None:
    found = aggregate(block(of(-0.0)), MINUTE, previous(of()))
    for name in ("sum", "min", "max", "first", "last"):
        assert not np.signbit(getattr(found, name)).any(), name


@pytest.mark.rule(16)
def test_r16_the_order_of_the_series_changes_no_row() -> None:
    lines = [
        replace(of(1.0, 5.0, 2.0, counter=True, before=0.0), series_id=1),
        replace(of(NAN), series_id=2),
        replace(of(4.0, INF), series_id=3),
    ]
    assert rolled(*lines)[::-1] == rolled(*lines[::-1])


@pytest.mark.rule(17)
def test_r17_sums_are_compensated_in_the_order_of_time() -> None:
    assert only(1e16, 1.0, -1e16, 1.0)["sum"] == 2.0
    assert only(1e16, 0.5, 1.0, counter=True, before=1e16)["increase"] == 1.0


@pytest.mark.rule(18)
@pytest.mark.parametrize("value", [2.0**53, 2.0**53 + 1, 1e300])
def test_r18_counters_beyond_2_to_the_53_are_flagged_imprecise(value: float) -> None:
    assert only(value, counter=True, before=value)["flags"] == Flag.IMPRECISE
    assert only(value)["flags"] == 0


@pytest.mark.rule(18)
def test_r18_the_largest_exact_counter_is_not_flagged() -> None:
    assert only(2.0**53 - 1, counter=True, before=1.0)["flags"] == 0


@pytest.mark.rule(19)
def test_r19_extremes_ignore_nan_and_last_is_by_time() -> None:
    found = only(NAN, 5.0, -2.0, 3.0, NAN)
    assert (found["min"], found["max"], found["last"]) == (-2.0, 5.0, 3.0)


@pytest.mark.rule(22)
def test_r22_the_step_across_the_border_belongs_to_the_later_window() -> None:
    inside = [(S + 5_000, 14.0), (S + 20_000, 20.0)]
    by_rows = Line(inside, previous=10.0)
    by_lookback = Line([(S - 40_000, 3.0), (S - 10_000, 10.0), *inside])
    assert [found["increase"] for found in rolled(by_rows)] == [10.0]
    assert rolled(by_rows) == rolled(by_lookback)


def test_samples_before_the_window_are_preferred_to_the_known_value() -> None:
    line = Line([(S - 1, 10.0), (S, 14.0)], previous=3.0)
    assert [found["increase"] for found in rolled(line)] == [4.0]
    nothing_usable = replace(line, samples=[(S - 1, NAN), (S, 14.0)])
    assert [found["increase"] for found in rolled(nothing_usable)] == [11.0]


@pytest.mark.rule(25)
def test_r25c_the_first_sample_of_a_counter_is_a_baseline_and_says_so() -> None:
    assert only(7.0, 9.0, counter=True) == row(
        count=2,
        sum=16.0,
        min=7.0,
        max=9.0,
        first=7.0,
        last=9.0,
        increase=2.0,
        flags=Flag.BASELINE,
        last_offset=100,
        changes=1,
    )
    assert only(7.0, 9.0)["flags"] == 0


@pytest.mark.rule(14)
def test_r14_a_counter_passes_through_infinity_without_adding_it() -> None:
    through = only(12.0, INF, 15.0, 16.0, counter=True, before=10.0)
    assert (through["increase"], through["resets"]) == (3.0, 0)
    assert through["flags"] == Flag.INFINITE
    after = only(15.0, 16.0, counter=True, before=INF)
    assert (after["increase"], after["flags"]) == (1.0, Flag.BASELINE)


@pytest.mark.rule(24)
def test_r24_increases_are_never_extrapolated_and_stay_integers() -> None:
    samples = [(S + 5_000 + 5_000 * i, 10.0 + 10 * i) for i in range(11)]
    (found,) = rolled(Line(samples))
    assert found["increase"] == 100.0


@pytest.mark.rule(31)
def test_r31_only_counters_have_increases_and_resets() -> None:
    found = only(5.0, 1.0, 2.0, before=9.0)
    assert (found["increase"], found["resets"]) == (None, 0)
    assert (found["first"], found["last"]) == (5.0, 2.0)


@pytest.mark.rule(32)
def test_r32_resets_are_undone_before_series_are_added_up() -> None:
    steady = replace(of(110.0, 120.0, counter=True, before=100.0), series_id=1)
    restarted = replace(of(5.0, 15.0, counter=True, before=100.0), series_id=2)
    found = rolled(steady, restarted)
    assert sum(float(one["increase"] or 0) for one in found) == 35.0
    summed_first = only(115.0, 135.0, counter=True, before=200.0)
    assert summed_first["increase"] == 135.0


@pytest.mark.rule(42)
def test_r42_no_change_is_zero_and_no_sample_is_nothing() -> None:
    assert only(4.0, 4.0, counter=True, before=4.0)["increase"] == 0.0
    assert only(NAN, counter=True, before=4.0)["increase"] is None
    assert rolled(Line([], previous=4.0)) == []


@pytest.mark.rule(15)
@pytest.mark.parametrize("times", [(S, S), (S + 2, S + 1), (S - 5, S - 5)])
def test_r15_a_time_given_twice_or_out_of_order_is_refused(
    times: tuple[int, int],
) -> None:
    with pytest.raises(ValueError, match=r"^the times of a series do not rise$"):
        rolled(Line([(time, 1.0) for time in times]))


def test_arrays_that_do_not_fit_are_refused() -> None:
    message = r"^the arrays of a block of 1 series differ in length$"
    with pytest.raises(ValueError, match=message):
        aggregate(block(of(1.0)), MINUTE, previous())
    short = replace(block(of(1.0)), offsets=np.array([0]))
    with pytest.raises(ValueError, match=message):
        aggregate(short, MINUTE, previous(of()))


usual = st.integers(-1000, 1000).map(float)
odd = st.sampled_from([NAN, INF, -INF, 2.0**53, 0.0])


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    found = []
    for series_id in range(draw(st.integers(0, 6))):
        times = draw(st.lists(st.integers(S - 9, S + 20), unique=True, max_size=12))
        found.append(
            Line(
                [(time, draw(usual | odd)) for time in sorted(times)],
                series_id=series_id,
                counter=draw(st.booleans()),
                expected=draw(st.integers(0, 60)),
                previous=draw(usual | odd),
            )
        )
    return found


@given(lines())
def test_rows_are_what_the_slow_truth_says(given_lines: list[Line]) -> None:
    expected = [oracle.aggregated(line, HOUR, 60) for line in given_lines]
    assert rolled(*given_lines) == [found for found in expected if found is not None]
