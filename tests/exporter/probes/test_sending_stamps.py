from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.probes.flights import Flights, State
from exporter.probes.icmp_sockets import IP_RECVERR, SO_TIMESTAMPING
from exporter.probes.reading import Batch
from exporter.probes.sending_stamps import SendingStamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECOND = 1_000_000_000
NOW = 1_790_000_000 * SECOND
_STAMP, _ICMP = 4, 2


@pytest.fixture
def made() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        yield opened


def flights(some: int) -> Flights:
    """Return requests that left by our own stamp at NOW, in places from 0 on."""
    flying = Flights()
    reserved = flying.reserve(some, NOW)
    assert reserved is not None
    flying.place[reserved.rows] = reserved.places
    flying.sent[reserved.rows] = NOW
    flying.state[reserved.rows] = State.FLYING
    return flying


def message(level: int, kind: int, data: bytes) -> bytes:
    return struct.pack("=QII", 16 + len(data), level, kind) + data.ljust(
        -(-len(data) // 8) * 8, b"\0"
    )


def queued(*entries: tuple[int, int], origin: int = _STAMP) -> Batch:
    """Return an error queue with stamps, in ns, and the numbers they are for."""
    rows = []
    for stamp, number in entries:
        stamps = struct.pack("=qqqqqq", stamp // SECOND, stamp % SECOND, 0, 0, 0, 0)
        error = struct.pack("=IBBBBII", 42, origin, 0, 0, 0, 0, number) + bytes(16)
        rows.append(
            message(socket.SOL_SOCKET, SO_TIMESTAMPING, stamps)
            + message(socket.IPPROTO_IP, IP_RECVERR, error)
        )
    control = b"".join(row.ljust(256, b"\0") for row in rows)
    some = len(rows)
    return Batch(
        data=np.zeros((some, 64), np.uint8),
        sizes=np.zeros(some, np.int64),
        cut=np.zeros(some, np.bool_),
        names=np.zeros((some, 32), np.uint8),
        control=np.frombuffer(control, np.uint8).reshape(some, 256),
        control_sizes=np.array([len(row) for row in rows]),
    )


def later(flying: Flights, some: int) -> list[int]:
    """Return how much later than by our own stamps requests left, in ns."""
    return [int(sent) - NOW for sent in flying.sent[:some]]


def places(numbers: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(numbers, np.int64)


def test_the_kernel_s_stamps_take_the_place_of_ours(made: socket.socket) -> None:
    stamps, flying = SendingStamps(made, every=True), flights(4)
    stamps.sent(places([0, 1]), smoothly=True)
    stamps.sent(places([3]), smoothly=True)
    batch = queued((NOW + 20, 1), (NOW + 30, 2), (NOW + 10, 0))
    assert stamps.take(batch, flying).tolist() == [True] * 3
    assert later(flying, 4) == [10, 20, 0, 30]


def test_what_is_no_stamp_is_left_to_others(made: socket.socket) -> None:
    stamps, flying = SendingStamps(made, every=True), flights(1)
    stamps.sent(places([0]), smoothly=True)
    batch = queued((NOW + 10, 0), origin=_ICMP)
    assert stamps.take(batch, flying).tolist() == [False]
    assert later(flying, 1) == [0]


@pytest.mark.parametrize("stamp", [-1, SECOND], ids=["before", "a second after"])
def test_stamps_of_a_clock_that_was_set_are_no_stamps(
    stamp: int, made: socket.socket
) -> None:
    stamps, flying = SendingStamps(made, every=True), flights(1)
    stamps.sent(places([0]), smoothly=True)
    assert stamps.take(queued((NOW + stamp, 0)), flying).all()
    assert later(flying, 1) == [0]


def test_a_stamp_that_comes_after_the_answer_changes_nothing(
    made: socket.socket,
) -> None:
    stamps, flying = SendingStamps(made, every=True), flights(2)
    flying.state[0] = State.ANSWERED
    stamps.sent(places([0, 1]), smoothly=True)
    stamps.take(queued((NOW + 10, 0), (NOW + 20, 1)), flying)
    assert later(flying, 2) == [0, 20]


def test_a_stamp_of_a_request_that_the_ring_forgot_is_nobody_s(
    made: socket.socket,
) -> None:
    stamps, flying = SendingStamps(made, every=True), flights(1)
    stamps.sent(places([0]), smoothly=True)
    flying.place[0] = flying.mask + 1
    stamps.take(queued((NOW + 10, 0), (NOW + 10, 7)), flying)
    assert later(flying, 1) == [0]


@pytest.mark.parametrize("every", [True, False])
def test_after_a_request_that_was_not_sent_numbers_begin_anew(
    every: bool,  # noqa: FBT001 - a parameter of the test
    made: socket.socket,
) -> None:
    stamps, flying = SendingStamps(made, every=every), flights(3)
    stamps.sent(places([0]), smoothly=True)
    stamps.sent(places([1]), smoothly=False)
    # Whichever number this had, nobody knows.
    stamps.take(queued((NOW + 10, 0), (NOW + 10, 1)), flying)
    assert later(flying, 3) == [0, 0, 0]
    before = made.getsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING)
    stamps.restart()
    stamps.sent(places([2]), smoothly=True)
    stamps.take(queued((NOW + 30, 0)), flying)
    assert later(flying, 3) == [0, 0, 30]
    flags = made.getsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING)
    stamps.restart()
    assert flags == made.getsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING) != before


def test_numbers_come_again_after_many(made: socket.socket) -> None:
    stamps, flying = SendingStamps(made, every=True), flights(2)
    stamps.sent(places([0] * (2**16 - 1)), smoothly=True)
    stamps.sent(places([0, 1]), smoothly=True)
    stamps.take(queued((NOW + 10, 2**16)), flying)
    assert later(flying, 2) == [0, 10]
