from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trips import Trips, pack, quantile, trips_of, unpack

TIMES = st.floats(1e-6, 100.0)


def test_nothing_answered_has_no_figures() -> None:
    assert trips_of(()) == trips_of((None, None)) == Trips()


def test_a_single_time_is_stored_once() -> None:
    assert trips_of((0.01,)) == Trips(0.01)
    assert trips_of((None, 0.01)) == Trips(0.01, packed=pack((None, 0.01)))


def test_figures_are_those_of_all_times() -> None:
    found = trips_of((0.010, None, 0.014, 0.012))
    assert (found.min, found.max) == (0.010, 0.014)
    assert found.mean == pytest.approx(0.012)
    assert found.p50 == 0.012
    assert found.jitter == pytest.approx(0.003)


@given(st.lists(TIMES, min_size=1), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(times: list[float], share: float) -> None:
    found = quantile(sorted(times), share)
    assert found == pytest.approx(np.quantile(times, share), rel=1e-9)


@given(st.lists(st.none() | TIMES, max_size=40))
def test_times_come_back_in_the_order_of_sending(times: list[float | None]) -> None:
    stored = trips_of(times)
    found = unpack(stored.packed, stored.mean, len(times))
    assert [one is None for one in found] == [one is None for one in times]
    told = [(one, was) for one, was in zip(found, times, strict=True) if was]
    assert all(one == pytest.approx(was, rel=1e-7) for one, was in told)
