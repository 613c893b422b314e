from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

from exporter.connections import TAKE
from exporter.server import Server
from runtime.quantities import Address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


def test_a_connection_that_was_taken_is_written_by_who_took_it() -> None:
    taken: list[socket.socket] = []

    def application(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "6")])
        if environ["PATH_INFO"] == "/taken":
            taken.append(environ[TAKE]())
        return [b"hello\n"]

    server = Server(application, Address("127.0.0.1", 0), 1)
    server.start()
    address = server.address
    with socket.create_connection((address.host, address.port), timeout=30) as client:
        client.sendall(b"GET /taken HTTP/1.1\r\nHost: x\r\n\r\n")
        # Others are answered meanwhile, and after the server has ended.
        for _ in range(3):
            with urllib.request.urlopen(address.url) as answer:
                assert answer.read() == b"hello\n"
        (ours,) = taken
        assert ours.gettimeout() == 0
        ours.sendall(b"first ")
        server.stop()
        ours.sendall(b"last")
        ours.close()
        with client.makefile("rb") as reader:
            assert reader.read() == b"first last"
