"""Fires volleys in the namespace of a responder, for tests."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.prober.board import Board
from exporter.prober.cells import Cell, Head
from exporter.probes.base import Address
from exporter.probes.engine import Engine
from exporter.probes.icmp_results import results_of
from exporter.probes.volleys import Volley, VolleyResult
from runtime.probing.probes import IcmpProbe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.probing.wire import Result

KINDS = ["raw", "datagram"]


def settings(**some: Any) -> IcmpProbe:
    """Return settings as they are written."""
    return IcmpProbe.model_validate({"name": "ping", "kind": "icmp", **some})


def address(ip: str) -> Address:
    return Address(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)


@dataclass
class Fired:
    """What came of a volley: the result, each target's, the rows on the board."""

    volley: VolleyResult
    results: list[Result]
    rows: list[dict[str, int]]
    head: dict[str, int]
    sockets: dict[tuple[int, str], int]


def fire(
    ips: Sequence[str],
    probe: IcmpProbe,
    *,
    linger: float = 0.0,
    phases: Sequence[float] = (),
    **engine: Any,
) -> Fired:
    """Fire a volley on an engine of its own; go on for a while to see what is late."""

    async def go() -> Fired:
        board = Board.create(1)
        made = Engine(board, **engine)
        targets = [address(ip) for ip in ips]
        volley = Volley(targets, probe, phases, [board.claim() for _ in targets])
        try:
            found = await made.fire(volley)
            if linger:
                # What came meanwhile is read with the next volley.
                await asyncio.sleep(linger)
                again = probe.model_copy(update={"count": 1, "timeout": 0.01})
                await made.fire(Volley(targets[:1], again))
            snapshot = board.read()
            return Fired(
                found,
                results_of(volley, found, list(ips)),
                [
                    {cell.name: int(row[cell]) for cell in list(Cell)[:11] if row[cell]}
                    for row in snapshot.rows
                ],
                {cell.name: int(snapshot.head[cell]) for cell in Head},
                made.sockets,
            )
        finally:
            made.close()

    return asyncio.run(go())
