from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probes import trace_packets
from exporter.probes.echo import checksum
from exporter.probes.trace_packets import Heard

V4, V6 = socket.AF_INET, socket.AF_INET6
NUMBERS = st.integers(1, 64 * 20)
NONCES = st.binary(min_size=8, max_size=8)
TARGET = socket.inet_aton("192.0.2.1")


@given(NONCES, NUMBERS, NUMBERS)
def test_the_flow_of_echo_requests_does_not_vary(
    nonce: bytes, one: int, other: int
) -> None:
    first = trace_packets.echo(V4, 7, nonce, one)
    second = trace_packets.echo(V4, 7, nonce, other)
    assert first[:6] == second[:6]
    assert checksum(first) == 0
    # Of ICMPv6 the kernel fills in the checksum.
    left_out = [trace_packets.echo(V6, 7, nonce, number) for number in (one, other)]
    assert checksum(left_out[0]) == checksum(left_out[1])


@given(NONCES, NUMBERS, NUMBERS)
def test_the_checksum_of_udp_does_not_vary(nonce: bytes, one: int, other: int) -> None:
    sums = {checksum(trace_packets.payload(nonce, number)) for number in (one, other)}
    assert len(sums) == 1


@given(NONCES, NUMBERS)
def test_a_number_is_found_in_its_own_payload_only(nonce: bytes, number: int) -> None:
    content = trace_packets.payload(nonce, number)
    assert trace_packets.number_in(content, nonce) == number
    assert trace_packets.number_in(content[:12], nonce) == number
    assert trace_packets.number_in(content[:11], nonce) is None
    other = bytes(byte ^ 1 for byte in nonce)
    assert trace_packets.number_in(content, other) is None
    assert trace_packets.number_in(nonce + b"\0\1\0\1", nonce) is None


@given(st.sampled_from([V4, V6]), NONCES, NUMBERS)
def test_a_reply_is_known_by_its_payload(
    family: int, nonce: bytes, number: int
) -> None:
    request = trace_packets.echo(family, 7, nonce, number)
    kind = b"\0" if family == V4 else b"\x81"
    assert trace_packets.reply(family, kind + request[1:], nonce) == number
    assert trace_packets.reply(family, request, nonce) is None
    assert trace_packets.reply(family, b"", nonce) is None


def quoting(packet: bytes, protocol: int = 1, target: bytes = TARGET) -> bytes:
    """Return an ICMP error about a packet, with an option in the quoted header."""
    header = struct.pack(
        ">BBHHHBBH4s4s4x", 0x46, *(0,) * 5, protocol, 0, b"me..", target
    )
    return struct.pack(">BBHI", 11, 0, 0, 0) + header + packet


@given(NONCES, NUMBERS, st.integers(8, 40))
def test_an_error_is_known_by_the_header_it_quotes(
    nonce: bytes, number: int, quoted: int
) -> None:
    request = trace_packets.echo(V4, 7, nonce, number)[:quoted]
    assert trace_packets.quoted(V4, quoting(request), TARGET, 7) == number
    assert trace_packets.quoted(V4, quoting(request), TARGET, 8) is None
    assert trace_packets.quoted(V4, quoting(request), b"else", 7) is None
    assert trace_packets.quoted(V4, quoting(request, 17), TARGET, 7) is None
    assert trace_packets.quoted(V4, quoting(b"\0" + request[1:]), TARGET, 7) is None


@given(st.sampled_from([V4, V6]), st.binary(max_size=80))
def test_no_packet_is_too_odd(family: int, packet: bytes) -> None:
    target = TARGET if family == V4 else bytes(16)
    trace_packets.quoted(family, packet, target, 7)
    trace_packets.reply(family, packet, b"8 octets")


def test_errors_of_ipv6_are_known_too() -> None:
    target = socket.inet_pton(V6, "2001:db8::1")
    header = bytes(6) + bytes([58, 1]) + bytes(16) + target
    error = bytes([3, 0, 0, 0, 0, 0, 0, 0]) + header
    request = trace_packets.echo(V6, 7, b"8 octets", 5)
    assert trace_packets.quoted(V6, error + request, target, 7) == 5


@pytest.mark.parametrize(
    ("family", "error", "address", "said"),
    [
        (V4, (11, 0), "hop", ""),
        (V6, (3, 0), "hop", ""),
        (V4, (3, 3), "target", "arrived"),
        (V6, (1, 4), "target", "arrived"),
        (V4, (3, 3), "hop", "Destination port unreachable"),
        (V4, (3, 1), "target", "Destination host unreachable"),
        (V4, (3, 13), "hop", "Packet filtered"),
        (V6, (1, 0), "hop", "No route to destination"),
    ],
)
def test_errors_say_where_a_trace_is(
    family: int, error: tuple[int, int], address: str, said: str
) -> None:
    assert trace_packets.heard(family, error, 1, address, "target") == Heard(
        1, address, said == "arrived", said.removeprefix("arrived")
    )


def test_what_is_no_error_says_nothing() -> None:
    assert trace_packets.heard(V4, (0, 0), 1, "hop", "target") is None
