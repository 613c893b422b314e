"""A salvo: the same request of a volley to all of its targets of one port, in order."""

from __future__ import annotations

import functools
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from exporter.probes.answers import pair
from exporter.probes.base import ProbeFailed
from exporter.probes.flights import Aim
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from exporter.probes.accounts import Run
    from exporter.probes.base import Address
    from exporter.probes.ports import Port, SocketAddress

    Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Aims:
    """Targets of one port in the order of their phases, as columns.

    `phases` are in ns, `rows` what is written into the flights of each.
    """

    phases: Numbers
    addresses: Sequence[SocketAddress]
    rows: Numbers


@dataclass(slots=True)
class Salvo:
    """One request to each of the aims, `sequence` of the volley; `next` is unsent.

    `start` is when phases begin, in ns of the monotonic clock.
    """

    run: Run
    port: Port
    aims: Aims
    start: int
    sequence: int = 0
    next: int = 0

    def due(self, now: int) -> int:
        """Return before which of the aims all is due."""
        return int(np.searchsorted(self.aims.phases, now - self.start, side="right"))

    def following(self) -> Salvo | None:
        """Return the salvo after this one, None if this is the volley's last."""
        settings = self.run.volley.settings
        if self.sequence + 1 == settings.count:
            return None
        start = self.start + round(settings.spacing * 1e9)
        return Salvo(self.run, self.port, self.aims, start, self.sequence + 1)

    def when(self) -> int:
        """Return when the next request is due, in ns of the monotonic clock."""
        return self.start + int(self.aims.phases[self.next])


def aim(run: Run, numbers: Numbers, phases: NDArray[np.float64]) -> Aims | None:
    """Return the targets with these numbers as aims, None if there are none.

    What is no address, or has the scope of an interface that is not there, is refused
    in the run's result. An IPv6 address may have a scope, as in `fe80::1%eth0`.
    """
    order = numbers[np.argsort(phases[numbers], kind="stable")]
    aimed, refused = [], []
    for number in order.tolist():
        target = run.volley.targets[number]
        try:
            aimed.append(_aimed(target))
        except (OSError, ValueError) as error:
            problem = f"nothing can be sent to {target.ip}: {error}"
            run.result.refused[number] = ProbeFailed(Reason.WRONG_SETTINGS, problem)
            refused.append(number)
    if not aimed:
        return None
    order = order[~np.isin(order, refused)]
    addresses, highs, lows, many = zip(*aimed, strict=True)
    settings = run.volley.settings
    rows = np.empty((len(order), len(Aim)), np.int64)
    rows[:, Aim.HIGH] = np.array(highs, np.uint64).view(np.int64)
    rows[:, Aim.LOW] = np.array(lows, np.uint64).view(np.int64)
    rows[:, Aim.ANY_SOURCE] = many
    rows[:, Aim.TIMEOUT] = round(settings.timeout * 1e9)
    rows[:, Aim.VOLLEY] = run.number
    rows[:, Aim.TARGET] = order
    rows[:, Aim.SLOT] = run.slots[order]
    rows[:, Aim.SIZE] = settings.size
    return Aims((phases[order] * 1e9).astype(np.int64), addresses, rows)


@functools.lru_cache(maxsize=2**16)
def _aimed(address: Address) -> tuple[SocketAddress, int, int, bool]:
    # The same targets come again with every volley, and parsing costs more than a ping.
    parsed = ipaddress.ip_address(address.ip)
    high, low = pair(parsed.packed)
    many = parsed.is_multicast or parsed == ipaddress.IPv4Address("255.255.255.255")
    return _socket_address(address), high, low, many


def _socket_address(address: Address) -> SocketAddress:
    if address.family == socket.AF_INET:
        return (address.ip, 0)
    ip, _, scope = address.ip.partition("%")
    if not scope:
        return (ip, 0, 0, 0)
    return (ip, 0, 0, int(scope) if scope.isdigit() else socket.if_nametoindex(scope))
