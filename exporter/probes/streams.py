"""A TCP connection that may go over to TLS, with the loop's own sockets."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

_CHUNK: Final = 65536


class Stream:
    """Reads and writes; raises OSError, of which ssl.SSLError is one.

    Cancelling is safe at any time; who opened it closes it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls: ssl.SSLObject | None = None

    async def read(self, size: int = _CHUNK) -> bytes:
        """Return what has come, at most so many bytes; nothing at the end."""
        if self.tls is None:
            return await self._loop.sock_recv(self._sock, size)
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                await self._exchange()
            except ssl.SSLZeroReturnError:
                return b""

    async def read_exactly(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end."""
        got = bytearray()
        while len(got) < size:
            chunk = await self.read(size - len(got))
            if not chunk:
                break
            got += chunk
        return bytes(got)

    async def write(self, data: bytes) -> None:
        """Send everything."""
        if self.tls is None:
            await self._loop.sock_sendall(self._sock, data)
            return
        view = memoryview(data)
        while view:
            try:
                view = view[self.tls.write(view[:_CHUNK]) :]
            except ssl.SSLWantReadError:
                await self._exchange()
            else:
                await self._flush()

    async def start_tls(self, context: ssl.SSLContext, name: str) -> ssl.SSLObject:
        """Go over to TLS with a server that is called so."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._exchange()
            except ssl.SSLError:
                self._say_last_words()
                raise
        await self._flush()
        self.tls = tls
        return tls

    def close(self) -> None:
        """Close the connection, with TLS's farewell if there is room to send it."""
        if self.tls is not None:
            with contextlib.suppress(ssl.SSLError):
                self.tls.unwrap()
            self._say_last_words()
        self._sock.close()

    async def _exchange(self) -> None:
        await self._flush()
        data = await self._loop.sock_recv(self._sock, _CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await self._loop.sock_sendall(self._sock, data)

    def _say_last_words(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.send(self._outgoing.read())
