from __future__ import annotations

import shutil
import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.dbus import Bus, Reader, Refused, complete_types
from tests.exporter.collectors.systemd_bus import RealBus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUS = "org.freedesktop.DBus"
needs_daemon = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="needs the package dbus-daemon"
)


@pytest.mark.parametrize(
    ("signature", "types"),
    [
        ("", []),
        ("su", ["s", "u"]),
        ("a(ssssssouso)b", ["a(ssssssouso)", "b"]),
        ("aaia{sv}(i(ss))v", ["aai", "a{sv}", "(i(ss))", "v"]),
    ],
)
def test_signatures_are_parted(signature: str, types: list[str]) -> None:
    assert complete_types(signature) == types


@pytest.mark.parametrize("order", ["<", ">"])
def test_values_are_read_where_they_are_aligned(order: str) -> None:
    content = struct.pack(f"{order}BxxxI2sx", 7, 2, b"hi")
    content += bytes(-len(content) % 8) + struct.pack(f"{order}Qd", 2**63, 0.5)
    assert Reader(content, order, at=0).values("ystd") == [7, "hi", 2**63, 0.5]


def test_containers_are_lists_and_tuples() -> None:
    content = struct.pack("<IxxxxI", 26, 1) + b"a\0\1u\0" + bytes(3)
    content += struct.pack("<II", 5, 1) + b"b\0\1y\0\x09"
    assert Reader(content, "<", at=0).value("a{sv}") == [("a", 5), ("b", 9)]


def test_an_empty_array_has_the_padding_of_its_elements() -> None:
    content = struct.pack("<III", 0, 0, 3)
    assert Reader(content, "<", at=0).values("a(st)u") == [[], 3]


@pytest.fixture(scope="module")
def daemon() -> Iterator[RealBus]:
    bus = RealBus()
    yield bus
    bus.stop()


@needs_daemon
def test_the_real_daemon_understands_and_is_understood(daemon: RealBus) -> None:
    bus = Bus(daemon.path, 30)
    (names,) = bus.call(BUS, "/", BUS, "ListNames")
    assert BUS in names
    (owner,) = bus.call(BUS, "/", BUS, "GetNameOwner", BUS)
    assert owner == BUS
    (credentials,) = bus.call(BUS, "/", BUS, "GetConnectionCredentials", BUS)
    assert "ProcessID" in dict(credentials)
    bus.close()


@needs_daemon
def test_errors_have_names(daemon: RealBus) -> None:
    bus = Bus(daemon.path, 30)
    with pytest.raises(Refused, match="nobody") as raised:
        bus.call(BUS, "/", BUS, "GetNameOwner", "org.nobody")
    assert raised.value.name == "org.freedesktop.DBus.Error.NameHasNoOwner"
    bus.close()


def _once(path: Path, said: bytes) -> threading.Thread:
    """Answer one connection with these bytes, whatever it says."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        with server, server.accept()[0] as peer:
            peer.recv(1024)
            peer.sendall(said)
            while said and peer.recv(1024):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_bus_that_refuses_or_hangs_up_says_so(tmp_path: Path) -> None:
    for name, said, reason in (
        ("a", b"REJECTED EXTERNAL\r\n", "refuses this user"),
        ("b", b"", "hung up"),
        ("c", b"OK 1\r\n" + b"l\2\0\1" + b"\xff" * 12, "a message of 8589934590 bytes"),
    ):
        thread = _once(tmp_path / name, said)
        with pytest.raises(OSError, match=reason):
            Bus(str(tmp_path / name), 30)
        thread.join()


def test_a_bus_that_does_not_answer_is_late(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "bus"))
        server.listen()
        with pytest.raises(TimeoutError):
            Bus(str(tmp_path / "bus"), 0.01)
