from __future__ import annotations

import numpy as np

from bridge.rollup.choice import bounds


def test_each_series_has_its_part_of_the_chosen_samples() -> None:
    chosen = np.array([True, False, True, False, True, True])
    begin, end = bounds(chosen, np.array([0, 2, 2, 4, 6]))
    assert begin.tolist() == [0, 1, 1, 2]
    assert end.tolist() == [1, 1, 2, 4]


def test_no_series_has_no_part() -> None:
    begin, end = bounds(np.zeros(0, np.bool_), np.array([0]))
    assert len(begin) == len(end) == 0
