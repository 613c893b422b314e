from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.rollup.rows import Flag, Rows
from bridge.rollup.windows import Window
from tests.bridge.rollup.world import BEGIN, World
from tests.models.statements import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bridge.rollup.reader import Reader


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.feed("a_total", [(1000 * second, second) for second in range(0, 301, 15)])
    yield made
    made.db.close()


def reader(world: World) -> Reader:
    return world.engine._reader


def increase(rows: list[Rows]) -> list[float]:
    found: list[float] = Rows.join(rows).increase.tolist()
    return found


def test_a_window_goes_on_from_the_one_before_without_asking_the_table(
    world: World,
) -> None:
    world.run_to(120)
    reading, tail = reader(world).read(Window(BEGIN + 120))
    assert increase(reading.rows) == [60.0]
    reader(world).advance(Window(BEGIN + 120), tail, reading)
    with counted(world.db) as said:
        reading, _ = reader(world).read(Window(BEGIN + 180))
    assert increase(reading.rows) == [60.0]
    assert not any("last_offset" in way for way in said.ways())


def test_what_was_learnt_is_forgotten_when_rows_of_the_past_change(
    world: World,
) -> None:
    world.run_to(120)
    world.db.execute_sql("UPDATE rollup_minute SET last = 100 WHERE last = 105")
    reader(world).forget()
    reading, _ = reader(world).read(Window(BEGIN + 120))
    assert increase(reading.rows) == [65.0]


def test_a_finished_window_is_computed_once_more_as_it_was(world: World) -> None:
    world.run_to(240)
    again = Rows.join(reader(world).reread(Window(BEGIN + 120)).rows)
    assert again.increase.tolist() == [60.0]
    assert again.flags.tolist() == [0]
    first = Rows.join(reader(world).reread(Window(BEGIN)).rows)
    assert first.flags.tolist() == [Flag.BASELINE]


def test_part_of_a_source_is_read_with_the_look_back_for_its_first_window(
    world: World,
) -> None:
    world.run_to(240)
    reader(world).read_part(world.source, Window(BEGIN + 120), first=True)
    reader(world).read_part(world.source, Window(BEGIN + 120), first=False)
    since = [start - BEGIN * 1000 for start, _ in world.source.reads[-2:]]
    assert since == [120_000 - 300_000, 120_000]
