"""Connections to servers: one deadline for a whole answer, and an end at any time.

A request may wait for a server in any of its steps, in a thread of its own. Shutting
its socket down from another thread ends the wait at once.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK: Final = 1 << 18
"""Bytes that are read at once."""


class Sockets:
    """The open sockets of a client, so that another thread can cut them off."""

    def __init__(self) -> None:
        self._open: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()
        self._cut = False

    def add(self, sock: socket.socket) -> None:
        """Remember a socket; raises OSError if all have been cut off."""
        with self._lock:
            if self._cut:
                raise OSError("the client was closed")
            self._open.add(sock)

    def cut(self) -> None:
        """End all waiting on the sockets, now and from now on."""
        with self._lock:
            self._cut = True
            for sock in self._open:
                with suppress(OSError):  # it may be closed already
                    # Not the method of a TLS socket, which is for its own thread.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Deadline(io.RawIOBase):
    """Reads from a socket until a moment, however little each read brings."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    """A response whose headers and body share one deadline.

    The socket's own timeout starts anew with every byte. This one is the machine's
    time, not the program's clock, because the kernel is what waits.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        timeout = sock.gettimeout()
        super().__init__(sock, *args, **kwargs)
        if timeout is not None:
            self.fp.close()
            until = time.monotonic() + timeout
            self.fp = io.BufferedReader(_Deadline(sock, until), CHUNK)


class _Timed(HTTPConnection):
    """A connection whose sockets are known from before they connect."""

    response_class = _TimedResponse

    def __init__(self, *args: Any, sockets: Sockets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sockets = sockets

    def connect(self) -> None:
        super().connect()
        self._sockets.add(self.sock)  # another one where TLS is spoken

    def _new_conn(self) -> socket.socket:
        # As urllib3 does, which keeps the socket to itself until it is connected.
        try:
            return self._connected()
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(
                self, f"Connection to {self.host} timed out."
            ) from error
        except OSError as error:
            raise NewConnectionError(
                self, f"Failed to establish a new connection: {error}"
            ) from error

    def _connected(self) -> socket.socket:
        """Return a socket to the first of the host's addresses that takes one."""
        failure = OSError(f"{self.host} has no address")
        kind = socket.SOCK_STREAM
        found = socket.getaddrinfo(self._dns_host, self.port, 0, kind)
        for family, type_, protocol, _, address in found:
            sock = socket.socket(family, type_, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(self.timeout)
                self._sockets.add(sock)
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure


class _TimedTLS(_Timed, HTTPSConnection):
    """The same for TLS."""


class TimedHTTPPool(urllib3.HTTPConnectionPool):
    """Connections to one server; takes `sockets`, where they are to be known."""

    ConnectionCls = _Timed


class TimedHTTPSPool(urllib3.HTTPSConnectionPool):
    """The same for TLS."""

    ConnectionCls = _TimedTLS
