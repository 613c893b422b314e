from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.rollup.rows import Flag
from bridge.rollup.summation import Sums, positions, sum_runs, without_sum
from tests.bridge.rollup.builders import INF, NAN

# All in one range of exponents narrow enough that what rounding takes can itself be
# summed without rounding, so that the result must be the exactly rounded sum.
ordinary = st.one_of(st.just(0.0), st.floats(2.0**-10, 2.0**20)).flatmap(
    lambda value: st.sampled_from([value, -value])
)


def summed(*values: float) -> float:
    run = np.array(values, np.float64)
    return float(sum_runs(run, np.array([0]), np.array([len(run)]))[0])


@pytest.mark.rule(17)
def test_r17_what_rounding_took_comes_back() -> None:
    assert summed(1e16, 1.0, -1e16, 1.0) == 2.0
    assert sum([1e16, 1.0, -1e16, 1.0]) == 1.0


@pytest.mark.rule(17)
@given(st.lists(ordinary, max_size=60))
def test_r17_sums_of_ordinary_numbers_are_the_exactly_rounded_ones(
    values: list[float],
) -> None:
    assert summed(*values) == math.fsum(values)


@given(st.lists(st.floats(-1e300, 1e300), max_size=60))
def test_any_sum_is_within_1e15_of_its_magnitude(values: list[float]) -> None:
    magnitude = math.fsum(map(abs, values))
    assert summed(*values) == pytest.approx(
        math.fsum(values), rel=0, abs=magnitude * 1e-15
    )


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ((1.0, INF, 2.0), INF),
        ((-INF, 1.0), -INF),
        ((INF, INF), INF),
        ((INF, -INF), NAN),
        ((1e308, 1e308), INF),
        ((1e308, 1e308, 1.0), INF),
        ((), 0.0),
    ],
)
def test_infinite_sums_stay_infinite_and_opposite_ones_say_nothing(
    values: tuple[float, ...], total: float
) -> None:
    np.testing.assert_equal(summed(*values), total)


def test_a_correction_that_outgrows_a_float_makes_the_sum_infinite() -> None:
    sums = Sums(1)
    sums.total[:], sums.lost[:] = np.finfo(np.float64).max, 1e300
    assert sums.result().tolist() == [INF]


def test_sums_without_meaning_are_told_from_sums_of_infinite_samples() -> None:
    total = np.array([1.0, INF, -INF, INF, NAN])
    flags = np.array([0, Flag.INFINITE, Flag.INFINITE, 0, Flag.INFINITE])
    assert without_sum(total, flags).tolist() == [False, False, False, True, True]


def test_sums_move_with_what_they_lost() -> None:
    sums = Sums(2)
    for value in (1e16, 1.0, -1e16):
        sums.add(slice(None), np.array([value, value]))
    wider = sums.spread(4, np.array([3, 1]))
    wider.add(np.array([1, 2]), np.array([1.0, 5.0]))
    assert wider.result().tolist() == [0.0, 2.0, 5.0, 1.0]


@example(lengths=[])
@given(lengths=st.lists(st.integers(0, 9), max_size=9))
def test_runs_are_walked_side_by_side_each_element_once(lengths: list[int]) -> None:
    count = np.array(lengths, np.int64)
    begin = np.cumsum(count) - count
    walked: list[list[int]] = [[] for _ in lengths]
    for runs, index in positions(begin, count):
        assert len(set(runs.tolist())) == len(runs) > 0
        for run, element in zip(runs.tolist(), index.tolist(), strict=True):
            walked[run].append(element)
    assert walked == [
        list(range(first, first + length))
        for first, length in zip(begin.tolist(), lengths, strict=True)
    ]
