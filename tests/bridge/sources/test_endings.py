from __future__ import annotations

import numpy as np
import pytest

from bridge.sources.base import Block
from bridge.sources.endings import Endings

SPAN = (0, 100)


def block() -> Block:
    """Return three series that have their last samples at 20, 30 and 50."""
    return Block(
        series_id=np.array([7, 8, 9]),
        offsets=np.array([0, 2, 3, 5]),
        times=np.array([10, 20, 30, 40, 50]),
        values=np.zeros(5),
        expected=np.zeros(3, np.int64),
        counter=np.zeros(3, np.bool_),
    )


def ended(endings: Endings) -> list[int] | None:
    found = endings.of(block()).ended
    return None if found is None else found.tolist()


def test_a_source_that_is_told_of_no_markers_says_nothing() -> None:
    endings = Endings()
    endings.note(np.array([7]), None, SPAN)
    assert ended(endings) is None


def test_a_source_that_is_told_of_markers_says_when_there_are_none() -> None:
    endings = Endings()
    endings.note(np.array([7, 8]), np.array([0, 0]), SPAN)
    assert ended(endings) == [0, 0, 0]


@pytest.mark.rule(11)
def test_r11_a_marker_ends_a_series_only_after_its_last_sample() -> None:
    endings = Endings()
    endings.note(np.array([8, 7, 9]), np.array([29, 21, 99]), SPAN)
    assert ended(endings) == [21, 0, 99]


def test_the_newest_marker_counts_in_whatever_order_they_come() -> None:
    endings = Endings()
    for marker in (25, 60, 35):
        endings.note(np.array([7]), np.array([marker]), SPAN)
    assert ended(endings) == [60, 0, 0]


def test_markers_of_other_windows_are_none_of_this_one() -> None:
    endings = Endings()
    endings.note(np.array([7, 8]), np.array([100, -1]), SPAN)
    assert ended(endings) == [0, 0, 0]
