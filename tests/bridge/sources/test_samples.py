from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.samples import Runs, runs, sort

NAN = float("nan")


def ints(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def as_dict(found: Runs) -> dict[int, list[tuple[int, str]]]:
    """Return samples by series; values as text, so that NaN equals NaN."""
    return {
        int(series): [
            (int(time), repr(float(value)))
            for time, value in zip(
                found.times[found.offsets[at] : found.offsets[at + 1]],
                found.values[found.offsets[at] : found.offsets[at + 1]],
                strict=True,
            )
        ]
        for at, series in enumerate(found.series)
    }


def test_samples_outside_the_window_and_series_left_empty_are_cut() -> None:
    found = runs(
        ints(7, 8, 9),
        ints(3, 1, 2),
        ints(99, 100, 199, 200, 100, 150),
        np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (100, 200),
    )
    assert found.series.tolist() == [7, 9]
    assert found.offsets.tolist() == [0, 2, 4]
    assert found.times.tolist() == [100, 199, 100, 150]
    assert found.values.tolist() == [2.0, 3.0, 5.0, 6.0]


def test_nothing_in_the_window_is_no_series() -> None:
    found = runs(ints(1), ints(1), ints(5), np.array([1.0]), (10, 20))
    assert (found.series.tolist(), found.offsets.tolist()) == ([], [0])
    again = sort(ints(), ints(), np.zeros(0))
    assert (again.series.tolist(), again.offsets.tolist()) == ([], [0])


@pytest.mark.rule(15)
@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ((1.0, 1.0, 1.0), "1.0"),
        ((1.0, 3.0, 2.0), "3.0"),
        ((NAN, -5.0, NAN), "-5.0"),
        ((NAN, float("-inf"), NAN), "-inf"),
        ((NAN, NAN, NAN), "nan"),
    ],
)
def test_r15_of_values_at_one_time_one_stays_in_whatever_order(
    values: tuple[float, ...], kept: str
) -> None:
    for order in permutations(values):
        found = runs(ints(4), ints(3), ints(10, 10, 10), np.array(order), (0, 20))
        assert as_dict(found) == {4: [(10, kept)]}


@pytest.mark.rule(16)
@given(
    samples=st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 5), st.sampled_from([1.0, 2.0, NAN])
        ),
        max_size=12,
    ),
    seed=st.randoms(use_true_random=False),
)
def test_r16_the_order_of_arrival_does_not_matter(
    samples: list[tuple[int, int, float]], seed: st.DataObject
) -> None:
    shuffled = list(samples)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random of hypothesis

    def put_in_order(some: list[tuple[int, int, float]]) -> dict[int, object]:
        owners, times, values = zip(*some, strict=True) if some else ((), (), ())
        lengths = np.ones(len(some), np.int64)
        return dict(
            as_dict(
                runs(
                    np.array(owners, np.int64),
                    lengths,
                    np.array(times, np.int64),
                    np.array(values, np.float64),
                    (0, 10),
                )
            )
        )

    assert put_in_order(samples) == put_in_order(shuffled)


def test_entries_of_one_series_become_one_run() -> None:
    found = runs(
        ints(2, 1, 2),
        ints(2, 1, 2),
        ints(30, 40, 10, 10, 30),
        np.array([3.0, 4.0, 1.0, 0.5, 3.0]),
        (0, 100),
    )
    assert as_dict(found) == {
        1: [(10, "1.0")],
        2: [(10, "0.5"), (30, "3.0"), (40, "4.0")],
    }


def test_times_that_fall_within_a_series_are_put_in_order() -> None:
    found = runs(ints(1), ints(2), ints(20, 10), np.array([2.0, 1.0]), (0, 100))
    assert as_dict(found) == {1: [(10, "1.0"), (20, "2.0")]}


def test_ordered_samples_are_passed_on_as_they_are() -> None:
    times, values = ints(10, 20, 5), np.array([1.0, NAN, 3.0])
    found = runs(ints(9, 3), ints(2, 1), times, values, (0, 100))
    assert found.times is times
    assert found.values is values
    assert found.series.tolist() == [9, 3]
