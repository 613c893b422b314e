"""Percentiles of a day, merged from 1,440 minutes, against the exact ones (R48)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.rollup.buckets.blobs import merge
from bridge.rollup.buckets.distributions import distributions
from bridge.rollup.buckets.exponents import index_of, relative_error
from bridge.rollup.buckets.layouts import layout_id
from bridge.rollup.buckets.quantiles import Estimate, quantile
from tests.bridge.rollup.families import Scrape
from tests.bridge.rollup.families import windows as family_windows
from tests.bridge.rollup.natives import Native, counted
from tests.bridge.rollup.natives import windows as native_windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.rollup.rows import Floats

MINUTES = 1440
EACH = 20
QUANTILES = (0.5, 0.95, 0.99)
BOUNDS = (*(0.01 * 2**k for k in range(15)), math.inf)
SCHEMA = 5


def samples(shape: str) -> Floats:
    """A day of samples, a row per minute; busy minutes are slower."""
    random = np.random.default_rng(20261121)
    load = np.exp(random.normal(0, 0.5, (MINUTES, 1)))
    size = (MINUTES, EACH)
    if shape == "lognormal":
        found = random.lognormal(0.0, 1.0, size)
    elif shape == "pareto":
        found = 1 + random.pareto(1.8, size)
    else:
        slow = random.random(size) < 0.04
        found = np.where(
            slow, random.normal(30, 3, size), random.normal(0.5, 0.1, size)
        )
    day: Floats = np.maximum(np.abs(found) * load, 1e-6)
    return day


def exact(values: Floats, q: float) -> float:
    return float(np.quantile(values, q, method="inverted_cdf"))


@pytest.fixture(params=["lognormal", "pareto", "bimodal"], scope="module")
def day(request: pytest.FixtureRequest) -> Floats:
    return samples(request.param)


@pytest.mark.rule(48)
def test_r48_percentiles_of_a_distribution_are_within_its_error(
    day: Floats, record_property: Callable[[str, object], None]
) -> None:
    owner = np.repeat(np.arange(MINUTES), EACH)
    minutes = [
        blob
        for blob in distributions(day.ravel(), owner, MINUTES, SCHEMA)
        if blob is not None
    ]
    hours = merge([minutes[at : at + 60] for at in range(0, MINUTES, 60)])
    whole = merge([hours])[0]
    assert whole == merge([minutes])[0]
    for q in QUANTILES:
        truth = exact(day, q)
        found = quantile(q, whole, {})
        naive = float(np.mean([exact(minute, q) for minute in day]))
        record_property(f"p{100 * q:g} off by", abs(found.value / truth - 1))
        record_property(f"mean of p{100 * q:g} off by", abs(naive / truth - 1))
        assert abs(found.value / truth - 1) <= relative_error(SCHEMA)
        assert found.lower <= truth <= found.upper


@pytest.mark.rule(48)
def test_r48_the_mean_of_percentiles_is_none(day: Floats) -> None:
    truth = exact(day, 0.99)
    naive = float(np.mean([exact(minute, 0.99) for minute in day]))
    assert abs(naive / truth - 1) > 3 * relative_error(SCHEMA)


@pytest.mark.rule(48)
def test_r48_percentiles_of_a_histogram_are_in_their_bucket(day: Floats) -> None:
    counts = np.cumsum(
        [np.histogram(minute, (-1, *BOUNDS))[0] for minute in day], axis=0
    )
    history = [Scrape(0, (0,) * len(BOUNDS), bounds=BOUNDS)] + [
        Scrape(60_000 * at + 30_000, tuple(row.cumsum().tolist()), bounds=BOUNDS)
        for at, row in enumerate(counts)
    ]
    minutes = [rows.buckets[0] for rows in family_windows(history)]
    whole = merge([minutes])[0]
    for q in QUANTILES:
        found = quantile(q, whole, {layout_id(BOUNDS): BOUNDS})
        within(found, exact(day, q))


@pytest.mark.rule(48)
def test_r48_percentiles_of_a_native_histogram_are_within_its_error(
    day: Floats,
) -> None:
    history = [Native(0, schema=SCHEMA)]
    index = index_of(day, SCHEMA)
    for at in range(0, MINUTES, 10):
        seen = counted(index[: at + 10].ravel().tolist())
        history.append(Native(60_000 * at + 30_000, seen, schema=SCHEMA))
    whole = merge([[rows.buckets[0] for rows in native_windows(history)]])[0]
    for q in QUANTILES:
        truth = exact(day, q)
        found = quantile(q, whole, {})
        within(found, truth)
        assert abs(found.value / truth - 1) <= 2 * relative_error(SCHEMA)


def within(found: Estimate, truth: float) -> None:
    assert found.lower <= truth <= found.upper
    assert found.lower <= found.value <= found.upper
