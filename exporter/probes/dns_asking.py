"""Sends a question to a name server and waits for its answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

import dns.exception
import dns.message

from exporter.probes.base import ProbeFailed
from exporter.probes.connecting import Way, connect
from exporter.probes.streams import Stream
from exporter.probes.tls_session import Wanted, secured
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from exporter.probes.base import Address
    from exporter.probes.trial import Trial

_LARGEST_DATAGRAM = 65535


async def over_udp(
    trial: Trial, query: dns.message.Message, address: Address, port: int
) -> dns.message.Message:
    """Return the answer to a datagram; those to other questions are passed over."""
    way = Way.of(trial.settings)
    with trial.phase("connect"):
        sock = await connect(address, port, way, socket.SOCK_DGRAM)
    loop = asyncio.get_running_loop()
    with sock, trial.phase("request"):
        await loop.sock_sendall(sock, query.to_wire())
        while True:
            data = await loop.sock_recv(sock, _LARGEST_DATAGRAM)
            try:
                answer = dns.message.from_wire(data)
            except dns.exception.DNSException as error:
                # Anybody may forge a datagram, so the true answer may yet come.
                trial.log.say(f"passed over what is no message: {error}")
                continue
            if query.is_response(answer):
                return answer
            trial.log.say("passed over an answer to another question")


async def over_tcp(
    trial: Trial,
    query: dns.message.Message,
    address: Address,
    port: int,
    wanted: Wanted | None = None,
) -> dns.message.Message:
    """Return the answer over TCP (RFC 7766), over TLS if wanted (RFC 7858)."""

    async def reach() -> Stream:
        with trial.phase("connect"):
            return Stream(await connect(address, port, Way.of(trial.settings)))

    stream = await (secured(trial, wanted, reach) if wanted else reach())
    try:
        with trial.phase("request"):
            wire = query.to_wire()
            await stream.write(struct.pack("!H", len(wire)) + wire)
            return await _read(stream, query)
    finally:
        stream.close()


async def _read(stream: Stream, query: dns.message.Message) -> dns.message.Message:
    head = await stream.read_exactly(2)
    size = int.from_bytes(head, "big")
    data = await stream.read_exactly(size)
    if len(head) < 2 or len(data) < size:  # noqa: PLR2004
        raise ProbeFailed(Reason.RESET, "the server hung up before its answer's end")
    try:
        answer = dns.message.from_wire(data)
    except dns.exception.DNSException as error:
        raise ProbeFailed(
            Reason.PROTOCOL_ERROR, f"the answer is no message of DNS: {error}"
        ) from error
    if not query.is_response(answer):
        raise ProbeFailed(
            Reason.PROTOCOL_ERROR, "the answer is to a question that was not asked"
        )
    return answer
