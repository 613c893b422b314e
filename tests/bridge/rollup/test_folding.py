from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.rollup.aggregate import aggregate
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.buckets.spreads import Spreads
from bridge.rollup.folding import fold, split
from bridge.rollup.rows import Flag
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Window
from models.budget import Budget
from models.directory import SeriesFacts, canonical
from models.folded import folded_id
from runtime.sketch_settings import Distribution
from tests.bridge.rollup.builders import HOUR, INF, NAN, Line, block, table
from tests.bridge.rollup.natives import inside
from tests.bridge.rollup.world import BEGIN, Killed, ListSource, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bridge.rollup.rows import Ints
    from bridge.sources.base import Block
    from tests.oracle import Samples

A, B, C = (folded_id(7, number) for number in (1, 2, 3))
AT = HOUR * 1000


def folded(*lines: Line) -> dict[str, float | int | None]:
    """The row of the overflow series that the lines are folded into."""
    known = block(*lines)
    rows = aggregate(known, Window(HOUR), Previous.unknown(len(lines)))
    (row,) = table(fold([rows]))
    return row


def test_folded_series_are_told_apart_from_others() -> None:
    whole = block(
        Line([(AT, 1.0)], series_id=A),
        Line([(AT, 2.0), (AT + 1, 3.0)], series_id=5),
        Line([(AT, 4.0)], series_id=B),
    )
    plain, beyond = split(replace(whole, started=np.arange(4)))
    assert beyond is not None
    assert (plain.series_id.tolist(), plain.values.tolist()) == ([5], [2.0, 3.0])
    assert plain.started is not None
    assert plain.started.tolist() == [1, 2]
    assert (beyond.series_id.tolist(), beyond.offsets.tolist()) == ([A, B], [0, 1, 2])
    assert split(plain)[0] is plain
    assert split(plain)[1] is None


@pytest.mark.rule(32)
def test_r32_each_series_is_counted_by_itself_before_they_are_added() -> None:
    row = folded(
        Line([(AT - 1, 90.0), (AT, 100.0), (AT + 1, 3.0)], series_id=A),
        Line([(AT - 1, 50.0), (AT, 60.0), (AT + 1, 61.0)], series_id=B),
    )
    assert (row["increase"], row["resets"]) == (10 + 3 + 10 + 1, 1)
    assert (row["count"], row["sum"], row["expected"]) == (4, 224.0, 8)
    assert (row["min"], row["max"]) == (3.0, 100.0)
    assert (row["first"], row["last"]) == (160.0, 64.0)
    assert (row["series_id"], row["flags"]) == (7, Flag.FOLDED)


def test_gauges_are_folded_without_an_increase() -> None:
    row = folded(
        Line([(AT, 1.0)], series_id=A, counter=False),
        Line([(AT, NAN)], series_id=B, counter=False),
    )
    assert (row["count"], row["sum"], row["increase"]) == (1, 1.0, None)
    assert row["flags"] == Flag.FOLDED | Flag.NAN


def test_infinities_of_both_signs_have_no_sum() -> None:
    row = folded(
        Line([(AT, INF)], series_id=A, counter=False),
        Line([(AT, -INF)], series_id=B, counter=False),
    )
    assert row["sum"] is None
    assert row["flags"] == Flag.FOLDED | Flag.INFINITE | Flag.NO_SUM


def test_distributions_of_gauges_are_folded() -> None:
    rule = Distribution.model_validate({"match": "queue"})
    spreads = Spreads([rule], lambda ids: [("queue", {})] * len(ids))
    known = block(
        Line([(AT, 1.0)], series_id=A, counter=False),
        Line([(AT - 1, 2.0)], series_id=C, counter=False),
        Line([(AT, 3.0), (AT + 1, 4.0)], series_id=B, counter=False),
    )
    rows = aggregate(known, Window(HOUR), Previous.unknown(3))
    found = fold([spreads.add_to(rows, known, Window(HOUR))])
    assert inside(found.buckets[0], Kind.DISTRIBUTION)["count"] == 3.0


def test_series_are_folded_from_all_answers_of_a_window() -> None:
    other = folded_id(9, 1)
    parts = [
        aggregate(block(line), Window(HOUR), Previous.unknown(1))
        for line in (
            Line([(AT, 1.0)], series_id=A),
            Line([(AT, 2.0)], series_id=other),
            Line([(AT, 4.0)], series_id=C),
        )
    ]
    found = fold(parts)
    assert (found.series_id.tolist(), found.sum.tolist()) == ([7, 9], [5.0, 2.0])


@dataclass
class CrowdedSource(ListSource):
    """All series are of one metric, and beyond a limit they are folded."""

    limit: int = 0

    def _block(self, held: dict[str, Samples]) -> Block:
        made = block(*(Line(samples) for samples in held.values()))
        facts = [
            SeriesFacts("hits_total", canonical({"pod": name}), "counter")
            for name in held
        ]
        budget = Budget(self.directory._db, self.limit)
        ids = self.directory.resolve(self.name, facts, 0, budget=budget)
        return replace(made, series_id=ids)

    def absent(
        self, series_id: Ints, earliest_ms: Ints, first_ms: Ints, since_ms: int
    ) -> Ints:
        return np.zeros(len(series_id), np.int64)


def crowd(directory: Path, limit: int) -> World:
    """A world of six counters that reset now and then, from the same dice."""
    world = World(directory)
    world.source = CrowdedSource(world.directory, world.clock, limit=limit)
    world.new_engine()
    dice = random.Random(76)
    for name in "abcdef":
        value, samples = 0, []
        for second in range(dice.randrange(15), 1800, 15):
            value = 0 if dice.random() < 0.03 else value + dice.randrange(9)
            samples.append((second * 1000, float(value)))
        world.feed(name, samples)
    return world


def totals(world: World, name: str) -> dict[int, tuple[float, int, int]]:
    """Increase, resets and samples of all series together, by window."""
    found = world.db.execute_sql(
        "SELECT start, SUM(r.increase), SUM(r.resets), SUM(r.count) "
        f"FROM {name} r JOIN series s ON s.id = r.series_id "
        "WHERE s.metric = 'hits_total' GROUP BY start"
    )
    return {start - BEGIN: tuple(rest) for start, *rest in found.fetchall()}


@pytest.fixture
def true(tmp_path: Path) -> Iterator[World]:
    made = crowd(tmp_path / "true", 0)
    made.run_to(1800)
    yield made
    made.db.close()


@pytest.mark.rule(76)
@pytest.mark.parametrize("limit", [1, 3, 5])
def test_r76_totals_are_the_same_with_and_without_a_limit(
    tmp_path: Path, true: World, limit: int
) -> None:
    world = crowd(tmp_path / "crowded", limit)
    for second in range(0, 1801, 60):
        if second % 420 == 0:
            world.new_engine()  # a restart
        world.run_to(second)
    for name in ("rollup_minute", "rollup_hour"):
        assert totals(world, name) == totals(true, name)
    raw = "SELECT COUNT(*) FROM series WHERE metric = 'hits_total'"
    assert world.db.execute_sql(raw).fetchone()[0] == limit + 1
    world.db.close()


@pytest.mark.rule(76)
def test_r76_the_increase_of_an_overflow_series_telescopes(
    tmp_path: Path, true: World
) -> None:
    world = crowd(tmp_path / "crowded", 1)
    world.run_to(1800)
    rows = world.db.execute_sql(
        "SELECT SUM(r.increase) FROM rollup_minute r JOIN series s "
        "ON s.id = r.series_id WHERE s.labels LIKE '%overflow%'"
    ).fetchone()[0]
    alone = true.db.execute_sql(
        "SELECT SUM(r.increase) FROM rollup_minute r JOIN series s "
        'ON s.id = r.series_id WHERE s.labels <> \'{"pod":"a"}\''
    ).fetchone()[0]
    assert rows == alone
    assert math.isfinite(rows)
    world.db.close()


def test_a_window_is_read_again_where_folding_begins(tmp_path: Path) -> None:
    world = crowd(tmp_path, 6)
    world.run_to(120)
    world.feed("g", [(second * 1000, 1.0) for second in range(130, 1800, 15)])
    world.source.reads.clear()
    world.run_to(240)
    world.new_engine()  # which knows from the rows that series are folded
    world.run_to(300)
    lengths = [(end - start) // 1000 for start, end in world.source.reads]
    lookback = round(world.rollup.lookback)
    assert lengths == [60, 60 + lookback, 60 + lookback, 60 + lookback]
    world.db.close()


@pytest.mark.rule(76)
@pytest.mark.parametrize("limits", [(1, 5), (5, 1), (2, 0), (0, 2)])
def test_r76_a_budget_that_is_changed_changes_no_total(
    tmp_path: Path, true: World, limits: tuple[int, int]
) -> None:
    world = crowd(tmp_path / "crowded", limits[0])
    assert isinstance(world.source, CrowdedSource)
    world.run_to(600)
    world.source.limit = limits[1]
    world.new_engine()
    world.run_to(1800)
    assert totals(world, "rollup_minute") == totals(true, "rollup_minute")
    world.db.close()


@pytest.mark.rule(76)
def test_r76_a_kill_at_any_call_changes_no_total(tmp_path: Path, true: World) -> None:
    world = crowd(tmp_path / "crowded", 2)
    dice = random.Random(763)
    for second in range(0, 1801, 60):
        world.calls_until_killed = dice.randrange(4)
        try:
            world.run_to(second)
        except Killed:
            world.new_engine()
    world.calls_until_killed = math.inf
    world.run_to(1800)
    assert totals(world, "rollup_minute") == totals(true, "rollup_minute")
    world.db.close()
