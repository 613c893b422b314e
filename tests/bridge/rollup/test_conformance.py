"""The storage and the engine on every database: the same history, the same bytes."""

from __future__ import annotations

import math
import random
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest

from bridge.events import detectors
from bridge.events.observer import Observer, Origin
from bridge.rollup.deletion.retention import Retention
from bridge.rollup.engine import Engine
from bridge.rollup.parts import Parts
from models.database import open_database
from models.directory import SeriesDirectory
from models.queries import ledger
from models.rollup import COLUMNS
from runtime import settings
from tests.bridge.rollup.world import BEGIN, Killed, ListSource, QuietReporter, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from models.database import Database
    from tests.postgres import PostgresServer

    Story = Callable[[World], None]

ROLLUPS = ("rollup_minute", "rollup_hour", "rollup_day")
LEDGER = (
    "source, resolution, start, state, samples, series, revision, reason, computed_at"
)
KEYS = {
    **dict.fromkeys(ROLLUPS, "series_id, start"),
    "ledger": "source, resolution, start",
    "error_events": "source, fingerprint, time",
    "series": "id",
    "retained": "source, resolution, selector",
}
Dump = dict[str, list[tuple[Any, ...]]]


def bits(value: Any) -> Any:
    """Floats as their bits and blobs as bytes, so that nothing passes as equal."""
    if isinstance(value, float):
        return struct.pack(">d", value)
    return bytes(value) if isinstance(value, memoryview) else value


def dump(db: Database) -> Dump:
    """Return all rows of all tables, with every column that the engine writes."""
    wanted = {
        **dict.fromkeys(ROLLUPS, ", ".join(COLUMNS)),
        "ledger": LEDGER,
        "error_events": "*",
        "series": "*",
        "retained": "*",
    }
    return {
        table: [
            tuple(map(bits, row))
            for row in db.execute_sql(
                f"SELECT {columns} FROM {table} ORDER BY {KEYS[table]}"
            ).fetchall()
        ]
        for table, columns in wanted.items()
    }


@pytest.fixture
def worlds(tmp_path: Path, postgres: PostgresServer) -> Iterator[list[World]]:
    """The same world on each engine."""
    name = postgres.new_database()
    made = [World(tmp_path), World(tmp_path, postgres.url(name))]
    for world in made:
        world.reporter = Observer(  # type: ignore[assignment]  # a real one
            Origin("list", "", ""),
            detectors(settings.Events(), "prometheus"),
            world.directory,
            world.clock,
            holes=True,
        )
        world.new_engine()
    yield made
    for world in made:
        world.db.close()
    postgres.drop_database(name)


def values(seed: int, kind: str, seconds: int) -> list[tuple[int, float]]:
    """Samples with gaps, resets and numbers that are none, in the order of time."""
    dice = random.Random(seed)
    held: list[tuple[int, float]] = []
    value = dice.choice([0.0, 0.1, 2.0**53 - 3, 1e300])
    time = dice.randrange(0, 15_000)
    while time < seconds * 1000:
        if kind == "total":
            value = 0.0 if dice.random() < 0.02 else value + dice.choice([0, 1, 0.1, 7])
            held.append((time, value))
        else:
            odd = dice.choice([math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308])
            held.append((time, odd if dice.random() < 0.05 else dice.gauss(0, 1e3)))
        time += 15_000 if dice.random() < 0.97 else dice.randrange(20_000, 900_000)
    return held


def everyday(world: World) -> None:
    """Two hours across midnight, done minute by minute and in runs."""
    for number in range(4):
        world.feed(f"c{number}_total", values(number, "total", 7200))
        world.feed(f"g{number}", values(10 + number, "gauge", 7200))
    world.feed("up", [(t * 1000, float(t % 900 > 60)) for t in range(0, 7200, 15)])
    for until in (60, 180, 190, 1800, 3600, 7200):
        world.run_to(until)


def late(world: World) -> None:
    """A gap that is lost, samples that come late, and a redo with fewer of them."""
    world.feed("c_total", [(t * 1000, float(t)) for t in range(0, 3600, 15)])
    world.feed("g", [(t * 1000, 0.1 * t) for t in range(0, 3600, 15)])
    held = world.source.series["g"]
    world.source.series["g"] = [one for one in held if one[0] % 240_000 > 60_000]
    world.run_to(3600)
    world.source.series["g"] = held
    starts = [BEGIN + minute * 60 for minute in (3, 4, 20, 59)]
    ledger.mark(world.db, "list", "minute", starts, "dirty", "late samples", 7)
    world.engine.beat()
    world.source.forgets_before_ms = (BEGIN + 1800) * 1000
    ledger.mark(world.db, "list", "minute", starts, "dirty", "late samples", 8)
    world.source.warns = ["not all"]
    for _ in range(8):
        world.clock.advance(61)
        world.engine.beat()
    world.source.warns = []
    world.run_to(7200)


def killed(world: World) -> None:
    """A history that is done by engines that are killed at every third call."""
    world.feed("c_total", values(3, "total", 3000))
    world.feed("g", values(4, "gauge", 3000))
    for _ in range(60):
        world.calls_until_killed = 3
        world.new_engine()
        try:
            world.run_to(3000)
        except Killed:
            continue
        break
    world.calls_until_killed = math.inf
    world.new_engine().beat()


def old(world: World) -> None:
    """Four hours of which the minutes of the first are deleted, and late samples."""
    world.source.interval_ms = 60_000
    for name in ("c_total", "g"):
        world.feed(name, [(t * 1000, 0.1 * t) for t in range(0, 14_400, 60)])
    world.run_to(14_400)
    policy = settings.Retention.model_validate(
        {"minute": "2h", "rules": [{"match": "g", "minute": "3h"}]}
    )
    parts = Parts(world.db, world._call, world.directory, world.telemetry, world.clock)
    Retention(policy, ["list"], parts).beat()
    world.run_to(15_000)


@pytest.mark.rule(14)
@pytest.mark.rule(60)
@pytest.mark.parametrize("story", [everyday, late, killed])
def test_r14_a_history_gives_the_same_bytes_on_every_database(
    worlds: list[World], story: Story
) -> None:
    found = []
    for world in worlds:
        story(world)
        found.append(dump(world.db))
    assert found[0] == found[1]
    assert found[0]["rollup_minute"]
    assert found[0]["ledger"]


def test_what_is_kept_by_both_is_the_same(worlds: list[World]) -> None:
    found = []
    for world in worlds:
        old(world)
        found.append(dump(world.db))
    # Of the first hours one database drops whole days, and the other one hours.
    since = max(
        row[3] for tables in found for row in tables["retained"] if row[1] == "minute"
    )
    for table in ROLLUPS:
        kept = [[row for row in tables[table] if row[1] >= since] for tables in found]
        assert kept[0] == kept[1]
        assert kept[0] or table != "rollup_minute"
    assert found[0]["rollup_hour"] == found[1]["rollup_hour"]


@pytest.mark.rule(71)
@pytest.mark.parametrize("story", [everyday, late])
def test_r71_done_twice_is_done_once(worlds: list[World], story: Story) -> None:
    for world in worlds:
        story(world)
        world.source.forgets_before_ms = 0
        if story is late:  # what was lost is there again
            again(world)
        before = dump(world.db)
        again(world)
        after = dump(world.db)
        assert [after[table] for table in ROLLUPS] == [
            before[table] for table in ROLLUPS
        ]


def again(world: World) -> None:
    """Do every minute again, with an engine that remembers nothing."""
    entries = ledger.entries(world.db, "list", "minute", 0, 2 * BEGIN)
    starts = [entry.start for entry in entries]
    ledger.mark(world.db, "list", "minute", starts, "dirty", "asked for", 9)
    world.new_engine().beat()


@pytest.mark.rule(16)
@pytest.mark.parametrize("seed", range(3))
def test_r16_the_order_of_arrival_does_not_matter(
    worlds: list[World], seed: int
) -> None:
    found = []
    for world in worlds:
        samples = {
            "c_total": values(5, "total", 2400),
            "g": values(6, "gauge", 2400),
        }
        if world is worlds[1]:
            for held in samples.values():
                random.Random(seed).shuffle(held)
        for name, held in samples.items():
            for low in range(0, len(held), 7):
                world.feed(name, held[low : low + 7])
        world.run_to(2400)
        found.append(dump(world.db))
    assert found[0] == found[1]


@pytest.mark.rule(71)
def test_r71_two_at_once_leave_what_one_leaves(worlds: list[World]) -> None:
    for world in worlds:
        world.feed("c_total", values(7, "total", 4800))
        world.feed("g", values(8, "gauge", 4800))
        world.clock.advance(4800 + world.rollup.settle)
        ready = threading.Barrier(2)
        failed: list[BaseException] = []
        threads = [
            threading.Thread(target=beat, args=(world, ready, failed)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        world.new_engine().beat()
    found = [[dump(world.db)[table] for table in ROLLUPS] for world in worlds]
    assert found[0] == found[1]
    for world in worlds:
        assert world.rows("rollup_minute") == world.truth(0, 4800)
        assert world.rows("rollup_hour") == world.merged_truth(3600, 0, 2760)


def beat(world: World, ready: threading.Barrier, failed: list[BaseException]) -> None:
    """Run an engine with a connection, a directory and a source of its own."""
    db = open_database(world.url)
    directory = SeriesDirectory(db)
    source = ListSource(directory, world.clock, world.source.series)
    engine = Engine(
        source,
        world.history,
        world.rollup,
        QuietReporter(),
        Parts(db, lambda _, job: job(), directory, world.telemetry, world.clock),
    )
    try:
        ready.wait()
        for _ in range(3):
            engine.beat()
    except BaseException as error:  # noqa: BLE001 - told to the test
        failed.append(error)
    finally:
        db.close()
