from __future__ import annotations

import contextlib
import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge.rollup.fill import Fill
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import SourceError, Warnings
from models.queries import ledger
from tests.bridge.rollup.world import BEGIN, Killed, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oracle import Samples


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.db.close()


def steady(seconds: int, step: float = 1.0, every: int = 15) -> Samples:
    """A sample every few seconds, rising by a step."""
    return [(t * 1000, step * n) for n, t in enumerate(range(0, seconds, every))]


def test_each_closed_minute_is_rolled_up_once(world: World) -> None:
    world.feed("a_total", steady(300))
    world.feed("b", steady(300, 0.1))
    world.run_to(300)
    assert world.rows("rollup_minute") == world.truth(0, 300)
    assert world.states() == dict.fromkeys(range(0, 300, 60), "done")
    reads = len(world.source.reads)
    world.engine.beat()
    assert len(world.source.reads) == reads


@pytest.mark.setting("rollup.settle")
def test_a_window_stays_open_until_it_has_settled(tmp_path: Path) -> None:
    world = World(tmp_path, settle="20s")
    world.feed("a_total", steady(120))
    world.clock.advance(79.999)
    world.engine.beat()
    assert world.states() == {0: "open"}
    world.clock.advance(0.001)
    world.engine.beat()
    assert world.states() == {0: "done"}


@pytest.mark.setting("sources.prometheus.initial_history")
@pytest.mark.setting("sources.scrape.initial_history")
def test_history_begins_where_the_setting_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.history = 120.0
    world.new_engine()
    world.feed("a_total", steady(600))
    world.run_to(600)
    assert min(world.states()) == 480
    assert world.rows("rollup_minute") == world.truth(480, 600)


def test_history_begins_with_the_first_sample_if_that_is_later(world: World) -> None:
    world.feed("a", [(t + 130_000, v) for t, v in steady(200)])
    world.run_to(300)
    assert min(world.states()) == 120


def test_a_source_without_any_sample_has_no_windows_yet(world: World) -> None:
    world.run_to(600)
    assert world.states() == {}


@pytest.mark.setting("rollup.lookback")
def test_the_first_window_measures_its_first_step_from_the_lookback(
    tmp_path: Path,
) -> None:
    first: dict[str, float | None] = {}
    for lookback in ("1m", "30s"):
        (tmp_path / lookback).mkdir()
        world = World(tmp_path / lookback, lookback=lookback)
        world.history = 60.0
        world.new_engine()
        world.feed("a_total", [(20_000, 5.0), (80_000, 8.0)])
        world.run_to(120)
        first[lookback] = world.rows("rollup_minute")["a_total", 60].increase
        world.db.close()
    assert first == {"1m": 3.0, "30s": 0.0}


def test_a_step_over_a_long_gap_belongs_to_the_first_window_after_it(
    world: World,
) -> None:
    world.feed("keeps", steady(1200))
    world.feed("a_total", [(0, 1.0), (10_000, 4.0), (1_000_000, 10.0)])
    world.run_to(600)
    world.new_engine()
    world.run_to(1200)
    assert world.rows("rollup_minute") == world.truth(0, 1200)


@pytest.mark.setting("rollup.catch_up")
def test_after_an_outage_the_newest_window_comes_before_the_backlog(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, catch_up=4)
    world.feed("a_total", steady(6000))
    world.run_to(60)
    world.source.reads.clear()
    world.run_to(3000)
    order = [(end // 1000 - 60) - BEGIN for _, end in world.source.reads]
    assert order[:6] == [2940, 60, 120, 180, 240, 300]
    assert world.rows("rollup_minute") == world.truth(0, 3000)
    assert set(world.states().values()) == {"done"}


def gappy(seed: int, seconds: int) -> Samples:
    """A counter with resets, and gaps longer than any lookback."""
    chance = random.Random(seed)
    samples, value, t = [], 0.0, chance.randrange(60_000)
    while t < seconds * 1000:
        value = 0.0 if chance.random() < 0.05 else value + chance.randrange(9)
        samples.append((t, value))
        t += 15_000 if chance.random() < 0.9 else chance.randrange(900_000)
    return samples


@given(seed=st.integers(0, 10_000), catch_up=st.sampled_from([1, 3, 8]))
@hypothesis_settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_order_of_windows_gives_the_rows_of_the_oracle(
    tmp_path_factory: pytest.TempPathFactory, seed: int, catch_up: int
) -> None:
    """Interleaved catching up, gaps over the joint, kills: nothing shows in rows."""
    chance = random.Random(seed)
    world = World(tmp_path_factory.mktemp("world"), catch_up=catch_up)
    world.feed("keeps", steady(7200))
    for number in range(6):
        world.feed(f"c{number}_total", gappy(seed + number, 7200))
    now = 0
    while now < 7200:
        now = min(now + chance.choice([60, 120, 1800, 2400]), 7200)
        world.calls_until_killed = chance.choice([1e9, chance.randrange(40)])
        try:
            world.run_to(now)
        except Killed:
            world.calls_until_killed = 1e9
            world.new_engine()
    world.calls_until_killed = 1e9
    world.engine.beat()
    world.engine.beat()
    assert world.rows("rollup_minute") == world.truth(0, 7200)
    assert set(world.states().values()) == {"done"}
    hours = world.merged_truth(3600, 0, 7200)
    complete = {key for key in hours if BEGIN + key[1] + 3600 <= BEGIN + 7200}
    assert world.rows("rollup_hour") == {key: hours[key] for key in complete}
    world.db.close()


@pytest.mark.rule(59)
@pytest.mark.setting("rollup.find_holes")
def test_r59_any_window_taken_from_the_ledger_is_done_again(tmp_path: Path) -> None:
    world = World(tmp_path, find_holes="10m")
    world.feed("a_total", steady(1800))
    world.run_to(600)
    world.db.execute_sql(
        "DELETE FROM ledger WHERE start IN (?, ?)", (BEGIN + 120, BEGIN + 180)
    )
    world.db.execute_sql("DELETE FROM rollup_minute WHERE start = ?", (BEGIN + 120,))
    world.run_to(660)
    assert 120 not in world.states()
    world.run_to(1260)
    assert world.rows("rollup_minute") == world.truth(0, 1260)
    assert world.states() == dict.fromkeys(range(0, 1260, 60), "done")


@pytest.mark.rule(60)
@pytest.mark.rule(62)
def test_r60_a_kill_at_any_call_leaves_rows_and_ledger_in_step(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        world = World(tmp_path / str(number))
        world.feed("a_total", steady(400))
        world.feed("b", steady(400))
        world.calls_until_killed = number
        with contextlib.suppress(Killed):
            world.run_to(360)
        done = [state for state in world.states().values() if state == "done"]
        assert world.rows("rollup_minute") == world.truth(0, 60 * len(done))
        assert len(done) < 6
        world.calls_until_killed = 1e9
        world.new_engine()
        world.run_to(360)
        assert world.rows("rollup_minute") == world.truth(0, 360)
        world.db.close()


@pytest.mark.rule(60)
def test_r60_a_kill_around_the_commit_of_an_hour_forgets_no_series(
    tmp_path: Path,
) -> None:
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        world = World(tmp_path / str(number))
        world.source.interval_ms = 60_000
        world.feed("a_total", steady(2760, every=60))
        world.feed("keeps", steady(3600, every=60))
        world.run_to(2700)
        world.calls_until_killed = number
        with contextlib.suppress(Killed):
            world.run_to(2760)
        world.calls_until_killed = math.inf
        world.new_engine()
        world.run_to(2820)
        assert list(world.states("hour").values()) == ["partial"]
        seen = world.db.execute_sql("SELECT last_seen FROM series").fetchall()
        assert seen == [(BEGIN + 2759,)] * 2
        world.db.close()


@pytest.mark.rule(69)
def test_r69_a_window_that_the_source_slept_through_is_lost_not_zero(
    world: World,
) -> None:
    world.feed("a", [s for s in steady(600) if not 90_000 <= s[0] < 310_000])
    world.run_to(600)
    assert world.states() == {
        0: "done",
        60: "partial",
        120: "lost",
        180: "lost",
        240: "lost",
        300: "done",
        360: "done",
        420: "done",
        480: "done",
        540: "done",
    }
    assert ("a", 120) not in world.rows("rollup_minute")
    assert world.reporter.outcomes[:2] == [
        (
            BEGIN + 60,
            "partial",
            "the source recorded nothing for 44 s (it scrapes every 15 s)",
        ),
        (BEGIN + 120, "lost", "the source recorded nothing in this window"),
    ]


@pytest.mark.rule(70)
@pytest.mark.setting("rollup.warnings")
def test_r70_an_answer_with_warnings_never_makes_a_window_done(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, warnings=3)
    world.feed("a", steady(120))
    world.source.warns = ["a block could not be read"]
    world.run_to(60)
    assert world.states() == {0: "open"}
    world.clock.advance(10)
    world.engine.beat()
    assert world.states() == {0: "open"}
    world.clock.advance(20)
    world.engine.beat()
    assert world.states() == {0: "partial"}
    assert world.reporter.outcomes == [
        (BEGIN, "partial", "the source warned: a block could not be read")
    ]


def test_a_warning_that_passes_leaves_no_trace(world: World) -> None:
    world.feed("a", steady(120))
    world.source.warns = ["busy"]
    world.run_to(60)
    world.source.warns = []
    world.clock.advance(10)
    world.engine.beat()
    assert world.states() == {0: "done"}


def test_a_source_that_fails_is_asked_again_and_nothing_is_lost(world: World) -> None:
    world.feed("a_total", steady(300))
    world.feed("b", steady(300))
    world.feed("c", steady(300))
    world.source.failures = [
        SourceError("status", "503 Service Unavailable"),
        SourceError("garbage", "not JSON"),
    ]
    world.run_to(300)
    assert world.states() == {0: "open"}
    world.clock.advance(5)
    world.engine.beat()
    assert world.states() == {0: "open"}
    world.clock.advance(10)
    world.engine.beat()
    assert world.rows("rollup_minute") == world.truth(0, 300)
    assert world.reporter.failed == ["status", "garbage"]


def test_a_window_that_cannot_be_read_does_not_hold_up_the_others(
    world: World,
) -> None:
    world.feed("a_total", steady(300))
    world.source.failures = [SourceError("too_large", "too large", permanent=True)]
    world.run_to(300)
    assert world.states() == {0: "open"} | dict.fromkeys(range(60, 300, 60), "done")
    world.clock.advance(5)
    world.engine.beat()
    assert world.rows("rollup_minute") == world.truth(0, 300)
    assert set(world.states().values()) == {"done"}


@pytest.mark.rule(63)
def test_r63_a_late_sample_is_taken_in_when_its_window_is_marked(
    world: World,
) -> None:
    world.feed("a_total", steady(7200))
    world.run_to(7200)
    world.feed("a_total", [(125_000, 8.5)])
    world.feed("late_total", [(130_000, 3.0), (400_000, 7.0)])
    ledger.mark(world.db, "list", "minute", [BEGIN + 120], "dirty", "late", 0)
    world.run_to(7260)
    world.feed("late_total", [])
    rows = world.rows("rollup_minute")
    truth = world.truth(0, 7200)
    assert rows["a_total", 120] == truth["a_total", 120]
    assert rows["late_total", 120] == truth["late_total", 120]
    assert world.rows("rollup_hour") == {
        key: row
        for key, row in world.merged_truth(3600, 0, 7260).items()
        if key[1] + 3600 <= 7260 and key[0] == "a_total"
    } | {
        key: row
        for key, row in world.rows("rollup_hour").items()
        if key[0] == "late_total"
    }
    assert set(world.states("hour").values()) <= {"done", "partial"}


@pytest.mark.rule(66)
def test_r66_a_redo_never_replaces_better_rows_with_worse(world: World) -> None:
    world.feed("a_total", steady(600))
    world.run_to(600)
    before = world.rows("rollup_minute")
    world.source.forgets_before_ms = (BEGIN + 150) * 1000
    ledger.mark(world.db, "list", "minute", [BEGIN + 60, BEGIN + 120], "dirty", "x", 0)
    world.engine.beat()
    assert world.rows("rollup_minute") == before
    entry = ledger.entries(world.db, "list", "minute", BEGIN + 120, BEGIN + 180)[0]
    assert entry.reason == "kept: the source now holds 2 of the 4 samples"


@pytest.mark.rule(71)
def test_r71_doing_all_windows_again_changes_no_row(world: World) -> None:
    world.feed("a_total", gappy(5, 4000))
    world.feed("b", steady(4000))
    world.run_to(3900)
    before = {name: world.rows(name) for name in ("rollup_minute", "rollup_hour")}
    ledger.mark(
        world.db,
        "list",
        "minute",
        [BEGIN + t for t in range(0, 3900, 60)],
        "dirty",
        "",
        0,
    )
    world.engine.beat()
    world.engine.beat()
    assert {name: world.rows(name) for name in before} == before
    assert set(world.states().values()) == {"done"}


@pytest.mark.rule(45)
@pytest.mark.rule(61)
def test_r61_hours_and_days_come_from_whatever_finished_last(world: World) -> None:
    world.feed("a_total", steady(100_000, every=60))
    world.source.interval_ms = 60_000
    world.history = 200_000.0
    world.new_engine()
    world.run_to(100_000)
    whole_hours = {
        key: row
        for key, row in world.merged_truth(3600, 0, 100_000 // 60 * 60).items()
        if key[1] + 3600 <= 100_000
    }
    assert world.rows("rollup_hour") == whole_hours
    whole_days = {
        key: row
        for key, row in world.merged_truth(86400, 0, 100_000 // 60 * 60).items()
        if key[1] + 86400 <= 100_000
    }
    assert world.rows("rollup_day") == whole_days
    assert list(world.states("day").values()) == ["partial", "done"]


def test_windows_before_the_first_are_done_when_asked_for(world: World) -> None:
    world.history = 600.0
    world.new_engine()
    world.feed("keeps", steady(7200))
    world.feed("a_total", gappy(7, 7200))
    world.run_to(6000)
    assert min(world.states()) == 5400
    ledger.mark(world.db, "list", "minute", [BEGIN], "open", "asked for", 0)
    world.engine.beat()
    world.engine.beat()
    truth = world.truth(0, 6000)
    assert world.rows("rollup_minute") == truth
    assert set(world.states().values()) == {"done"}


def test_the_source_hears_how_far_everything_is_done(world: World) -> None:
    world.feed("a", steady(300))
    world.run_to(240)
    assert world.source.finished_ms == (BEGIN + 240) * 1000


@pytest.mark.rule(85)
def test_r85_windows_close_by_the_clock_of_the_source(world: World) -> None:
    world.feed("a", steady(600))
    world.source.clock = type(world.clock)(BEGIN + 300 + world.rollup.settle)
    world.engine.beat()
    assert list(world.states()) == list(range(0, 300, 60))


def test_a_stopped_engine_ends_after_the_window_at_hand(world: World) -> None:
    world.feed("a", steady(300))
    world.engine.stop()
    world.run_to(300)
    assert world.states() == {}
    assert world.source.reads == []


def test_what_was_done_is_counted(world: World) -> None:
    world.feed("a", steady(120))
    world.feed("b", steady(120))
    world.run_to(120)
    value = world.registry.get_sample_value
    labels = {"source": "list", "resolution": "minute", "state": "done"}
    assert value("epimetheus_windows_finished_total", labels) == 2
    assert value("epimetheus_samples_total", {"source": "list"}) == 16
    assert value("epimetheus_rows_written_total", {"resolution": "minute"}) == 4
    assert value("epimetheus_source_up", {"source": "list"}) == 1


def test_redoing_several_minutes_reaches_the_next_row_of_sparse_series(
    world: World,
) -> None:
    world.feed("keeps", steady(600))
    world.feed("a_total", [(10_000, 10.0), (130_000, 20.0), (250_000, 25.0)])
    world.run_to(600)
    world.feed("a_total", [(20_000, 15.0)])
    ledger.mark(world.db, "list", "minute", [BEGIN, BEGIN + 60], "dirty", "late", 0)
    world.engine.beat()
    assert world.rows("rollup_minute") == world.truth(0, 600)


def test_steps_from_the_look_back_are_measured_again_at_the_joint(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, catch_up=1)
    world.feed("a_total", steady(1200))
    world.run_to(60)
    source: Any = world.source
    read = source.read

    def read_and_hear_more(*arguments: Any) -> Any:
        """Read the newest window; then a late sample comes in before it."""
        source.read = read
        blocks = list(read(*arguments))
        world.feed("a_total", [(839_000, 55.5)])
        return iter(blocks)

    source.read = read_and_hear_more
    world.run_to(900)
    world.engine.beat()
    assert world.rows("rollup_minute") == world.truth(0, 900)
    world.db.close()


def test_samples_that_come_while_a_window_is_done_are_not_lost(world: World) -> None:
    world.feed("a_total", steady(120))
    source: Any = world.source
    read = source.read

    def read_and_be_late(*arguments: Any) -> Any:
        source.read = read
        yield from read(*arguments)
        world.feed("a_total", [(50_000, 3.5)])
        ledger.mark(world.db, "list", "minute", [BEGIN], "dirty", "late samples", 1)

    source.read = read_and_be_late
    world.run_to(60)
    assert world.rows("rollup_minute") == world.truth(0, 60)
    assert world.states() == {0: "done"}


def test_a_window_that_fails_unexpectedly_does_not_hold_up_the_others(
    world: World,
) -> None:
    world.feed("a_total", steady(300))
    source: Any = world.source
    read = source.read

    def fail_at_one(start_ms: int, end_ms: int, warnings: Warnings) -> Any:
        if end_ms == (BEGIN + 120) * 1000:
            raise ValueError("a batch is damaged")
        return read(start_ms, end_ms, warnings)

    source.read = fail_at_one
    world.run_to(300)
    assert set(world.states()) == {0, 120, 180, 240}
    failed = "epimetheus_windows_failed_total"
    assert world.registry.get_sample_value(failed, {"source": "list"}) == 1
    source.read = read
    world.clock.advance(5)
    world.engine.beat()
    world.engine.beat()
    assert world.rows("rollup_minute") == world.truth(0, 300)


def test_an_hour_that_cannot_be_merged_does_not_hold_up_the_others(
    world: World,
) -> None:
    world.source.interval_ms = 60_000
    world.feed("a_total", steady(4 * 3600, every=60))
    world.run_to(3600)
    (first,) = world.states("hour")
    second, third = first + 3600, first + 7200
    world.run_to(third - 60)
    some = f"WHERE start >= {BEGIN + second} AND start < {BEGIN + second + 180}"
    world.db.execute_sql(f"UPDATE rollup_minute SET buckets = x'01' {some}")
    world.run_to(4 * 3600)
    assert world.states("hour").keys() == {first, third, third + 3600}
    failed = "epimetheus_windows_failed_total"
    assert world.registry.get_sample_value(failed, {"source": "list"}) == 1
    world.engine.beat()
    assert world.registry.get_sample_value(failed, {"source": "list"}) == 1
    world.db.execute_sql(f"UPDATE rollup_minute SET buckets = NULL {some}")
    world.clock.advance(3600)
    world.engine.beat()
    assert world.states("hour")[second] == "done"


def test_minutes_between_two_scrapes_are_empty_and_not_lost(world: World) -> None:
    world.source.interval_ms = 120_000
    world.feed("a_total", steady(1200, every=120))
    world.run_to(1200)
    assert world.states() == dict.fromkeys(range(0, 1200, 60), "done")
    world.feed("a_total", [(2_400_000, 1.0)])
    world.run_to(2460)
    lost = [start for start, state in world.states().items() if state == "lost"]
    assert lost == list(range(1320, 2400, 60))


def test_a_counter_that_stays_infinite_is_not_done_again_and_again(
    world: World,
) -> None:
    world.feed("a_total", [(t, float("inf")) for t, _ in steady(1200)])
    world.run_to(1200)
    world.source.reads.clear()
    ledger.mark(world.db, "list", "minute", [BEGIN + 60], "dirty", "asked for", 0)
    world.engine.beat()
    world.engine.beat()
    assert len(world.source.reads) == 1


def test_an_hour_whose_minute_became_dirty_meanwhile_waits(world: World) -> None:
    world.feed("a_total", steady(4000))
    world.run_to(3900)
    (hour,) = world.states("hour")
    fill = Fill(world.db, "list")
    ledger.mark(world.db, "list", "minute", [BEGIN + hour + 3540], "dirty", "", 0)
    assert fill.merge(Window(BEGIN + hour, Resolution.HOUR)) is None


def test_what_is_remembered_is_forgotten_once_the_lease_was_lost(world: World) -> None:
    world.feed("a_total", [(t * 1000, t / 15) for t in range(0, 900, 15)])
    world.run_to(600)
    # Another bridge had the lease meanwhile, and wrote.
    world.db.execute_sql(
        f"UPDATE rollup_minute SET last = last - 5 WHERE start = {BEGIN + 540}"
    )
    world.engine._parts = replace(world.engine._parts, losses=lambda: 1)
    world.run_to(660)
    assert world.rows("rollup_minute")["a_total", 600].increase == 4 + 5
