"""Corrections: what rows say when samples are declared wrong, and when no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models.queries import events, ledger
from tests.bridge.rollup.test_engine import steady
from tests.bridge.rollup.trusted import Trusted
from tests.bridge.rollup.world import BEGIN, Killed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oracle import Samples

CORRECTED = 8192
BASELINE = 1


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[Trusted]:
    made = Trusted(tmp_path, database_url)
    yield made
    made.db.close()


def flags(world: Trusted, minute: int) -> int:
    rows = world.db.execute_sql(
        f"SELECT flags FROM rollup_minute WHERE start = {BEGIN + minute}"
    ).fetchall()
    assert len(rows) == 1
    return int(rows[0][0])


def spiked() -> Samples:
    """A counter that rises by one each 15 s, but for a spike in two minutes."""
    return [(t, v + 1000 if 120_000 <= t < 240_000 else v) for t, v in steady(4200)]


def test_the_span_counts_nothing_and_the_next_step_goes_over_it(
    world: Trusted,
) -> None:
    world.feed("a_total", spiked())
    world.run_to(4200)
    assert world.rows("rollup_minute")["a_total", 120].increase == 1004
    row = world.correct("a_total", 120, 240)
    assert row.outcome.startswith("4 rows of 1 series"), row.outcome
    rows = world.rows("rollup_minute")
    assert (rows["a_total", 120].count, rows["a_total", 120].last) == (0, None)
    assert rows["a_total", 180].increase is None
    assert flags(world, 120) == CORRECTED
    assert rows["a_total", 240].increase == 12
    assert rows["a_total", 240].resets == 0
    assert rows["a_total", 300].increase == 4


@pytest.mark.rule(60)
def test_r60_a_kill_leaves_a_correction_with_its_event_or_neither(
    world: Trusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.feed("a_total", spiked())
    world.run_to(600)
    before = world.everything()

    def end(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(events, "record", end)
        with pytest.raises(Killed):
            world.correct("a_total", 120, 240)
    assert world.everything() == before
    world.new_engine()
    world.settle()
    told = world.db.execute_sql("SELECT type FROM error_events").fetchall()
    assert told == [("correction_applied",)]
    assert world.everything() != before


def test_hours_follow(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(4200)
    hour = next(iter(world.rows("rollup_hour").values()))
    assert hour.max == 1015
    world.correct("a_total", 120, 240)
    after = next(iter(world.rows("rollup_hour").values()))
    assert after.count == hour.count - 8
    assert after.max is not None
    assert after.max < 1000
    ends = world.rows("rollup_minute")
    inside = [row.increase or 0 for (_, at), row in ends.items() if at < 2760]
    assert after.increase == sum(inside)


def test_with_baseline_the_step_over_the_span_adds_nothing(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(600)
    world.correct("a_total", 120, 240, "baseline")
    assert world.rows("rollup_minute")["a_total", 240].increase == 3
    assert flags(world, 240) & BASELINE


def test_only_the_selected_series_are_changed(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.feed("b_total", spiked())
    world.run_to(600)
    before = {
        key: row
        for key, row in world.rows("rollup_minute").items()
        if key[0] == "b_total"
    }
    world.correct("a_total", 120, 240)
    after = {
        key: row
        for key, row in world.rows("rollup_minute").items()
        if key[0] == "b_total"
    }
    assert after == before


def test_everything_is_logged_with_the_correction_as_reason(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(4200)
    row = world.correct("a_total", 120, 240)
    minutes = {one.start - BEGIN: one for one in world.restated("minute")}
    assert sorted(minutes) == [120, 180, 240]
    assert {one.reason for one in minutes.values()} == {f"correction {row.id}: a test"}
    assert [one.reason for one in world.restated("hour")] == [row.reason]
    events = world.db.execute_sql("SELECT type, time FROM error_events").fetchall()
    assert events == [("correction_applied", (BEGIN + 120) * 1000)]


def test_doing_the_minutes_again_keeps_the_correction(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(4200)
    world.correct("a_total", 120, 240)
    before = world.everything()
    starts = range(BEGIN, BEGIN + 600, 60)
    ledger.mark(world.db, "list", "minute", list(starts), "dirty", "asked for", 1)
    world.new_engine()
    world.settle()
    assert world.everything() == before


def test_a_span_that_goes_on_is_left_out_as_it_comes(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(180)
    world.correct("a_total", 120, 240)
    world.run_to(600)
    rows = world.rows("rollup_minute")
    assert [rows["a_total", at].count for at in (60, 120, 180, 240)] == [4, 0, 0, 4]
    assert rows["a_total", 240].increase == 12


def test_it_does_not_need_the_samples(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(4200)
    world.source.series["a_total"] = []
    world.correct("a_total", 120, 240)
    rows = world.rows("rollup_minute")
    assert [rows["a_total", at].increase for at in (60, 120, 180, 240, 300)] == [
        4,
        None,
        None,
        12,
        4,
    ]


def test_where_minutes_are_gone_only_whole_hours_can_be_corrected(
    world: Trusted,
) -> None:
    world.feed("a_total", steady(12_000))
    world.run_to(12_000)
    world.db.execute_sql(f"DELETE FROM rollup_minute WHERE start < {BEGIN + 9960}")
    part = world.correct("a_total", 2760, 6300)
    assert part.applied_at is None
    assert part.outcome == (
        f"failed: the minutes of it are no longer kept, so the hour {BEGIN + 2760} can "
        "only be corrected whole: widen the span to whole hours, or leave it out"
    )
    before = world.everything()
    whole = world.correct("a_total", 2760, 6360)
    assert whole.applied_at is not None
    hours = world.rows("rollup_hour")
    assert hours["a_total", 2760].count == 0
    assert hours["a_total", 6360].increase == 240 + 240
    world.revoke(whole)
    assert world.everything() == before


def test_revoking_gives_back_what_was(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.feed("b", spiked())
    world.run_to(4200)
    before = world.everything()
    row = world.correct('{__name__=~"a_total|b"}', 120, 240)
    assert world.everything() != before
    revoked = world.revoke(row)
    assert revoked.restored_at is not None
    assert world.everything() == before


def test_revoking_without_the_samples_gives_back_what_was(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(4200)
    before = world.everything()
    world.source.series["a_total"] = []
    row = world.correct("a_total", 120, 240)
    world.revoke(row)
    assert world.everything() == before


def test_corrections_that_overlap_are_taken_apart(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(4200)
    first = world.correct("a_total", 120, 240)
    alone = world.everything()
    second = world.correct("a_total", 180, 420)
    both = world.everything()
    world.revoke(first)
    world.revoke(second)
    third = world.correct("a_total", 120, 240)
    assert world.everything() == alone
    world.correct("a_total", 180, 420)
    assert world.everything() == both
    assert third.id == 3


def test_what_was_first_done_under_a_correction_is_done_again(world: Trusted) -> None:
    world.feed("a_total", spiked())
    world.run_to(180)
    row = world.correct("a_total", 120, 300)
    world.run_to(600)
    world.revoke(row)
    assert world.rows("rollup_minute") == world.truth(0, 600)


@given(
    st.lists(st.integers(0, 30), min_size=30, max_size=30),
    st.integers(1, 8),
    st.integers(1, 6),
    st.sampled_from(["ignore", "baseline"]),
)
@hypothesis_settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_correction_is_what_the_engine_makes_without_the_samples(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[int],
    start: int,
    length: int,
    action: str,
) -> None:
    samples = [(20_000 * n, float(v)) for n, v in enumerate(values)]
    since, until = 60 * start, 60 * (start + length)
    with_all = Trusted(tmp_path_factory.mktemp("all"))
    without = Trusted(tmp_path_factory.mktemp("without"))
    for world in (with_all, without):
        world.feed("z", [(20_000 * n, 1.0) for n in range(30)])
        world.feed("a_total", samples)
    without.source.series["a_total"] = [
        (t, v)
        for t, v in without.source.series["a_total"]
        if not since <= t / 1000 - BEGIN < until
    ]
    with_all.run_to(600)
    without.run_to(600)
    before = with_all.everything()
    row = with_all.correct("a_total", since, until, action)
    assert row.applied_at is not None, row.outcome
    left = {
        key: value
        for key, value in with_all.rows("rollup_minute").items()
        if not (key[0] == "a_total" and since <= key[1] < until)
    }
    if action == "ignore":
        assert left == without.rows("rollup_minute")
    with_all.revoke(row)
    assert with_all.everything() == before
    for world in (with_all, without):
        world.db.close()
