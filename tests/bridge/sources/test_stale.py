from __future__ import annotations

import numpy as np
import pytest

from bridge.sources.stale import STALE, after_last, is_stale, newest


@pytest.mark.rule(11)
def test_r11_only_the_markers_own_bits_are_stale() -> None:
    bits = [STALE, STALE + 1, 0x7FF8000000000000, 0x7FF0000000000000, 0]
    values = np.array(bits, np.int64).view(np.float64)
    assert is_stale(values).tolist() == [True, False, False, False, False]


def test_the_last_marker_of_each_entry_counts() -> None:
    marked = np.array([True, False, True, False, True])
    times = np.array([10, 20, 30, 40, 50])
    lengths = np.array([3, 0, 1, 1])
    assert newest(marked, times, lengths).tolist() == [30, 0, 0, 50]


def test_a_marker_that_samples_follow_ended_nothing() -> None:
    times, offsets = np.array([10, 20, 30, 40]), np.array([0, 2, 3, 4])
    marker = np.array([15, 31, 0])
    assert after_last(marker, times, offsets).tolist() == [0, 31, 0]
