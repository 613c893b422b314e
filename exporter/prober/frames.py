"""Messages as they are sent: their length, four bytes, and msgpack."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.prober.messages import FromProber, ToProber

T = TypeVar("T")

LONGEST: Final = 256 * 2**20
"""Bytes of a message; a longer one means that the two do not understand each other."""

_HEAD: Final = struct.Struct("!I")


class TieError(Exception):
    """What came over the tie is no message."""


class Frames(Generic[T]):
    """Finds messages in what arrives, whatever pieces it comes in."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._waiting = bytearray()

    def feed(self, piece: bytes) -> Iterator[T]:
        """Yield the messages that a piece completes; raises TieError."""
        self._waiting += piece
        while len(self._waiting) >= _HEAD.size:
            (length,) = _HEAD.unpack_from(self._waiting)
            if length > LONGEST:
                raise TieError(f"a message of {length} bytes is too long")
            end = _HEAD.size + length
            if len(self._waiting) < end:
                return
            body = bytes(memoryview(self._waiting)[_HEAD.size : end])
            del self._waiting[:end]
            try:
                yield self._decoder.decode(body)
            except msgspec.DecodeError as error:
                raise TieError(f"a message cannot be read: {error}") from error


def frame(message: ToProber | FromProber) -> bytes:
    """Return a message as it is sent."""
    body = msgspec.msgpack.encode(message)
    return _HEAD.pack(len(body)) + body
