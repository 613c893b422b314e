from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge import backfill
from bridge.rollup.days.adoption import Calendars
from bridge.rollup.deletion import kept
from bridge.rollup.deletion.retention import Retention
from bridge.rollup.parts import Parts
from bridge.rollup.windows import Resolution
from models.queries import ledger, retained
from runtime import settings
from tests.bridge.rollup.world import BEGIN, Killed, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oracle import Samples

HOUR = 2760
"""Seconds after the world's beginning at which its first whole hour starts."""
SIX_HOURS = HOUR + 6 * 3600


def steady(seconds: int, step: float = 1.0, every: int = 60) -> Samples:
    return [(t * 1000, step * n) for n, t in enumerate(range(0, seconds, every))]


def retention(world: World, **given: Any) -> Retention:
    """Return what deletes in a world, forgetting all that it knew before."""
    parts = Parts(world.db, world._call, world.directory, world.telemetry, world.clock)
    policy = settings.Retention.model_validate({"minute": "2h", **given})
    return Retention(policy, ["list"], parts)


def minutes(world: World) -> list[int]:
    return sorted({start for _, start in world.rows("rollup_minute")})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.source.interval_ms = 60_000
    yield made
    made.db.close()


@pytest.fixture
def lived(world: World) -> World:
    """A world of six hours and a bit."""
    world.feed("a_total", steady(SIX_HOURS))
    world.feed("b", steady(SIX_HOURS, 0.1))
    world.run_to(SIX_HOURS)
    return world


@pytest.mark.rule(67)
@pytest.mark.setting("retention.minute")
def test_r67_minutes_go_by_whole_hours_once_they_are_old(lived: World) -> None:
    before = lived.rows("rollup_hour")
    retention(lived, minute="2h30m").beat()
    kept_from = HOUR + 3 * 3600
    assert minutes(lived) == list(range(kept_from, SIX_HOURS, 60))
    assert list(lived.states()) == minutes(lived)
    assert lived.rows("rollup_hour") == before == lived.merged_truth(3600, 0, SIX_HOURS)
    assert retained.since(lived.db, "list", "minute") == BEGIN + kept_from


@pytest.mark.rule(67)
@pytest.mark.parametrize("state", ["dirty", "open"])
def test_r67_nothing_goes_beyond_an_hour_that_is_not_done(
    lived: World, state: str
) -> None:
    hour = BEGIN + HOUR + 3600
    ledger.mark(lived.db, "list", "hour", [hour], state, "again", 0)
    retention(lived).beat()
    assert minutes(lived) == list(range(HOUR + 3600, SIX_HOURS, 60))


@pytest.mark.rule(67)
def test_r67_nothing_goes_beyond_an_hour_that_is_missing(lived: World) -> None:
    ledger.remove(lived.db, "list", "hour", BEGIN + HOUR + 3600)
    retention(lived).beat()
    assert minutes(lived) == list(range(HOUR + 3600, SIX_HOURS, 60))


@pytest.mark.rule(62)
def test_r62_an_interrupted_backfill_does_not_arm_deletion(lived: World) -> None:
    everything = minutes(lived)
    backfill.extend(lived.db, "list", BEGIN - 86400, BEGIN + SIX_HOURS)
    for _ in range(2):
        retention(lived).beat()
    assert minutes(lived) == everything
    assert retained.since(lived.db, "list", "minute") is None


@pytest.mark.rule(62)
@pytest.mark.parametrize("calls", [1, 2, 3, 7])
def test_r62_a_backfill_that_was_killed_keeps_what_it_did(
    world: World, calls: int
) -> None:
    world.feed("a_total", steady(SIX_HOURS))
    world.history = 60.0
    world.clock.advance(SIX_HOURS - 600)
    world.new_engine().beat()
    world.run_to(SIX_HOURS)
    backfill.extend(world.db, "list", BEGIN, BEGIN + SIX_HOURS)
    world.calls_until_killed = calls
    with pytest.raises(Killed):
        world.new_engine().beat()
    world.calls_until_killed = 10**9
    held = world.rows("rollup_minute")
    retention(world).beat()
    assert world.rows("rollup_minute") == held
    world.new_engine().beat()
    assert world.rows("rollup_minute") == world.truth(0, SIX_HOURS)


def test_the_engine_sees_no_holes_where_rows_were_deleted(lived: World) -> None:
    retention(lived).beat()
    reads = len(lived.source.reads)
    for engine in (lived.engine, lived.new_engine()):
        lived.clock.advance(7200)  # the ledger is searched again
        lived.source.series["a_total"].append((BEGIN * 1000 + SIX_HOURS * 1000, 999.0))
        engine.beat()
        assert engine.pending == 0
    assert (
        min(start for start, _ in lived.source.reads[reads:])
        >= (BEGIN + SIX_HOURS) * 1000
    )
    assert min(lived.states()) == HOUR + 4 * 3600


@pytest.mark.rule(66)
@pytest.mark.rule(63)
def test_r66_a_late_sample_for_deleted_minutes_changes_nothing_and_is_told(
    lived: World,
) -> None:
    retention(lived).beat()
    hours, first = lived.rows("rollup_hour"), minutes(lived)[0]
    late = BEGIN + HOUR + 600
    lived.feed("a_total", [((HOUR + 610) * 1000, 1e9)])
    ledger.mark(lived.db, "list", "minute", [late], "dirty", "late samples", 0)
    lived.engine.beat()
    assert lived.rows("rollup_hour") == hours
    assert minutes(lived)[0] == first
    assert ledger.begin(lived.db, "list", "minute") == BEGIN + first
    assert lived.reporter.outcomes[-1] == (
        late,
        "partial",
        f"late samples, but {kept.REASON}",
    )
    lived.engine.beat()
    assert len(lived.reporter.outcomes) == 1


def test_an_hour_whose_minutes_are_gone_is_not_merged_again(lived: World) -> None:
    retention(lived).beat()
    hours = lived.rows("rollup_hour")
    hour = BEGIN + HOUR
    ledger.mark(lived.db, "list", "hour", [hour], "dirty", "doubted", 0)
    lived.new_engine().beat()
    assert lived.rows("rollup_hour") == hours
    (entry,) = ledger.entries(lived.db, "list", "hour", hour, hour + 1)
    assert (entry.state, entry.reason) == ("partial", kept.REASON)


def test_a_window_that_is_being_done_while_it_is_deleted_is_not_written(
    lived: World,
) -> None:
    start = HOUR + 60
    window = Resolution.MINUTE
    ledger.mark(lived.db, "list", "minute", [BEGIN + start], "dirty", "late", 0)
    original = lived.source.read

    def deleted_meanwhile(*asked: Any) -> Any:
        ledger.mark(lived.db, "list", "minute", [BEGIN + start], "done", "", 0)
        retention(lived).beat()
        return original(*asked)

    lived.source.read = deleted_meanwhile  # type: ignore[assignment]
    lived.engine.beat()
    assert BEGIN + start < (kept.since(lived.db, "list", window) or 0)
    assert minutes(lived)[0] == HOUR + 4 * 3600
    assert lived.rows("rollup_hour") == lived.merged_truth(3600, 0, SIX_HOURS)


@pytest.mark.rule(26)
def test_counters_go_on_from_hours_where_minutes_are_gone(world: World) -> None:
    world.feed("a_total", [(t * 1000, t / 60) for t in range(0, 1200, 60)])
    world.feed("b", steady(SIX_HOURS))
    world.run_to(SIX_HOURS)
    retention(world).beat()
    world.feed("b", [(SIX_HOURS * 1000, 1.0)])
    world.feed("a_total", [(SIX_HOURS * 1000, 100.0)])
    world.new_engine()
    world.run_to(SIX_HOURS + 60)
    assert world.rows("rollup_minute")["a_total", SIX_HOURS].increase == 100.0 - 19.0


@pytest.mark.rule(85)
def test_r85_a_clock_that_is_ahead_deletes_nothing(lived: World) -> None:
    everything = minutes(lived)
    lived.clock.advance(365 * 86400)
    retention(lived, minute="6h").beat()
    assert minutes(lived) == [start for start in everything if start >= HOUR]


def test_a_source_that_is_silent_keeps_its_newest_hour(lived: World) -> None:
    now = BEGIN + SIX_HOURS
    ledger.mark(lived.db, "other", "minute", [now + 30 * 86400], "done", "", 0)
    policy = settings.Retention.model_validate({"minute": "2h"})
    parts = Parts(lived.db, lived._call, lived.directory, lived.telemetry, lived.clock)
    lived.clock.advance(40 * 86400)
    Retention(policy, ["list", "other"], parts).beat()
    assert minutes(lived) == list(range(HOUR + 5 * 3600, SIX_HOURS, 60))


@pytest.mark.setting("retention.rows_per_beat")
@pytest.mark.setting("retention.rows_at_once")
def test_deletion_is_bounded_and_goes_on_where_it_ended(lived: World) -> None:
    total = len(minutes(lived))
    few = retention(lived, rows_at_once=100, rows_per_beat=1000)
    few._retention = few._retention.model_copy(update={"rows_per_beat": 150})
    few.beat()
    assert len(minutes(lived)) == total - 100  # two bites of fifty minutes, two series
    assert list(lived.states()) == minutes(lived)
    lived.new_engine().beat()
    assert lived.rows("rollup_hour") == lived.merged_truth(3600, 0, SIX_HOURS)
    retention(lived).beat()
    assert minutes(lived)[0] == HOUR + 4 * 3600


@pytest.mark.rule(62)
def test_r62_deletion_that_is_killed_anywhere_ends_as_one_that_is_not(
    lived: World,
) -> None:
    rules = [{"match": "a_total", "minute": "4h"}]
    for calls in range(12):
        lived.calls_until_killed = calls
        try:
            retention(lived, rules=rules, rows_at_once=100).beat()
        except Killed:
            lived.calls_until_killed = 10**9
            lived.new_engine().beat()
            assert lived.rows("rollup_hour") == lived.merged_truth(3600, 0, SIX_HOURS)
    lived.calls_until_killed = 10**9
    retention(lived, rules=rules).beat()
    rows = lived.rows("rollup_minute")
    assert min(start for name, start in rows if name == "b") == HOUR + 4 * 3600
    assert min(start for name, start in rows if name == "a_total") == HOUR + 2 * 3600
    for key, row in lived.truth(HOUR + 4 * 3600, SIX_HOURS).items():
        assert rows[key] == row


def test_nothing_deleted_is_counted_as_0(lived: World) -> None:
    retention(lived)
    for name in ("rows", "windows"):
        assert [
            lived.registry.get_sample_value(
                f"epimetheus_retention_{name}_total", {"resolution": resolution}
            )
            for resolution in ("minute", "hour", "day")
        ] == [0.0, 0.0, 0.0]
    held = {"source": "list", "resolution": "day"}
    name = "epimetheus_retention_held_seconds"
    assert lived.registry.get_sample_value(name, held) == 0.0


def test_what_is_deleted_is_counted(lived: World) -> None:
    retention(lived).beat()
    value = lived.registry.get_sample_value
    gone = (HOUR + 4 * 3600) // 60
    labels = {"resolution": "minute"}
    assert value("epimetheus_retention_windows_total", labels) == gone
    assert value("epimetheus_retention_rows_total", labels) == 2 * gone


@pytest.mark.setting("retention.rules.match")
@pytest.mark.setting("retention.rules.minute")
def test_the_series_of_a_rule_are_kept_for_its_own_time(lived: World) -> None:
    rules = [{"match": "a_total", "minute": "5h"}, {"match": '{__name__=~"a.*"}'}]
    retention(lived, rules=rules).beat()
    rows = lived.rows("rollup_minute")
    assert min(start for name, start in rows if name == "b") == HOUR + 4 * 3600
    assert min(start for name, start in rows if name == "a_total") == HOUR + 3600
    assert min(lived.states()) == HOUR + 3600
    assert kept.since(lived.db, "list", Resolution.MINUTE) == BEGIN + HOUR + 4 * 3600
    entries = ledger.entries(lived.db, "list", "minute", 0, BEGIN + HOUR + 4 * 3600)
    assert {entry.series for entry in entries} == {1}


def test_a_rule_that_is_taken_away_leaves_nothing_behind(lived: World) -> None:
    retention(lived, rules=[{"match": "a_total", "minute": "5h"}]).beat()
    retention(lived).beat()
    assert minutes(lived)[0] == HOUR + 4 * 3600
    assert list(retained.groups(lived.db, "list", "minute")) == [""]


def test_a_rule_that_is_new_begins_with_what_is_left(lived: World) -> None:
    retention(lived).beat()
    rules = [{"match": "a_total", "minute": "5h"}]
    retention(lived, rules=rules).beat()
    lived.feed("b", [((SIX_HOURS + t) * 1000, 1.0) for t in range(0, 7200, 60)])
    lived.run_to(SIX_HOURS + 7200)
    retention(lived, rules=rules).beat()
    groups = retained.groups(lived.db, "list", "minute")
    found = {name: group.since - BEGIN - HOUR for name, group in groups.items()}
    assert found == {"": 6 * 3600, "a_total": 4 * 3600}
    rows = lived.rows("rollup_minute")
    assert min(start for name, start in rows if name == "a_total") == HOUR + 4 * 3600
    assert min(start for name, start in rows if name == "b") == HOUR + 6 * 3600


def test_a_backfill_of_what_was_deleted_is_refused_with_the_reason(
    lived: World,
) -> None:
    retention(lived).beat()
    now = BEGIN + SIX_HOURS
    since = "2023-11-15T03:00:00Z"
    for start in (BEGIN - 86400, BEGIN + HOUR):
        with pytest.raises(backfill.NothingToDo, match=f"before {since} were deleted"):
            backfill.redo(lived.db, "list", start, now, now)
    with pytest.raises(backfill.NothingToDo, match="were deleted as retention"):
        backfill.extend(lived.db, "list", BEGIN - 86400, now)
    span = backfill.redo(lived.db, "list", now - 7200, now, now)
    assert span.windows == 120


@pytest.mark.rule(66)
@pytest.mark.rule(26)
def test_r66_the_first_minute_that_is_kept_is_the_same_when_done_again(
    lived: World,
) -> None:
    retention(lived).beat()
    before, first = lived.rows("rollup_minute"), minutes(lived)[0]
    now = BEGIN + SIX_HOURS
    backfill.redo(lived.db, "list", BEGIN + first, BEGIN + first + 60, now)
    lived.new_engine().beat()
    assert set(lived.states().values()) == {"done"}
    assert lived.rows("rollup_minute") == before
    assert lived.rows("rollup_hour") == lived.merged_truth(3600, 0, SIX_HOURS)


@pytest.mark.rule(67)
def test_r67_a_calendar_that_is_new_holds_back_before_any_engine_works(
    lived: World,
) -> None:
    everything = minutes(lived)
    wanted = [settings.Calendar(name="nepal", zone="Asia/Kathmandu")]
    parts = Parts(lived.db, lived._call, lived.directory, lived.telemetry, lived.clock)
    calendars = Calendars(wanted, lived.db, lived._call, lived.clock)
    policy = settings.Retention.model_validate({"minute": "2h"})
    Retention(policy, ["list"], parts, calendars).beat()
    assert minutes(lived) == everything


@pytest.mark.rule(85)
def test_r85_a_clock_that_everything_shares_and_was_ahead_deletes_nothing(
    lived: World,
) -> None:
    everything = minutes(lived)
    lived.clock.advance(365 * 86400)
    ahead = Resolution.MINUTE.floor(int(lived.clock.now()))
    for start in range(ahead - 600, ahead, 60):
        ledger.mark(lived.db, "list", "minute", [start], "done", "", 0)
    retention(lived, minute="6h").beat()
    assert minutes(lived) == [start for start in everything if start >= HOUR]
