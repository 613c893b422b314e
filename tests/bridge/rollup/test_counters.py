from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.counters import imprecise, steps
from tests.bridge.rollup.builders import INF, NAN

if TYPE_CHECKING:
    from collections.abc import Sequence


def stepped(values: Sequence[float], before: float) -> tuple[list[float], list[bool]]:
    series = np.array([before, *values], np.float64)
    rises, resets = steps(series[1:], series[:-1])
    return rises.tolist(), resets.tolist()


@pytest.mark.rule(21)
def test_r21_a_smaller_value_is_a_reset_and_adds_itself() -> None:
    rises, resets = stepped([1, 2, 3, 2, 3, 4], 0)
    assert rises == [1, 1, 1, 2, 1, 1]
    assert resets == [False, False, False, True, False, False]
    assert sum(rises) == 7


@pytest.mark.rule(21)
def test_r21_an_equal_value_is_no_reset_and_adds_nothing() -> None:
    assert stepped([5, 5, 0, 0], 5) == ([0, 0, 0, 0], [False, False, True, False])


@pytest.mark.rule(25)
def test_r25_without_a_predecessor_nothing_is_added() -> None:
    assert stepped([7, 8], NAN) == ([0, 1], [False, False])


@pytest.mark.parametrize(
    ("values", "rises"),
    [
        ([INF, 12], [0, 0]),
        ([-INF, 12], [0, 0]),
        ([INF, INF, -INF, 3, 4], [0, 0, 0, 0, 1]),
    ],
)
def test_steps_from_and_to_infinities_add_nothing_and_are_no_resets(
    values: list[float], rises: list[float]
) -> None:
    assert stepped(values, 10) == (rises, [False] * len(values))


@pytest.mark.rule(18)
def test_r18_integers_beyond_2_to_the_53_are_told_apart_no_more() -> None:
    values = np.array([2.0**53 - 1, 2.0**53, 2.0**53 + 1, -(2.0**53), INF, NAN, 0.0])
    assert imprecise(values).tolist() == [False, True, True, True, False, False, False]


@given(st.lists(st.floats(0, 1e300), min_size=1))
def test_steps_of_counters_are_never_negative(values: list[float]) -> None:
    assert min(stepped(values, values[0])[0]) >= 0


@pytest.mark.rule(22)
@given(st.lists(st.integers(0, 2**40), min_size=2))
def test_r22_steps_sum_to_last_minus_first_plus_what_resets_hid(
    values: list[int],
) -> None:
    rises, _ = stepped(values[1:], values[0])
    hidden = sum(a for a, b in pairwise(values) if b < a)
    assert math.fsum(rises) == values[-1] - values[0] + hidden
