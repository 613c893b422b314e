from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.otlp.exponential import FINEST, MOST_BUCKETS, Exponential, index

TIMES = st.floats(1e-9, 1e4)
SCALES = st.integers(0, FINEST)


def of(values: list[float]) -> Exponential:
    found = Exponential()
    for value in values:
        found.add(value)
    return found


def above(value: float, place: int, scale: int) -> bool:
    """Whether a value is above the lower bound of a bucket, without rounding."""
    parts = 1 << scale
    return Fraction(value) ** parts > Fraction(2) ** place


@given(st.floats(1e-6, 1e3), st.integers(0, 5))
def test_a_bucket_holds_what_is_between_its_bounds(value: float, scale: int) -> None:
    place = index(value, scale)
    near = value * (1 + 1e-14), value * (1 - 1e-14)
    assert above(near[0], place, scale)
    assert not above(near[1], place + 1, scale)


@given(st.integers(-200, 200), SCALES)
def test_a_power_of_two_is_the_upper_bound_of_its_bucket(
    power: int, scale: int
) -> None:
    value = 2.0**power
    assert index(value, scale) == (power << scale) - 1
    assert index(math.nextafter(value, math.inf), scale) == power << scale
    assert index(math.nextafter(value, 0.0), scale) < power << scale


@given(TIMES, SCALES)
def test_buckets_of_a_lower_scale_are_those_of_the_finest_merged(
    value: float, scale: int
) -> None:
    merged = index(value, FINEST) >> (FINEST - scale)
    assert abs(merged - index(value, scale)) <= (1 if value != 0 else 0)
    found = Exponential(scale)
    found.add(value)
    assert list(found.buckets) == [merged]


@given(st.lists(TIMES), st.lists(TIMES))
def test_merging_is_counting_all_in_one(one: list[float], other: list[float]) -> None:
    together, merged, more = of(one + other), of(one), of(other)
    merged.merge(more)
    scale = min(together.scale, merged.scale)
    together.coarsen(together.scale - scale)
    merged.coarsen(merged.scale - scale)
    assert merged.buckets == together.buckets
    assert merged.count == together.count == len(one) + len(other)
    assert merged.total == pytest.approx(together.total)
    assert (merged.smallest, merged.largest) == (together.smallest, together.largest)


@given(st.lists(st.floats(0, 1e300), min_size=1))
def test_it_is_never_wider_than_it_may_be_and_loses_nothing(
    values: list[float],
) -> None:
    found = of(values)
    first, counts = found.dense()
    assert len(counts) <= MOST_BUCKETS
    assert sum(counts) + found.zeros == found.count == len(values)
    assert first == min(found.buckets, default=0)
    assert found.total == pytest.approx(math.fsum(values))


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_what_is_no_duration_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no place"):
        Exponential().add(value)
