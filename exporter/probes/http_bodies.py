"""Reads bodies within bounds, on the wire and unpacked."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason
from runtime.quantities import format_size

if TYPE_CHECKING:
    from exporter.probes.http_hops import Answer

_PIECE: Final = 256 * 1024
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS
"""gzip or zlib, whichever it is; `deflate` without a header is asked for apart."""


@dataclass(slots=True)
class Body:
    """What was read: bytes on the wire, bytes unpacked, and the content if kept."""

    keep: bool
    wire: int = 0
    unpacked: int = 0
    content: bytearray = field(default_factory=bytearray)

    def add(self, piece: bytes, limit: int) -> None:
        """Take a piece in; raise ProbeFailed with TOO_LARGE."""
        self.unpacked += len(piece)
        refuse_larger(self.unpacked, limit)
        if self.keep:
            self.content += piece


def refuse_larger(size: int, limit: int) -> None:
    """Raise ProbeFailed with TOO_LARGE where a body is larger than the limit."""
    if size > limit:
        raise ProbeFailed(
            Reason.TOO_LARGE, f"the body is larger than {format_size(limit)} (max_body)"
        )


async def read(answer: Answer, body: Body, limit: int, *, unpack: bool) -> None:
    """Read a body up to its end; raise ProbeFailed.

    The limit is of the bytes on the wire and of those unpacked.
    """
    unpacking = _unpacking(answer) if unpack else None
    async for chunk in answer.response.aiter_stream():
        body.wire += len(chunk)
        refuse_larger(body.wire, limit)
        if unpacking is None:
            body.add(chunk, limit)
        else:
            await unpacking.feed(chunk, body, limit)
    if unpacking is not None and body.wire:
        unpacking.refuse_incomplete()


def _unpacking(answer: Answer) -> _Unpacking | None:
    coding = ", ".join(
        one.decode("latin-1") for one in answer.values("Content-Encoding")
    )
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        return None
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise ProbeFailed(
            Reason.PROTOCOL_ERROR,
            f"the body is packed as {coding[:40]!r}, which was not asked for",
        )
    return _Unpacking()


class _Unpacking:
    """Unpacks gzip of one or more members, zlib, and deflate without a header."""

    def __init__(self) -> None:
        self._packed = zlib.decompressobj(_ANY_HEADER)
        self._begun = False

    async def feed(self, chunk: bytes, body: Body, limit: int) -> None:
        """Unpack a chunk piece by piece, so that a bomb is found out early."""
        while chunk:
            piece = self._unpack(chunk)
            chunk = self._packed.unconsumed_tail
            if self._packed.eof:
                chunk = self._packed.unused_data
                if chunk:
                    self._packed = zlib.decompressobj(_ANY_HEADER)
            body.add(piece, limit)
            await asyncio.sleep(0)

    def refuse_incomplete(self) -> None:
        """Raise ProbeFailed where the end is missing."""
        if not self._packed.eof:
            raise ProbeFailed(Reason.PROTOCOL_ERROR, "the packed body has no end")

    def _unpack(self, chunk: bytes) -> bytes:
        try:
            piece = self._packed.decompress(chunk, _PIECE)
        except zlib.error as error:
            if self._begun:
                raise _broken(error) from error
            self._packed = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                piece = self._packed.decompress(chunk, _PIECE)
            except zlib.error:
                raise _broken(error) from error
        self._begun = True
        return piece


def _broken(error: zlib.error) -> ProbeFailed:
    return ProbeFailed(Reason.PROTOCOL_ERROR, f"the body cannot be unpacked: {error}")
