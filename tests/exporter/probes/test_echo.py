from __future__ import annotations

import socket
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.echo import Marks, Packets, checksum, reply_type, request_type
from tests.exporter.probes import responder

PATTERN = bytes(range(256)) * 256


def packets(size: int, places: list[int], sequence: int) -> list[bytes]:
    made = Packets(socket.AF_INET, 0xBEEF, size, PATTERN)
    nonces = np.array([3**40 + place for place in places], np.uint64)
    made.write(Marks(nonces, np.array(places, np.int64)), sequence)
    return [bytes(view) for view in made.views[: len(places)]]


@given(
    st.integers(min_value=24, max_value=300),
    st.lists(st.integers(min_value=0, max_value=2**32 - 1), min_size=1, max_size=8),
    st.integers(min_value=0, max_value=0xFFFF),
)
def test_the_checksum_is_right_and_one_for_all_requests_of_a_size(
    size: int, places: list[int], sequence: int
) -> None:
    made = packets(size, places, sequence)
    for packet in made:
        assert responder.checksum(packet) == 0
        assert struct.unpack(">BBxxHH", packet[:8]) == (8, 0, 0xBEEF, sequence)
        assert len(packet) == size + 8
    assert {packet[2:4] for packet in made + packets(size, [0], 0)} == {made[0][2:4]}


def test_a_request_names_its_place_and_its_nonce() -> None:
    (packet,) = packets(24, [0x00123456], 7)
    nonce = 3**40 + 0x00123456
    assert int.from_bytes(packet[8:16], "little") == nonce
    assert int.from_bytes(packet[16:24], "little") == ~nonce & (2**64 - 1)
    assert struct.unpack(">HH", packet[24:28]) == (0x3456, 0x0012)


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xff", b"abc", bytes(range(200))])
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    assert checksum(data) == responder.checksum(data)


def test_the_types_are_those_of_the_family() -> None:
    assert (request_type(socket.AF_INET), reply_type(socket.AF_INET)) == (8, 0)
    assert (request_type(socket.AF_INET6), reply_type(socket.AF_INET6)) == (128, 129)
