from __future__ import annotations

import socket
import struct

import numpy as np
import pytest
from icmplib import DestinationUnreachable, ICMPReply

from exporter.prober.cells import Cell
from exporter.probes.icmp_errors import TOO_BIG, from_packet, from_queue, name_of
from exporter.probes.icmp_sockets import IP_RECVERR, IPV6_RECVERR
from exporter.probes.reading import Batch

V4, V6 = socket.AF_INET, socket.AF_INET6
REQUEST_V4 = bytes((8, 0, 0, 0, 0xBE, 0xEF, 0, 7))


def quoting(packet: bytes, kind: int = 3, code: int = 1) -> bytes:
    return bytes((kind, code, 0, 0, 0, 0, 0, 0)) + packet


def ipv4(protocol: int = 1, words: int = 5) -> bytes:
    header = bytearray(words * 4)
    header[0], header[9] = 0x40 | words, protocol
    header[16:20] = socket.inet_aton("192.0.2.1")
    return bytes(header)


@pytest.mark.parametrize("code", range(16))
def test_names_are_icmplibs(code: int) -> None:
    reply = ICMPReply("", 4, 0, 0, 3, code, 0, 0.0)
    with pytest.raises(DestinationUnreachable) as raised:
        reply.raise_for_status()
    assert name_of(V4, 3, code) == (str(raised.value), Cell.UNREACHABLE)


@pytest.mark.parametrize(
    ("family", "kind", "code", "name", "cell"),
    [
        (V4, 11, 0, "Time to live exceeded", Cell.TTL_EXCEEDED),
        (V4, 12, 0, "Parameter problem", Cell.UNREACHABLE),
        (V6, 1, 4, "Port unreachable", Cell.UNREACHABLE),
        (V6, 2, 0, TOO_BIG, Cell.UNREACHABLE),
        (V6, 3, 0, "Hop limit exceeded", Cell.TTL_EXCEEDED),
    ],
)
def test_what_an_error_is_called_and_counts_as(
    family: int, kind: int, code: int, name: str, cell: Cell
) -> None:
    assert name_of(family, kind, code) == (name, cell)


def test_a_reply_is_no_error() -> None:
    with pytest.raises(ValueError, match="no error"):
        name_of(V4, 0, 0)


@pytest.mark.parametrize("words", [5, 8])
def test_what_is_quoted_is_read_behind_options(words: int) -> None:
    told = from_packet(V4, quoting(ipv4(words=words) + REQUEST_V4))
    assert told is not None
    assert (told.identifier, told.sequence) == (0xBEEF, 7)
    assert told.destination == socket.inet_aton("192.0.2.1")
    assert told.place_and_nonce is None


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        ipv4()[:10],
        ipv4() + REQUEST_V4[:7],
        ipv4(protocol=17) + REQUEST_V4,
        ipv4() + bytes((0,)) + REQUEST_V4[1:],
    ],
)
def test_what_quotes_no_request_tells_nothing(packet: bytes) -> None:
    assert from_packet(V4, quoting(packet)) is None


def test_an_ipv6_request_is_read_behind_its_header() -> None:
    header = bytearray(40)
    header[6] = 58
    header[24:40] = socket.inet_pton(V6, "2001:db8::1")
    request = bytes((128,)) + REQUEST_V4[1:]
    told = from_packet(V6, quoting(bytes(header) + request, 1, 0))
    assert told is not None
    assert told.destination == socket.inet_pton(V6, "2001:db8::1")
    assert told.name == "No route to destination"


def queued(family: int, kind: int) -> Batch:
    """Return the entry of an error queue about an ICMP message of a kind."""
    v4 = family == V4
    level, option = (
        (socket.IPPROTO_IP, IP_RECVERR) if v4 else (socket.IPPROTO_IPV6, IPV6_RECVERR)
    )
    told = struct.pack("=IBBBBII", 113, 2 if v4 else 3, kind, 1, 0, 0, 0) + bytes(28)
    message = struct.pack("=QII", 16 + len(told), level, option) + told
    request = np.frombuffer(REQUEST_V4 if v4 else b"\x80" + REQUEST_V4[1:], np.uint8)
    return Batch(
        data=request.reshape(1, -1),
        sizes=np.array([len(request)]),
        cut=np.zeros(1, np.bool_),
        names=np.zeros((1, 32), np.uint8),
        control=np.frombuffer(message.ljust(256, b"\0"), np.uint8).reshape(1, -1),
        control_sizes=np.array([len(message)]),
    )


@pytest.mark.parametrize(
    ("family", "errors"), [(V4, {3, 11, 12}), (V6, {1, 2, 3, 4})], ids=["v4", "v6"]
)
def test_a_redirect_says_nothing_about_the_request(
    family: int, errors: set[int]
) -> None:
    kinds = (*errors, 4, 5, 137)
    told = {kind for kind in kinds if from_queue(family, queued(family, kind), 0)}
    assert told == errors
