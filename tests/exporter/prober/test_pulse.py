from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from exporter.prober import pulse
from exporter.prober.board import Board
from exporter.prober.cells import Head
from exporter.prober.pulse import Pulse
from exporter.prober.starvation import Starvation
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def board() -> Board:
    return Board.create(1)


@pytest.fixture
def beating(clock: FakeClock, board: Board, tmp_path: Path) -> Pulse:
    return Pulse(clock, board, Starvation(clock, str(tmp_path), 50))


def test_lag_stands_on_the_board_once_a_second(beating: Pulse, board: Board) -> None:
    for _ in range(99):
        beating.note(0.0)
    assert sum(board.read().histogram(Head.LAG).counts) == 0
    beating.note(0.5)
    found = board.read()
    assert sum(found.histogram(Head.LAG).counts) == 100
    assert found.histogram(Head.LAG).total == pytest.approx(0.5)
    assert found.head[Head.BEATS] == 100


def test_a_loop_that_is_late_starves(beating: Pulse, clock: FakeClock) -> None:
    beating._starvation.sample()
    began = clock.monotonic()
    clock.advance(1.0)
    beating.note(0.4)
    assert beating.starved_since(began) is False
    beating.note(0.2)
    assert beating.starved_since(began) is True


def test_a_clock_that_is_set_is_noticed(beating: Pulse, clock: FakeClock) -> None:
    clock.advance(1.0)
    before = clock.monotonic()
    assert beating.stepped_since(before) is False
    clock._now += 0.5
    assert beating.stepped_since(before) is True  # even before the next beat
    beating.note(0.0)
    assert beating.stepped_since(before) is True
    clock.advance(1.0)
    beating.note(0.0)
    assert beating.stepped_since(clock.monotonic()) is False
    assert beating.stepped_since(before) is True


def test_a_clock_that_is_slewed_is_not_set(beating: Pulse, clock: FakeClock) -> None:
    for _ in range(1000):
        clock.advance(0.01)
        clock._now += 0.000_005  # the most that Linux slews: 500 ppm
        beating.note(0.0)
    assert beating.stepped_since(0.0) is False


def test_it_beats(beating: Pulse) -> None:
    async def body() -> None:
        task = asyncio.create_task(beating.beat())
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(body())
    assert beating._late


@pytest.fixture
def garbage() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_garbage_is_looked_for_at_quiet_times_only(garbage: None) -> None:
    pulse.settle_down()
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0
    collected: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            collected.append(info["generation"])

    gc.callbacks.append(note)
    try:
        for second in range(1, 61):
            pulse.tidy(second)
    finally:
        gc.callbacks.remove(note)
    assert collected == [0] * 11 + [2]
