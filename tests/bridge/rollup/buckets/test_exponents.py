from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.buckets.exponents import (
    COARSEST,
    FINEST,
    coarser,
    index_of,
    relative_error,
    upper_bounds,
)

schemas = st.integers(COARSEST, FINEST)
values = st.lists(st.floats(1e-300, 1e308), min_size=1, max_size=20)


@given(schemas, values)
def test_a_value_lies_in_its_bucket(schema: int, given_values: list[float]) -> None:
    array = np.array(given_values)
    index = index_of(array, schema)
    of_all = np.full(len(index), schema)
    assert np.all(array <= upper_bounds(index, of_all))
    assert np.all(array > upper_bounds(index - 1, of_all))


@given(st.integers(COARSEST + 1, FINEST), values)
def test_a_coarser_bucket_holds_two_finer_ones(
    schema: int, given_values: list[float]
) -> None:
    array = np.array(given_values)
    index = index_of(array, schema)
    halved = coarser(index, np.ones(len(index), np.int64))
    assert halved.tolist() == index_of(array, schema - 1).tolist()


@pytest.mark.parametrize("schema", range(COARSEST, FINEST + 1))
def test_powers_of_two_end_buckets(schema: int) -> None:
    powers = np.exp2(16.0 * np.arange(-60, 60))
    index = index_of(powers, schema)
    bounds = upper_bounds(index, np.full(len(index), schema))
    assert bounds.tolist() == powers.tolist()


@pytest.mark.parametrize("schema", range(COARSEST, FINEST + 1))
def test_the_largest_floats_and_infinity_have_buckets_of_their_own(schema: int) -> None:
    largest = float(np.finfo(np.float64).max)
    index = index_of(np.array([largest, math.inf]), schema)
    assert index[1] == index[0] + 1
    bounds = upper_bounds(index, np.full(2, schema))
    assert bounds.tolist() == [largest, math.inf]


def test_the_error_of_a_schema_is_the_growth_of_its_buckets() -> None:
    assert relative_error(0) == 1
    assert relative_error(3) == pytest.approx(0.0905, abs=1e-4)
    assert relative_error(5) == pytest.approx(0.0219, abs=1e-4)
