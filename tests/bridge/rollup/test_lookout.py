from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.rollup.lookout import Lookout
from bridge.rollup.parts import Parts
from models.queries import ledger
from tests.bridge.rollup.world import BEGIN, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.db.close()


def lookout(world: World) -> Lookout:
    parts = Parts(world.db, world._call, world.directory, world.telemetry, world.clock)
    return Lookout(world.source, world.history, world.rollup, world.reporter, parts)


def at(world: World, seconds: float) -> None:
    """Let time pass to so long after the beginning, and settle."""
    now = world.clock.now()
    world.clock.advance(BEGIN + seconds + world.rollup.settle - now)


def test_a_source_without_samples_owes_nothing(world: World) -> None:
    looking = lookout(world)
    at(world, 600)
    assert looking.look() is False
    assert len(looking.agenda) == 0
    assert world.states() == {}


def test_the_first_window_is_entered_before_any_is_done(world: World) -> None:
    world.feed("a", [(1000, 1.0)])
    looking = lookout(world)
    at(world, 180)
    assert looking.look() is True
    assert world.states() == {0: "open"}
    assert looking.begin == BEGIN
    assert len(looking.agenda) == 3


@pytest.mark.rule(59)
def test_r59_holes_are_found_when_the_ledger_is_searched_and_not_before(
    world: World,
) -> None:
    world.feed("a", [(1000 * second, 1.0) for second in range(0, 600, 15)])
    world.run_to(600)
    looking = lookout(world)
    assert looking.look() is True
    assert len(looking.agenda) == 0
    world.db.execute_sql("DELETE FROM ledger WHERE start = ?", (BEGIN + 240,))
    assert looking.look() is False
    assert len(looking.agenda) == 0
    looking.search_again()
    assert looking.look() is True
    assert list(looking.agenda.next(0.0)) == [BEGIN + 240]


def test_who_only_rereads_learns_what_is_pending_and_asks_for_nothing(
    world: World,
) -> None:
    world.feed("a", [(1000 * second, 1.0) for second in range(0, 600, 15)])
    world.run_to(600)
    ledger.mark(world.db, "list", "minute", [BEGIN + 300], "dirty", "late", 0)
    reads = len(world.source.reads)
    looking = lookout(world)
    looking.orient()
    assert looking.begin == BEGIN
    assert looking.agenda.oldest() == BEGIN + 300
    assert len(world.source.reads) == reads
