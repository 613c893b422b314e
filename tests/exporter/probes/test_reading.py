from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest

from exporter.probes.icmp_sockets import SO_TIMESTAMPNS
from exporter.probes.reading import BATCH, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending,
    ):
        receiving.bind(("127.0.0.1", 0))
        sending.connect(receiving.getsockname())
        yield receiving, sending


def test_datagrams_are_read_in_batches(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    receiving, sending = ends
    reader = Reader(64)
    assert reader.read(receiving.fileno()) is None
    sizes = []
    for number in range(BATCH + 3):
        sending.send(bytes([number % 256]) * (number % 60))
    while batch := reader.read(receiving.fileno()):
        sizes.append(len(batch))
        assert batch.data[2, 0] == (2 if len(sizes) == 1 else (BATCH + 2) % 256)
        port = int(struct.unpack(">H", batch.names[0, 2:4].tobytes())[0])
        assert port == sending.getsockname()[1]
    assert sizes == [BATCH, 3]


def test_what_is_larger_than_its_room_is_cut(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    receiving, sending = ends
    for size in (64, 65):
        sending.send(bytes(size))
    batch = Reader(64).read(receiving.fileno())
    assert batch is not None
    assert batch.cut.tolist() == [False, True]
    assert batch.sizes.tolist() == [64, 64]


def test_control_messages_are_found_where_only_some_have_them(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    receiving, sending = ends
    receiving.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
    sending.send(b"without")
    receiving.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sending.send(b"with")
    batch = Reader(64).read(receiving.fileno())
    assert batch is not None
    stamps = batch.find(socket.SOL_SOCKET, SO_TIMESTAMPNS)
    ttls = batch.find(socket.IPPROTO_IP, socket.IP_TTL)
    assert (stamps >= 0).all()
    for row, at in enumerate(ttls.tolist()):
        assert struct.unpack("=i", batch.control[row, at : at + 4].tobytes()) == (64,)
    assert batch.find(socket.IPPROTO_IP, 99).tolist() == [-1, -1]


def test_a_socket_that_is_closed_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        Reader(64).read(10**6)
