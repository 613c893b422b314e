"""Connections that outlive their request: the server lets go of them.

An answer that never ends would hold a thread of the server, of which there are as many
as scrapes. So whoever answers may take the connection itself, and the thread goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

if TYPE_CHECKING:
    import socket

TAKE: Final = "epimetheus.take_connection"
"""Where a request has the function that hands its connection over; call it once.

It returns the socket, which does not block. Who calls it must write the whole answer,
its head too, and close the socket; what the application returns is then not sent.
"""


class _Task(WSGITask):  # type: ignore[misc]  # the library is not typed
    """A request whose connection can be taken from the server."""

    taken = False

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[TAKE] = self._take
        return environ

    def _take(self) -> socket.socket:
        # A second descriptor of the connection: the server closes its own.
        taken: socket.socket = self.channel.socket.dup()
        taken.settimeout(0)
        self.taken = self.close_on_finish = True
        return taken

    def write(self, data: bytes) -> None:
        if not self.taken:
            super().write(data)

    def finish(self) -> None:
        if not self.taken:
            super().finish()


class Channel(HTTPChannel):  # type: ignore[misc]  # the library is not typed
    """A connection of the server that can be taken from it."""

    task_class = _Task
