from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.kinds import Kinds

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools, Ints


class Table:
    """A series table in which some ids are counters."""

    def __init__(self, *counters: int) -> None:
        self.counters = set(counters)
        self.asked: list[list[int]] = []

    def __call__(self, series_id: Ints) -> Bools:
        self.asked.append(series_id.tolist())
        return np.isin(series_id, sorted(self.counters))


def counters(kinds: Kinds, ids: list[int], *said: int) -> list[int]:
    series_id = np.array(ids)
    found = kinds.counters(series_id, np.isin(series_id, said))
    return [int(number) for number in series_id[found]]


def test_what_the_table_says_counts_and_not_what_the_source_forgot() -> None:
    table = Table(1, 3)
    kinds = Kinds(table)
    assert counters(kinds, [1, 2, 3], 1, 3) == [1, 3]
    assert counters(kinds, [1, 2, 3]) == [1, 3]
    assert table.asked == [[1, 2, 3]]


def test_a_series_that_the_table_does_not_call_a_counter_is_none() -> None:
    kinds = Kinds(Table())
    assert counters(kinds, [7], 7) == []


def test_a_kind_that_became_known_is_taken_up() -> None:
    table = Table()
    kinds = Kinds(table)
    assert counters(kinds, [4, 5]) == []
    table.counters.add(5)
    assert counters(kinds, [4, 5], 5) == [5]
    assert table.asked == [[4, 5], [5]]
    assert counters(kinds, [4, 5, 6]) == [5]
