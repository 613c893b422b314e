from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridge.rollup.correction.leaving_out import Span, emptied, leave_out, unroot
from bridge.rollup.rows import Flag
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Window
from bridge.sources.base import Families
from tests.bridge.rollup.builders import HOUR, Line, block, table

MS = HOUR * 1000
SPAN = Span(MS + 60_000, MS + 120_000)


def both() -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([True, True])


def lines() -> tuple[Line, Line]:
    times = (MS + 30_000, MS + 60_000, MS + 119_999, MS + 120_000)
    samples = [(time, float(n)) for n, time in enumerate(times)]
    return Line(samples, series_id=1), Line(samples, series_id=2)


def test_samples_of_the_span_go_and_others_stay() -> None:
    left = leave_out(block(*lines()), SPAN, np.array([True, False]))
    assert left.offsets.tolist() == [0, 2, 6]
    assert left.times[:2].tolist() == [MS + 30_000, MS + 120_000]
    assert left.values[:2].tolist() == [0.0, 3.0]
    assert left.series_id.tolist() == [1, 2]


def test_nothing_is_copied_where_nothing_is_wrong() -> None:
    answer = block(*lines())
    assert leave_out(answer, SPAN, np.array([False, False])) is answer


def test_a_baseline_also_takes_what_was_before() -> None:
    answer = replace(
        block(*lines()),
        absent=np.array([MS + 110_000, MS + 130_000], np.int64),
        started=np.arange(8, dtype=np.int64),
    )
    left = leave_out(answer, replace(SPAN, baseline=True), both())
    assert left.offsets.tolist() == [0, 1, 2]
    assert left.absent is not None
    assert left.absent.tolist() == [0, MS + 130_000]
    assert left.started is not None
    assert left.started.tolist() == [3, 7]


def test_histograms_lose_whole_times() -> None:
    families = Families(
        series_id=np.array([1], np.int64),
        offsets=np.array([0, 3], np.int64),
        times=np.array([MS, MS + 60_000, MS + 120_000], np.int64),
        expected=np.array([4], np.int64),
        observations=np.array([1.0, 2.0, 3.0]),
        totals=np.array([1.0, 2.0, 3.0]),
        bounds=((1.0, float("inf")),),
        layout=np.zeros(3, np.int64),
        cumulative=np.ones((3, 2)),
    )
    left = leave_out(families, SPAN, np.array([True]))
    assert left.observations.tolist() == [1.0, 3.0]
    assert left.cumulative.shape == (2, 2)
    assert left.bounds == families.bounds


def test_only_a_baseline_forgets_what_came_before() -> None:
    previous = Previous(
        np.array([5.0, 6.0]),
        np.array([MS, MS + 130_000], np.int64),
        np.array([b"a", None], np.object_),
    )
    assert unroot(previous, SPAN, both()) is previous
    left = unroot(previous, replace(SPAN, baseline=True), both())
    assert np.isnan(left.values[0])
    assert (left.values[1], left.times.tolist()) == (6.0, [0, MS + 130_000])
    assert left.buckets.tolist() == [None, None]
    assert previous.values[0] == 5.0


def test_a_window_is_held_whole_or_not() -> None:
    assert SPAN.holds(Window(HOUR + 60))
    assert not SPAN.holds(Window(HOUR))
    assert not SPAN.holds(Window(HOUR + 120))


def test_emptied_rows_count_nothing_and_say_why() -> None:
    ids, start = np.array([7], np.int64), np.array([HOUR], np.int64)
    (row,) = table(emptied(ids, start, np.array([4], np.int64)))
    assert (row["count"], row["expected"], row["flags"]) == (0, 4, Flag.CORRECTED)
    names = ("sum", "min", "max", "first", "last", "increase", "buckets")
    assert {row.get(name) for name in names} == {None}
