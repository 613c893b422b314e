from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge import backfill
from models.queries import ledger
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
