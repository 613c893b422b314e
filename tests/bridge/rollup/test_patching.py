from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bridge.rollup.aggregate import aggregate
from bridge.rollup.histograms import aggregate as of_families
from bridge.rollup.patching import better
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Window
from tests.bridge.rollup.builders import HOUR, NAN, Line, block
from tests.bridge.rollup.families import Scrape, families

AT = HOUR * 1000
NOTHING = Rows.join([])


def rows(*lines: Line) -> Rows:
    return aggregate(block(*lines), Window(HOUR), Previous.unknown(len(lines)))


def line(series: int, samples: int, value: float = 1.0) -> Line:
    return Line([(AT + at, value) for at in range(samples)], series_id=series)


def test_new_rows_are_added_with_all_their_samples() -> None:
    new = rows(line(1, 2), Line([(AT, 1.0), (AT + 1, NAN)], series_id=2))
    found = better(NOTHING, new, {1: 2, 2: 2, 3: 9})
    assert found.rows.series_id.tolist() == [1, 2]
    assert (found.samples, found.added, found.all_new) == (4, 2, True)


@pytest.mark.rule(66)
def test_r66_each_series_keeps_its_better_row() -> None:
    old = rows(line(1, 4), line(2, 2), line(3, 2))
    new = rows(line(1, 3), line(2, 3), line(3, 2), line(4, 1))
    found = better(old, new, {1: 3, 2: 3, 3: 2, 4: 1})
    assert found.rows.series_id.tolist() == [2, 4]
    assert found.old.series_id.tolist() == [2]
    assert (found.samples, found.added, found.all_new) == (2, 1, False)


def test_samples_that_are_no_numbers_are_not_counted_twice() -> None:
    old = rows(Line([(AT, 1.0), (AT + 1, NAN)], series_id=1))
    assert old.flags[0] & Flag.NAN
    new = rows(Line([(AT, 1.0), (AT + 1, NAN), (AT + 2, 2.0)], series_id=1))
    assert better(old, new, {1: 3}).samples == 1


@pytest.mark.rule(38)
def test_r38_a_histogram_of_some_parts_replaces_no_whole_one() -> None:
    whole, _ = of_families(
        families([Scrape(AT, (1, 2, 3), 4.0), Scrape(AT + 1, (1, 2, 9), 5.0)]),
        Window(HOUR),
        Previous.unknown(1),
    )
    bare = replace(whole, sum=np.array([NAN]), gap=np.array([7]))
    without = replace(bare, sum=whole.sum, buckets=np.array([None], np.object_))
    for worse in (bare, without):
        assert not len(better(whole, worse, {1: 2}).rows)
        assert len(better(worse, whole, {1: 2}).rows) == 1
