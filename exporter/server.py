"""Puts the application on a socket, with waitress, and takes it off again."""

from __future__ import annotations

import errno
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

import structlog
from waitress import wasyncore
from waitress.server import create_server

from exporter.connections import Channel
from runtime.quantities import Address

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = structlog.get_logger(__name__)

_SPARE_THREADS: Final = 2
"""Beyond the scrapes in flight, so that one too many is told so, and health answers."""

_STOP_SECONDS: Final = 1.0
"""For requests in flight to end, and again for their answers to be sent."""

_WAITRESS: Final = {
    "ident": "epimetheus-exporter",
    # There is no proxy in front whose headers could matter.
    "clear_untrusted_proxy_headers": False,
    "max_request_header_size": 16384,
    "max_request_body_size": 65536,
    # Other threads wake the loop up; waking by itself would only cost.
    "asyncore_loop_timeout": 30,
    "asyncore_use_poll": True,
}


class CannotListen(Exception):  # noqa: N818 - the message is the point
    """The address cannot be listened on; the message says why and what to do."""


class Server:
    """Serves an application at an address between start and stop."""

    def __init__(
        self, app: WSGIApplication, address: Address, max_scrapes: int
    ) -> None:
        self._app = app
        self._wanted = address
        self._threads = max_scrapes + _SPARE_THREADS
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> Address:
        """Where it listens; the port is the real one even if 0 was asked for."""
        if self._server is None:
            return self._wanted
        return Address(self._wanted.host, int(self._server.effective_port))

    def start(self) -> None:
        """Listen and answer; raise CannotListen if that is not possible."""
        self._server = create_server(
            self._app,
            sockets=[_listen(self._wanted)],
            threads=self._threads,
            **_WAITRESS,
        )
        self._server.channel_class = Channel
        self._thread = threading.Thread(
            target=self._server.run, name="http", daemon=True
        )
        self._thread.start()
        log.info("listening", url=f"{self.address.url}/metrics")

    def stop(self) -> None:
        """Take no more requests, finish those at hand, close all connections."""
        if self._thread is None:
            return
        server = self._server
        # Sockets belong to the thread of the loop, so it is the one that closes them.
        server.trigger.pull_trigger(lambda: wasyncore.dispatcher.close(server))
        server.task_dispatcher.shutdown(timeout=_STOP_SECONDS)
        server.trigger.pull_trigger(lambda: _close(server))
        self._thread.join(_STOP_SECONDS)
        self._thread = self._server = None


def _close(server: Any) -> None:
    for channel in list(server.active_channels.values()):
        channel.close_when_flushed = True
    server.trigger.close()


def _listen(address: Address) -> socket.socket:
    try:
        family, _, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(
            place[:2],
            family=family,
            backlog=128,
            dualstack_ipv6=address.host == "::" and socket.has_dualstack_ipv6(),
        )
    except socket.gaierror as error:
        raise CannotListen(
            f"{address.host!r} is not the name of an address: {error.strerror}"
        ) from error
    except OSError as error:
        raise CannotListen(_reason(error, address)) from error


def _reason(error: OSError, address: Address) -> str:
    reasons = {
        errno.EADDRINUSE: f"{address} is in use by another program; "
        "stop it, or set exporter.listen to another port",
        errno.EACCES: f"not allowed to listen on {address}; "
        "set exporter.listen to a port above 1023",
        errno.EADDRNOTAVAIL: f"{address.host} is not an address of this machine; "
        "set exporter.listen to one that is",
    }
    fallback = f"cannot listen on {address}: {os.strerror(error.errno or 0)}"
    return reasons.get(error.errno or 0, fallback)
