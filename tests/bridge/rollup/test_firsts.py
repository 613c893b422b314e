from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.rollup.rows import Flag
from models.queries import ledger
from tests.bridge.rollup.world import BEGIN, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oracle import Samples


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.source.scraped = [BEGIN * 1000 + at for at in range(0, 3_600_000, 15_000)]
    made.feed("steady", every_15_s(0, 3600))
    yield made
    made.db.close()


def every_15_s(first: int, until: int, value: float = 10.0) -> Samples:
    """A counter from `first` to `until` seconds that rises by 1 a scrape."""
    times = range(first * 1000, until * 1000, 15_000)
    return [(at, value + n) for n, at in enumerate(times)]


def minutes(world: World, name: str = "a_total") -> dict[int, tuple[float, int]]:
    """Increase and flags of a series by seconds after the beginning."""
    cursor = world.db.execute_sql(
        "SELECT r.start, r.increase, r.flags FROM rollup_minute r "
        "JOIN series s ON s.id = r.series_id WHERE s.metric = ? ORDER BY r.start",
        (name,),
    )
    return {start - BEGIN: (up, flags) for start, up, flags in cursor.fetchall()}


@pytest.mark.rule(25)
@pytest.mark.parametrize("first", [120, 135, 165])
def test_r25b_a_series_that_appears_counts_wholly(world: World, first: int) -> None:
    world.feed("a_total", every_15_s(first, 240))
    world.run_to(240)
    last = 10 + (240 - first) // 15 - 1
    found = minutes(world)
    assert found[120][1] == Flag.APPEARED
    assert found[180][1] == 0
    assert found[120][0] + found[180][0] == last


@pytest.mark.rule(25)
def test_r25c_what_a_source_had_before_the_first_window_is_not_invented(
    world: World,
) -> None:
    world.feed("a_total", every_15_s(0, 240))
    world.run_to(240)
    assert minutes(world)[0] == (3.0, Flag.BASELINE)
    assert [flags for _, flags in minutes(world).values()][1:] == [0, 0, 0]


@pytest.mark.rule(25)
def test_r25c_a_series_that_was_only_not_selected_before_is_measured_from(
    world: World,
) -> None:
    hidden = world.source.series.pop("steady")
    world.feed("b", every_15_s(0, 240))
    world.feed("a_total", every_15_s(0, 240))
    kept = world.source.series.pop("a_total")
    world.run_to(120)
    world.source.series |= {"a_total": kept, "steady": hidden}
    world.run_to(240)
    assert minutes(world) == {120: (3.0, Flag.BASELINE), 180: (4.0, 0)}


@pytest.mark.rule(25)
def test_r25_windows_without_new_counters_ask_the_source_for_nothing(
    world: World,
) -> None:
    world.feed("a_total", every_15_s(0, 600))
    world.run_to(60)
    world.source.asked_absent.clear()
    world.run_to(600)
    assert world.source.asked_absent == []


@pytest.mark.setting("rollup.first_sample")
def test_without_evidence_the_source_is_not_asked(tmp_path: Path) -> None:
    world = World(tmp_path, first_sample="baseline")
    world.source.scraped = [BEGIN * 1000 + at for at in range(0, 240_000, 15_000)]
    world.feed("steady", every_15_s(0, 240))
    world.feed("a_total", every_15_s(135, 240))
    world.run_to(240)
    assert world.source.asked_absent == []
    assert minutes(world)[120] == (2.0, Flag.BASELINE)
    world.db.close()


@pytest.mark.rule(26)
def test_r26_a_restart_of_the_bridge_is_no_new_series(world: World) -> None:
    world.feed("a_total", every_15_s(0, 300))
    for until in (60, 120, 180, 300):
        world.run_to(until)
        world.new_engine()
    found = minutes(world)
    assert [flags for _, flags in found.values()] == [Flag.BASELINE, 0, 0, 0, 0]
    assert sum(up for up, _ in found.values()) == 19


@pytest.mark.rule(26)
def test_r26_a_series_that_was_away_goes_on_from_its_rows(world: World) -> None:
    world.feed("a_total", every_15_s(0, 60))
    world.feed("a_total", every_15_s(615, 660, 100.0))
    world.run_to(120)
    world.new_engine()
    world.run_to(660)
    assert minutes(world) == {0: (3.0, Flag.BASELINE), 600: (89.0, 0)}


@pytest.mark.rule(25)
@pytest.mark.rule(63)
def test_r25_evidence_is_void_once_an_earlier_window_brings_a_predecessor(
    world: World,
) -> None:
    world.history = 900.0
    world.new_engine()
    world.feed("a_total", every_15_s(0, 60))
    world.feed("a_total", every_15_s(615, 660, 100.0))
    world.run_to(900)
    assert min(world.states()) <= 0
    in_order = minutes(world)
    world.db.close()
    assert in_order[600] == (89.0, 0)


@pytest.mark.rule(25)
def test_r25_evidence_is_void_when_the_past_is_filled_in_later(world: World) -> None:
    world.history = 300.0
    world.new_engine()
    world.feed("a_total", every_15_s(0, 60))
    world.feed("a_total", every_15_s(615, 660, 100.0))
    world.run_to(720)
    assert minutes(world) == {600: (102.0, Flag.APPEARED)}
    ledger.mark(world.db, "list", "minute", [BEGIN], "open", "asked for", 0)
    world.engine.beat()
    world.engine.beat()
    assert minutes(world) == {0: (3.0, Flag.BASELINE), 600: (89.0, 0)}


@pytest.mark.setting("rollup.dips.match")
@pytest.mark.rule(30)
def test_r30_falls_are_tolerated_of_the_series_that_match(tmp_path: Path) -> None:
    dips = [{"match": "meter_total", "tolerance": "10%"}]
    world = World(tmp_path, dips=dips, first_sample="baseline")
    samples: Samples = [(0, 100.0), (15_000, 95.0), (30_000, 120.0), (75_000, 119.0)]
    world.feed("meter_total", samples)
    world.feed("other_total", samples)
    world.feed("steady", every_15_s(0, 120))
    world.run_to(120)
    assert minutes(world, "meter_total") == {
        0: (25.0, Flag.BASELINE | Flag.DIP),
        60: (0.0, Flag.DIP),
    }
    assert minutes(world, "other_total") == {0: (120.0, Flag.BASELINE), 60: (119.0, 0)}
    world.db.close()


@pytest.mark.setting("rollup.max_gap")
@pytest.mark.rule(29)
def test_r29_a_step_over_too_long_a_gap_adds_nothing_across_windows(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, max_gap="2m")
    world.feed("a_total", [(0, 1.0), (45_000, 5.0), (300_000, 50.0), (315_000, 51.0)])
    world.feed("steady", every_15_s(0, 360))
    world.run_to(360)
    assert minutes(world) == {0: (4.0, Flag.BASELINE), 300: (1.0, Flag.DISCARDED)}
    world.db.close()
