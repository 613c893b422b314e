"""Reads a conversation line by line, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from exporter.probes.streams import Stream

_LONGEST: Final = 64 * 1024
_MOST: Final = 1024 * 1024
_SHOWN: Final = 120


class Lines:
    """The lines of a stream, without their ends; at most a megabyte in all."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = bytearray()
        self._read = 0
        self.last = b""

    async def next(self) -> bytes | None:
        """Return the next line, None at the end; raise ProbeFailed with TOO_LARGE."""
        while b"\n" not in self._rest:
            chunk = await self._stream.read()
            if not chunk:
                return self._final()
            self._rest += chunk
            self._read += len(chunk)
            if self._read > _MOST or len(self._rest) > _LONGEST + len(chunk):
                raise ProbeFailed(
                    Reason.TOO_LARGE, "it says more, or longer lines, than are read"
                )
        line, _, rest = bytes(self._rest).partition(b"\n")
        self._rest = bytearray(rest)
        self.last = line.removesuffix(b"\r")
        return self.last

    def _final(self) -> bytes | None:
        if not self._rest:
            return None
        self.last = bytes(self._rest)
        self._rest.clear()
        return self.last

    @property
    def unread(self) -> int:
        """How many bytes have come that are not read yet."""
        return len(self._rest)


def shown(line: bytes) -> str:
    """Return a line for people, cut where it is long."""
    text = line[:_SHOWN].decode("utf-8", "replace")
    return repr(text) + ("..." if len(line) > _SHOWN else "")
