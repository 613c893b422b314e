"""Echo requests and replies in bulk: packets as rows of arrays (RFC 792, RFC 4443).

Behind the ICMP header of 8 bytes a request holds, in 24 bytes, a nonce, the nonce's
complement, the place of the request among those in flight (low and high half, the low
one's complement), and the complement of the high half and the sequence number. What
varies cancels out in the checksum, which is therefore the same for all requests of a
socket and a size: routers that choose among ways by it see one flow (as Paris
traceroute has it), and it costs nothing. The rest is a pattern.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER: Final = 8
MARK: Final = 24
"""Bytes that tell a request from all others."""
LARGEST: Final = 65507
CHUNK: Final = 128
"""Requests that are built and sent before replies are looked for."""

_ECHO_V4, _REPLY_V4 = 8, 0
_ECHO_V6, _REPLY_V6 = 128, 129

_STEPS: Final = np.arange(CHUNK, dtype=np.uint64) * np.uint64((1 << 48) - (1 << 16))


def reply_type(family: int) -> int:
    """Return the ICMP type of an echo reply."""
    return _REPLY_V4 if family == socket.AF_INET else _REPLY_V6


def request_type(family: int) -> int:
    """Return the ICMP type of an echo request."""
    return _ECHO_V4 if family == socket.AF_INET else _ECHO_V6


def checksum(data: bytes) -> int:
    """Return the Internet checksum of bytes (RFC 1071)."""
    padded = data + b"\0" if len(data) % 2 else data
    total = int(np.frombuffer(padded, ">u2").astype(np.int64).sum())
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(frozen=True, slots=True)
class Marks:
    """What tells one request from another, by row: nonce and place."""

    nonces: NDArray[np.uint64]
    places: NDArray[np.int64]


class Packets:
    """Room for a chunk of requests of one size, written again and again.

    `views` are the packets, to be sent right after `write`.
    """

    def __init__(self, family: int, identifier: int, size: int, pattern: bytes) -> None:
        self.size = size
        stride = -(-(HEADER + size) // 8) * 8
        rows = np.zeros((CHUNK, stride), np.uint8)
        fixed = bytearray(HEADER + size)
        fixed[0] = request_type(family)
        fixed[4:6] = identifier.to_bytes(2, "big")
        fixed[HEADER + MARK :] = pattern[: size - MARK]
        # The kernel knows the addresses that are in the checksum of ICMPv6.
        if family == socket.AF_INET:
            fixed[2:4] = checksum(bytes(fixed)).to_bytes(2, "big")
        rows[:, : HEADER + size] = np.frombuffer(bytes(fixed), np.uint8)
        self._words = rows.view(np.uint64)
        self._places = rows.view(">u8")[:, 3]
        self._sequences = rows.view(">u2")[:, 3]
        self._sequence = 0
        self.views = [row.data[: HEADER + size] for row in rows]

    def write(self, marks: Marks, sequence: int) -> None:
        """Write requests with these marks into the first rows."""
        some = len(marks.places)
        self._words[:some, 1] = marks.nonces
        self._words[:some, 2] = ~marks.nonces
        if sequence != self._sequence:
            self._sequences[:] = self._sequence = sequence
        first, last = int(marks.places[0]), int(marks.places[-1])
        if last - first == some - 1 and first >> 16 == last >> 16:
            # Side by side, so that one step leads from each to the next.
            self._places[:some] = _place_word(first, sequence) + _STEPS[:some]
        else:
            self._places[:some] = [
                _place_word(place, sequence) for place in marks.places.tolist()
            ]


def _place_word(place: int, sequence: int) -> int:
    low, high = place & 0xFFFF, place >> 16
    together = high + sequence
    folded = (together & 0xFFFF) + (together >> 16)
    return low << 48 | high << 32 | (0xFFFF - low) << 16 | (0xFFFF - folded)
