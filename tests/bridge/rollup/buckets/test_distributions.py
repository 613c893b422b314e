from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rollup.buckets import exponential_blobs
from bridge.rollup.buckets.blobs import merge
from bridge.rollup.buckets.distributions import distributions
from bridge.rollup.buckets.exponents import relative_error
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.buckets.quantiles import quantile
from tests.bridge.rollup.natives import inside


def distribution(values: list[float], schema: int = 5) -> bytes:
    owner = np.zeros(len(values), np.int64)
    (blob,) = distributions(np.array(values, np.float64), owner, 1, schema)
    assert blob is not None
    return blob


def test_samples_are_counted_by_their_size_and_sign() -> None:
    blob = distribution([1.0, 1.5, -3.0, 0.0, 1e-50, math.nan], schema=0)
    assert inside(blob, Kind.DISTRIBUTION) == {
        "schema": 0,
        "threshold": 2.0**-128,
        "zero": 2.0,
        "count": 5.0,
        "positive": {0: 1.0, 1: 1.0},
        "negative": {2: 1.0},
    }


def test_no_samples_have_no_distribution() -> None:
    values, owner = np.array([1.0, math.nan]), np.array([0, 1])
    first, second, third = distributions(values, owner, 3, 5)
    assert first is not None
    assert (second, third) == (None, None)


def test_infinite_samples_are_above_and_below_all_others() -> None:
    blob = distribution([-math.inf, 1.0, math.inf])
    assert quantile(1.0, blob, {}).upper == math.inf
    assert quantile(0.0, blob, {}).lower == -math.inf


def test_a_schema_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="schemas are -4 to 8, not 9"):
        distribution([1.0], schema=9)


def test_a_minute_of_four_samples_is_small() -> None:
    assert len(distribution([20.1, 20.2, 20.15, 20.3])) <= 56
    assert len(distribution([1.0, 1e9, 1e-9, 5.0])) <= 64


@pytest.mark.rule(55)
def test_r55_other_parameters_do_not_merge() -> None:
    fine, coarse = distribution([1.0], 6), distribution([1.0], 5)
    with pytest.raises(ValueError, match="schemas 5, 6 do not merge"):
        exponential_blobs.merge(
            Kind.DISTRIBUTION, [fine, coarse], np.zeros(2, np.int64), 1
        )


finite = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-30)


@pytest.mark.rule(54)
@settings(deadline=None)
@given(
    st.lists(st.lists(finite, min_size=1, max_size=5), min_size=1, max_size=9),
    st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0]),
    st.randoms(),
)
def test_r54_the_error_is_kept_by_any_tree_of_merges(
    minutes: list[list[float]], q: float, random: object
) -> None:
    values = sorted(value for minute in minutes for value in minute)
    whole = distribution(values)
    blobs = [distribution(minute) for minute in minutes]
    while len(blobs) > 1:
        cut = random.randint(2, len(blobs))  # type: ignore[attr-defined]  # Random
        blobs = [merge([blobs[:cut]])[0], *blobs[cut:]]
    assert blobs == [whole]
    found = quantile(q, whole, {})
    exact = float(np.quantile(values, q, method="inverted_cdf"))
    assert found.lower <= exact <= found.upper
    assert abs(found.value - exact) <= relative_error(5) * abs(exact) * (1 + 1e-9)
