"""Sends the packets of a trace, to all hops at once, and listens for what comes back.

Routers answer only so often: Linux once a second for each asker after a burst of six,
others twice. So the packets for one hop are half a second apart, hops begin one after
the other, and none are sent beyond the destination once it has answered: it would be
asked by all of them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.probes.hops import Hop

if TYPE_CHECKING:
    from exporter.probes.trace_packets import Heard
    from exporter.probes.trace_sockets import Sender
    from runtime.probing.probes import TracerouteProbe

PACE: Final = 0.5
"""Seconds between two packets for the same hop."""
_APART: Final = {"icmp": 0.005, "udp": 0.02}
"""Seconds between two hops; a host is slower to refuse UDP than to answer echoes."""


def longest(settings: TracerouteProbe) -> float:
    """Return how many seconds a trace takes at most."""
    spread = (settings.max_hops - 1) * _APART[settings.protocol]
    return spread + (settings.queries - 1) * PACE + settings.timeout


@dataclass(frozen=True, slots=True)
class _Packet:
    """A packet in flight: for which hop, its place there, and when it left."""

    hop: Hop
    place: int
    sent_ns: int


class Tracing:
    """One trace; `run` does it, `hops` is what it has found so far.

    `nameless` counts the answers that quote too little to tell what they are about.
    Of UDP that is less than 12 bytes behind its header, which RFC 1812 (4.3.2.3) does
    not want, and old routers do; of echo requests the header is enough.
    """

    def __init__(self, sender: Sender, settings: TracerouteProbe) -> None:
        self._sender = sender
        self._settings = settings
        self._apart = _APART[settings.protocol]
        self._loop = asyncio.get_running_loop()
        self._flying: dict[int, _Packet] = {}
        self._news = asyncio.Event()
        self._last_sent = 0.0
        self.end = settings.max_hops
        self.nameless = 0
        self._hops = [Hop(ttl) for ttl in range(1, settings.max_hops + 1)]

    @property
    def hops(self) -> list[Hop]:
        """The hops up to the end."""
        return self._hops[: self.end]

    async def run(self) -> None:
        """Send everything and wait for the answers; raise ProbeFailed."""
        self._loop.add_reader(self._sender.sock, self._listen)
        try:
            await self._send_all()
            await self._answers()
        finally:
            self._loop.remove_reader(self._sender.sock)

    async def _send_all(self) -> None:
        began = self._loop.time()
        plan = sorted(
            (query * PACE + place * self._apart, place)
            for query in range(self._settings.queries)
            for place in range(self._settings.max_hops)
        )
        for number, (due, place) in enumerate(plan, 1):
            if place >= self.end:
                continue
            await asyncio.sleep(max(began + due - self._loop.time(), 0.0))
            if place < self.end:
                self._send(number, self._hops[place])

    def _send(self, number: int, hop: Hop) -> None:
        sent_ns = self._sender.send(number, hop.ttl)
        self._flying[number] = _Packet(hop, len(hop.rtts), sent_ns)
        hop.rtts.append(None)
        self._last_sent = self._loop.time()

    async def _answers(self) -> None:
        until = self._last_sent + self._settings.timeout
        while any(packet.hop.ttl <= self.end for packet in self._flying.values()):
            self._news.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                return

    def _listen(self) -> None:
        for answer, received_ns in self._sender.hear():
            self._note(answer, received_ns)
        self._news.set()

    def _note(self, answer: Heard, received_ns: int) -> None:
        self.nameless += answer.number == 0
        packet = self._flying.pop(answer.number, None)
        if packet is None:
            return  # answered twice
        seconds = max(received_ns - packet.sent_ns, 0) / 1e9
        if seconds > self._settings.timeout:
            return
        hop = packet.hop
        hop.rtts[packet.place] = seconds
        if answer.address not in hop.addresses:
            hop.addresses.append(answer.address)
        hop.arrived |= answer.arrived
        hop.error = hop.error or answer.error
        if hop.ends:
            self.end = min(self.end, hop.ttl)
