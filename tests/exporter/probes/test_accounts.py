"""The order of replies, against the obvious way to look at it."""

from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.prober.board import Board
from exporter.prober.cells import Cell
from exporter.probes.accounts import Accounts, Run
from exporter.probes.flights import Flights, State
from exporter.probes.volleys import Volley, VolleyResult
from tests.exporter.probes.volleying import address, settings

TARGETS, COUNT = 3, 5
EVERY = [(target, sequence) for target in range(TARGETS) for sequence in range(COUNT)]


def obvious(order: list[tuple[int, int]]) -> list[int]:
    highest, reordered = [-1] * TARGETS, [0] * TARGETS
    for target, sequence in order:
        reordered[target] += sequence < highest[target]
        highest[target] = max(highest[target], sequence)
    return reordered


def begin() -> tuple[Accounts, Run, list[int]]:
    board, flights = Board.create(1), Flights()
    accounts = Accounts(board, flights)
    slots = [board.claim() for _ in range(TARGETS)]
    volley = Volley([address("192.0.2.1")] * TARGETS, settings(count=COUNT))
    loop = asyncio.new_event_loop()
    result = VolleyResult.empty(TARGETS, COUNT, 0)
    run = Run(1, volley, result, loop.create_future(), np.array(slots), len(EVERY), 0)
    loop.close()
    accounts.runs[1] = run
    reserved = flights.reserve(len(EVERY), 0)
    assert reserved is not None
    flights.volley[reserved.rows] = 1
    flights.target[reserved.rows] = [target for target, _ in EVERY]
    flights.sequence[reserved.rows] = [sequence for _, sequence in EVERY]
    flights.slot[reserved.rows] = [slots[target] for target, _ in EVERY]
    accounts.departed(reserved.rows)
    return accounts, run, slots


@given(st.permutations(EVERY), st.lists(st.integers(1, 6), min_size=15, max_size=15))
def test_replies_that_were_overtaken_are_counted_however_they_are_read(
    order: list[tuple[int, int]], sizes: list[int]
) -> None:
    accounts, run, slots = begin()
    left = [EVERY.index(one) for one in order]
    for size in sizes:
        rows, left = np.array(left[:size], np.int64), left[size:]
        if rows.size:
            accounts.answered(rows, rows + 1, np.full(rows.size, 64))
    assert run.result.reordered.tolist() == obvious(order)
    counted = accounts.board.read().rows[slots, Cell.REORDERED]
    assert counted.tolist() == obvious(order)
    assert accounts.take_ended() == [run]
    assert run.result.rtts.ravel().tolist() == list(range(1, len(EVERY) + 1))


def test_a_request_is_lost_once() -> None:
    accounts, run, slots = begin()
    rows = np.arange(len(EVERY))
    accounts.answered(rows[:5], rows[:5], rows[:5])
    accounts.timed_out(rows)
    accounts.timed_out(rows)
    assert accounts.board.read().rows[slots, Cell.LOST].tolist() == [0, 5, 5]
    assert accounts.take_ended() == [run]
    assert (accounts.flights.state[rows[5:]] == State.LOST).all()


def test_requests_for_which_there_was_no_room_are_not_sent() -> None:
    accounts, run, slots = begin()
    accounts.refused(run, np.array([0, 2]), "ENOBUFS")
    assert run.result.send_errors == {(0, "ENOBUFS"): 1, (2, "ENOBUFS"): 1}
    assert accounts.board.read().rows[slots, Cell.SEND_ERRORS].tolist() == [1, 0, 1]
