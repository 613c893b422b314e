"""Vectors marked so are those of Prometheus, in `tests/data/promql/histograms.test`."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.rollup.buckets.blobs import merge
from bridge.rollup.buckets.distributions import distributions
from bridge.rollup.buckets.exponents import relative_error
from bridge.rollup.buckets.layouts import layout_id
from bridge.rollup.buckets.quantiles import NOTHING, Estimate, from_bounds, of, quantile
from tests.bridge.rollup.families import INF, SMALL, Scrape
from tests.bridge.rollup.families import windows as family_windows
from tests.bridge.rollup.natives import Native
from tests.bridge.rollup.natives import windows as native_windows

NAN = math.nan

# testhistogram, testhistogram2 and testhistogram3 after 50 minutes.
POSITIVE = from_bounds((0.1, 0.2, 1.0, INF), (50, 70, 110, 120))
NEGATIVE = from_bounds((-0.2, -0.1, 0.3, INF), (10, 20, 20, 30))
SIXTHS = from_bounds((0, 2, 4, 6, INF), (0, 10, 20, 30, 30))
FILLED = from_bounds((0, 0.1, 0.2, 1.0, INF), (0, 50, 70, 110, 110))
BELOW = from_bounds((-0.25, -0.2, -0.1, 0.3, INF), (0, 10, 20, 20, 20))


@pytest.mark.rule(49)
@pytest.mark.parametrize(
    ("q", "positive", "negative"),
    [
        (0, 0, -0.2),
        (0.2, 0.048, -0.2),
        (0.5, 0.15, -0.15),
        (0.8, 0.72, 0.3),
        (1, 1, 0.3),
    ],
)
def test_r49_quantiles_of_testhistogram(
    q: float, positive: float, negative: float
) -> None:
    assert of(q, POSITIVE).value == pytest.approx(positive, rel=1e-12)
    assert of(q, NEGATIVE).value == pytest.approx(negative, rel=1e-12)


@pytest.mark.rule(49)
@pytest.mark.parametrize(("q", "value"), [(1 / 6, 1), (0.5, 3), (5 / 6, 5)])
def test_r49_quantiles_of_testhistogram2(q: float, value: float) -> None:
    assert of(q, SIXTHS).value == pytest.approx(value, rel=1e-12)


@pytest.mark.rule(49)
@pytest.mark.parametrize(
    ("q", "positive", "negative"),
    [
        (0, 0, -0.25),
        (0.25, 0.055, -0.225),
        (0.5, 0.125, -0.2),
        (0.75, 0.45, -0.15),
        (1, 1, -0.1),
    ],
)
def test_r49_quantiles_of_testhistogram3(
    q: float, positive: float, negative: float
) -> None:
    assert of(q, FILLED).value == pytest.approx(positive, rel=1e-12)
    assert of(q, BELOW).value == pytest.approx(negative, rel=1e-12)


@pytest.mark.rule(51)
@pytest.mark.parametrize("buckets", [POSITIVE, NEGATIVE])
def test_r51_quantiles_outside_of_0_to_1_are_infinite(buckets: object) -> None:
    assert of(-0.1, buckets).value == -INF  # type: ignore[arg-type]  # buckets
    assert of(1.01, buckets).value == INF  # type: ignore[arg-type]  # buckets
    assert of(NAN, buckets) is NOTHING  # type: ignore[arg-type]  # buckets


@pytest.mark.rule(51)
def test_r51_no_observations_have_no_quantile() -> None:
    assert of(0.5, from_bounds((1.0, INF), (0, 0))) is NOTHING
    assert of(0.5, from_bounds((INF,), (7,))) is NOTHING
    assert of(0.5, None) is NOTHING


@pytest.mark.rule(51)
def test_r51_the_top_bucket_is_taken_for_its_lower_bound_and_says_so() -> None:
    assert of(0.99, from_bounds((1.0, 2.0, INF), (1, 1, 100))) == Estimate(2, 2, INF)
    assert of(0.1, from_bounds((-1.0, INF), (5, 5))) == Estimate(-1, -INF, -1)


def test_an_answer_lies_between_the_bounds_of_its_bucket() -> None:
    assert of(0.5, SIXTHS) == Estimate(3, 2, 4)


def test_what_is_known_of_all_values_narrows_the_bounds() -> None:
    assert Estimate(3, 2, 4).between(2.5, 9) == Estimate(3, 2.5, 4)
    assert Estimate(3, 2, 4).between(3.5, 3.5) == Estimate(3.5, 3.5, 3.5)
    assert Estimate(3, 2, 4).between(NAN, NAN) == Estimate(3, 2, 4)


@pytest.mark.rule(49)
def test_r49_after_a_change_of_bounds_those_that_all_have_answer() -> None:
    other = (0.5, 1.0, 2.0, 4.0, INF)
    (rows,) = family_windows(
        [
            Scrape(0, (0, 0, 0)),
            Scrape(1, (4, 8, 8)),
            Scrape(2, (0, 0, 0, 0, 0), bounds=other),
            Scrape(3, (0, 0, 4, 8, 8), bounds=other),
        ]
    )
    bounds = {layout_id(SMALL): SMALL, layout_id(other): other}
    blob = rows.buckets[0]
    assert blob is not None
    assert quantile(0.25, blob, bounds) == Estimate(1, 0, 1)
    assert quantile(0.5, blob, bounds) == Estimate(1.5, 1, 2)
    assert quantile(0.9, blob, bounds) == Estimate(2, 2, INF)
    assert quantile(0.5, blob, {}) is NOTHING


def native(**given: object) -> bytes:
    (rows,) = native_windows([Native(0), Native(1, **given)])  # type: ignore[arg-type]  # fields
    blob = rows.buckets[0]
    assert isinstance(blob, bytes)
    return blob


def test_native_quantiles_lie_on_an_exponential_line() -> None:
    blob = native(positive={0: 1, 1: 2, 2: 1})
    found = quantile(0.5, blob, {})
    assert found.value == pytest.approx(2**0.5, rel=1e-12)
    assert (found.lower, found.upper) == (1, 2)
    assert quantile(0.0, blob, {}).value == 0.5
    assert quantile(1.0, blob, {}).value == 4


def test_negative_buckets_mirror_positive_ones() -> None:
    blob = native(negative={0: 1, 1: 2, 2: 1})
    assert quantile(0.5, blob, {}).value == pytest.approx(-(2**0.5), rel=1e-12)
    assert quantile(0.0, blob, {}).value == -4
    assert quantile(1.0, blob, {}).value == -0.5


def test_the_zero_bucket_is_straight_and_ends_at_zero_without_the_other_side() -> None:
    both = native(positive={2: 1}, negative={2: 1}, zero=2, threshold=1.0)
    assert quantile(0.5, both, {}).value == 0
    above = native(positive={2: 2}, zero=2, threshold=1.0)
    assert quantile(0.25, above, {}) == Estimate(0.5, 0, 1)
    below = native(negative={2: 2}, zero=2, threshold=1.0)
    assert quantile(0.75, below, {}) == Estimate(-0.5, -1, 0)


def test_high_quantiles_of_native_histograms_are_found_from_above() -> None:
    blob = native(positive={0: 5, 4: 5})
    assert quantile(0.5, blob, {}) == Estimate(8, 0.5, 16)
    assert quantile(0.4, blob, {}).value < 1


@pytest.mark.rule(52)
def test_r52_a_quantile_among_no_numbers_is_none() -> None:
    blob = native(positive={0: 5, 1: 3}, nan=2, sum=NAN)
    assert math.isnan(quantile(0.95, blob, {}).value)
    assert quantile(0.5, blob, {}).value == pytest.approx(1, rel=1e-12)


def test_a_distribution_of_zeros_is_zero() -> None:
    (blob,) = distributions(np.zeros(4), np.zeros(4, np.int64), 1, 5)
    assert blob is not None
    assert quantile(0.5, blob, {}) == Estimate(0, 0, 0)


@pytest.mark.rule(55)
def test_r55_distributions_of_two_schemas_answer_with_the_error_of_the_coarser() -> (
    None
):
    values = np.linspace(1, 100, 1000)
    owner = np.zeros(1000, np.int64)
    fine, coarse = (distributions(values, owner, 1, s)[0] for s in (6, 3))
    assert fine is not None
    assert coarse is not None
    found = quantile(0.5, merge([[fine, coarse]])[0], {})
    assert found.upper / found.lower - 1 == pytest.approx(relative_error(3))
    assert found.lower <= np.quantile(values, 0.5, method="inverted_cdf") <= found.upper


def test_kinds_that_do_not_go_together_have_no_quantile() -> None:
    (rows,) = family_windows([Scrape(0, (1, 2, 3)), Scrape(1, (2, 4, 6))])
    apart = merge([[rows.buckets[0], native(positive={0: 5})]])[0]
    assert quantile(0.5, apart, {layout_id(SMALL): SMALL}) is NOTHING
