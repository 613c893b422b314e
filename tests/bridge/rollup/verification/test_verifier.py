"""Finished minutes are counted and read again; what is wrong is done again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge.rollup.deletion.retention import Retention
from bridge.rollup.verification.trust import Habits
from models.queries import ledger
from models.queries.verifications import VerificationRow, latest
from runtime import settings
from tests.bridge.rollup.test_engine import steady
from tests.bridge.rollup.trusted import NEVER, Trusted
from tests.bridge.rollup.world import BEGIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OFTEN = Habits(every=600, windows=2, lookback=21_600, recheck=3600)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Trusted]:
    made = Trusted(tmp_path)
    made.habits = OFTEN
    made.new_engine()
    yield made
    made.db.close()


def looked(world: Trusted) -> dict[int, VerificationRow]:
    return {one.start - BEGIN: one for one in latest(world.db, "list", 1000)}


def counted(world: Trusted, name: str) -> dict[str, float]:
    return {
        sample.labels["outcome"]: sample.value
        for metric in world.registry.collect()
        for sample in metric.samples
        if sample.name == name and sample.value
    }


def spoil(world: Trusted, minute: int, column: str, value: float) -> None:
    world.db.execute_sql(
        f"UPDATE rollup_minute SET {column} = ? WHERE start = ?",
        (value, BEGIN + minute),
    )


def later(world: Trusted, seconds: int = 601) -> None:
    world.clock.advance(seconds)
    world.engine.beat()


def reasons(world: Trusted) -> set[str]:
    return {one.reason for one in world.restated("minute")}


def test_minutes_that_are_right_are_said_to_be_the_same(world: Trusted) -> None:
    world.feed("a_total", steady(600))
    world.feed("b", steady(600, 0.1))
    world.run_to(600)
    assert {
        at: (one.outcome, one.series, one.differing)
        for at, one in looked(world).items()
    } == {
        480: ("same", 2, 0),
        540: ("same", 2, 0),
    }
    assert counted(world, "epimetheus_verify_windows_total") == {"same": 2}
    assert counted(world, "epimetheus_verify_rows_total") == {"same": 4}


@pytest.mark.setting("verify.every")
def test_minutes_are_looked_at_as_often_as_set(world: Trusted) -> None:
    world.feed("a_total", steady(600))
    world.run_to(600)
    first = counted(world, "epimetheus_verify_windows_total")
    later(world, 300)
    assert counted(world, "epimetheus_verify_windows_total") == first
    later(world, 301)
    assert counted(world, "epimetheus_verify_windows_total") == {"same": 4}
    world.habits = replace(OFTEN, every=0)
    world.new_engine()
    later(world)
    assert counted(world, "epimetheus_verify_windows_total") == {"same": 4}


@pytest.mark.setting("verify.windows")
def test_as_many_minutes_are_looked_at_as_set(world: Trusted) -> None:
    world.habits = replace(OFTEN, windows=5)
    world.new_engine()
    world.feed("a_total", steady(600))
    world.run_to(600)
    assert len(looked(world)) == 5


@pytest.mark.setting("verify.lookback")
def test_only_minutes_that_are_young_enough_are_looked_at(world: Trusted) -> None:
    world.habits = replace(OFTEN, windows=60, lookback=180)
    world.new_engine()
    world.feed("a_total", steady(600))
    world.run_to(600)
    assert sorted(looked(world)) == [420, 480, 540]


def test_a_row_that_differs_is_told_and_repaired(world: Trusted) -> None:
    world.habits = replace(OFTEN, windows=60)
    world.new_engine()
    world.feed("a_total", steady(600))
    world.feed("b", steady(600))
    world.run_to(600)
    spoil(world, 300, "sum", 1.0)
    later(world)
    one = looked(world)[300]
    assert (one.outcome, one.differing) == ("differs", 2)
    assert '"sum":[1.0,' in one.detail
    assert counted(world, "epimetheus_verify_rows_total")["differs"] == 2
    events = world.db.execute_sql(
        "SELECT type, occurrences FROM error_events"
    ).fetchall()
    assert events == [("rollup_differs", 2)]
    world.settle()
    assert world.rows("rollup_minute") == {
        **world.truth(0, 600),
    }
    assert reasons(world) == {"verify: 2 rows are not what they should be"}


def test_a_missing_row_and_one_too_many_are_told(world: Trusted) -> None:
    world.habits = replace(OFTEN, windows=60)
    world.new_engine()
    world.feed("a_total", steady(600))
    world.feed("b", steady(600))
    world.run_to(600)
    world.db.execute_sql(
        "DELETE FROM rollup_minute WHERE start = ? AND series_id = 1", (BEGIN + 300,)
    )
    world.db.execute_sql(
        "UPDATE rollup_minute SET series_id = 99 WHERE start = ? AND series_id = 2",
        (BEGIN + 360,),
    )
    later(world)
    rows = counted(world, "epimetheus_verify_rows_total")
    assert rows["missing"] == 2


@pytest.mark.rule(65)
@pytest.mark.setting("rollup.recheck")
def test_r65_a_sample_behind_a_closed_window_is_found_by_counting(
    world: Trusted,
) -> None:
    world.habits = replace(OFTEN, windows=1)
    world.new_engine()
    world.feed("a_total", steady(3000))
    world.run_to(3000)
    world.feed("a_total", [(1201_000, 80.0)])
    later(world)
    world.settle()
    assert world.rows("rollup_minute")["a_total", 1200].count == 5
    assert reasons(world) == {"late samples: the source has 5, not 4"}
    world.habits = replace(OFTEN, windows=1, recheck=0)
    world.new_engine()
    world.feed("a_total", [(1802_000, 120.0)])
    later(world)
    world.settle()
    assert world.rows("rollup_minute")["a_total", 1800].count == 4


@pytest.mark.rule(65)
def test_r65_only_what_differs_is_counted_closer(world: Trusted) -> None:
    world.feed("a_total", steady(3000))
    world.run_to(3000)
    asked: list[tuple[int, int]] = []
    count = world.source.count

    def note(start_ms: int, end_ms: int) -> int | None:
        asked.append((start_ms // 1000 - BEGIN, end_ms // 1000 - BEGIN))
        return count(start_ms, end_ms)

    world.source.count = note  # type: ignore[method-assign]
    world.feed("b", [(1201_000, 80.0)])
    later(world)
    widths = sorted({end - start for start, end in asked})
    assert widths[-1] == 600
    assert (1200, 1260) in asked
    assert len(asked) < 20


@pytest.mark.rule(66)
def test_r66_what_the_source_has_less_of_is_left_alone(world: Trusted) -> None:
    world.feed("a_total", steady(600))
    world.run_to(600)
    before = world.everything()
    world.source.series["a_total"] = world.source.series["a_total"][:-3]
    spoil(world, 540, "sum", 1.0)
    later(world)
    assert looked(world)[540].outcome == "aged"
    world.settle()
    after = world.everything()
    assert after["rollup_minute"][:-1] == before["rollup_minute"][:-1]
    assert reasons(world) == set()


def test_a_count_that_does_not_mend_is_not_asked_for_for_ever(world: Trusted) -> None:
    world.feed("a_total", steady(600))
    world.run_to(600)
    count = world.source.count
    world.source.count = (  # type: ignore[method-assign]
        lambda start_ms, end_ms: (
            (count(start_ms, end_ms) or 0) + (start_ms <= (BEGIN + 300) * 1000 < end_ms)
        )
    )
    for _ in range(3):
        later(world)
        world.settle()
    entry = ledger.entries(world.db, "list", "minute", BEGIN + 300, BEGIN + 301)[0]
    assert entry.revision <= 2


@pytest.mark.rule(70)
def test_r70_what_was_kept_in_spite_of_warnings_is_looked_at_again(
    tmp_path: Path,
) -> None:
    world = Trusted(tmp_path, warnings=1)
    world.habits = OFTEN
    world.new_engine()
    world.feed("a_total", steady(1200))
    world.source.warns = ["only half"]
    world.run_to(300)
    assert set(world.states().values()) <= {"partial", "dirty"}
    world.source.warns = []
    later(world, 700)
    world.settle()
    assert set(world.states().values()) == {"done"}
    world.db.close()


def test_corrected_minutes_are_as_they_should_be(world: Trusted) -> None:
    world.habits = replace(OFTEN, windows=60)
    world.new_engine()
    world.feed("a_total", steady(600, 0.1))
    world.run_to(600)
    world.correct("a_total", 120, 300)
    world.source.forgets_before_ms = 0
    later(world)
    assert {one.outcome for one in looked(world).values()} == {"same"}


def test_minutes_after_a_pending_one_are_not_looked_at(world: Trusted) -> None:
    world.feed("a_total", steady(600))
    world.run_to(600)
    ledger.mark(world.db, "list", "minute", [BEGIN + 120], "dirty", "asked for", 1)
    world.source.warns = ["not yet"]
    later(world)
    assert all(
        at < 120 or one.at < world.clock.now() for at, one in looked(world).items()
    )


@pytest.mark.rule(66)
def test_r66_minutes_that_lost_rows_to_age_are_not_doubted(world: Trusted) -> None:
    hours = 2760 + 4 * 3600
    world.habits = NEVER
    world.source.interval_ms = 60_000
    world.new_engine()
    world.feed("a_total", steady(hours, every=60))
    world.feed("b", steady(hours, every=60))
    world.run_to(hours)
    rules = [{"match": "a_total", "minute": "2h"}]
    policy = settings.Retention.model_validate({"minute": "4h", "rules": rules})
    Retention(policy, ["list"], world.engine._parts).beat()
    before = world.rows("rollup_minute")
    assert min(at for name, at in before if name == "b") == 2760
    world.habits = Habits(every=600, windows=1000, lookback=21_600, recheck=21_600)
    world.new_engine()
    world.feed("b", [((2760 + 70) * 1000, 7.0)])  # late, for what is gone
    later(world)
    assert {one.outcome for one in looked(world).values()} == {"same"}
    assert min(looked(world)) == 2760 + 2 * 3600
    assert world.rows("rollup_minute") == before
    assert set(world.states().values()) == {"done", "lost"}
