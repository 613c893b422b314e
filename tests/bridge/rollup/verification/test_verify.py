from __future__ import annotations

import math

import pytest

from bridge.rollup.rows import Flag
from bridge.rollup.verification.verify import DIFFERS, EXTRA, MISSING, SAME, verify
from tests.bridge.rollup.builders import rows


def test_equal_rows_are_the_same() -> None:
    stored = rows({"series_id": 1}, {"series_id": 2})
    found = verify(stored, rows({"series_id": 2}, {}))
    assert found.rows == {DIFFERS: 0, EXTRA: 0, MISSING: 0, SAME: 2}
    assert (found.series, found.differing, found.told) == (2, 0, ())


def test_each_kind_of_difference_is_counted_and_told() -> None:
    stored = rows({"series_id": 1, "sum": math.inf}, {"series_id": 2})
    computed = rows({"series_id": 1, "sum": math.nan}, {"series_id": 3})
    found = verify(stored, computed)
    assert found.rows == {DIFFERS: 1, EXTRA: 1, MISSING: 1, SAME: 0}
    assert [(one.series_id, one.outcome, one.columns) for one in found.told] == [
        (1, DIFFERS, {"sum": ("+Inf", None)}),
        (2, EXTRA, {}),
        (3, MISSING, {}),
    ]
    assert len(verify(stored, computed, told=1).told) == 1


def test_what_a_source_expected_is_not_compared() -> None:
    found = verify(rows({"expected": 4, "gap": 60_000}), rows({"expected": 2}))
    assert found.differing == 0
    assert verify(rows({"gap": 60_000}), rows({})).differing == 1


@pytest.mark.rule(11)
def test_r11_a_marker_that_came_later_than_its_window_is_no_difference() -> None:
    stored = rows({"series_id": 1, "flags": Flag.NAN}, {"series_id": 2})
    ended = Flag.NAN | Flag.ENDED
    computed = rows({"series_id": 1, "flags": ended}, {"series_id": 2})
    assert verify(stored, computed).differing == 0
    assert verify(computed, stored).differing == 0
    other = rows({"series_id": 1, "flags": Flag.ENDED}, {"series_id": 2, "flags": 1})
    (first, second) = verify(stored, other).told
    assert first.columns == {"flags": (Flag.NAN, Flag.ENDED)}
    assert second.columns == {"flags": (0, 1)}


def test_an_increase_may_differ_by_rounding_only() -> None:
    stored = rows({"increase": 0.1 + 0.2, "first": 1.0, "last": 1.0})
    assert verify(stored, rows({"increase": 0.3})).differing == 0
    assert verify(stored, rows({"increase": 0.3001})).differing == 1
    assert verify(stored, rows({"increase": math.nan})).differing == 1
    large = rows({"increase": 3.0, "first": 1e15, "last": 1e15 + 3})
    near = rows({"increase": 3.5, "first": 1e15, "last": 1e15 + 3})
    assert verify(large, near).differing == 0
    off = rows({"increase": 5.0, "first": 1e15, "last": 1e15 + 3})
    assert verify(large, off).differing == 1
