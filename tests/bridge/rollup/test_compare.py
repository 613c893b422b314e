from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.rollup.compare import compare, read, written
from tests.bridge.rollup.builders import rows

if TYPE_CHECKING:
    from bridge.rollup.rows import Rows


def with_blob(made: Rows, blob: bytes | None) -> Rows:
    made.buckets[0] = blob
    return made


def test_equal_rows_do_not_differ_whatever_their_order() -> None:
    one = rows({"series_id": 1, "increase": math.nan}, {"series_id": 7, "sum": 0.0})
    other = rows({"series_id": 7, "sum": -0.0}, {"series_id": 1, "increase": math.nan})
    assert compare(one, other).differing.tolist() == []


def test_changed_gone_and_added_rows_are_told_apart() -> None:
    old = rows({"series_id": 1}, {"series_id": 2}, {"series_id": 4})
    new = rows({"series_id": 2, "last": 5.0}, {"series_id": 3}, {"series_id": 4})
    pairs = compare(old, new)
    assert pairs.series_id.tolist() == [1, 2, 3, 4]
    assert pairs.gone.tolist() == [True, False, False, False]
    assert pairs.added.tolist() == [False, False, True, False]
    assert pairs.differing.tolist() == [0, 1, 2]
    assert [name for name, marks in pairs.columns.items() if marks.any()] == ["last"]


def test_rows_of_nothing_are_compared_with_any() -> None:
    assert compare(rows(), rows()).differing.tolist() == []
    assert compare(rows(), rows({})).added.tolist() == [True]
    assert compare(rows({}), rows()).gone.tolist() == [True]


def test_only_the_named_columns_count() -> None:
    old, new = rows({"expected": 4}), rows({"expected": 6})
    assert compare(old, new, ("count", "sum")).differing.tolist() == []
    assert compare(old, new).differing.tolist() == [0]


def test_buckets_are_compared_by_their_bytes() -> None:
    old, new = with_blob(rows({}), b"ab"), with_blob(rows({}), b"ac")
    assert compare(old, new).columns["buckets"].tolist() == [True]
    assert compare(old, with_blob(rows({}), None)).differing.tolist() == [0]


@pytest.mark.parametrize("value", [0.1, math.inf, -math.inf, math.nan, 2.0**60])
def test_a_row_is_read_as_it_was_written(value: float) -> None:
    made = rows({"sum": value, "count": 3, "flags": 8192, "gap": 120_000})
    back = read(written(made, 0))
    assert back["count"] == 3
    assert back["flags"] == 8192
    assert back["gap"] == 120_000
    assert np.array_equal([back["sum"]], made.sum, equal_nan=True)
    assert back["buckets"] is None


def test_buckets_come_back_only_if_they_were_written_whole() -> None:
    made = with_blob(rows({}), b"\x00\xff")
    assert "buckets" not in read(written(made, 0))
    assert read(written(made, 0, whole=True))["buckets"] == b"\x00\xff"
