from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.kinds import Kinds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridge.rollup.rows import Ints


class Table:
    """A series table with the kinds of some ids."""

    def __init__(self, **kinds: str) -> None:
        self.kinds = {int(number[1:]): kind for number, kind in kinds.items()}
        self.asked: list[list[int]] = []

    def __call__(self, series_id: Ints) -> NDArray[np.str_]:
        self.asked.append(series_id.tolist())
        return np.array([self.kinds.get(one, "unknown") for one in series_id.tolist()])


def counters(kinds: Kinds, ids: list[int]) -> list[int]:
    series_id = np.array(ids)
    return [int(number) for number in series_id[kinds.of(series_id)[0]]]


def test_what_the_table_says_is_remembered() -> None:
    table = Table(_1="counter", _2="gauge", _3="counter", _4="summary", _5="histogram")
    kinds = Kinds(table)
    ids = [1, 2, 3, 4, 5]
    assert counters(kinds, ids) == [1, 3]
    assert counters(kinds, ids) == [1, 3]
    assert kinds.of(np.array(ids))[1].tolist() == [False, False, False, True, False]
    assert table.asked == [ids]


def test_a_kind_that_became_known_is_taken_up() -> None:
    table = Table(_4="gauge")
    kinds = Kinds(table)
    assert counters(kinds, [4, 5]) == []
    table.kinds[5] = "counter"
    assert counters(kinds, [4, 5]) == [5]
    assert counters(kinds, [4, 5]) == [5]
    assert table.asked == [[4, 5], [5]]


def test_no_series_is_fine() -> None:
    kinds = Kinds(Table())
    assert [len(marks) for marks in kinds.of(np.zeros(0, np.int64))] == [0, 0]
