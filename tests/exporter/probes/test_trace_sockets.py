from __future__ import annotations

import select
import socket
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.probes.base import Address, ProbeFailed
from exporter.probes.icmp_sockets import SO_TIMESTAMPNS, Place
from exporter.probes.trace_packets import Heard
from exporter.probes.trace_sockets import Sender, _stamp, open_sender
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

NONCE = b"8 octets"


@contextmanager
def sender_to(ip: str, **place: str) -> Iterator[Sender]:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    made = open_sender(Address(family, ip), Place(family, **place), "udp", NONCE)
    try:
        yield made
    finally:
        made.close()


def heard(sender: Sender, count: int) -> list[tuple[Heard, int]]:
    found: list[tuple[Heard, int]] = []
    while len(found) < count:
        assert select.select([sender.sock], [], [], 10)[0]
        found += sender.hear()
    return found


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_errors_of_before_hinder_no_packet(ip: str) -> None:
    """The kernel tells each of them once more, at the next sending or receiving."""
    with sender_to(ip) as sender:
        sent = [sender.send(number, 5) for number in (1, 2, 3, 4)]
        answers = heard(sender, 4)
        assert [answer for answer, _ in answers] == [
            Heard(number, ip, arrived=True) for number in (1, 2, 3, 4)
        ]
        for began, (_, stamp) in zip(sent, answers, strict=True):
            assert began <= stamp <= time.time_ns()


def test_an_answer_of_another_trace_is_nameless() -> None:
    with sender_to("127.0.0.1") as sender:
        sender.sock.sendto(b"something else", sender.to)
        ((answer, _),) = heard(sender, 1)
        assert answer.number == 0


def test_what_somebody_sends_is_no_answer() -> None:
    with sender_to("127.0.0.1", source="127.0.0.1") as sender:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(NONCE + b"\0\1\xff\xfe", sender.sock.getsockname())
        assert select.select([sender.sock], [], [], 10)[0]
        assert list(sender.hear()) == []


def test_a_packet_that_cannot_be_sent_says_why() -> None:
    with sender_to("255.255.255.255") as sender, pytest.raises(ProbeFailed) as caught:
        sender.send(1, 5)
    assert caught.value.reason == Reason.NO_PERMISSION


def test_the_time_is_the_kernel_s_where_it_tells_it() -> None:
    stamp = struct.pack("=qq", 1_700_000_000, 123)
    control = [(socket.SOL_SOCKET, 1, b""), (socket.SOL_SOCKET, SO_TIMESTAMPNS, stamp)]
    assert _stamp(control) == 1_700_000_000_000_000_123
    assert abs(_stamp([]) - time.time_ns()) < 60e9
