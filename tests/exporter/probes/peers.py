"""Real servers on loopback, in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Coroutine

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

T = TypeVar("T")


class Peers:
    """Serves handlers until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._servers: list[Any] = []

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def serve(
        self, handler: Handler, tls: ssl.SSLContext | None = None, at: str = "127.0.0.1"
    ) -> int:
        """Return the port at which connections are handled."""

        async def handled(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            with contextlib.suppress(
                OSError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                await handler(reader, writer)
            writer.close()

        async def start() -> asyncio.Server:
            return await asyncio.start_server(handled, at, 0, ssl=tls)

        server = self.run(start())
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def datagrams(self, answer: Callable[[bytes], list[bytes]], port: int = 0) -> int:
        """Return the UDP port at which each datagram is answered."""

        class Answering(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                for one in answer(data):
                    self.transport.sendto(one, addr)

        async def start() -> Any:
            loop = asyncio.get_running_loop()
            place = ("127.0.0.1", port)
            return await loop.create_datagram_endpoint(Answering, local_addr=place)

        transport, _ = self.run(start())
        self._servers.append(transport)
        bound: int = transport.get_extra_info("sockname")[1]
        return bound

    def _open(self) -> list[Any]:
        transports: Any = self._loop._transports  # type: ignore[attr-defined]
        return [one for one in transports.values() if one._sock is not None]

    def close(self) -> None:
        async def stop() -> None:
            # A server that is closed while it accepts forgets the connection.
            for _ in range(5):
                await asyncio.sleep(0)
            for server in self._servers:
                server.close()
            # Handlers end with their connection, whether it was accepted yet or not.
            while self._open() or asyncio.all_tasks() != {asyncio.current_task()}:
                for transport in self._open():
                    transport.abort()
                await asyncio.sleep(0.001)

        self.run(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def unused_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything and say nothing."""
    while await reader.read(65536):
        pass


async def finished(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say no more, and wait until the other side is done, so that nothing is reset."""
    if writer.can_write_eof():
        writer.write_eof()
        await reader.read()


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read something, then cut the connection off with a reset."""
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    writer.transport.abort()
