"""Web servers of a few lines, for HTTP/1.1 and HTTP/2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events

from tests.exporter.probes.peers import finished

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from tests.exporter.probes.peers import Handler


_FRAME = 16384


@dataclass
class Asked:
    """What a client asked for; names of headers are in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Site:
    """Answers by target; keeps what was asked. An answer is all that is sent."""

    answers: dict[str, bytes | Callable[[Asked], bytes]]
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> bytes:
        self.asked.append(asked)
        found = self.answers.get(asked.target, page(404))
        return found if isinstance(found, bytes) else found(asked)

    async def http1(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {
            k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        writer.write(self.answer(Asked(method, target, headers, body)))
        await writer.drain()
        await finished(reader, writer)

    async def http2(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        config = h2.config.H2Configuration(client_side=False)
        connection = h2.connection.H2Connection(config)
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self._answer2(connection, event)
            writer.write(connection.data_to_send())
            await writer.drain()

    def _answer2(
        self, connection: h2.connection.H2Connection, event: h2.events.RequestReceived
    ) -> None:
        headers = {
            (k.decode() if isinstance(k, bytes) else k): (
                v.decode() if isinstance(v, bytes) else v
            )
            for k, v in event.headers or ()
        }
        asked = Asked(headers[":method"], headers[":path"], headers)
        head, _, body = self.answer(asked).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        sent = [(":status", first.split(" ")[1])]
        sent += [
            (k.lower(), v.strip()) for k, _, v in (x.partition(":") for x in lines)
        ]
        connection.send_headers(event.stream_id or 0, sent)
        for start in range(0, len(body), _FRAME):
            connection.send_data(event.stream_id or 0, body[start : start + _FRAME])
        connection.end_stream(event.stream_id or 0)


def handler(answer: bytes) -> Handler:
    """Return what gives one answer to everything."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        await finished(reader, writer)

    return handle


def page(
    status: int = 200, body: bytes = b"hello", version: str = "1.1", **headers: str
) -> bytes:
    """Return an answer of HTTP/1; names of headers are written with underscores."""
    lines = [f"HTTP/{version} {status} Some", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return page(status, b"elsewhere", Location=location)
