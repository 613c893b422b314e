"""The tie between the exporter and its prober: messages on a pair of sockets.

The prober's side never blocks: what the exporter does not take in time is dropped and
counted, the oldest first, but for answers and finished runs, which give way only to one
another.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Final

from exporter.prober.frames import Frames, frame
from exporter.prober.messages import FromProber, Latest, ToProber

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

WAITING: Final = 64 * 2**20
"""Bytes that may wait for the exporter."""

_PIECE: Final = 2**18


class Tie:
    """The prober's end."""

    def __init__(
        self,
        end: socket.socket,
        on_drop: Callable[[int], None],
        waiting: int = WAITING,
    ) -> None:
        end.settimeout(0)
        self._end = end
        self._on_drop = on_drop
        self._most = waiting
        self._important: deque[bytes] = deque()
        self._passing: deque[bytes] = deque()
        self._bytes = 0
        self._is_cut = False
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def tell(self, message: FromProber) -> None:
        """Send a message as soon as the exporter takes it."""
        ready = frame(message)
        passing = isinstance(message, Latest)
        (self._passing if passing else self._important).append(ready)
        self._bytes += len(ready)
        dropped = 0
        while self._bytes > self._most:
            self._bytes -= len((self._passing or self._important).popleft())
            dropped += 1
        if dropped:
            self._on_drop(dropped)
        self._filled.set()

    async def send(self) -> None:
        """Send what there is to tell until cancelled, or the exporter is gone."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                while waiting := self._important or self._passing:
                    piece = waiting.popleft()
                    await loop.sock_sendall(self._end, piece)
                    self._bytes -= len(piece)
                self._emptied.set()
                self._filled.clear()
                await self._filled.wait()
        except ConnectionError:
            self._is_cut = True
            self._emptied.set()

    async def flush(self, seconds: float) -> None:
        """Wait until all is sent, but not for ever."""
        if self._is_cut:
            return
        self._emptied.clear()
        self._filled.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._emptied.wait(), seconds)

    async def messages(self) -> AsyncIterator[ToProber]:
        """Yield what the exporter says until it is gone; raises TieError."""
        loop = asyncio.get_running_loop()
        frames: Frames[ToProber] = Frames(ToProber)  # type: ignore[arg-type]  # a union
        while True:
            try:
                piece = await loop.sock_recv(self._end, _PIECE)
            except ConnectionError:
                return
            if not piece:
                return
            for message in frames.feed(piece):
                yield message
