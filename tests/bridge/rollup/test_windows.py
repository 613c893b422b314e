from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.windows import Resolution, Window
from tests.bridge.rollup.builders import DAY, HOUR

resolutions = st.sampled_from(Resolution)
seconds = st.integers(-(10**11), 10**11)


@pytest.mark.rule(3)
def test_r3_a_window_is_named_by_its_start_in_whole_utc_seconds() -> None:
    window = Window(1_435_781_400)
    assert (window.start_ms, window.end_ms) == (1_435_781_400_000, 1_435_781_460_000)
    assert Window.holding(1_435_781_451, Resolution.MINUTE) == window


@pytest.mark.rule(4)
def test_r4_times_before_1970_are_floored_toward_minus_infinity() -> None:
    assert [Resolution.MINUTE.floor(t) for t in (-1, -60, -61, 0, 59)] == [
        -60,
        -60,
        -120,
        0,
        0,
    ]
    assert Window.holding(-1, Resolution.DAY) == Window(-86400, Resolution.DAY)


@pytest.mark.rule(8)
def test_r8_each_width_is_a_multiple_of_the_finer_one() -> None:
    for resolution in Resolution:
        finer = resolution.finer
        assert finer is None or resolution.width % finer.width == 0
        assert finer is None or finer.coarser is resolution
    assert Resolution.MINUTE.finer is None
    assert Resolution.DAY.coarser is None


@pytest.mark.rule(10)
@pytest.mark.rule(85)
def test_r10_a_window_closes_once_it_has_settled_by_the_clock_of_the_source() -> None:
    window = Window(HOUR)
    settle_ms = 15_000
    assert not window.is_closed(window.end_ms, settle_ms)
    assert not window.is_closed(window.end_ms + settle_ms - 1, settle_ms)
    assert window.is_closed(window.end_ms + settle_ms, settle_ms)


def test_a_start_that_is_not_aligned_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^1699999260 does not start a hour$"):
        Window(HOUR + 60, Resolution.HOUR)


def test_windows_know_their_neighbours_parents_and_children() -> None:
    hour = Window(HOUR, Resolution.HOUR)
    assert hour.next() == Window(HOUR + 3600, Resolution.HOUR)
    assert hour.next().previous() == hour
    assert hour.parent() == Window(DAY, Resolution.DAY)
    assert Window(DAY, Resolution.DAY).parent() is None
    children = list(hour.children())
    assert children == [Window(HOUR + 60 * i) for i in range(60)]
    assert list(children[0].children()) == []


@given(seconds, resolutions)
def test_a_floor_is_idempotent_and_never_after_its_argument(
    time: int, resolution: Resolution
) -> None:
    floor = resolution.floor(time)
    assert floor <= time < floor + resolution.width
    assert resolution.floor(floor) == floor


@given(seconds, resolutions)
def test_a_windows_children_tile_it_and_name_it_as_their_parent(
    time: int, resolution: Resolution
) -> None:
    window = Window.holding(time, resolution)
    children = list(window.children())
    if children:
        assert (children[0].start, children[-1].end) == (window.start, window.end)
        assert all(a.next() == b for a, b in pairwise(children))
        assert {child.parent() for child in children} == {window}
