from __future__ import annotations

import numpy as np

from bridge.rollup.rows import Rows
from models.rollup import COLUMNS
from tests.bridge.rollup.builders import row, rows, table


def test_joined_rows_follow_each_other() -> None:
    first, second = row(series_id=1), row(series_id=2, sum=None)
    assert table(Rows.join([rows(first), rows(), rows(second)])) == [first, second]


def test_no_parts_join_to_no_rows_with_the_right_types() -> None:
    nothing = Rows.join([])
    assert len(nothing) == 0
    assert [column.dtype.kind for column in nothing.columns()] == list(
        "iiiffffffiiiOiii"
    )


def test_rows_can_be_chosen_by_mask_slice_and_index() -> None:
    some = [row(series_id=i) for i in range(4)]
    every = rows(*some)
    assert table(every.take(np.array([False, True, False, True]))) == some[1::2]
    assert table(every.take(slice(1, None))) == some[1:]
    assert table(every.take(np.array([3, 0]))) == [some[3], some[0]]


def test_the_arrays_stand_in_the_order_of_the_tables_columns() -> None:
    every = rows(row())
    assert len(every.columns()) == len(COLUMNS)
    assert all(
        column is getattr(every, name)
        for column, name in zip(every.columns(), COLUMNS, strict=True)
    )
