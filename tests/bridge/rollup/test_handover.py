from __future__ import annotations

import numpy as np
import pytest

from bridge.rollup.handover import Seen

NAN = np.nan


def goes_on(
    own: list[tuple[int, float]], previous: tuple[int, float], since_ms: int = 60_000
) -> bool:
    """Whether a series goes on from another replica's last sample."""
    times = np.array([time for time, _ in own], np.int64)
    values = np.array([value for _, value in own], np.float64)
    earlier = times < since_ms
    seen = Seen.of(values, times, np.array([0, len(own)]), earlier, ~earlier)
    at, value = previous
    return bool(seen.goes_on_from(np.array([value]), np.array([at]))[0])


@pytest.mark.rule(36)
@pytest.mark.parametrize(
    ("own", "previous", "wanted"),
    [
        # Between what the new replica saw: the two look at one counter.
        ([(30_000, 10.0), (52_000, 14.0), (67_000, 16.0)], (45_000, 12.0), True),
        ([(30_000, 10.0), (52_000, 14.0), (67_000, 16.0)], (45_000, 14.0), True),
        # The other one is behind, or has seen a reset that this one has not.
        ([(30_000, 10.0), (52_000, 14.0), (67_000, 16.0)], (45_000, 9.0), False),
        ([(14_000, 47e3), (28_000, 47e3), (70_000, 47e3)], (42_000, 42.0), False),
        # The other one is ahead of this one.
        ([(30_000, 10.0), (52_000, 14.0), (67_000, 16.0)], (45_000, 17.0), False),
        # Both saw the reset; the other one before this one's first sample after it.
        ([(30_000, 90.0), (52_000, 4.0), (67_000, 6.0)], (45_000, 2.0), True),
        # This one saw the reset within the window only.
        ([(30_000, 90.0), (52_000, 94.0), (67_000, 6.0)], (55_000, 95.0), True),
        # From before anything that this one saw.
        ([(52_000, 14.0), (67_000, 16.0)], (45_000, 3.0), True),
        # Nothing to compare with.
        ([(67_000, 16.0)], (45_000, 3.0), False),
        ([(52_000, 14.0), (67_000, 16.0)], (45_000, NAN), False),
        ([(52_000, 14.0), (67_000, 16.0)], (0, 14.0), False),
    ],
)
def test_r36_a_series_goes_on_where_both_replicas_agree(
    *, own: list[tuple[int, float]], previous: tuple[int, float], wanted: bool
) -> None:
    assert goes_on(own, previous) is wanted


def test_series_are_looked_at_one_by_one() -> None:
    values = np.array([1.0, 5.0, 3.0, 7.0, 2.0, 9.0])
    times = np.array([10, 70, 20, 30, 40, 80])
    earlier = times < 60
    seen = Seen.of(values, times, np.array([0, 2, 2, 6]), earlier, ~earlier)
    np.testing.assert_array_equal(seen.lowest, [1.0, NAN, 2.0])
    assert seen.since.tolist() == [10, 0, 40]
    np.testing.assert_array_equal(seen.newest, [1.0, NAN, 2.0])
    np.testing.assert_array_equal(seen.first, [5.0, NAN, 9.0])
