"""Sends what is published to connections that stay open, from one thread for all.

What waits for a client is bounded. Who reads so slowly that it would not fit is cut off
and counted, so that nobody holds up the others or fills the memory.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from runtime.clock import Clock

HEARTBEAT: Final = b": nothing new\n\n"
GOODBYE: Final = b": the exporter stops\n\n"

_STOP_SECONDS: Final = 1.0
_READ: Final = 4096


@dataclass(slots=True, eq=False)
class _Client:
    """A connection, what it listens to, and what it has not been sent yet."""

    connection: socket.socket
    topic: Hashable
    heard: float
    waiting: bytearray = field(default_factory=bytearray)
    registered: bool = False
    cut: bool = False


class Wire:
    """The open connections; safe to use from several threads.

    `room` is how many bytes may wait for a client, beside as many in the kernel. A
    client that has heard nothing for `heartbeat` seconds is sent a comment.
    """

    def __init__(
        self, clock: Clock, *, room: int = 1 << 20, heartbeat: float = 15.0
    ) -> None:
        self._clock = clock
        self._room = room
        self._heartbeat = heartbeat
        self._changed = threading.Lock()
        self._clients: set[_Client] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._wake: socket.socket | None = None
        self.slow = 0

    def __len__(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    def listeners(self, topic: Hashable) -> int:
        """Return how many clients listen to a topic."""
        with self._changed:
            return sum(one.topic == topic and not one.cut for one in self._clients)

    def start(self) -> None:
        """Send from now on."""
        self._stopping.clear()
        ours, self._wake = socket.socketpair()
        for end in (ours, self._wake):
            end.settimeout(0)
        self._thread = threading.Thread(
            target=self._run, args=(ours,), name="live", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye to all clients and close their connections."""
        if self._thread is None or self._wake is None:
            return
        self._stopping.set()
        self._rouse()
        self._thread.join(_STOP_SECONDS)
        self._wake.close()
        self._thread = self._wake = None

    def add(self, connection: socket.socket, topic: Hashable, head: bytes) -> None:
        """Send a client a head, and then what is published of a topic."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._room)
        client = _Client(connection, topic, self._clock.monotonic(), bytearray(head))
        with self._changed:
            self._clients.add(client)
        self._rouse()

    def publish(self, topic: Hashable, message: bytes) -> None:
        """Send a message to all who listen to a topic, and cut off who is too slow."""
        now = self._clock.monotonic()
        with self._changed:
            for client in [one for one in self._clients if one.topic == topic]:
                if client.cut:
                    continue
                if len(client.waiting) + len(message) > self._room:
                    self.slow += 1
                    client.cut = True
                else:
                    client.waiting += message
                    client.heard = now
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None:
            # If the pair is full, the thread is about to wake up anyway.
            with contextlib.suppress(OSError):
                self._wake.send(b"\0")

    def _run(self, ours: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, ours:
            selector.register(ours, selectors.EVENT_READ)
            while not self._stopping.is_set():
                patience = self._heartbeat / 2 if self._clients else None
                for key, mask in selector.select(patience):
                    if key.data is None:
                        _drain(ours)
                    elif mask & selectors.EVENT_READ and not _drain(
                        key.data.connection
                    ):
                        key.data.cut = True
                self._tend(selector)
        self._end()

    def _tend(self, selector: selectors.BaseSelector) -> None:
        """Send what waits, and close what is cut off or gone."""
        with self._changed:
            for client in list(self._clients):
                self._nudge(client)
                if not client.cut and _flush(client):
                    _register(selector, client)
                    continue
                self._clients.discard(client)
                if client.registered:
                    selector.unregister(client.connection)
                client.connection.close()

    def _nudge(self, client: _Client) -> None:
        now = self._clock.monotonic()
        if now - client.heard >= self._heartbeat and not client.waiting:
            client.waiting += HEARTBEAT
            client.heard = now

    def _end(self) -> None:
        with self._changed:
            clients, self._clients = self._clients, set()
        for client in clients:
            client.waiting += GOODBYE
            _flush(client)
            with contextlib.suppress(OSError):
                client.connection.shutdown(socket.SHUT_WR)
            client.connection.close()


def _register(selector: selectors.BaseSelector, client: _Client) -> None:
    wanted = selectors.EVENT_READ
    if client.waiting:
        wanted |= selectors.EVENT_WRITE
    if client.registered:
        selector.modify(client.connection, wanted, client)
    else:
        selector.register(client.connection, wanted, client)
        client.registered = True


def _flush(client: _Client) -> bool:
    """Send as much as the kernel takes; return whether the client is still there."""
    try:
        while client.waiting:
            sent = client.connection.send(client.waiting)
            del client.waiting[:sent]
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def _drain(connection: socket.socket) -> bool:
    """Read what nobody needs; return whether the other end is still there."""
    try:
        return bool(connection.recv(_READ))
    except BlockingIOError:
        return True
    except OSError:
        return False
