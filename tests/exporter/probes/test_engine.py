"""How volleys run: side by side, cut short, held up, and while the clock is set."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.prober.board import Board
from exporter.prober.cells import Cell, Head
from exporter.probes.clocks import Clocks
from exporter.probes.engine import Engine
from exporter.probes.icmp_results import results_of
from exporter.probes.volleys import Volley
from runtime.probing.wire import CLOCK_STEPPED
from tests.exporter.probes.responder import LOSS, Action, Responder
from tests.exporter.probes.volleying import address, fire, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

A, B = "127.7.0.1", "127.7.0.2"


@pytest.fixture(scope="module")
def loopback() -> Iterator[Responder]:
    with Responder() as responder:
        yield responder


def test_volleys_of_several_jobs_run_side_by_side(loopback: Responder) -> None:
    async def go() -> None:
        board = Board.create(1)
        engine = Engine(board)
        slots = [board.claim() for _ in range(300)]
        ips = [address(f"127.7.{n // 100}.{n % 100 + 1}") for n in range(300)]
        some = settings(count=3, spacing="20ms", namespace=loopback.namespace)
        phases = [number / 6000 for number in range(100)]
        found = await asyncio.gather(
            *(
                engine.fire(Volley(ips[at:end], some, phases, slots[at:end]))
                for at, end in ((0, 100), (100, 200), (200, 300))
            )
        )
        assert [result.received.sum() for result in found] == [300, 300, 300]
        rows = board.read().rows
        assert (rows[:, Cell.REPLIES] == 3).all()
        assert rows[:, Cell.BUCKET :].sum() == 900
        assert (rows[:, Cell.LAST_SENT] == 3).all()
        engine.close()

    asyncio.run(go())


def test_a_request_in_flight_is_neither_sent_nor_lost() -> None:
    async def go(namespace: str) -> None:
        board = Board.create(1)
        engine = Engine(board)
        slot = board.claim()
        some = settings(timeout="300ms", namespace=namespace)
        task = asyncio.create_task(
            engine.fire(Volley([address(A)], some, slots=[slot]))
        )
        await asyncio.sleep(0.1)
        assert board.head[Head.IN_FLIGHT] == 1
        assert board.row(slot)[Cell.REQUESTS] == board.row(slot)[Cell.LOST] == 0
        await task
        assert board.head[Head.IN_FLIGHT] == 0
        assert board.row(slot)[Cell.REQUESTS] == board.row(slot)[Cell.LOST] == 1
        engine.close()

    with Responder({A: [LOSS]}) as responder:
        asyncio.run(go(responder.namespace))


def test_a_volley_that_is_cancelled_sends_no_more_and_is_still_accounted_for() -> None:
    async def go(namespace: str) -> None:
        board = Board.create(1)
        engine = Engine(board)
        slot = board.claim()
        some = settings(count=50, spacing="20ms", timeout="100ms", namespace=namespace)
        task = asyncio.create_task(
            engine.fire(Volley([address(A)], some, slots=[slot]))
        )
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.3)
        row = board.row(slot)
        assert 1 <= row[Cell.REQUESTS] == row[Cell.LOST] < 20
        assert board.head[Head.IN_FLIGHT] == 0
        engine.close()

    with Responder({A: [LOSS]}) as responder:
        asyncio.run(go(responder.namespace))


def test_an_engine_that_is_closed_ends_its_volleys_as_aborted() -> None:
    async def go(namespace: str) -> None:
        engine = Engine(Board.create(1))
        volley = Volley([address(A)], settings(timeout="60s", namespace=namespace))
        task = asyncio.create_task(engine.fire(volley))
        await asyncio.sleep(0.05)
        engine.close()
        found = await task
        assert found.aborted
        assert results_of(volley, found, ["a"])[0].reason == "aborted"

    with Responder({A: [LOSS]}) as responder:
        asyncio.run(go(responder.namespace))


def test_what_somebody_waits_for_is_read_as_it_comes(loopback: Responder) -> None:
    async def go() -> None:
        engine = Engine(Board.create(1))
        some = settings(namespace=loopback.namespace, timeout="10s")
        waiting = asyncio.create_task(engine.fire(Volley([address(A)], some)))
        await asyncio.sleep(0)
        # There is no tick but the one that sends.
        engine._wake = lambda: None  # type: ignore[method-assign]
        found = await asyncio.wait_for(waiting, 5)
        assert found.received.tolist() == [1]
        assert not engine._watch._watched
        engine.close()

    asyncio.run(go())


def test_a_volley_whose_socket_is_opened_anew_meanwhile_ends(
    loopback: Responder,
) -> None:
    async def go() -> None:
        board = Board.create(1)
        engine = Engine(board)
        first, other = (
            settings(ttl=ttl, timeout="100ms", namespace=loopback.namespace)
            for ttl in (64, 65)
        )
        targets = [address(A), address(B)]
        slots = [board.claim() for _ in targets]
        long = asyncio.create_task(engine.fire(Volley(targets, first, (0, 0.1), slots)))
        await engine.fire(Volley(targets[:1], other, (0.03,)))
        for port in engine._harbour.ports:
            port.is_stale = True
        again = await engine.fire(Volley(targets, other))
        assert again.received.tolist() == [1, 1]
        found = await asyncio.wait_for(long, 5)
        assert found.send_errors == {(1, "EBADF"): 1}
        assert found.sent.tolist() == [1, 0]
        assert board.head[Head.IN_FLIGHT] == 0
        assert board.read().rows[:, Cell.SEND_ERRORS].tolist() == [0, 1]
        engine.close()

    asyncio.run(go())


def test_a_loop_that_was_held_up_loses_nothing_that_came_in_time() -> None:
    async def go(namespace: str) -> None:
        engine = Engine(Board.create(1))
        some = settings(timeout="200ms", namespace=namespace)
        volley = Volley([address(A), address(B)], some)
        task = asyncio.create_task(engine.fire(volley))
        await asyncio.sleep(0.03)
        time.sleep(0.6)  # noqa: ASYNC251 - a loop that is held up is what is meant
        found = await task
        assert found.received.tolist() == [1, 0]
        assert found.late.tolist() == [0, 1]
        assert found.stamp_error > 0.3
        engine.close()

    with Responder({A: [Action(0.1)], B: [Action(0.3)]}) as responder:
        asyncio.run(go(responder.namespace))


@pytest.mark.parametrize("step", [-3600, 3600])
def test_a_clock_that_is_set_marks_what_is_measured_then_and_bends_nothing(
    step: int,
) -> None:
    async def go(namespace: str) -> None:
        shift = 0
        board = Board.create(1)
        # To the engine the kernel's stamps are those of a clock that was set.
        clocks = Clocks(lambda: time.time_ns() - shift)
        engine = Engine(board, clocks=clocks)
        volley = Volley(
            [address(A), address(B)], settings(timeout="1s", namespace=namespace)
        )
        shift = step * 10**9
        task = asyncio.create_task(engine.fire(volley))
        await asyncio.sleep(0.05)
        shift = 0
        found = await task
        assert found.stepped
        assert found.received.tolist() == [1, 1]
        assert (found.rtts > 90_000_000).all()
        assert (found.rtts < 800_000_000).all()
        assert results_of(volley, found, ["a", "b"])[0].marks == (CLOCK_STEPPED,)
        assert board.head[Head.CLOCK_STEPS] >= 1
        engine.close()

    with Responder({A: [Action(0.1)], B: [Action(0.2)]}) as responder:
        asyncio.run(go(responder.namespace))


def test_phases_spread_the_targets() -> None:
    ips = [f"127.7.1.{number}" for number in range(1, 6)]
    with Responder({"*": [Action()]}) as responder:
        probe = settings(namespace=responder.namespace)
        fire(ips, probe, phases=[0.2, 0.1, 0.3, 0.0, 0.05])
        order = [answer.destination for answer in responder.stop()]
    assert order == [ips[3], ips[4], ips[1], ips[0], ips[2]]


def test_flat_out_nothing_is_lost(loopback: Responder) -> None:
    ips = [f"127.8.{n // 200}.{n % 200 + 1}" for n in range(1000)]
    probe = settings(count=10, spacing="1ms", namespace=loopback.namespace)
    fired = fire(ips, probe)
    assert fired.volley.received.sum() == 10_000
    assert fired.volley.reordered.sum() == 0
    assert fired.head["DROPPED"] == 0


def test_jitter_on_the_board_goes_on_from_volley_to_volley() -> None:
    async def go(namespace: str) -> list[int]:
        board = Board.create(1)
        engine = Engine(board)
        slot = board.claim()
        jitters = []
        for _ in range(3):
            volley = Volley([address(A)], settings(namespace=namespace), slots=[slot])
            found = await engine.fire(volley)
            assert board.row(slot)[Cell.LAST_RTT_NS] == found.rtts[0, 0]
            jitters.append(int(board.row(slot)[Cell.LAST_JITTER_NS]))
        engine.close()
        return jitters

    with Responder({A: [Action(), Action(0.05)]}) as responder:
        first, *others = asyncio.run(go(responder.namespace))
    assert first == -1
    assert np.array(others).min() > 20_000_000
