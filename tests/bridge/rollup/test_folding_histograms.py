from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bridge.rollup.buckets import classic, exponential, exponential_blobs, histograms
from bridge.rollup.buckets.blobs import merge, parts, without_state
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.folding import fold, split
from bridge.rollup.rows import Flag, no_blobs
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Window
from models.budget import Budget
from models.directory import SeriesFacts, canonical
from models.folded import folded_id
from tests.bridge.rollup.builders import HOUR, table
from tests.bridge.rollup.families import INF, SMALL, Scrape, families, segments, small
from tests.bridge.rollup.natives import Native, inside, natives
from tests.bridge.rollup.world import BEGIN, Killed, ListSource, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bridge.rollup.rows import Ints
    from bridge.sources.base import Block, Families, Natives, Warnings

A, B, C = (folded_id(7, number) for number in (1, 2, 3))
IDS = np.array([A, B, C])
AT = HOUR * 1000
WIDE = (1.0, 4.0, INF)


def of_families(*histories: list[Scrape]) -> dict[str, Any]:
    """The row that families are folded into."""
    known = replace(families(*histories), series_id=IDS[: len(histories)])
    before = Previous.unknown(len(histories))
    rows, _ = histograms.aggregate(known, Window(HOUR), before)
    return row_of(fold([rows]))


def of_natives(*histories: list[Native]) -> dict[str, Any]:
    """The row that native histograms are folded into."""
    known = replace(natives(*histories), series_id=IDS[: len(histories)])
    before = Previous.unknown(len(histories))
    rows, _ = exponential.aggregate(known, Window(HOUR), before)
    return row_of(fold([rows]))


def row_of(rows: Any) -> dict[str, Any]:
    (row,) = table(replace(rows, buckets=no_blobs(len(rows))))
    return {**row, "blob": rows.buckets[0]}


@pytest.mark.rule(32)
def test_r32_each_family_is_counted_by_itself_before_they_are_added() -> None:
    row = of_families(
        [
            Scrape(AT - 1, (1, 2, 9), 9.0),
            Scrape(AT, (2, 4, 12), 15.0),
            Scrape(AT + 9, (1, 1, 1), 0.5),  # it was started again
        ],
        [Scrape(AT - 1, (5, 5, 5), 1.0), Scrape(AT, (5, 6, 6), 2.5)],
    )
    assert (row["increase"], row["sum"], row["resets"]) == (3 + 1 + 1, 6 + 0.5 + 1.5, 1)
    assert segments(row["blob"]) == small(1 + 1, 1 + 1, 1)
    assert (row["count"], row["flags"]) == (3, Flag.FOLDED)
    assert (row["first"], row["last"]) == (12 + 6, 1 + 6)


@pytest.mark.rule(49)
def test_r49_buckets_of_unlike_layouts_stay_apart() -> None:
    row = of_families(
        [Scrape(AT - 1, (0, 0, 0)), Scrape(AT, (1, 2, 4))],
        [Scrape(AT - 1, (0, 0, 0), bounds=WIDE), Scrape(AT, (5, 6, 7), bounds=WIDE)],
    )
    found = segments(row["blob"])
    assert found.pop(next(iter(small(0)))) == [1, 1, 2]
    assert list(found.values()) == [[5, 1, 1]]
    assert row["increase"] == 4 + 7


@pytest.mark.rule(52)
def test_r52_native_histograms_meet_at_the_coarser_resolution() -> None:
    row = of_natives(
        [Native(AT - 1), Native(AT, {0: 2.0, 1: 3.0, 2: 4.0}, sum=7.0)],
        [Native(AT - 1, schema=1), Native(AT, {1: 1.0, 2: 1.0}, schema=1, sum=2.0)],
    )
    found = inside(row["blob"])
    assert (found["schema"], found["count"]) == (0, 11.0)
    assert found["positive"] == {0: 2.0, 1: 3.0 + 1.0 + 1.0, 2: 4.0}
    assert (row["increase"], row["sum"]) == (11.0, 9.0)


def test_what_is_folded_has_no_state() -> None:
    one = of_families([Scrape(AT - 1, (0, 0, 0)), Scrape(AT, (1, 2, 4))])["blob"]
    assert not classic.standing([one], np.zeros(1, np.int64))
    nothing = of_families([Scrape(AT - 1, (1, 2, 4)), Scrape(AT, (1, 2, 4))])
    assert (nothing["blob"], nothing["increase"]) == (None, 0.0)
    other = of_natives([Native(AT - 1), Native(AT, {1: 2.0})])["blob"]
    assert other[2] == 1
    # Merged with ones of another owner that have a state, both stay as they are.
    known, _ = exponential.aggregate(
        natives([Native(AT, {1: 2.0})]), Window(HOUR), Previous.unknown(1)
    )
    stood = known.buckets[0]
    first, second = merge([[other, other], [stood, stood]])
    assert (first[2], second[2]) == (1, 2)
    assert inside(first)["count"] == 4.0
    kept = exponential_blobs.standing([second], np.zeros(1, np.int64))
    assert kept.cells.count.tolist() == [2.0]


def test_classic_and_native_histograms_stay_side_by_side() -> None:
    rows, _ = histograms.aggregate(
        replace(
            families([Scrape(AT - 1, (0, 0, 0)), Scrape(AT, (1, 2, 4))]),
            series_id=IDS[:1],
        ),
        Window(HOUR),
        Previous.unknown(1),
    )
    others, _ = exponential.aggregate(
        replace(natives([Native(AT - 1), Native(AT, {1: 2.0})]), series_id=IDS[1:2]),
        Window(HOUR),
        Previous.unknown(1),
    )
    row = row_of(fold([rows, others]))
    assert [blob[0] for blob in parts(row["blob"])] == [Kind.CLASSIC, Kind.EXPONENTIAL]
    assert row["increase"] == 6.0


def test_blobs_of_other_kinds_stay_as_they_are() -> None:
    blobs = np.array([None, b"\x63other"], np.object_)
    assert without_state(blobs).tolist() == blobs.tolist()


def test_folded_histograms_are_told_apart_from_others() -> None:
    whole = replace(
        natives([Native(AT)], [Native(AT), Native(AT + 1, {1: 2.0})], [Native(AT)]),
        series_id=np.array([A, 5, B]),
        started=np.arange(4),
    )
    plain, beyond = split(whole)
    assert beyond is not None
    assert plain.started is not None
    assert (plain.started.tolist(), plain.offsets.tolist()) == ([1, 2], [0, 2])
    assert [one.count for one in plain.histograms] == [0.0, 2.0]
    assert (beyond.series_id.tolist(), len(beyond.histograms)) == ([A, B], 2)
    known = replace(families([Scrape(AT, (1, 2, 4))]), series_id=IDS[:1])
    left, taken = split(known)
    assert (len(left.times), left.cumulative.shape) == (0, (0, 3))
    assert taken is not None
    assert taken.bounds == (SMALL,)


@dataclass
class CrowdedHistograms(ListSource):
    """Classic and native histograms of one metric each; beyond a limit they fold."""

    limit: int = 0
    classic: dict[str, list[Scrape]] = field(default_factory=dict)
    native: dict[str, list[Native]] = field(default_factory=dict)

    def read(  # type: ignore[override]  # histograms only
        self, start_ms: int, end_ms: int, warnings: Warnings
    ) -> Iterator[Block | Families | Natives]:
        self.reads.append((start_ms, end_ms))

        def held(some: dict[str, list[Any]]) -> dict[str, list[Any]]:
            cut = {
                name: [one for one in history if start_ms <= one.time < end_ms]
                for name, history in some.items()
            }
            return {name: history for name, history in cut.items() if history}

        if found := held(self.classic):
            yield replace(
                families(*found.values()), series_id=self._ids("took", list(found))
            )
        if found := held(self.native):
            yield replace(
                natives(*found.values()), series_id=self._ids("lasted", list(found))
            )

    def _ids(self, metric: str, names: list[str]) -> Ints:
        facts = [
            SeriesFacts(metric, canonical({"pod": name}), "histogram") for name in names
        ]
        budget = Budget(self.directory._db, self.limit)
        return self.directory.resolve(self.name, facts, 0, budget=budget)

    def absent(
        self, series_id: Ints, earliest_ms: Ints, first_ms: Ints, since_ms: int
    ) -> Ints:
        return np.zeros(len(series_id), np.int64)

    def earliest_ms(self, not_before_ms: int) -> int | None:
        return BEGIN * 1000


def crowd(directory: Path, limit: int) -> World:
    """A world of four families and three native histograms, from the same dice."""
    world = World(directory)
    source = CrowdedHistograms(world.directory, world.clock, limit=limit)
    world.source = source
    world.new_engine()
    dice = random.Random(761)
    for number, name in enumerate("abcd"):
        bounds = WIDE if number == 3 else SMALL
        source.classic[name] = [
            Scrape(at, tuple(np.cumsum(stood)), total, bounds=bounds)
            for at, stood, total in _history(dice, 3)
        ]
    for name in "xyz":
        source.native[name] = [
            Native(at, dict(enumerate(map(float, stood))), sum=total)
            for at, stood, total in _history(dice, 4)
        ]
    return world


def _history(dice: random.Random, buckets: int) -> Iterator[tuple[int, list[int], int]]:
    stood, total = [0] * buckets, 0
    for second in range(dice.randrange(15), 900, 15):
        if dice.random() < 0.04:
            stood, total = [0] * buckets, 0
        rose = [dice.randrange(5) for _ in stood]
        stood = [old + new for old, new in zip(stood, rose, strict=True)]
        total += sum(rose)
        yield (BEGIN + second) * 1000, stood, total


def totals(world: World, name: str) -> dict[tuple[int, str], object]:
    """Scrapes, observations, sums, resets and buckets of all series together."""
    found = world.db.execute_sql(
        "SELECT start, s.metric, r.count, r.increase, r.sum, r.resets, r.buckets "
        f"FROM {name} r JOIN series s ON s.id = r.series_id ORDER BY start"
    ).fetchall()
    groups: dict[tuple[int, str], list[Any]] = {}
    for start, metric, *row in found:
        groups.setdefault((start - BEGIN, metric), []).append(row)
    return {
        key: (
            sum(row[0] for row in some),
            math.fsum(row[1] for row in some),
            math.fsum(row[2] for row in some),
            sum(row[3] for row in some),
            _buckets([bytes(row[4]) for row in some if row[4] is not None]),
        )
        for key, some in groups.items()
    }


def _buckets(blobs: list[bytes]) -> object:
    merged = without_state(np.array([*merge([blobs]), None], np.object_))[0]
    return inside(merged) if merged[0] == Kind.EXPONENTIAL else segments(merged)


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    world = crowd(tmp_path_factory.mktemp("true"), 0)
    world.run_to(900)
    found = {name: totals(world, name) for name in ("rollup_minute", "rollup_hour")}
    world.db.close()
    assert len(found["rollup_minute"]) == 30
    return {**found}


def same(world: World, true: dict[str, object]) -> bool:
    return all(totals(world, name) == rows for name, rows in true.items())


def series(world: World) -> int:
    (found,) = world.db.execute_sql("SELECT COUNT(*) FROM series").fetchone()
    return int(found)


@pytest.mark.rule(76)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_r76_totals_of_histograms_are_the_same_with_and_without_a_limit(
    tmp_path: Path, true: dict[str, object], limit: int
) -> None:
    world = crowd(tmp_path, limit)
    for second in range(0, 901, 60):
        if second % 240 == 0:
            world.new_engine()  # a restart
        world.run_to(second)
    assert same(world, true)
    assert series(world) <= limit + 2
    world.db.close()


@pytest.mark.rule(76)
def test_r76_a_kill_at_any_call_changes_no_total(
    tmp_path: Path, true: dict[str, object]
) -> None:
    world = crowd(tmp_path, 2)
    dice = random.Random(762)
    for second in range(0, 901, 60):
        world.calls_until_killed = dice.randrange(4)
        try:
            world.run_to(second)
        except Killed:
            world.new_engine()
    world.calls_until_killed = math.inf
    world.run_to(900)
    assert same(world, true)
    world.db.close()


@pytest.mark.rule(76)
@pytest.mark.parametrize("limits", [(1, 5), (5, 1), (2, 0), (0, 2)])
def test_r76_a_limit_that_is_changed_changes_no_total(
    tmp_path: Path, true: dict[str, object], limits: tuple[int, int]
) -> None:
    world = crowd(tmp_path, limits[0])
    source = world.source
    assert isinstance(source, CrowdedHistograms)
    world.run_to(420)
    source.limit = limits[1]
    world.new_engine()
    world.run_to(900)
    assert same(world, true)
    # What is done again moves its part to series of their own.
    world.db.execute_sql(
        "UPDATE ledger SET state = 'dirty' WHERE resolution = 'minute'"
    )
    world.new_engine()
    for _ in range(3):
        world.engine.beat()
    assert same(world, true)
    world.db.close()
