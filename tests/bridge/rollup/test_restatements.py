from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.rollup import restatements as module
from bridge.rollup.restatements import restated
from models.queries import ledger
from models.queries.ledger import Entry
from models.queries.restatements import search
from models.queries.series import ids_of_source
from tests.bridge.rollup.builders import rows
from tests.bridge.rollup.test_engine import steady
from tests.bridge.rollup.world import BEGIN, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.queries.restatements import Restated


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.db.close()


def log(world: World, resolution: str | None = None) -> list[Restated]:
    ids = ids_of_source(world.db, "list")
    return search(world.db, ids, resolution, 0, 2**40, 0, limit=10_000)


def redo(world: World, minute: int, reason: str = "late samples, batch 2") -> None:
    ledger.mark(world.db, "list", "minute", [BEGIN + minute], "dirty", reason, 7)
    world.clock.advance(60)
    world.engine.beat()


def test_a_window_done_for_the_first_time_restates_nothing(world: World) -> None:
    world.feed("a_total", steady(4000))
    world.run_to(4000)
    assert log(world) == []


def test_doing_it_again_without_a_change_restates_nothing(world: World) -> None:
    world.feed("a_total", steady(4000))
    world.run_to(4000)
    redo(world, 120)
    assert log(world) == []


def test_late_samples_restate_the_minute_and_what_is_merged_of_it(
    world: World,
) -> None:
    world.feed("a_total", steady(4000))
    world.feed("b", steady(4000))
    world.run_to(4000)
    world.feed("b", [(121_000, 1000.0)])
    redo(world, 120)
    minute, hour = log(world, "minute"), log(world, "hour")
    assert [(one.start - BEGIN, one.reason) for one in minute] == [
        (120, "late samples, batch 2")
    ]
    assert minute[0].before is not None
    assert minute[0].after is not None
    assert '"count":4' in minute[0].before
    assert '"count":5' in minute[0].after
    assert (minute[0].revision, minute[0].at) == (2, int(world.clock.now()))
    assert [one.series_id for one in hour] == [minute[0].series_id]
    assert hour[0].reason == (
        f"the minute {BEGIN + 120} was done again: late samples, batch 2"
    )
    counted = [
        world.registry.get_sample_value(
            "epimetheus_rows_restated_total",
            {"source": "list", "resolution": resolution},
        )
        for resolution in ("minute", "hour")
    ]
    assert counted == [1.0, 1.0]


def test_a_new_series_restates_from_nothing(world: World) -> None:
    world.feed("a", steady(300))
    world.run_to(300)
    world.feed("c", [(121_000, 1.0)])
    redo(world, 120)
    (entry,) = log(world)
    assert entry.before is None
    assert entry.after is not None


def test_what_stays_as_it_was_better_is_not_restated(world: World) -> None:
    world.feed("a", steady(300))
    world.run_to(300)
    world.source.series["a"] = world.source.series["a"][:3]
    redo(world, 120)
    assert log(world) == []


def test_details_are_bounded_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DETAILED", 2)
    many: Any = [{"series_id": n} for n in range(1, 6)]
    entry = Entry("s", "minute", 60, "done", revision=2, computed_at=9)
    found = restated(entry, "late", rows(*many), rows())
    assert [(one.series_id, one.series) for one in found] == [(1, 1), (2, 1), (0, 3)]
    assert found[-1].before is None


def test_the_ledger_knows_since_when_a_window_has_rows(world: World) -> None:
    world.feed("a", steady(300))
    world.run_to(300)
    first = int(world.clock.now())
    redo(world, 120)
    rows = world.db.execute_sql(
        "SELECT DISTINCT first_at FROM ledger WHERE revision > 1"
    ).fetchall()
    assert rows == [(first,)]
