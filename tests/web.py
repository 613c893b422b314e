"""A web server on a free loopback port that answers, or misbehaves, as told."""

from __future__ import annotations

import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """A request; `fields` are of the query and of a form, the last of equal ones."""

    method: str
    path: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Told:
    """An answer: `cut` sends that many bytes of the body only, `stall` then waits.

    `stall` ends when the server stops, so that it lasts as long as the client lets it;
    `drip` sends a byte at a time until then. `raw` is sent as it is instead.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: bool = False
    drip: bool = False
    chunked: bool = False
    raw: bytes | None = None


class FakeWeb:
    """Serves what `answer` says; `asked` are the requests so far, in order."""

    def __init__(
        self,
        answer: Callable[[Asked], Told],
        certificate: Path | None = None,
        *,
        at: int = 0,
    ) -> None:
        """With a certificate, whose key lies beside it, it speaks TLS.

        `at` is the port, 0 for any that is free.
        """
        self.answer = answer
        self._at = at
        self._certificate = certificate
        self.asked: list[Asked] = []
        self.connections = 0
        self._stopped = threading.Event()
        self._server: socketserver.ThreadingTCPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.server_address[1]
        return port

    @property
    def url(self) -> str:
        scheme = "http" if self._certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", self._at), self._handler())
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(
                self._certificate, self._certificate.with_suffix(".key")
            )
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                web.connections += 1

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so in the base class
                """Say nothing on standard error."""

            def do_GET(self) -> None:
                self._tell(web._hear(self, b""))

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                self._tell(web._hear(self, self.rfile.read(length)))

            def _tell(self, told: Told) -> None:
                try:
                    web._send(self, told)
                except OSError:
                    self.close_connection = True

        return Handler

    def _hear(self, handler: BaseHTTPRequestHandler, body: bytes) -> Told:
        parts = urlsplit(handler.path)
        form = body.decode("utf-8", "replace")
        pairs = {**parse_qs(parts.query), **parse_qs(form)}
        fields = {name: values[-1] for name, values in pairs.items()}
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.command, parts.path, fields, headers, body)
        self.asked.append(asked)
        return self.answer(asked)

    def _send(self, handler: BaseHTTPRequestHandler, told: Told) -> None:
        if told.raw is not None:
            handler.wfile.write(told.raw)
            handler.close_connection = True
            return
        handler.send_response(told.status)
        for name, value in told.headers.items():
            handler.send_header(name, value)
        size = ("transfer-encoding", "chunked")
        if not told.chunked:
            size = ("content-length", str(len(told.body)))
        handler.send_header(*size)
        handler.end_headers()
        self._send_body(handler, told)
        handler.close_connection = told.cut is not None or told.stall

    def _send_body(self, handler: BaseHTTPRequestHandler, told: Told) -> None:
        body = told.body if told.cut is None else told.body[: told.cut]
        if told.chunked:
            body = b"%x\r\n" % len(told.body) + body
            body += b"\r\n0\r\n\r\n" if told.cut is None else b""
        if told.drip:
            for at in range(len(body)):
                handler.wfile.write(body[at : at + 1])
                self._stopped.wait(0.02)
        else:
            handler.wfile.write(body)
        if told.stall:
            self._stopped.wait(60)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients of these tests break off as they like."""
