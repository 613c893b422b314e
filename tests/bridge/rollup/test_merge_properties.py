from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.merge import Merger, merge
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution
from tests.bridge.rollup import oracle
from tests.bridge.rollup.builders import (
    DAY,
    INF,
    NAN,
    Line,
    Row,
    Samples,
    rows,
    table,
    windows,
)

if TYPE_CHECKING:
    from random import Random

integers = st.integers(-(2**40), 2**40).map(float)
plain = st.floats(-1e6, 1e6)
odd = st.sampled_from([NAN, INF, -INF])


@st.composite
def samples(draw: st.DrawFn, values: st.SearchStrategy[float]) -> Samples:
    """Samples of a day, close together in some hours and absent in most."""
    bases = draw(st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True))
    offsets = st.lists(st.integers(0, 3_599_999), max_size=8)
    near = st.lists(st.integers(0, 130_000), max_size=8)
    times = {
        1000 * (DAY + 3600 * base) + offset
        for base in bases
        for offset in draw(offsets | near)
    }
    return [(time, draw(values)) for time in sorted(times)]


def as_raw(line: Line) -> list[Row]:
    """The day straight from raw samples; its expected samples are a day's."""
    whole = replace(line, expected=line.expected * 1440)
    return table(Rows.join(windows(whole, Resolution.DAY)))


@pytest.mark.rule(44)
@given(
    given_samples=samples(integers | odd),
    counter=st.booleans(),
    before=st.sampled_from([NAN, INF, 7.0]),
)
def test_r44_a_day_is_the_same_from_hours_minutes_and_raw_samples(
    *, given_samples: Samples, counter: bool, before: float
) -> None:
    line = Line(given_samples, counter=counter, previous=before)
    minutes = windows(line)
    by_minutes = table(merge(minutes, Resolution.DAY, Resolution.MINUTE))
    by_hours = table(merge([merge(minutes, Resolution.HOUR)], Resolution.DAY))
    assert by_minutes == as_raw(line)
    assert by_hours == as_raw(line)


@pytest.mark.rule(44)
@given(given_samples=samples(st.floats(0, 1e6)), counter=st.booleans())
def test_r44_on_floats_the_ways_differ_by_less_than_1e_12(
    *, given_samples: Samples, counter: bool
) -> None:
    line = Line(given_samples, counter=counter, previous=1.0)
    minutes = windows(line)
    ways = [
        merge(minutes, Resolution.DAY, Resolution.MINUTE),
        merge([merge(minutes, Resolution.HOUR)], Resolution.DAY),
    ]
    for raw in windows(line, Resolution.DAY):
        for way in ways:
            np.testing.assert_allclose(way.sum, raw.sum, rtol=1e-12)
            np.testing.assert_allclose(way.increase, raw.increase, rtol=1e-12)


@pytest.mark.rule(22)
@pytest.mark.parametrize("resolution", Resolution)
@given(samples(st.integers(0, 2**40).map(float)))
def test_r22_increase_telescopes_at_any_width(
    resolution: Resolution, given_samples: Samples
) -> None:
    values = [value for _, value in given_samples]
    done = Rows.join(windows(Line(given_samples, previous=5.0), resolution))
    total, resets = oracle.increased(values, 5.0)
    assert math.fsum(done.increase) == total
    assert done.resets.sum() == resets
    hidden = sum(a for a, b in pairwise([5.0, *values]) if b < a)
    assert total == (values[-1] - 5.0 + hidden if values else 0)


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Minute rows of some series, each as some samples would have made it."""
    made: list[Row] = []
    for series_id in range(draw(st.integers(0, 3))):
        line = Line(
            draw(samples(integers | plain.map(round).map(float) | odd)),
            series_id=series_id,
            counter=draw(st.booleans()),
            expected=draw(st.integers(0, 60)),
        )
        made += table(Rows.join(windows(line)))
    return made


@pytest.mark.rule(16)
@given(tables(), st.randoms(use_true_random=False))
def test_merged_rows_are_what_the_slow_truth_says_in_any_order(
    minutes: list[Row], random: Random
) -> None:
    shuffled = random.sample(minutes, len(minutes))
    halves = [rows(*shuffled[::2]), rows(*shuffled[1::2])]
    assert table(merge(halves, Resolution.HOUR)) == oracle.merged(minutes, 3600, 60)
    assert table(merge(halves, Resolution.DAY, Resolution.MINUTE)) == oracle.merged(
        minutes, 86400, 1440
    )


@given(tables(), st.data())
def test_a_merger_fed_in_time_order_makes_the_same_rows_whatever_the_grouping(
    minutes: list[Row], data: st.DataObject
) -> None:
    every = sorted(minutes, key=lambda one: (one["start"], one["series_id"]))
    merger = Merger(Resolution.DAY, Resolution.MINUTE)
    while every:
        size = data.draw(st.integers(1, len(every)))
        merger.add(rows(*every[:size]))
        every = every[size:]
    assert table(merger.result()) == oracle.merged(minutes, 86400, 1440)


@pytest.mark.rule(43)
@given(tables())
def test_r43_merging_minutes_to_minutes_changes_nothing(minutes: list[Row]) -> None:
    same = merge([rows(*minutes)], Resolution.MINUTE)
    assert table(same) == minutes


@pytest.mark.rule(23)
@given(samples(integers), st.integers(0, 24))
def test_r23_merging_is_associative_in_the_order_of_time(
    given_samples: Samples, cut: int
) -> None:
    minutes = windows(replace(Line(given_samples), counter=True))
    at = DAY + 3600 * cut
    parts = [
        [m for m in minutes if bool(m.start[0] < at) is early]
        for early in (True, False)
    ]
    left, right = (merge(part, Resolution.HOUR) for part in parts)
    one_by_one = Merger(Resolution.DAY)
    one_by_one.add(left)
    one_by_one.add(right)
    assert table(one_by_one.result()) == table(
        merge(minutes, Resolution.DAY, Resolution.MINUTE)
    )
