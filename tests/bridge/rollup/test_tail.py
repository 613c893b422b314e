from __future__ import annotations

import numpy as np

from bridge.rollup.rows import Ints, Rows, no_blobs
from bridge.rollup.tail import Previous, Tail


def rows(series_id: list[int], last: list[float]) -> Rows:
    n = len(series_id)
    zeros, nan = np.zeros(n, dtype=np.int64), np.full(n, np.nan)
    return Rows(
        series_id=np.array(series_id, dtype=np.int64),
        start=zeros,
        count=zeros,
        sum=nan,
        min=nan,
        max=nan,
        first=nan,
        last=np.array(last),
        increase=nan,
        resets=zeros,
        expected=zeros,
        flags=zeros,
        last_offset=np.full(n, 500, dtype=np.int64),
        gap=zeros,
        changes=zeros,
        buckets=np.array([b"packed"] * n, dtype=np.object_),
    )


class Table:
    """Remembers what it was asked, and answers ten times the id."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], int]] = []

    def __call__(self, series_id: Ints, start: int) -> Previous:
        self.asked.append((series_id.tolist(), start))
        values = np.where(series_id == 9, np.nan, series_id * 10.0)
        return Previous(values, series_id * 100, no_blobs(len(series_id)))


def test_rows_are_asked_once_for_each_series() -> None:
    table = Table()
    tail = Tail(60, None, table)
    assert tail.previous(np.array([1, 3])).values.tolist() == [10.0, 30.0]
    assert tail.previous(np.array([3, 2])).values.tolist() == [30.0, 20.0]
    assert table.asked == [([1, 3], 60), ([2], 60)]


def test_committed_rows_take_the_place_of_what_was_before() -> None:
    table = Table()
    tail = Tail(60, None, table)
    tail.previous(np.array([1]))
    tail.advance(120, [rows([1, 5], [7.0, 8.0])])
    assert tail.previous(np.array([1, 5])).values.tolist() == [7.0, 8.0]
    assert table.asked == [([1], 60)]


def test_times_and_buckets_come_with_the_values() -> None:
    tail = Tail(60, None, Table())
    before = tail.previous(np.array([3, 1]))
    assert before.times.tolist() == [300, 100]
    assert before.buckets.tolist() == [None, None]
    tail.advance(120, [rows([1], [7.0])])
    before = tail.previous(np.array([3, 1]))
    assert before.times.tolist() == [300, 500]
    assert before.buckets.tolist() == [None, b"packed"]


def test_a_row_without_a_value_leaves_the_value_before_in_force() -> None:
    tail = Tail(60, None, Table())
    tail.previous(np.array([1]))
    tail.advance(120, [rows([1], [float("nan")])])
    assert tail.previous(np.array([1])).values.tolist() == [10.0]


def test_a_series_that_is_first_met_later_is_looked_up_before_that_window() -> None:
    table = Table()
    tail = Tail(60, None, table)
    tail.advance(120, [])
    tail.previous(np.array([4]))
    assert table.asked == [([4], 120)]


def test_without_rows_before_nothing_is_known() -> None:
    tail = Tail(60, None, None)
    assert np.isnan(tail.previous(np.array([1, 2])).values).all()
    tail.advance(120, [rows([2], [5.0])])
    values = tail.previous(np.array([1, 2])).values
    assert np.isnan(values[0])
    assert values[1] == 5.0


def test_a_value_that_is_not_known_is_not_asked_for_again() -> None:
    table = Table()
    tail = Tail(60, None, table)
    assert np.isnan(tail.previous(np.array([9])).values[0])
    assert np.isnan(tail.previous(np.array([9])).values[0])
    assert len(table.asked) == 1
