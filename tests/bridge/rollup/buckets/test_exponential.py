from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rollup.merge import merge
from bridge.rollup.rows import Flag
from bridge.rollup.windows import Resolution
from tests.bridge.rollup.builders import DAY, HOUR
from tests.bridge.rollup.families import segments
from tests.bridge.rollup.natives import Native, inside, natives, windows

from bridge.rollup.buckets.exponential import aggregate  # isort: skip
from bridge.rollup.buckets.layouts import layout_id
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Window

MS = HOUR * 1000
SMALLEST = 2.0**-128


def test_a_step_is_what_each_bucket_rose_by() -> None:
    before = Native(MS + 5_000, {0: 1, 3: 4}, {1: 1}, zero=2, sum=10.0)
    now = Native(MS + 20_000, {0: 1, 3: 6, 9: 1}, {1: 2}, zero=3, sum=15.5)
    (rows,) = windows([before, now])
    assert inside(rows.buckets[0]) == {
        "schema": 0,
        "threshold": SMALLEST,
        "zero": 1.0,
        "count": 5.0,
        "positive": {3: 2.0, 9: 1.0},
        "negative": {1: 1.0},
    }
    assert rows.increase[0] == 5
    assert rows.sum[0] == 5.5
    assert (rows.first[0], rows.last[0], rows.count[0]) == (8, 13, 2)
    assert rows.flags[0] == Flag.BASELINE


def test_the_first_step_of_a_window_is_measured_from_the_row_before() -> None:
    before = Native(MS + 5_000, {-3: 1, 3: 4}, {1: 1}, zero=2, sum=10.0)
    now = Native(MS + 65_000, {-3: 1, 3: 5}, {1: 1}, zero=2, sum=12.0)
    first, second = windows([before, now])
    assert inside(first.buckets[0])["count"] == 0
    assert inside(second.buckets[0])["positive"] == {3: 1.0}
    assert (second.increase[0], second.sum[0], second.flags[0]) == (1, 2, 0)


@pytest.mark.rule(53)
def test_r53_one_bucket_that_falls_resets_all() -> None:
    before = Native(MS + 5_000, {0: 5, 1: 1}, sum=10.0)
    now = Native(MS + 20_000, {0: 4, 1: 9}, sum=3.0)
    (rows,) = windows([before, now])
    assert inside(rows.buckets[0])["positive"] == {0: 4.0, 1: 9.0}
    assert (rows.increase[0], rows.sum[0], rows.resets[0]) == (13, 3, 1)


@pytest.mark.rule(53)
@pytest.mark.parametrize(
    "change",
    [
        {"schema": 1},
        {"threshold": SMALLEST / 2},
        {"reset": True},
        {"zero": 0.0, "positive": {1: 9}},
    ],
)
def test_r53_signs_of_a_beginning_are_resets(change: dict[str, object]) -> None:
    before = Native(MS + 5_000, {1: 5}, zero=1)
    given = {"time": MS + 20_000, "positive": {1: 6}, "zero": 1, **change}
    now = Native(**given)  # type: ignore[arg-type]  # fields of many types
    (rows,) = windows([before, now])
    assert rows.resets[0] == 1
    assert rows.increase[0] == rows.last[0]


@pytest.mark.rule(52)
def test_r52_histograms_merge_at_the_lower_schema() -> None:
    fine = [
        Native(MS, schema=1),
        Native(MS + 15_000, {1: 1, 2: 1, 3: 1, -1: 1}, schema=1),
    ]
    coarse = [
        Native(MS + 60_000, {1: 1, 2: 1, 3: 1, -1: 1}, schema=0),
        Native(MS + 75_000, {1: 1, 2: 1, 3: 1, -1: 2}, schema=0),
    ]
    first = windows(fine)
    second = windows(coarse)
    (merged,) = [merge([*first, *second], Resolution.HOUR)]
    assert inside(merged.buckets[0]) == {
        "schema": 0,
        "threshold": SMALLEST,
        "zero": 0.0,
        "count": 5.0,
        "positive": {-1: 1.0, 0: 1.0, 1: 2.0, 2: 1.0},
        "negative": {},
    }


@pytest.mark.rule(52)
def test_r52_the_widest_zero_bucket_takes_what_lies_in_it() -> None:
    narrow = windows([Native(MS), Native(MS + 15_000, {-1: 1, 0: 2, 3: 4}, {0: 1})])
    wide = windows(
        [
            Native(MS + 60_000, threshold=0.9),
            Native(MS + 75_000, {3: 1}, zero=5, threshold=0.9),
        ]
    )
    merged = merge([*narrow, *wide], Resolution.HOUR)
    assert inside(merged.buckets[0]) == {
        "schema": 0,
        "threshold": 1.0,
        "zero": 9.0,
        "count": 14.0,
        "positive": {3: 5.0},
        "negative": {},
    }


@pytest.mark.rule(52)
def test_r52_no_numbers_are_in_count_but_in_no_bucket() -> None:
    (rows,) = windows(
        [Native(MS, {1: 1}), Native(MS + 15_000, {1: 2}, nan=1, sum=math.nan)]
    )
    found = inside(rows.buckets[0])
    assert found["count"] == 2
    assert found["positive"] == {1: 1.0}
    assert rows.increase[0] == 2
    assert rows.flags[0] & Flag.NO_SUM
    assert math.isnan(rows.sum[0])


@pytest.mark.rule(52)
def test_r52_custom_bounds_merge_where_they_are_the_same() -> None:
    small = (1.0, 2.0)
    other = (1.0, 3.0)

    def native(
        time: int, counts: dict[int, float], custom: tuple[float, ...]
    ) -> Native:
        return Native(time, counts, schema=-53, threshold=0.0, custom=custom)

    done = windows(
        [
            native(MS, {0: 1}, small),
            native(MS + 15_000, {0: 2, 2: 1}, small),
            native(MS + 65_000, {0: 2, 1: 1, 2: 1}, small),
            native(MS + 125_000, {0: 3, 1: 2, 2: 1}, other),
            native(MS + 140_000, {0: 3, 1: 5, 2: 1}, other),
        ]
    )
    merged = merge(done, Resolution.HOUR)
    assert segments(merged.buckets[0]) == {
        layout_id((*small, math.inf)): [1, 1, 1],
        layout_id((*other, math.inf)): [0, 3, 0],
        layout_id((math.inf,)): [2],
    }
    assert merged.increase[0] == 8
    assert merged.flags[0] & Flag.LAYOUT


def test_a_change_between_bounds_and_exponents_is_measured_anew() -> None:
    history = [
        Native(MS, {0: 1}, schema=-53, custom=(1.0,)),
        Native(MS + 15_000, {0: 2}, schema=-53, custom=(1.0,)),
        Native(MS + 30_000, {0: 5}),
        Native(MS + 45_000, {0: 6}),
    ]
    other = [Native(MS, {0: 1}), Native(MS + 15_000, {0: 4})]
    rows, layouts = aggregate(
        natives(history, other), Window(HOUR), Previous.unknown(2)
    )
    assert rows.series_id.tolist() == [1, 2]
    assert rows.increase.tolist() == [1, 3]
    assert rows.flags.tolist() == [Flag.BASELINE | Flag.LAYOUT, Flag.BASELINE]
    assert layouts == {}


buckets = st.dictionaries(st.integers(-40, 40), st.integers(1, 300), max_size=6)


@st.composite
def histories(draw: st.DrawFn) -> list[Native]:
    """Scrapes of a day; counts rise unless the client begins anew."""
    times = draw(st.lists(st.integers(0, 1439), min_size=2, max_size=7, unique=True))
    schema, threshold = draw(st.integers(-2, 3)), draw(st.sampled_from([0.0, 0.3, 2.0]))
    positive: dict[int, float] = {}
    negative: dict[int, float] = {}
    zero, history = 0, []
    for time in sorted(times):
        if draw(st.integers(0, 4)) == 0:
            positive, negative, zero = {}, {}, 0
            schema = draw(st.integers(-2, 3))
            threshold = draw(st.sampled_from([0.0, 0.3, 2.0]))
        for side in (positive, negative):
            for index, more in draw(buckets).items():
                side[index] = side.get(index, 0) + more
        zero += draw(st.integers(0, 5))
        history.append(
            Native(
                (DAY + 60 * time) * 1000,
                dict(positive),
                dict(negative),
                zero=zero,
                schema=schema,
                threshold=threshold,
                sum=float(sum(positive.values())),
                nan=float(draw(st.sampled_from([0, 0, 0]))),
            )
        )
    return history


@pytest.mark.rule(44)
@pytest.mark.rule(54)
@settings(deadline=None)
@given(histories())
def test_r54_a_day_is_the_same_whatever_was_merged_first(history: list[Native]) -> None:
    (raw,) = windows(history, Resolution.DAY)
    minutes = windows(history)
    by_minutes = merge(minutes, Resolution.DAY, Resolution.MINUTE)
    by_hours = merge([merge(minutes, Resolution.HOUR)], Resolution.DAY)
    assert by_minutes.buckets[0] == raw.buckets[0]
    assert by_hours.buckets[0] == raw.buckets[0]
    assert by_minutes.increase[0] == raw.increase[0]
    found = inside(raw.buckets[0])
    sides = [*found["positive"].values(), *found["negative"].values()]  # type: ignore[attr-defined]  # dictionaries
    assert sum(sides) + found["zero"] == raw.increase[0]
    assert np.all(np.array(sides) > 0)
