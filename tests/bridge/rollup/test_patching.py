from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bridge.rollup.above import Above
from bridge.rollup.aggregate import aggregate
from bridge.rollup.buckets.histograms import aggregate as of_families
from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.patching import Patch, better, patch
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Window
from models.directory import SeriesFacts
from models.queries import ledger
from tests.bridge.rollup.builders import HOUR, NAN, Line, block
from tests.bridge.rollup.families import Scrape, families
from tests.bridge.rollup.partial import PartialWorld
from tests.bridge.rollup.world import BEGIN

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.rule(64)
def test_r64_hours_and_local_days_are_merged_again(tmp_path: Path) -> None:
    world = PartialWorld(tmp_path)
    world.fill(("a_total",), 600)
    world.run_to(600)
    window = Window(BEGIN + 60)
    calendar = Calendar("nepal", Rules.of(ZoneInfo("Asia/Kathmandu")))
    day, hour = calendar.holding(window.start).start, BEGIN // 3600 * 3600
    for resolution, start in ((calendar.resolution, day), ("hour", hour)):
        ledger.mark(world.db, "list", resolution, [start], "done", "", 0)
    (before,) = ledger.entries(world.db, "list", "minute", window.start, window.end)
    ids = world.directory.resolve("list", [SeriesFacts("new", "{}")], 0)
    made = Line([(window.start_ms, 1.0)], series_id=int(ids[0]), counter=False)
    new = aggregate(block(made), window, Previous.unknown(1))
    request = world.ask(60, 120, "new")
    it = Patch(request, window, before, better(NOTHING, new, {int(ids[0]): 1}))
    assert patch(world.db, it, 9, Above((calendar,)))
    dirty = world.db.execute_sql(
        "SELECT resolution, start, reason FROM ledger WHERE state = 'dirty' "
        "ORDER BY resolution"
    ).fetchall()
    assert [tuple(row[:2]) for row in dirty] == [
        (calendar.resolution, day),
        ("hour", hour),
    ]
    assert {row[2] for row in dirty} == {
        f"the minute {window.start} was done again: backfill {request.id} of new"
    }
    # What was done meanwhile is left to another try.
    assert not patch(world.db, it, 9, Above((calendar,)))
    (after,) = ledger.entries(world.db, "list", "minute", window.start, window.end)
    assert (after.samples, after.series) == (before.samples + 1, before.series + 1)
    world.db.close()
