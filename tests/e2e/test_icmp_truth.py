"""What echo requests measure is what happened, by the account of who answered them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from exporter.prober.board import Board
from exporter.prober.cells import Cell, Head
from exporter.probes.base import Address
from exporter.probes.engine import Engine
from exporter.probes.volleys import Volley
from runtime.probing.probes import IcmpProbe
from tests.exporter.probes.responder import LOSS, Action, Responder

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.probes.volleys import VolleyResult
    from tests.exporter.probes.responder import Answered

COUNT = 20
DESTINATIONS = 200
TIMEOUT = 2.0
# Longer than the time between two requests, and shorter than the timeout.
OVERTAKEN = Action(1.5)
LATE = Action(2.4)
NORMAL = Action(0.010)
ACTIONS: list[list[Action]] = [
    [NORMAL],
    [Action(0.001), Action(0.020)],
    [NORMAL, NORMAL, NORMAL, LOSS],
    [NORMAL, Action(0.010, copies=2)],
    [NORMAL, NORMAL, NORMAL, NORMAL, LATE],
    [OVERTAKEN, NORMAL, NORMAL, NORMAL],
    [NORMAL, Action(0.010, damage=40)],
    [NORMAL, Action(0.010, source="127.3.255.255")],
    [NORMAL, Action(0.010, error=(3, 1))],
    [LOSS],
]


def address(number: int) -> str:
    return f"127.3.{number // 100}.{number % 100 + 1}"


RULES = {address(n): ACTIONS[n % len(ACTIONS)] for n in range(DESTINATIONS)}


def happened(actions: list[Action]) -> Counter[Cell]:
    """Count what the rules say of a destination's requests."""
    counted: Counter[Cell] = Counter()
    for number in range(COUNT):
        action = actions[number % len(actions)]
        cells: dict[Callable[[Action], Any], Cell] = {
            lambda it: it.error: Cell.UNREACHABLE,
            lambda it: it.copies == 0 or it.source or it.damage >= 0: Cell.LOST,
            lambda it: it.delay > TIMEOUT: Cell.LOST,
        }
        which = next((cell for is_so, cell in cells.items() if is_so(action)), None)
        counted[which or Cell.REPLIES] += 1
        counted[Cell.REQUESTS] += 1
        counted[Cell.DUPLICATES] += max(action.copies - 1, 0)
        counted[Cell.LATE] += action.delay > TIMEOUT
        counted[Cell.CORRUPT] += action.damage >= 0
        counted[Cell.WRONG_SOURCE] += bool(action.source)
        # The last of all has none behind it that could overtake.
        counted[Cell.REORDERED] += action is OVERTAKEN and number + 1 < COUNT
    return +counted


def fire(kind: Any) -> tuple[VolleyResult, np.ndarray, int, list[Answered]]:
    async def go(namespace: str) -> tuple[VolleyResult, np.ndarray, int]:
        board = Board.create(DESTINATIONS)
        engine = Engine(board, sockets=kind)
        settings = IcmpProbe.model_validate(
            {
                "name": "truth",
                "kind": "icmp",
                "count": COUNT,
                "spacing": "1s",
                "timeout": "2s",
                "namespace": namespace,
            }
        )
        targets = [Address(2, ip) for ip in RULES]
        phases = [number / DESTINATIONS for number in range(DESTINATIONS)]
        slots = [board.claim() for _ in targets]
        found = await engine.fire(Volley(targets, settings, phases, slots))
        # Replies to the last requests that come late are looked for by others' ticks.
        await asyncio.sleep(1)
        await engine.fire(
            Volley(
                [Address(2, "127.3.9.9")],
                settings.model_copy(update={"count": 1, "timeout": 0.1}),
            )
        )
        snapshot = board.read()
        engine.close()
        return found, snapshot.rows, int(snapshot.head[Head.DROPPED])

    with Responder(RULES) as responder:
        found, rows, dropped = asyncio.run(go(responder.namespace))
        return found, rows, dropped, responder.stop()


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["raw", "datagram"])
def test_times_and_classes_are_those_of_the_responder(
    kind: str, record_property: Callable[[str, object], None]
) -> None:
    found, rows, dropped, answers = fire(kind)

    assert dropped == 0
    for number, actions in enumerate(RULES.values()):
        counted = Counter({cell: int(rows[number, cell]) for cell in list(Cell)[:11]})
        assert +counted == happened(actions), (number, actions)

    # Each round trip against its own truth: from the kernel's stamp of the request at
    # the responder until just before its answer was sent. A machine that is busy delays
    # single ones between a stamp and what it stamps, never most of them.
    truths: dict[tuple[str, int], float] = {}
    for answer in answers:
        truths.setdefault((answer.destination, answer.sequence), answer.seconds)
    errors = np.array(
        [
            found.rtts[number, sequence] / 1e9 - truths[ip, sequence]
            for number, ip in enumerate(RULES)
            for sequence in range(COUNT)
            if found.rtts[number, sequence] >= 0
        ]
    )
    assert len(errors) == rows[:, Cell.REPLIES].sum()
    assert np.median(np.abs(errors)) < 0.0003
    assert errors.min() > -0.0003
    p50, p99 = (np.percentile(np.abs(errors), [50, 99]) * 1e6).tolist()
    record_property("error of round-trip times, p50, us", round(p50, 1))
    record_property("error of round-trip times, p99, us", round(p99, 1))
