from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.tcpstat import Counts, Tcpstat, count_sockets, time_wait
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


LISTEN, ESTABLISHED = 10, 1


def test_sockets_are_counted_by_state(host: Host) -> None:
    before = count_sockets()
    with ExitStack() as stack:
        for family, address in (
            (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET6, "::1"),
        ):
            listener = stack.enter_context(socket.socket(family))
            listener.bind((address, 0))
            listener.listen()
        after = count_sockets()
        found = values(Tcpstat(host, Collector()).collect())
    assert after.states[LISTEN] >= before.states[LISTEN] + 2
    states = found["node_tcp_connection_states"]
    assert states[("listen",)] >= 2
    assert {("rx_queued_bytes",), ("tx_queued_bytes",)} <= states.keys()


def test_bytes_that_nobody_read_are_queued() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as near,
        listener.accept()[0] as far,
    ):
        near.sendall(b"x" * 1000)
        far.recv(1)
        counts = count_sockets()
    assert counts.rx >= 999
    assert counts.states[ESTABLISHED] >= 2


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_a_dump_may_end_together_with_its_last_sockets() -> None:
    one = bytes([2, LISTEN]) + bytes(54) + struct.pack("=IIII", 3, 128, 0, 0)
    counts = Counts()
    assert not counts.take(message(18, one))
    assert counts.take(message(18, one) + message(3, bytes(4)))
    assert (counts.states[LISTEN], counts.rx, counts.tx) == (2, 6, 256)


def test_what_the_kernel_refuses_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        Counts().take(message(2, struct.pack("=i", -2)))


def test_sockets_that_wait_are_counted_without_being_listed(
    empty_host: Host,
) -> None:
    reminder = bytes([2, 5, 3]) + bytes(69)
    counts = Counts()
    counts.take(message(18, reminder))
    assert (counts.states[5], counts.waiting) == (1, 1)
    text = "sockets: used 9\nTCP: inuse 3 orphan 0 tw 5000 alloc 4 mem 1\n"
    assert time_wait(text) == 5000
    write(empty_host, {"proc/net/sockstat": text})
    found = values(Tcpstat(empty_host, Collector()).collect())
    assert 4000 < found["node_tcp_connection_states"]["time_wait",] <= 5000
    assert time_wait("") == 0
