"""The newest value before a minute, against looking through all of history."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.bulk import upsert_rollups
from models.directory import SeriesDirectory, SeriesFacts
from models.queries import ledger
from models.queries.ledger import Entry
from models.queries.previous import last_before
from models.rollup import Rollup, RollupDay, RollupHour, RollupMinute
from tests.models.rows import columns, row
from tests.models.statements import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peewee import Database

HOUR, DAY = 3600, 86400
STALE = -777.0
SOURCES = ("a", "b")
HOURS = (-1, 0, 1, 2, 5, 23, 24, 26, 47, 49)
MINUTES = (0, 1, 58, 59)
SLOTS = st.tuples(
    st.sampled_from(SOURCES), st.sampled_from(HOURS), st.sampled_from(MINUTES)
)
VALUES = st.dictionaries(st.integers(0, 4), st.floats(-9, 9) | st.just(math.nan))


def floor(start: int, width: int) -> int:
    return start - start % width


@dataclass
class World:
    """All that ever happened, and what of it the database still says."""

    db: Database
    ids: dict[str, list[int]] = field(default_factory=dict)
    history: dict[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in ("series", "ledger", "rollup_minute", "rollup_hour", "rollup_day"):
            self.db.execute_sql(f"DELETE FROM {table}")
        directory = SeriesDirectory(self.db)
        for source in SOURCES:
            facts = [SeriesFacts("m", f'{{"n":"{number}"}}') for number in range(5)]
            self.ids[source] = directory.resolve(source, facts, 0).tolist()

    def spread(self, apart: int) -> None:
        """Move ids so far apart that each has to be looked up by itself."""
        for source in SOURCES:
            for place in range(1, 5):
                old = self.ids[source][place]
                self.ids[source][place] = old + apart * place
                sql = f"UPDATE series SET id = {old + apart * place} WHERE id = {old}"
                self.db.execute_sql(sql)

    def add(self, number: int, start: int, last: float) -> None:
        self.history[number, start] = last
        self._write(RollupMinute, {(number, start): last})

    def close(self, source: str, start: int) -> None:
        ledger.record(self.db, Entry(source, "minute", start, "done"))

    def merge(self, source: str, hour: int, state: str) -> None:
        """Write the rows of an hour; those of one that is dirty are out of date."""
        newest = self._newest(source, hour, HOUR)
        if state == "dirty":
            newest = dict.fromkeys(newest, STALE)
        self._write(RollupHour, newest)
        ledger.record(self.db, Entry(source, "hour", hour, state))

    def forget_minutes(self, before: int) -> None:
        self.db.execute_sql(f"DELETE FROM rollup_minute WHERE start < {before}")

    def forget_hours(self, before: int) -> None:
        for source in SOURCES:
            for day in {floor(start, DAY) for _, start in self.history}:
                self._write(RollupDay, self._newest(source, day, DAY))
        self.db.execute_sql(f"DELETE FROM rollup_hour WHERE start < {before}")

    def naive(self, number: int, start: int) -> float:
        known = [
            (when, last)
            for (owner, when), last in self.history.items()
            if owner == number and when < start and not math.isnan(last)
        ]
        return max(known, default=(0, math.nan))[1]

    def _newest(
        self, source: str, begin: int, width: int
    ) -> dict[tuple[int, int], float]:
        return {
            (number, begin): self.naive(number, begin + width)
            if self._has_value(number, begin, width)
            else math.nan
            for number in self.ids[source]
            if any(
                owner == number and begin <= when < begin + width
                for owner, when in self.history
            )
        }

    def _has_value(self, number: int, begin: int, width: int) -> bool:
        return any(
            owner == number and begin <= when < begin + width and not math.isnan(last)
            for (owner, when), last in self.history.items()
        )

    def _write(self, table: type[Rollup], rows: dict[tuple[int, int], float]) -> None:
        upsert_rollups(
            self.db,
            table,
            columns(row(key[0], key[1], last=last) for key, last in rows.items()),
        )


def play(
    world: World,
    windows: dict[tuple[str, int, int], dict[int, float]],
    states: list[str | None],
    kept_from: int,
    forget: str,
) -> None:
    for (source, hour, minute), values in windows.items():
        world.close(source, hour * HOUR + minute * 60)
        for place, last in values.items():
            number = world.ids[source][place]
            world.add(number, hour * HOUR + minute * 60, last)
    hours = sorted({(source, hour * HOUR) for source, hour, _ in windows})
    unmerged = [math.inf]
    for (source, hour), state in zip(hours, states, strict=False):
        if state is not None:
            world.merge(source, hour, state)
        if state not in {"done", "partial"}:
            unmerged.append(hour)
    if kept_from <= min(unmerged) and forget != "nothing":
        world.forget_minutes(kept_from)
    if kept_from <= min(unmerged) and forget == "minutes and hours":
        world.forget_hours(floor(kept_from, DAY))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    windows=st.dictionaries(SLOTS, VALUES, max_size=12),
    states=st.lists(
        st.sampled_from(["done", "partial", "dirty", "open", None]),
        min_size=20,
        max_size=20,
    ),
    kept_from=st.sampled_from(HOURS).map(lambda hour: hour * HOUR),
    forget=st.sampled_from(["nothing", "minutes", "minutes and hours"]),
    minutes=st.integers(0, 80),
    order=st.permutations(range(11)),
    apart=st.sampled_from([0, 10**9]),
)
def test_the_newest_value_is_found_at_any_distance(  # noqa: PLR0917 - all drawn
    db: Database,
    windows: dict[tuple[str, int, int], dict[int, float]],
    states: list[str | None],
    kept_from: int,
    forget: str,
    minutes: int,
    order: list[int],
    apart: int,
) -> None:
    world = World(db)
    world.spread(apart)
    play(world, windows, states, kept_from, forget)
    ids = [number for source in SOURCES for number in world.ids[source]]
    asked = [ids[place % len(ids)] for place in order]
    for start in (kept_from + 60 * minutes, 600 * HOUR):
        found = last_before(db, np.array(asked), start).values
        wanted = [world.naive(number, start) for number in asked]
        np.testing.assert_array_equal(found, wanted)


def test_nothing_asked_and_nothing_known(db: Database) -> None:
    empty = np.array([], dtype=np.int64)
    assert last_before(db, empty, 60).values.tolist() == []
    assert np.isnan(last_before(db, np.array([5, 9]), 60).values).all()


def fill(
    db: Database, ids: Iterable[int], starts: Iterable[int], last: float = 1.0
) -> None:
    listed = list(ids)
    for start in starts:
        upsert_rollups(
            db,
            RollupMinute,
            columns(row(number, start, last=last) for number in listed),
        )
        ledger.record(db, Entry("a", "minute", start, "done"))


def test_infinite_values_are_values(db: Database) -> None:
    facts = [SeriesFacts("m", "{}")]
    ids = SeriesDirectory(db).resolve("a", facts, 0)
    fill(db, ids.tolist(), [0], math.inf)
    fill(db, ids.tolist(), [60], math.nan)
    assert last_before(db, ids, 120).values.tolist() == [math.inf]


def test_the_first_minute_that_is_kept_goes_on_from_the_hour_before(
    db: Database,
) -> None:
    world = World(db)
    number = world.ids["a"][0]
    for hour in (22, 23):
        world.add(number, hour * HOUR, float(hour))
        world.close("a", hour * HOUR)
        world.merge("a", hour * HOUR, "done")
    world.forget_minutes(DAY)
    assert last_before(db, np.array([number]), DAY).values.tolist() == [23.0]
    world.forget_hours(DAY)
    assert last_before(db, np.array([number]), DAY).values.tolist() == [23.0]


def test_the_usual_minute_is_one_look(db: Database) -> None:
    facts = [SeriesFacts("m", f'{{"n":"{number}"}}') for number in range(2000)]
    ids = SeriesDirectory(db).resolve("a", facts, 0)
    fill(db, ids.tolist(), [3600, 3660])
    with counted(db) as said:
        assert last_before(db, ids, 3720).values.tolist() == [1.0] * 2000
    assert len(said) == 2


def test_a_new_series_costs_little_after_a_long_history(sqlite: Database) -> None:
    directory = SeriesDirectory(sqlite)
    old = directory.resolve("a", [SeriesFacts("m", "{}")], 0).tolist()
    fill(sqlite, old, range(0, 50 * HOUR, 600))
    new = directory.resolve("a", [SeriesFacts("m", '{"n":"new"}')], 0)
    with counted(sqlite) as said:
        assert np.isnan(last_before(sqlite, new, 50 * HOUR).values).all()
    assert len(said) <= 60
    ledger.mark(sqlite, "a", "hour", range(0, 50 * HOUR, HOUR), "done", "", 0)
    with counted(sqlite) as said:
        assert np.isnan(last_before(sqlite, new, 50 * HOUR).values).all()
    assert len(said) <= 6


def test_history_is_never_read_whole(sqlite: Database) -> None:
    ids = SeriesDirectory(sqlite).resolve("a", [SeriesFacts("m", "{}")], 0)
    fill(sqlite, ids.tolist(), range(0, 3 * HOUR, 600), math.nan)
    ledger.mark(sqlite, "a", "hour", [0], "done", "", 0)
    fill(sqlite, [10**9], [3 * HOUR - 60], math.nan)
    with counted(sqlite) as said:
        last_before(sqlite, np.array([*ids, 10**9]), 3 * HOUR)
    by_range = "(start=? AND series_id>? AND series_id<?)"
    assert said.ways() == {
        "SEARCH r USING PRIMARY KEY (start=?)",
        "SEARCH r USING PRIMARY KEY (start=? AND series_id=?)",
        f"SEARCH rollup_minute USING PRIMARY KEY {by_range}",
        "SEARCH r USING PRIMARY KEY (series_id=? AND start=?)",
        "SEARCH h USING PRIMARY KEY (series_id=? AND start<?)",
        "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH ledger USING PRIMARY KEY (source=? AND resolution=? AND start<?)",
        "SEARCH ledger USING PRIMARY KEY (source=? AND resolution=? AND start=?)",
        "SCAN steps",
    }
