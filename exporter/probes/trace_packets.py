"""What a trace sends, and how it knows an answer for one of its own.

All packets of a trace are of one flow, so that routers that share load by flow send
them the same way (as Paris traceroute has it): ICMP type, code, checksum and identifier
stay the same, or the ports of UDP. They differ in a number, from 1 on, which is the
sequence number of an echo request and stands in the payload as well, beside its
complement, which keeps the checksum as it is. In front of it is the trace's own nonce.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final

from exporter.prober.cells import Cell
from exporter.probes.echo import HEADER, checksum, reply_type, request_type
from exporter.probes.icmp_errors import name_of

NONCE: Final = 8
PORT: Final = 33434
"""Where UDP goes: the first port of traceroute, at which nobody should listen."""
_PAYLOAD: Final = 32
_NUMBERS: Final = struct.Struct(">HH")
_V6_HEADER: Final = 40
_PORT_UNREACHABLE: Final = {(socket.AF_INET, 3, 3), (socket.AF_INET6, 1, 4)}


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: the number of what it is about, who sent it, and what it says.

    The number is 0 where so little of a packet is quoted that it cannot be told.
    `error` is the name of an ICMP error that ends the trace, '' for `TTL exceeded` and
    for an answer of the destination itself, which has `arrived`.
    """

    number: int
    address: str
    arrived: bool
    error: str = ""


def payload(nonce: bytes, number: int) -> bytes:
    """Return what follows the header of a packet."""
    told = nonce + _NUMBERS.pack(number, 0xFFFF - number)
    return told.ljust(_PAYLOAD, b"\0")


def echo(family: int, identifier: int, nonce: bytes, number: int) -> bytes:
    """Return an echo request; its checksum is the same for every number."""
    body = payload(nonce, number)
    head = struct.pack(">BBHHH", request_type(family), 0, 0, identifier, number)
    # The kernel knows the addresses that are in the checksum of ICMPv6. The number is
    # in there twice, and its complement once: what is needed beyond it is the same.
    balance = _PAYLOAD - 2
    body = body[:balance] + (0xFFFF - number).to_bytes(2, "big")
    if family == socket.AF_INET:
        sum_of_all = checksum(head + body)
        head = head[:2] + sum_of_all.to_bytes(2, "big") + head[4:]
    return head + body


def number_in(content: bytes, nonce: bytes) -> int | None:
    """Return the number in a payload of this trace, None if it is none."""
    end = NONCE + _NUMBERS.size
    if len(content) < end or content[:NONCE] != nonce:
        return None
    number, complement = _NUMBERS.unpack_from(content, NONCE)
    return int(number) if number + complement == 0xFFFF else None  # noqa: PLR2004


def reply(family: int, packet: bytes, nonce: bytes) -> int | None:
    """Return the number that an echo reply is for; `packet` begins at its header."""
    if len(packet) < HEADER or packet[0] != reply_type(family):
        return None
    return number_in(packet[HEADER:], nonce)


def quoted(
    family: int, packet: bytes, destination: bytes, identifier: int
) -> int | None:
    """Return the number of the echo request that an ICMP error quotes.

    Routers may quote no more than the request's own header, which is enough.
    """
    inner = packet[HEADER:]
    if family == socket.AF_INET:
        start = (inner[0] & 15) * 4 if inner else 0
        told, protocol = inner[16:20], inner[9:10]
        right = bytes([socket.IPPROTO_ICMP])
    else:
        start = _V6_HEADER
        told, protocol = inner[24:40], inner[6:7]
        right = bytes([socket.IPPROTO_ICMPV6])
    request = inner[start : start + HEADER]
    if protocol != right or told != destination:
        return None
    if request[4:6] != identifier.to_bytes(2, "big"):
        return None
    return sequence(family, request)


def sequence(family: int, request: bytes) -> int | None:
    """Return the number of an echo request that begins here; None if it is none."""
    if len(request) < HEADER or request[0] != request_type(family):
        return None
    return int.from_bytes(request[6:8], "big")


def heard(
    family: int, error: tuple[int, int], number: int, address: str, target: str
) -> Heard | None:
    """Return what an ICMP error, type and code, says; None for what is none."""
    try:
        name, cell = name_of(family, *error)
    except ValueError:
        return None
    if cell is Cell.TTL_EXCEEDED:
        return Heard(number, address, arrived=False)
    at_target = address == target
    if at_target and (family, *error) in _PORT_UNREACHABLE:
        return Heard(number, address, arrived=True)
    return Heard(number, address, arrived=False, error=name)
