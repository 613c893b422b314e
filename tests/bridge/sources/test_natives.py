from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.base import Exponential
from bridge.sources.natives import (
    Interval,
    NativeSeries,
    from_intervals,
    from_spans,
    from_told,
    natives_of,
)


def border(index: int, schema: int) -> float:
    exponent = math.ldexp(index, -schema)
    return 2.0**exponent if exponent < 1024 else math.inf


def intervals(
    schema: int, positive: dict[int, float], negative: dict[int, float]
) -> list[Interval]:
    return [
        *(
            (1, -border(i, schema), -border(i - 1, schema), n)
            for i, n in sorted(negative.items(), reverse=True)
        ),
        *(
            (0, border(i - 1, schema), border(i, schema), n)
            for i, n in sorted(positive.items())
        ),
    ]


def counts(side: tuple[int, np.ndarray]) -> dict[int, float]:
    first, values = side
    return {first + i: n for i, n in enumerate(values.tolist()) if n}


SIDE = st.dictionaries(st.integers(-40, 40), st.integers(1, 99).map(float), max_size=6)


@pytest.mark.rule(52)
@given(schema=st.integers(-4, 8), positive=SIDE, negative=SIDE)
def test_r52_resolution_and_indices_are_seen_in_the_bounds(
    schema: int, positive: dict[int, float], negative: dict[int, float]
) -> None:
    told = intervals(schema, positive, negative)
    found = from_intervals(9.0, 1.5, told, schema)
    assert (found.schema, found.count, found.sum) == (schema, 9.0, 1.5)
    assert (found.zero_threshold, found.zero_count) == (0.0, 0.0)
    assert counts(found.positive) == positive
    assert counts(found.negative) == negative


def test_the_bucket_around_zero_tells_its_threshold() -> None:
    found = from_intervals(
        6.0, 2.0, [(1, -2, -1, 1), (3, -0.25, 0.25, 2), (0, 0.5, 1, 3)]
    )
    assert (found.schema, found.zero_threshold, found.zero_count) == (0, 0.25, 2.0)
    assert counts(found.positive) == {0: 3.0}
    assert counts(found.negative) == {1: 1.0}


@pytest.mark.parametrize(
    ("told", "schema", "indices"),
    [
        ([(3, -0.6, 0.6, 1), (0, 0.6, 1, 2), (0, 1, 2, 3)], 0, {0: 2, 1: 3}),
        ([(3, -0.6, 0.6, 1), (0, 0.6, 1, 2)], -4, {0: 2}),
        ([(3, -4.2, 4.2, 1), (0, 4.2, 2**2.25, 2)], 2, {9: 2}),
    ],
)
def test_a_bucket_that_zero_cuts_short_is_taken_for_whole(
    told: list[Interval], schema: int, indices: dict[int, float]
) -> None:
    found = from_intervals(6.0, 2.0, told)
    assert (found.schema, counts(found.positive)) == (schema, indices)


@pytest.mark.parametrize("end", [math.inf, sys.float_info.max])
def test_the_last_bucket_has_no_end(end: float) -> None:
    told = [(0, 1.0, 2.0, 1.0), (0, 2.0**1023, end, 4.0)]
    assert counts(from_intervals(5, 1, told).positive) == {1: 1.0, 1024: 4.0}


def test_without_buckets_the_resolution_is_the_one_that_is_given() -> None:
    assert from_intervals(0, 0, []).schema == 8
    assert from_intervals(2, 0, [(3, -1e-9, 1e-9, 2)], 3).schema == 3


@pytest.mark.parametrize(
    "told",
    [
        [(0, 0.1, 0.5, 1), (0, 0.5, 7, 1)],
        [(0, 1, 2, 1), (0, 2, 3, 1)],
        [(2, 1, 2, 1)],
        [(0, -math.inf, 0.1, 1)],
        [(0, 2, 1, 1)],
    ],
)
def test_bounds_of_no_exponential_histogram_are_refused(told: list[Interval]) -> None:
    with pytest.raises(ValueError, match=r"bounds|unknown kind"):
        from_intervals(1, 1, told)


def test_spans_become_buckets() -> None:
    spans = [(-2, 2), (3, 1)]
    first, values = from_spans(spans, deltas=[1, 2, -1])
    assert (first, values.tolist()) == (-2, [1, 3, 0, 0, 0, 2])
    first, values = from_spans(spans, counts=[1.5, 2.0, 0.5])
    assert (first, values.tolist()) == (-2, [1.5, 2, 0, 0, 0, 0.5])
    assert from_spans([])[0] == 0
    with pytest.raises(ValueError, match="3 buckets in spans have 2 counts"):
        from_spans(spans, deltas=[1, 2])


def test_one_without_buckets_has_the_resolution_of_those_beside_it() -> None:
    bucket = [(0, 1.0, 2.0**0.125, 1.0)]
    found = from_told([(0, 0, []), (1, 1, bucket), (0, 0, []), (0, 0, [])])
    assert [one.schema for one in found] == [3, 3, 3, 3]
    assert [one.schema for one in from_told([(0, 0, [])])] == [8]


def native(count: float) -> Exponential:
    empty = (0, np.zeros(0))
    return Exponential(3, 0.0, 0.0, count, 0.0, empty, empty)


@pytest.mark.rule(1)
@pytest.mark.rule(15)
def test_r1_r15_series_become_one_block_of_a_window() -> None:
    one, two = native(1), native(2)
    block = natives_of(
        [
            NativeSeries(b"a", [20, 9, 10], [two, one, one]),
            NativeSeries(b"b", [30], [one]),
            NativeSeries(b"c", [15], [one]),
            NativeSeries(b"a", [20, 10], [one, two]),
        ],
        [5, 4, 3, 5],
        [4, 1, 0, 4],
        (10, 30),
    )
    assert block.series_id.tolist() == [5, 3]
    assert block.offsets.tolist() == [0, 2, 3]
    assert block.times.tolist() == [10, 20, 15]
    assert block.expected.tolist() == [4, 0]
    assert [histogram.count for histogram in block.histograms] == [2, 2, 1]
    assert natives_of([], [], [], (0, 1)).offsets.tolist() == [0]
