from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

import pytest

from exporter.probes.base import Address
from exporter.probes.icmp_sockets import Place, open_socket
from exporter.probes.trace_filters import keep_own_replies
from exporter.probes.trace_packets import echo
from exporter.probes.trace_sockets import open_sender
from tests.exporter.probes.routers import Chain

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def alone() -> Iterator[Chain]:
    with Chain(1) as made:
        yield made


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_replies_to_others_do_not_come(alone: Chain, ip: str) -> None:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    place = Place(family, namespace=alone.source)
    opened = open_socket(place, "raw", transmit_stamps=False)
    with opened.socket as sock:
        keep_own_replies(sock, family, 7)
        sock.sendto(echo(family, 8, b"8 octets", 1), (ip, 0))
        sock.sendto(echo(family, 7, b"8 octets", 2), (ip, 0))
        assert select.select([sock], [], [], 10)[0]
        packet = sock.recv(2000)[20 if family == socket.AF_INET else 0 :]
        assert packet[4:8] == b"\0\7\0\2"
        with pytest.raises(BlockingIOError):
            sock.recv(2000)


def test_errors_come_whatever_they_quote(alone: Chain) -> None:
    place = Place(socket.AF_INET, namespace=alone.source)
    opened = open_socket(place, "raw", transmit_stamps=False)
    nobody = open_sender(
        Address(socket.AF_INET, "127.0.0.1"), place, "udp", b"8 octets"
    )
    with opened.socket as sock:
        keep_own_replies(sock, socket.AF_INET, 7)
        nobody.send(1, 5)
        nobody.close()
        assert select.select([sock], [], [], 10)[0]
        assert sock.recv(2000)[20:22] == b"\3\3"
