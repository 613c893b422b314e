from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge import backfill
from models.queries import backfills, ledger, retained
from models.queries.retained import EVERYTHING, Kept
from tests.bridge.rollup.world import BEGIN, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.history = 300.0
    made.new_engine()
    made.feed("a_total", [(t * 1000, t / 15) for t in range(0, 3600, 15)])
    yield made
    made.db.close()


def test_windows_before_the_first_are_done_once_asked_for(world: World) -> None:
    world.run_to(3000)
    assert min(world.states()) == 2700
    span = backfill.extend(world.db, "list", BEGIN + 630, BEGIN + 3000)
    assert span == backfill.Span("list", BEGIN + 600, BEGIN + 2700)
    assert (span.windows, backfill.finished(world.db, span)) == (35, 0)
    world.engine.beat()
    world.engine.beat()
    assert backfill.finished(world.db, span) == 35
    rows = world.rows("rollup_minute")
    assert rows == world.truth(600, 3000)


def test_windows_that_retention_deletes_meanwhile_are_not_waited_for(
    world: World,
) -> None:
    world.run_to(3000)
    span = backfill.extend(world.db, "list", BEGIN + 600, BEGIN + 3000)
    world.engine.beat()
    world.engine.beat()
    until = BEGIN + 1200
    world.db.execute_sql(
        "DELETE FROM ledger WHERE resolution = 'minute' AND start < ?", (until,)
    )
    assert backfill.finished(world.db, span) == 25
    gone = Kept("list", "minute", EVERYTHING, until, 3600, until)
    retained.keep(world.db, [gone])
    assert backfill.finished(world.db, span) == 35
    assert backfill.finished(world.db, replace(span, end=BEGIN + 900)) == 5


def test_a_source_without_windows_starts_where_the_backfill_says(world: World) -> None:
    span = backfill.extend(world.db, "list", BEGIN + 600, BEGIN + 3000)
    assert span == backfill.Span("list", BEGIN + 600, BEGIN + 3000)
    world.run_to(3000)
    assert world.rows("rollup_minute") == world.truth(600, 3000)


def test_nothing_is_asked_for_that_is_there(world: World) -> None:
    world.run_to(3000)
    with pytest.raises(backfill.NothingToDo, match="on the ledger already"):
        backfill.extend(world.db, "list", BEGIN + 2700, BEGIN + 3000)


def test_a_span_is_done_again_when_asked_for(world: World) -> None:
    world.run_to(3000)
    world.db.execute_sql("UPDATE rollup_minute SET increase = 0")
    span = backfill.redo(world.db, "list", BEGIN + 2730, BEGIN + 2950, 0)
    assert span == backfill.Span("list", BEGIN + 2700, BEGIN + 3000)
    assert backfill.finished(world.db, span) == 0
    world.engine.beat()
    assert backfill.finished(world.db, span) == 5
    assert world.rows("rollup_minute") == world.truth(2700, 3000)
    revisions = [
        entry.revision for entry in ledger.entries(world.db, "list", "minute", 0, 2**40)
    ]
    assert revisions == [2] * 5


def test_only_finished_windows_are_done_again(world: World) -> None:
    with pytest.raises(backfill.NothingToDo, match="no finished window"):
        backfill.redo(world.db, "list", BEGIN, BEGIN + 600, 0)


@pytest.mark.rule(73)
def test_r73_history_makes_no_later_window_negative(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.history = 300.0
    world.new_engine()
    # It stood higher before it was started again, just before what is known already.
    before = [(t * 1000, 1e6 + t) for t in range(0, 2700, 15)]
    after = [(t * 1000, float(t - 2700)) for t in range(2700, 3600, 15)]
    world.feed("a_total", [*before, *after])
    world.run_to(3000)
    backfill.extend(world.db, "list", BEGIN, BEGIN + 3000)
    for _ in range(3):
        world.engine.beat()
    rows = world.rows("rollup_minute")
    assert rows == world.truth(0, 3000)
    increases = [row.increase or 0.0 for row in rows.values()]
    assert min(increases) >= 0
    assert sum(increases) == 2685 + 285  # before, and after from zero
    world.db.close()


@pytest.mark.rule(68)
def test_r68_windows_are_asked_for_in_portions(world: World) -> None:
    world.run_to(3000)
    span = backfill.extension(world.db, "list", BEGIN + 600, BEGIN + 3000)
    portions = backfill.Portions(world.db, span, again=False)
    assert (portions.rest, portions.done()) == (span, 0)
    for second in (3060, 3120):
        portions.more(10, 0)
        assert portions.done() < portions.asked
        world.run_to(second)
        world.engine.beat()
        assert portions.done() == portions.asked
    assert portions.asked == 20
    assert min(world.states()) == 2700 - 20 * 60
    assert world.rows("rollup_minute") == world.truth(1500, 3120)


@pytest.mark.rule(62)
def test_r62_asking_again_goes_on_where_it_was_left(world: World) -> None:
    world.run_to(3000)
    asked = (world.db, "list", BEGIN + 600, BEGIN + 3000)
    first = backfill.Portions(world.db, backfill.extension(*asked), again=False)
    first.more(10, 0)
    second = backfill.Portions(world.db, backfill.extension(*asked), again=False)
    assert second.span == first.rest
    second.more(1000, 0)
    assert second.rest.windows == 0
    world.engine.beat()
    world.engine.beat()
    assert world.rows("rollup_minute") == world.truth(600, 3000)


def test_windows_are_done_again_in_portions(world: World) -> None:
    world.run_to(3000)
    span = backfill.repetition(world.db, "list", BEGIN + 2700, BEGIN + 3000)
    portions = backfill.Portions(world.db, span, again=True)
    portions.more(2, 0)
    dirty = [start for start, state in world.states().items() if state == "dirty"]
    assert dirty == [2700, 2760]
    assert portions.rest == backfill.Span("list", BEGIN + 2820, BEGIN + 3000)
    assert portions.done() == 0
    world.engine.beat()
    assert portions.done() == 2


def test_some_series_of_a_span_are_asked_for_once(world: World) -> None:
    world.run_to(3000)
    asked = (world.db, "list", ["a_total"], BEGIN + 2730, BEGIN + 2950)
    merging = backfill.merging(*asked, 5, 7)
    assert merging.span == backfill.Span("list", BEGIN + 2700, BEGIN + 3000)
    assert (merging.request.rate, merging.asked, merging.rest.windows) == (5, 5, 0)
    assert (merging.done(), merging.outcome(), merging.again) == (0, "", False)
    # Who asks again goes on with it, whenever now is.
    later = (world.db, "list", ["a_total"], BEGIN + 2730, BEGIN + 9999)
    assert backfill.merging(*later, 0, 8).request.id == merging.request.id
    number = merging.request.id
    backfills.advance(world.db, number, BEGIN + 3000, 3)
    assert merging.done() == 4
    reason = merging.request.reason
    ledger.mark(world.db, "list", "minute", [BEGIN + 2940], "dirty", reason, 8)
    backfills.finish(world.db, number, 8, "all")
    assert merging.done() == 4  # what follows from it is still to be done
    world.engine.beat()
    assert (merging.done(), merging.outcome()) == (5, "all")
    assert backfill.merging(*asked, 0, 9).request.id != number


def test_a_backfill_that_was_given_up_is_not_waited_for(world: World) -> None:
    world.run_to(3000)
    merging = backfill.merging(
        world.db, "list", ["b"], BEGIN + 2700, BEGIN + 3000, 0, 7
    )
    backfills.finish(world.db, merging.request.id, 8, "failed: why")
    assert merging.done() == 5


def test_series_are_merged_only_into_windows_that_are_there(world: World) -> None:
    world.run_to(3000)
    with pytest.raises(backfill.NotThere, match="the ledger of 'list' begins at"):
        backfill.merging(world.db, "list", ["b"], BEGIN, BEGIN + 3000, 0, 7)
    with pytest.raises(backfill.NothingToDo, match="no finished window"):
        backfill.merging(world.db, "list", ["b"], BEGIN + 6000, BEGIN + 7000, 0, 7)
    retained.keep(
        world.db, [retained.Kept("list", "minute", "", BEGIN + 2800, BEGIN + 2800, 7)]
    )
    with pytest.raises(backfill.NothingToDo, match="were deleted as"):
        backfill.merging(world.db, "list", ["b"], BEGIN + 2700, BEGIN + 3000, 0, 7)
