from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.probing.jobs import Window
from runtime.probing.spans import DAY, OpenDays, is_open, open_spans
from tests.runtime.probing.clocks import CHANGES, inside, utc, windows


def spans(start: str, end: str, *described: Window) -> list[tuple[int, int]]:
    opened = [OpenDays.of(window) for window in described]
    return [(a, b) for a, b in open_spans(opened, utc(start), utc(end))]


def hours(*texts: str) -> list[tuple[int, int]]:
    return [(utc(a), utc(b)) for a, b in (text.split(" ") for text in texts)]


def test_a_window_opens_and_closes_by_the_clocks_of_its_zone() -> None:
    office = Window(days=("mon",), start="08:30", end="17:00", zone="Europe/Berlin")
    winter = spans("2026-01-04T00:00", "2026-01-08T00:00", office)
    summer = spans("2026-07-05T00:00", "2026-07-09T00:00", office)
    assert winter == hours("2026-01-05T07:30 2026-01-05T16:00")
    assert summer == hours("2026-07-06T06:30 2026-07-06T15:00")


@pytest.mark.setting("probes.jobs.windows.days")
@pytest.mark.setting("probes.maintenance.windows.days")
def test_a_window_across_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = Window(days=("fri",), start="22:00", end="06:00")
    found = spans("2026-07-01T00:00", "2026-07-08T00:00", night)
    assert found == hours(
        "2026-07-03T22:00 2026-07-04T00:00", "2026-07-04T00:00 2026-07-04T06:00"
    )


@pytest.mark.parametrize(
    ("start", "end", "hours_open"),
    [("00:00", "24:00", 24), ("08:00", "08:00", 24), ("24:00", "06:00", 6)],
)
def test_whole_days_and_their_ends(start: str, end: str, hours_open: int) -> None:
    window = Window(days=("wed",), start=start, end=end)
    found = spans("2026-06-29T00:00", "2026-07-06T00:00", window)
    assert sum(b - a for a, b in found) == hours_open * 3_600_000


def test_the_hour_that_spring_leaves_out_is_in_no_window() -> None:
    window = Window(start="02:15", end="02:45", zone="Europe/Berlin")
    assert spans("2026-03-29T00:00", "2026-03-30T00:00", window) == []
    longer = Window(start="01:30", end="03:30", zone="Europe/Berlin")
    found = spans("2026-03-29T00:00", "2026-03-29T12:00", longer)
    assert found == hours("2026-03-29T00:30 2026-03-29T01:30")


def test_the_hour_that_comes_twice_in_autumn_counts_twice() -> None:
    window = Window(start="02:15", end="02:45", zone="Europe/Berlin")
    assert spans("2026-10-25T00:00", "2026-10-26T00:00", window) == hours(
        "2026-10-25T00:15 2026-10-25T00:45", "2026-10-25T01:15 2026-10-25T01:45"
    )


def test_a_day_that_a_zone_leaves_out_is_left_out() -> None:
    friday = Window(days=("fri",), zone="Pacific/Apia")
    assert spans("2011-12-28T00:00", "2012-01-02T00:00", friday) == []
    night = Window(days=("thu", "fri"), start="22:00", end="02:00", zone="Pacific/Apia")
    found = spans("2011-12-30T00:00", "2011-12-31T00:00", night)
    assert found == hours("2011-12-30T08:00 2011-12-30T12:00")


@pytest.mark.setting("probes.jobs.windows.not_on")
@pytest.mark.setting("probes.maintenance.windows.not_on")
def test_a_window_does_not_begin_on_its_exceptions() -> None:
    night = Window(start="22:00", end="06:00", not_on=("2026-12-24",))
    found = spans("2026-12-24T00:00", "2026-12-25T23:00", night)
    assert found == hours(
        "2026-12-24T00:00 2026-12-24T06:00", "2026-12-25T22:00 2026-12-25T23:00"
    )


@given(st.data(), st.sampled_from(CHANGES))
@settings(max_examples=60, deadline=None)
def test_a_time_is_inside_exactly_if_the_clocks_show_it(
    data: st.DataObject, around: str
) -> None:
    chosen = data.draw(st.lists(windows(around), min_size=1, max_size=3))
    opened = [OpenDays.of(window) for window in chosen]
    start = utc(f"{around}T00:00") - DAY + data.draw(st.integers(0, DAY))
    end = start + data.draw(st.integers(0, 3 * DAY))
    found = list(open_spans(opened, start, end))
    assert all(a.start < a.end <= b.start for a, b in pairwise(found))
    edges = [edge + step for span in found for edge in span for step in (-1, 0)]
    for at in (*range(start, end, 1_793_123), *edges):
        if start <= at < end:
            expected = any(inside(window, at) for window in chosen)
            assert any(a <= at < b for a, b in found) == expected, at
            assert is_open(opened, at) == expected
