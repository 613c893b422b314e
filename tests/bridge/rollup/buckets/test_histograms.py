from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rollup.buckets.distributions import distributions
from bridge.rollup.buckets.histograms import aggregate
from bridge.rollup.buckets.layouts import Bounds, layout_id
from bridge.rollup.merge import merge
from bridge.rollup.rows import Flag
from bridge.rollup.steps import Policy
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Resolution, Window
from tests.bridge.rollup.builders import DAY, HOUR
from tests.bridge.rollup.families import (
    INF,
    NAN,
    SMALL,
    Scrape,
    after,
    families,
    segments,
    small,
    windows,
)

MS = HOUR * 1000
MINUTE = Window(HOUR)


def test_a_row_counts_observations_by_bucket() -> None:
    (rows,) = windows(
        [
            Scrape(MS + 5_000, (1, 2, 3), 5.0),
            Scrape(MS + 20_000, (2, 4, 6), 9.5),
            Scrape(MS + 35_000, (2, 4, 7), 11.0),
        ]
    )
    assert segments(rows.buckets[0]) == small(1, 1, 2)
    assert rows.count[0] == 3
    assert rows.increase[0] == 4
    assert rows.sum[0] == 6
    assert (rows.first[0], rows.last[0]) == (3, 7)
    assert math.isnan(rows.min[0])
    assert math.isnan(rows.max[0])
    assert rows.flags[0] == Flag.BASELINE
    assert rows.last_offset[0] == 35_000
    assert rows.expected[0] == 4


def test_a_minute_of_twelve_buckets_takes_less_than_a_hundred_bytes() -> None:
    bounds = (*(0.005 * 2**k for k in range(11)), INF)
    totals = [
        Scrape(MS + 5_000 + k, tuple(range(70_000, 70_012)), 5.0, bounds=bounds)
        for k in range(2)
    ]
    (rows,) = windows(totals)
    assert len(rows.buckets[0]) < 100


def test_the_first_step_is_measured_from_the_row_before() -> None:
    first, second = windows(
        [Scrape(MS + 5_000, (1, 2, 3), 5.0), Scrape(MS + 65_000, (2, 3, 5), 8.0)]
    )
    assert segments(first.buckets[0]) == small(0, 0, 0)
    assert segments(second.buckets[0]) == small(1, 0, 1)
    assert (second.sum[0], second.flags[0]) == (3, 0)


@pytest.mark.rule(38)
@pytest.mark.parametrize(
    ("row", "rise"), [((1, 1, 1), 2), ((2, 2, 2), 1), ((5, 5, 5), 1)]
)
def test_r38_a_family_goes_on_from_the_row_of_another_replica_if_that_is_on_its_rise(
    row: tuple[float, ...], rise: int
) -> None:
    history = [Scrape(MS - 5_000, (2, 2, 2)), Scrape(MS + 5_000, (3, 3, 3))]
    (before,) = windows([Scrape(MS - 30_000, row)])
    rows, layouts = aggregate(families(history), MINUTE, after(before))
    assert segments(rows.buckets[0]) == small(rise, 0, 0)
    assert layouts == {layout_id(SMALL): SMALL}


@pytest.mark.rule(49)
def test_r49_a_change_of_bounds_is_measured_on_those_that_both_have() -> None:
    wide: Bounds = (1.0, 1.5, 2.0, INF)
    (rows,) = windows(
        [
            Scrape(MS, (1, 2, 3)),
            Scrape(MS + 1_000, (2, 3, 4)),
            Scrape(MS + 2_000, (3, 4, 5, 7), bounds=wide),
            Scrape(MS + 3_000, (3, 5, 6, 9), bounds=wide),
        ]
    )
    assert segments(rows.buckets[0]) == {
        layout_id(SMALL): [2, 1, 1],
        layout_id(wide): [0, 1, 0, 1],
    }
    assert rows.increase[0] == 6
    assert rows.flags[0] == Flag.BASELINE | Flag.LAYOUT


@pytest.mark.rule(49)
def test_r49_bounds_in_rows_before_are_looked_up() -> None:
    other: Bounds = (2.0, 3.0, INF)
    first, second = windows(
        [
            Scrape(MS, (1, 2, 3)),
            Scrape(MS + 60_000, (3, 4, 5), bounds=other),
        ]
    )
    assert segments(second.buckets[0]) == {
        layout_id((2.0, INF)): [1, 1],
        layout_id(other): [0, 0, 0],
    }
    rows, _ = aggregate(
        families([Scrape(MS + 60_000, (3, 4, 5), bounds=other)]),
        Window(HOUR + 60),
        after(first),
    )
    assert segments(rows.buckets[0]) == {
        layout_id((INF,)): [2],
        layout_id(other): [0, 0, 0],
    }


@pytest.mark.rule(50)
def test_r50_rounding_is_levelled_and_other_falls_are_forced_and_flagged() -> None:
    (rounded,) = windows(
        [Scrape(MS, (1, 1, 1)), Scrape(MS + 1, (2.0, 2.0 * (1 - 1e-13), 3))]
    )
    assert segments(rounded.buckets[0]) == small(1, 0, 1)
    assert rounded.flags[0] == Flag.BASELINE
    (forced,) = windows([Scrape(MS, (1, 1, 1)), Scrape(MS + 1, (4, 2, 5))])
    assert segments(forced.buckets[0]) == small(3, 0, 1)
    assert forced.flags[0] == Flag.BASELINE | Flag.REPAIRED


@pytest.mark.rule(50)
def test_r50_buckets_that_rose_by_less_than_narrower_ones_are_forced() -> None:
    (rows,) = windows([Scrape(MS, (1, 5, 9)), Scrape(MS + 1, (4, 6, 11))])
    assert segments(rows.buckets[0]) == small(2, 0, 0)
    assert rows.flags[0] == Flag.BASELINE | Flag.REPAIRED


@pytest.mark.rule(53)
@pytest.mark.parametrize(
    "now", [(0, 4, 9), (1, 1, 9), (1, 2, 2)], ids=["first", "second", "count"]
)
def test_r53_one_count_that_falls_resets_all(now: tuple[float, ...]) -> None:
    (rows,) = windows([Scrape(MS, (1, 2, 3), 5.0), Scrape(MS + 1, now, 1.5)])
    assert segments(rows.buckets[0]) == small(*np.diff([0, *now]).tolist())
    assert rows.resets[0] == 1
    assert rows.increase[0] == now[-1]
    assert rows.sum[0] == 1.5


def test_a_sum_that_falls_is_no_reset() -> None:
    (rows,) = windows([Scrape(MS, (1, 2, 3), 5.0), Scrape(MS + 1, (2, 3, 4), -1.0)])
    assert (rows.resets[0], rows.sum[0], rows.increase[0]) == (0, -6, 1)


def test_either_of_count_and_last_bucket_stands_in_for_the_other() -> None:
    without = families([Scrape(MS, (1, 2, 3), count=NAN), Scrape(MS + 1, (1, 2, 5))])
    rows, _ = aggregate(without, MINUTE, Previous.unknown(1))
    assert (rows.increase[0], rows.first[0], rows.flags[0]) == (2, 3, Flag.BASELINE)
    topless = families([Scrape(MS, (1, 2, 3)), Scrape(MS + 1, (1, 2, NAN), count=5)])
    rows, _ = aggregate(topless, MINUTE, Previous.unknown(1))
    assert segments(rows.buckets[0]) == small(0, 0, 2)


def test_scrapes_without_buckets_count_observations_all_the_same() -> None:
    (rows,) = windows(
        [
            Scrape(MS, (1, 2, 3)),
            Scrape(MS + 1, (), count=5),
            Scrape(MS + 2, (2, NAN, 8)),
            Scrape(MS + 3, (2, 4, 9)),
        ]
    )
    assert segments(rows.buckets[0]) == {
        layout_id((INF,)): [6.0],
        layout_id(SMALL): [0, 0, 0],
    }
    assert rows.increase[0] == 6
    assert rows.flags[0] == Flag.BASELINE | Flag.LAYOUT | Flag.NAN


def test_a_scrape_that_says_nothing_is_seen_and_not_counted() -> None:
    rows, _ = aggregate(
        families([Scrape(MS, (), count=NAN)]), MINUTE, Previous.unknown(1)
    )
    assert rows.count.tolist() == [0]
    assert rows.flags.tolist() == [Flag.NAN]
    assert rows.buckets.tolist() == [None]


def test_a_missing_sum_is_made_up_for_by_the_next() -> None:
    first, second, third = windows(
        [
            Scrape(MS, (1, 1, 1), 5.0),
            Scrape(MS + 60_000, (1, 1, 2), NAN),
            Scrape(MS + 120_000, (1, 1, 3), 9.0),
        ]
    )
    assert (first.sum[0], third.sum[0]) == (0, 4)
    assert math.isnan(second.sum[0])
    assert second.flags[0] & Flag.NO_SUM


def test_a_sum_that_was_reset_unseen_begins_at_zero() -> None:
    done = windows(
        [
            Scrape(MS, (5, 5, 5), 5.0),
            Scrape(MS + 60_000, (1, 1, 1), NAN),
            Scrape(MS + 120_000, (1, 1, 2), 9.0),
        ]
    )
    assert (done[0].sum[0], done[2].sum[0]) == (0, 9)
    assert math.isnan(done[1].sum[0])


def test_a_sum_that_is_infinite_or_never_told_is_none() -> None:
    for total in (INF, NAN):
        (rows,) = windows(
            [Scrape(MS, (1, 1, 1), total), Scrape(MS + 1, (1, 1, 2), total)]
        )
        assert math.isnan(rows.sum[0])
        assert rows.flags[0] & Flag.NO_SUM


def test_a_sum_that_is_no_number_any_more_did_not_rise_by_nothing() -> None:
    before, within, later = windows(
        [
            Scrape(MS, (1, 1, 1), 5.0),
            Scrape(MS + 60_000, (1, 1, 2), 7.0),
            Scrape(MS + 61_000, (1, 1, 3), NAN),
            Scrape(MS + 120_000, (1, 1, 9), NAN),
        ]
    )
    assert before.sum[0] == 0
    for rows in (within, later):
        assert math.isnan(rows.sum[0])
        assert rows.flags[0] & Flag.NO_SUM
    merged = merge([before, within, later], Resolution.HOUR, Resolution.MINUTE)
    assert math.isnan(merged.sum[0])
    assert merged.increase[0] == 8


@pytest.mark.rule(33)
@pytest.mark.parametrize("was", [None, "distribution"])
def test_r33_what_was_a_number_is_no_count_to_go_on_from(was: str | None) -> None:
    blobs = np.full(1, None, np.object_)
    if was:
        blobs[0] = distributions(np.array([5.0]), np.zeros(1, np.int64), 1, 3)[0]
    number = Previous(np.array([5.0]), np.array([MS - 10_000]), blobs)
    now = families([Scrape(MS, (90, 95, 100), 5.0)])
    rows, _ = aggregate(now, MINUTE, number)
    assert (rows.increase[0], rows.flags[0]) == (0, Flag.BASELINE)


@pytest.mark.rule(25)
def test_r25_a_family_that_began_in_the_window_counts_wholly() -> None:
    (rows,) = windows([Scrape(MS + 5_000, (1, 2, 3), 7.0, started=MS + 1_000)])
    assert segments(rows.buckets[0]) == small(1, 1, 1)
    assert (rows.sum[0], rows.increase[0], rows.flags[0]) == (7, 3, Flag.CREATED)


@pytest.mark.rule(27)
def test_r27_a_start_tells_of_a_reset_that_no_count_shows() -> None:
    (rows,) = windows(
        [
            Scrape(MS, (1, 1, 1), 1.0, started=MS - 5_000),
            Scrape(MS + 9_000, (6, 6, 6), 4.0, started=MS + 2_000),
        ]
    )
    assert (rows.increase[0], rows.resets[0], rows.sum[0]) == (7, 1, 5)


@pytest.mark.rule(29)
def test_r29_a_step_over_too_long_a_gap_can_be_left_out() -> None:
    history = families(
        [Scrape(MS, (1, 1, 1), 1.0), Scrape(MS + 50_000, (6, 6, 6), 4.0)]
    )
    rows, _ = aggregate(history, MINUTE, Previous.unknown(1), Policy(max_gap_ms=40_000))
    assert segments(rows.buckets[0]) == small(0, 0, 0)
    assert (rows.increase[0], rows.sum[0]) == (0, 0)
    assert rows.flags[0] & Flag.DISCARDED
    assert rows.gap[0] == 50_000


def test_a_scrape_after_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="is not before"):
        aggregate(
            families([Scrape(MS + 60_000, (1, 1, 1))]), MINUTE, Previous.unknown(1)
        )


def test_series_do_not_touch_each_other() -> None:
    one = [Scrape(MS, (1, 1, 1)), Scrape(MS + 1, (1, 2, 3))]
    other = [
        Scrape(MS, (9, 9), bounds=(1.0, INF)),
        Scrape(MS + 1, (1, 1), bounds=(1.0, INF)),
    ]
    rows, _ = aggregate(families(one, other, one), MINUTE, Previous.unknown(3))
    assert rows.series_id.tolist() == [1, 2, 3]
    assert rows.increase.tolist() == [2, 1, 2]
    assert rows.buckets[0] == rows.buckets[2]


LAYOUTS: tuple[Bounds, ...] = (SMALL, (1.0, INF), (0.5, 1.0, 2.0, 4.0, INF), (INF,))


@st.composite
def histories(draw: st.DrawFn) -> list[Scrape]:
    """Scrapes of a day; counts rise but for restarts, where bounds may change."""
    times = sorted(draw(st.sets(st.integers(0, 86_399), min_size=2, max_size=9)))
    bounds = draw(st.sampled_from(LAYOUTS))
    counts = np.zeros(len(bounds))
    total, history = 0.0, []
    for time in times:
        if draw(st.integers(0, 3)) == 0:
            bounds = draw(st.sampled_from(LAYOUTS))
            counts = np.zeros(len(bounds))
            total = 0.0
        counts = counts + np.array(
            draw(
                st.lists(
                    st.integers(0, 400), min_size=len(bounds), max_size=len(bounds)
                )
            )
        )
        total += draw(st.integers(-5, 90))
        history.append(
            Scrape(
                (DAY + time) * 1000,
                tuple(counts.cumsum().tolist()),
                total,
                bounds=bounds,
            )
        )
    return history


@pytest.mark.rule(44)
@pytest.mark.rule(49)
@settings(deadline=None)
@given(histories())
def test_r49_buckets_add_up_whatever_was_merged_first(history: list[Scrape]) -> None:
    (raw,) = windows(history, Resolution.DAY)
    minutes = windows(history)
    by_minutes = merge(minutes, Resolution.DAY, Resolution.MINUTE)
    by_hours = merge([merge(minutes, Resolution.HOUR)], Resolution.DAY)
    assert by_minutes.buckets[0] == raw.buckets[0]
    assert by_hours.buckets[0] == raw.buckets[0]
    for merged in (by_minutes, by_hours):
        for name in ("increase", "sum", "resets", "count", "first", "last", "flags"):
            assert getattr(merged, name)[0] == getattr(raw, name)[0], name
    inside = sum(sum(counts) for counts in segments(raw.buckets[0]).values())
    assert inside == raw.increase[0]


@pytest.mark.rule(22)
@settings(deadline=None)
@given(histories())
def test_r22_observations_telescope(history: list[Scrape]) -> None:
    (raw,) = windows(history, Resolution.DAY)
    counts = [scrape.buckets[-1] for scrape in history]
    if raw.resets[0] == 0:
        assert raw.increase[0] == counts[-1] - counts[0]
