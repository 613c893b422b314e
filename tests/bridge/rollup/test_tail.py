from __future__ import annotations

import numpy as np

from bridge.rollup.rows import Floats, Ints, Rows
from bridge.rollup.tail import Tail


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
    )


class Table:
    """Remembers what it was asked, and answers ten times the id."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], int]] = []

    def __call__(self, series_id: Ints, start: int) -> Floats:
        self.asked.append((series_id.tolist(), start))
        return np.where(series_id == 9, np.nan, series_id * 10.0)


def test_rows_are_asked_once_for_each_series() -> None:
    table = Table()
    tail = Tail(60, None, table)
    assert tail.values(np.array([1, 3])).tolist() == [10.0, 30.0]
    assert tail.values(np.array([3, 2])).tolist() == [30.0, 20.0]
    assert table.asked == [([1, 3], 60), ([2], 60)]


def test_committed_rows_take_the_place_of_what_was_before() -> None:
    table = Table()
    tail = Tail(60, None, table)
    tail.values(np.array([1]))
    tail.advance(120, [rows([1, 5], [7.0, 8.0])])
    assert tail.values(np.array([1, 5])).tolist() == [7.0, 8.0]
    assert table.asked == [([1], 60)]


def test_a_row_without_a_value_leaves_the_value_before_in_force() -> None:
    tail = Tail(60, None, Table())
    tail.values(np.array([1]))
    tail.advance(120, [rows([1], [float("nan")])])
    assert tail.values(np.array([1])).tolist() == [10.0]


def test_a_series_that_is_first_met_later_is_looked_up_before_that_window() -> None:
    table = Table()
    tail = Tail(60, None, table)
    tail.advance(120, [])
    tail.values(np.array([4]))
    assert table.asked == [([4], 120)]


def test_without_rows_before_nothing_is_known() -> None:
    tail = Tail(60, None, None)
    assert np.isnan(tail.values(np.array([1, 2]))).all()
    tail.advance(120, [rows([2], [5.0])])
    values = tail.values(np.array([1, 2]))
    assert np.isnan(values[0])
    assert values[1] == 5.0


def test_a_value_that_is_not_known_is_not_asked_for_again() -> None:
    table = Table()
    tail = Tail(60, None, table)
    assert np.isnan(tail.values(np.array([9]))[0])
    assert np.isnan(tail.values(np.array([9]))[0])
    assert len(table.asked) == 1
