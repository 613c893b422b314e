"""ICMP errors about requests: what they are called, and which request they are about.

Raw sockets receive the messages, which quote the packet that they are about (RFC 792,
RFC 4443); datagram sockets have them in their error queue, with what was sent.
"""

from __future__ import annotations

import functools
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from icmplib import ICMPError, ICMPReply, TimeExceeded

from exporter.prober.cells import Cell
from exporter.probes.echo import HEADER, MARK, request_type
from exporter.probes.icmp_sockets import IP_RECVERR, IPV6_RECVERR

if TYPE_CHECKING:
    from exporter.probes.reading import Batch

TOO_BIG: Final = "Packet too big"
FRAGMENTATION_NEEDED: Final = "Fragmentation needed and DF set"
_ORIGINS: Final = {2, 3}  # SO_EE_ORIGIN_ICMP and _ICMP6
_UNSPOKEN: Final[dict[tuple[int, int], str]] = {
    (socket.AF_INET6, 2): TOO_BIG,
    (socket.AF_INET6, 4): "Parameter problem",
    (socket.AF_INET, 12): "Parameter problem",
}
# Unreachable, time exceeded, parameter problem, and too big. Others come as well, as
# redirects do, but tell nothing about what became of the packet.
_ERRORS: Final[dict[int, set[int]]] = {
    socket.AF_INET: {3, 11, 12},
    socket.AF_INET6: {1, 2, 3, 4},
}
_V4_ADDRESS: Final = slice(16, 20)
_V6_ADDRESS: Final = slice(24, 40)
_V6_HEADER: Final = 40


@dataclass(frozen=True, slots=True)
class Told:
    """An ICMP error: its name, what it counts as, and what it quotes.

    `quoted` begins with the ICMP header of the request, `destination` is where that was
    going. Routers may quote no more than that header.
    """

    name: str
    cell: Cell
    destination: bytes
    quoted: bytes

    @property
    def identifier(self) -> int:
        """The identifier of the request."""
        return int.from_bytes(self.quoted[4:6], "big")

    @property
    def sequence(self) -> int:
        """The sequence number of the request."""
        return int.from_bytes(self.quoted[6:8], "big")

    @property
    def place_and_nonce(self) -> tuple[int, int] | None:
        """Where the request is among the flights, None if that much is not quoted."""
        if len(self.quoted) < HEADER + MARK:
            return None
        low, high = struct.unpack_from(">HH", self.quoted, HEADER + 16)
        return high << 16 | low, int.from_bytes(self.quoted[8:16], "little")


@functools.lru_cache(maxsize=256)
def name_of(family: int, kind: int, code: int) -> tuple[str, Cell]:
    """Return what an error is called, in icmplib's words, and what it counts as."""
    reply = ICMPReply(
        source="",
        family=4 if family == socket.AF_INET else 6,
        id=0,
        sequence=0,
        type=kind,
        code=code,
        bytes_received=0,
        time=0.0,
    )
    try:
        reply.raise_for_status()
    except TimeExceeded as error:
        return str(error), Cell.TTL_EXCEEDED
    except ICMPError as error:
        return _UNSPOKEN.get((family, kind), str(error)), Cell.UNREACHABLE
    raise ValueError(f"ICMP type {kind} is no error")


def from_packet(family: int, message: bytes) -> Told | None:
    """Return what an ICMP message tells, None if it is not about an echo request."""
    packet = message[HEADER:]
    if family == socket.AF_INET:
        start = (packet[0] & 15) * 4 if packet else 0
        destination, protocol = packet[_V4_ADDRESS], packet[9:10]
        is_icmp = protocol == bytes([socket.IPPROTO_ICMP])
    else:
        start = _V6_HEADER
        destination, protocol = packet[_V6_ADDRESS], packet[6:7]
        is_icmp = protocol == bytes([socket.IPPROTO_ICMPV6])
    quoted = packet[start:]
    if not is_icmp or len(quoted) < HEADER or quoted[0] != request_type(family):
        return None
    name, cell = name_of(family, message[0], message[1])
    return Told(name, cell, destination, quoted)


def from_queue(family: int, batch: Batch, row: int) -> Told | None:
    """Return what an entry of an error queue tells, None if it is no ICMP error."""
    level, kind, address = (
        (socket.IPPROTO_IP, IP_RECVERR, slice(4, 8))
        if family == socket.AF_INET
        else (socket.IPPROTO_IPV6, IPV6_RECVERR, slice(8, 24))
    )
    for its_level, its_kind, at, _ in batch.messages(row):
        if (its_level, its_kind) != (level, kind):
            continue
        # struct sock_extended_err: errno, origin, type, code.
        origin, its_type, code = batch.control[row, at + 4 : at + 7].tolist()
        if origin not in _ORIGINS or its_type not in _ERRORS[family]:
            return None
        name, cell = name_of(family, its_type, code)
        quoted = batch.data[row, : min(int(batch.sizes[row]), HEADER + MARK)]
        destination = batch.names[row, address].tobytes()
        return Told(name, cell, destination, quoted.tobytes())
    return None
