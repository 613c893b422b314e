from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.answers.errors import QuestionError
from bridge.answers.resolution import (
    POINTS,
    Choice,
    Extent,
    Extents,
    choose,
    read_resolution,
    recorded,
)
from bridge.answers.times import Span, Stretch
from bridge.rollup.windows import Resolution

MINUTE, HOUR, DAY = Resolution
NOW = 1_795_219_200  # midnight, UTC
YEAR = 365 * 86400
EVERYTHING: Extents = {
    MINUTE: Extent(NOW - 14 * 86400, NOW - 60),
    HOUR: Extent(NOW - 90 * 86400, NOW - 3600),
    DAY: Extent(NOW - 5 * YEAR, NOW - 86400),
}
"""Minutes are kept for two weeks, hours for 90 days and days for ever."""


def back(seconds: float) -> Span:
    return Span(NOW - seconds, NOW)


@pytest.mark.rule(78)
@pytest.mark.parametrize(
    ("span", "choice"),
    [
        (
            back(3600),
            Choice(
                MINUTE, "finest with at most 1500 points that covers the range (60)"
            ),
        ),
        (
            back(1500 * 60),
            Choice(
                MINUTE, "finest with at most 1500 points that covers the range (1500)"
            ),
        ),
        (
            back(1501 * 60),
            Choice(
                HOUR,
                "minutes would be 1501 points, more than 1500; finest with at most "
                "1500 points that covers the range (26)",
            ),
        ),
        (
            Span(NOW - 30 * 86400, NOW - 30 * 86400 + 3600),
            Choice(
                HOUR,
                "minutes reach back to 2026-11-07T00:00:00Z only; finest with at most "
                "1500 points that covers the range (1)",
            ),
        ),
        (
            back(YEAR),
            Choice(
                DAY,
                "minutes would be 20160 points, more than 1500; hours would be 2160 "
                "points, more than 1500; finest with at most 1500 points that covers "
                "the range (365)",
            ),
        ),
        (
            back(10 * YEAR),
            Choice(
                DAY,
                "minutes would be 20160 points, more than 1500; hours would be 2160 "
                "points, more than 1500; days would be 1825 points, more than 1500; "
                "nothing coarser is kept",
            ),
        ),
    ],
)
def test_the_finest_that_is_readable_and_covers_the_range_is_chosen(
    span: Span, choice: Choice
) -> None:
    assert choose(span, [EVERYTHING]) == choice


def test_a_new_installation_answers_a_long_range_with_what_it_has() -> None:
    new: Extents = {MINUTE: Extent(NOW - 1200, NOW - 60)}
    assert choose(back(YEAR), [new]).resolution is MINUTE
    older: Extents = {
        MINUTE: Extent(NOW - 2 * 86400, NOW - 60),
        HOUR: Extent(NOW - 2 * 86400, NOW - 3600),
    }
    assert choose(back(YEAR), [older]).resolution is HOUR


def test_minutes_that_began_within_the_oldest_hour_cover_as_much_as_hours() -> None:
    extents: Extents = {
        MINUTE: Extent(NOW - 7200 + 1800, NOW - 60),
        HOUR: Extent(NOW - 7200, NOW - 3600),
    }
    assert choose(back(YEAR), [extents]).resolution is MINUTE


def test_a_resolution_that_has_no_windows_yet_is_not_chosen() -> None:
    extents: Extents = {HOUR: Extent(NOW - YEAR, NOW - 3600)}
    assert choose(back(3600), [extents]) == Choice(
        HOUR,
        "there are no minutes yet; finest with at most 1500 points that covers the "
        "range (1)",
    )


def test_all_windows_count_as_points_if_all_are_answered() -> None:
    new: Extents = {MINUTE: Extent(NOW - 1200, NOW - 60)}
    assert choose(back(86400 * 2), [new], whole=True).reason == (
        "minutes would be 2880 points, more than 1500; there are no hours yet; "
        "there are no days yet; nothing coarser is kept"
    )


def test_every_source_must_reach_back() -> None:
    short: Extents = {
        MINUTE: Extent(NOW - 3600, NOW - 60),
        HOUR: Extent(NOW - 90 * 86400, NOW - 3600),
    }
    assert choose(back(7200), [EVERYTHING]).resolution is MINUTE
    assert choose(back(7200), [EVERYTHING, short]).resolution is HOUR


def test_without_any_windows_the_range_alone_decides() -> None:
    assert choose(back(3600), []).resolution is MINUTE
    assert choose(back(30 * 86400), [{}]).resolution is HOUR
    assert choose(back(400 * YEAR), []).resolution is DAY


def test_what_is_recorded_is_what_any_source_has() -> None:
    stretch = Stretch(MINUTE, 0, 6000)
    first: Extents = {MINUTE: Extent(600, 1200)}
    second: Extents = {MINUTE: Extent(1200, 3000)}
    assert recorded(stretch, [first, second]) == Stretch(MINUTE, 600, 3060)
    assert recorded(stretch, [{HOUR: Extent(0, 0)}]).windows == 0
    assert recorded(Stretch(MINUTE, 6000, 6060), [first]).windows == 0


@given(
    st.integers(0, 10 * YEAR),
    st.integers(1, 3 * YEAR),
    st.dictionaries(
        st.sampled_from(Resolution),
        st.tuples(st.integers(0, 4000), st.integers(0, 4000)),
    ),
)
def test_whatever_is_kept_the_choice_is_readable_or_the_coarsest(
    end: int, length: int, kept: dict[Resolution, tuple[int, int]]
) -> None:
    extents = {
        resolution: Extent(
            NOW - (first + count) * resolution.width, NOW - first * resolution.width
        )
        for resolution, (first, count) in kept.items()
    }
    span = Span(NOW - end - length, NOW - end)
    choice = choose(span, [extents])
    points = recorded(span.outward(choice.resolution), [extents]).windows
    coarsest = max(kept, key=lambda one: one.width, default=DAY)
    assert points <= POINTS or choice.resolution is coarsest
    assert not kept or choice.resolution in kept


def test_resolutions_are_read_by_name() -> None:
    assert [read_resolution(name) for name in ("minute", "hour", "day", "auto")] == [
        MINUTE,
        HOUR,
        DAY,
        None,
    ]
    with pytest.raises(QuestionError) as caught:
        read_resolution("year")
    assert str(caught.value) == (
        "'year' is not a resolution; known are minute, hour, day, week, month, auto"
    )
