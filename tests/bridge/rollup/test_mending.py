from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from bridge.sources.base import SourceError
from tests.bridge.rollup.partial import PartialWorld
from tests.bridge.rollup.world import BEGIN, Killed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END = 5400
NAMES = ("a_total", "b", "c_total", "d_total", "e")
LATE = {"c_total", "e"}


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartialWorld]:
    """What the tables hold when all series are read from the beginning."""
    world = PartialWorld(tmp_path_factory.mktemp("true"))
    world.fill(NAMES, END)
    world.run_to(END)
    yield world
    world.db.close()


def without(directory: Path, start: int, until: int, **rollup: int) -> PartialWorld:
    """A world where some series were not read in `[start, until)`, and then were."""
    world = PartialWorld(directory, None, **rollup)
    world.fill(NAMES, END)
    if start:
        world.run_to(start)
    world.source.hidden = set(LATE)
    world.new_engine()
    world.run_to(until)
    world.source.hidden = set()
    world.new_engine()
    world.run_to(END)
    return world


def again(world: PartialWorld) -> set[int]:
    """The minutes that were done more than once."""
    found = world.db.execute_sql(
        "SELECT start FROM ledger WHERE resolution = 'minute' AND revision > 1"
    )
    return {start for (start,) in found.fetchall()}


def finish(world: PartialWorld) -> None:
    for _ in range(10):
        world.clock.advance(61)
        world.engine.beat()


@pytest.mark.parametrize(("start", "until"), [(0, 3000), (1260, 4000), (600, END)])
def test_series_that_were_not_read_are_merged_as_if_they_had_been(
    tmp_path: Path, true: PartialWorld, start: int, until: int
) -> None:
    world = without(tmp_path, start, until)
    assert world.figures() != true.figures()
    request = world.ask(start // 60 * 60, -(-until // 60) * 60, "c_total", "e")
    reads = len(world.source.reads)
    world.engine.beat()
    row = world.state(request)
    assert row.finished_at is not None
    assert row.outcome == f"{row.changed} rows of minutes added or replaced"
    assert world.figures() == true.figures()
    assert world.ledger() == true.ledger()
    assert len(world.source.reads) - reads <= 1  # the window after the span


@pytest.mark.rule(63)
def test_r63_only_what_matches_is_read_and_what_changed_is_told(tmp_path: Path) -> None:
    world = without(tmp_path, 0, 3000)
    request = world.ask(600, 1200, "c_total")
    twice = again(world)
    before = {row for row in world.figures() if row[1] in {"a_total", "b", "e"}}
    world.engine.beat()
    after = {row for row in world.figures() if row[1] in {"a_total", "b", "e"}}
    assert before == after
    assert len(world.source.parts) == 10
    # Only before the first window no rows say what came before.
    widths = [(end - start) // 1000 for start, end in world.source.parts]
    assert widths == [60 + round(world.rollup.lookback), *[60] * 9]
    told = world.db.execute_sql(
        "SELECT DISTINCT s.metric, reason FROM restatements t "
        "JOIN series s ON s.id = t.series_id WHERE t.resolution = 'minute'"
    ).fetchall()
    assert told == [("c_total", f"backfill {request.id} of c_total")]
    # The next row of the series is the first one that was read of it.
    changed = [*range(600, 1200, 60), 3000]
    assert again(world) - twice == {BEGIN + start for start in changed}
    assert not world.reporter.outcomes


def test_asking_twice_changes_nothing(tmp_path: Path, true: PartialWorld) -> None:
    world = without(tmp_path, 0, 3000)
    for _ in range(2):
        request = world.ask(0, 3000, "c_total", "e")
        world.engine.beat()
    assert world.state(request).changed == 0
    assert world.figures() == true.figures()
    assert world.ledger() == true.ledger()


@pytest.mark.rule(66)
def test_r66_a_row_is_not_replaced_by_one_of_fewer_samples(
    tmp_path: Path, true: PartialWorld
) -> None:
    world = without(tmp_path, 0, 3000)
    world.ask(0, 3000, "c_total", "e")
    world.engine.beat()
    world.source.forgets_before_ms = (BEGIN + 1510) * 1000
    world.ask(0, 3000, "c_total", "a_total")
    world.engine.beat()
    assert world.figures() == true.figures()
    assert world.ledger() == true.ledger()


@pytest.mark.rule(62)
@pytest.mark.parametrize("seed", range(4))
def test_r62_a_kill_at_any_call_goes_on_where_it_was(
    tmp_path: Path, true: PartialWorld, seed: int
) -> None:
    world = without(tmp_path, 1260, 4000)
    request = world.ask(1260, 4020, "c_total", "e")
    dice = random.Random(seed)
    kills = 0
    while world.state(request).finished_at is None:
        world.calls_until_killed = dice.randrange(9)
        try:
            world.engine.beat()
        except Killed:
            kills += 1
            world.new_engine()
    world.calls_until_killed = math.inf
    world.new_engine()
    world.engine.beat()
    assert kills > 3
    assert world.figures() == true.figures()
    assert world.ledger() == true.ledger()


@pytest.mark.rule(68)
def test_r68_live_windows_go_first_and_a_rate_is_kept(tmp_path: Path) -> None:
    world = without(tmp_path, 0, 3000, catch_up=5)
    request = world.ask(0, 3000, "e", rate=7)
    began = world.state(request).position
    world.engine.beat()
    assert (world.state(request).position - began) // 60 == 7
    world.engine.beat()
    assert (world.state(request).position - began) // 60 == 7
    world.fill(["a_total"], END + 600)
    world.run_to(END + 120)
    assert (world.state(request).position - began) // 60 == 14
    assert world.states()[END + 60] == "done"


def test_windows_that_are_not_finished_are_left_to_be_read_whole(
    tmp_path: Path, true: PartialWorld
) -> None:
    world = without(tmp_path, 0, 3000)
    world.db.execute_sql(
        "UPDATE ledger SET state = 'dirty' WHERE resolution = 'minute' "
        f"AND start IN ({BEGIN + 600}, {BEGIN + 660}, {BEGIN + 1800})"
    )
    world.db.execute_sql(
        f"DELETE FROM ledger WHERE resolution = 'minute' AND start = {BEGIN + 2400}"
    )
    world.ask(0, 3000, "c_total", "e")
    world.new_engine()
    finish(world)
    assert world.figures() == true.figures()


def test_what_is_not_covered_any_more_is_given_up_with_the_reason(
    tmp_path: Path,
) -> None:
    world = without(tmp_path, 0, 600)
    world.source.hidden = set(LATE)
    first, second = world.ask(0, 600, "e"), world.ask(0, 600, "a_total")
    world.engine.beat()
    assert world.state(first).outcome == "failed: 'e' is not covered by the settings"
    assert world.state(second).outcome == "0 rows of minutes added or replaced"


def test_a_source_that_fails_is_asked_again(tmp_path: Path, true: PartialWorld) -> None:
    world = without(tmp_path, 0, 3000)
    request = world.ask(0, 3000, "c_total", "e")
    world.source.part_fails = [SourceError("timeout", "too slow")]
    world.engine.beat()
    assert world.state(request).position == request.start
    assert world.reporter.failed == ["timeout"]
    world.engine.beat()
    assert world.figures() == true.figures()
    world.source.part_fails = [SourceError("rejected", "no", permanent=True)]
    again = world.ask(0, 3000, "c_total")
    world.engine.beat()
    assert world.state(again).outcome == "failed: no"


@pytest.mark.rule(70)
def test_r70_a_source_that_warns_makes_windows_partial(tmp_path: Path) -> None:
    world = without(tmp_path, 0, 600, warnings=2)
    request = world.ask(0, 60, "e")
    world.source.part_warns = ["beware"]
    world.engine.beat()
    assert world.state(request).position == request.start
    world.clock.advance(61)
    world.engine.beat()
    assert world.state(request).finished_at is not None
    assert world.states()[0] == "partial"


def test_a_lost_window_is_read_whole(tmp_path: Path) -> None:
    world = PartialWorld(tmp_path)
    world.fill(("a_total", "c_total"), 600)
    world.run_to(600)
    world.db.execute_sql(
        "UPDATE ledger SET state = 'lost', samples = 0 WHERE resolution = 'minute' "
        f"AND start = {BEGIN + 300}"
    )
    world.ask(0, 600, "c_total")
    world.engine.beat()
    assert world.states()[300] == "done"


def test_it_is_the_same_on_both_databases(
    tmp_path: Path, true: PartialWorld, database_url: str
) -> None:
    world = PartialWorld(tmp_path, database_url)
    world.fill(NAMES, END)
    world.source.hidden = set(LATE)
    world.run_to(3000)
    world.source.hidden = set()
    world.new_engine()
    world.run_to(END)
    world.ask(0, 3000, "c_total", "e")
    world.engine.beat()
    assert world.figures() == true.figures()
    assert world.ledger() == true.ledger()
    world.db.close()


def labelled(directory: Path, hidden: set[str], limit: int = 0) -> PartialWorld:
    """A world of one metric, whose label is counted; some series come later."""
    rule = {"name": "people", "match": "seen_total", "label": "who"}
    world = PartialWorld(directory, distinct=[rule])
    world.source.limit = limit
    world.fill("abcdef", 1800)
    world.source.hidden = hidden
    world.run_to(900)
    world.source.hidden = set()
    world.new_engine()
    world.run_to(1800)
    return world


def counted(world: PartialWorld) -> dict[int, tuple[float, bytes]]:
    """How many different there were in each minute, and the registers."""
    found = world.db.execute_sql(
        "SELECT start, last, buckets FROM rollup_minute r JOIN series s "
        "ON s.id = r.series_id WHERE s.metric = 'epimetheus_distinct'"
    ).fetchall()
    return {start: (last, bytes(blob)) for start, last, blob in found}


def together(world: PartialWorld) -> list[tuple[object, ...]]:
    """Samples and increase of all series of each minute and hour."""
    return [
        tuple(row)
        for table in ("rollup_minute", "rollup_hour")
        for row in world.db.execute_sql(
            f"SELECT start, SUM(r.count), SUM(r.increase), SUM(r.resets) FROM {table} "
            "r JOIN series s ON s.id = r.series_id WHERE s.metric = 'seen_total' "
            "GROUP BY start ORDER BY start"
        ).fetchall()
    ]


@pytest.mark.rule(57)
def test_r57_label_values_are_counted_in_all_rows_of_the_window(
    tmp_path: Path,
) -> None:
    (tmp_path / "true").mkdir()
    true = labelled(tmp_path / "true", set())
    world = labelled(tmp_path, {"c", "e"})
    assert counted(world) != counted(true)
    world.ask(0, 900, 'seen_total{who=~"c|e"}')
    world.engine.beat()
    assert counted(world) == counted(true)
    assert together(world) == together(true)
    assert world.ledger() == true.ledger()


@pytest.mark.rule(76)
def test_r76_windows_with_folded_series_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "true").mkdir()
    true = labelled(tmp_path / "true", set())
    world = labelled(tmp_path, {"c", "e"}, limit=4)
    request = world.ask(0, 900, 'seen_total{who=~"c|e"}')
    world.engine.beat()
    assert world.state(request).changed == 0
    assert together(world) == together(true)
