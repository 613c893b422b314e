from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.volleys import VolleyResult, jitter_of

RTTS = st.one_of(st.just(-1), st.integers(min_value=0, max_value=10**10))


@given(st.lists(st.lists(RTTS, min_size=6, max_size=6), min_size=1, max_size=5))
def test_jitter_is_the_mean_difference_of_neighbouring_replies(
    rows: list[list[int]],
) -> None:
    found = jitter_of(np.array(rows, np.int64)).tolist()
    for row, jitter in zip(rows, found, strict=True):
        came = [rtt for rtt in row if rtt >= 0]
        steps = [abs(b - a) for a, b in itertools.pairwise(came)]
        if steps:
            assert jitter == pytest.approx(sum(steps) / len(steps) / 1e9)
        else:
            assert math.isnan(jitter)


def test_a_single_request_has_no_jitter() -> None:
    assert np.isnan(jitter_of(np.array([[5], [-1]], np.int64))).all()


def test_received_are_replies_in_time() -> None:
    result = VolleyResult.empty(2, 3, 0)
    result.rtts[1] = [5, -1, 0]
    assert result.received.tolist() == [0, 2]
