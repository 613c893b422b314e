"""A bus with a systemd on it: the real daemon, which checks messages, and a fake."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from exporter.collectors.dbus import Bus, message

CONFIG = """<busconfig><type>session</type><listen>unix:path={path}</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_type="method_call"/><allow receive_type="method_call"/>
<allow send_type="method_return"/><allow receive_type="method_return"/>
<allow send_type="error"/><allow receive_type="error"/>
<allow send_type="signal"/><allow receive_type="signal"/></policy></busconfig>
"""
SYSTEMD = "org.freedesktop.systemd1"

Properties = dict[tuple[str, str], tuple[str, Any]]
"""Signature and value by path and name."""


def text(value: str) -> bytes:
    return struct.pack("<I", len(value.encode())) + value.encode() + b"\0"


def append(body: bytes, signature: str, value: Any) -> bytes:
    """Return a body with a value more, of the few types that systemd answers here."""
    if signature in {"s", "o"}:
        return body + bytes(-len(body) % 4) + text(value)
    code = {"u": "<I", "t": "<Q"}[signature]
    return body + bytes(-len(body) % struct.calcsize(code)) + struct.pack(code, value)


def listed(units: list[tuple[Any, ...]]) -> bytes:
    """Return the body of an answer of ListUnits."""
    content = b""
    for unit in units:
        content += bytes(-len(content) % 8)
        for signature, value in zip("ssssssouso", unit, strict=True):
            content = append(content, signature, value)
    return struct.pack("<II", len(content), 0) + content


def answer(to: str, serial: int, kind: int, signature: str, body: bytes) -> bytes:
    """Return a message that answers another."""
    header = struct.pack("<BBcBI", 5, 1, b"u", 0, serial)
    fields = [(6, "s", text(to))]
    if kind == 3:
        fields.append((4, "s", text("org.freedesktop.DBus.Error.UnknownProperty")))
    if signature:
        fields.append((8, "g", bytes((len(signature),)) + signature.encode() + b"\0"))
    for code, kind_of, content in fields:
        header += bytes(-len(header) % 8) + bytes((code, 1)) + kind_of.encode() + b"\0"
        header += content
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), 7, len(header))
    return head + header + bytes(-len(header) % 8) + body


class FakeSystemd(Bus):
    """Owns systemd's name on a bus and answers two kinds of questions."""

    def __init__(
        self, path: str, units: list[tuple[Any, ...]], properties: Properties
    ) -> None:
        super().__init__(path, 30)
        self.units = units
        self.properties = properties
        self.asked: list[tuple[str, str]] = []
        self._take_name()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _take_name(self) -> None:
        bus = "org.freedesktop.DBus"
        fields = {
            1: ("o", "/org/freedesktop/DBus"),
            2: ("s", bus),
            3: ("s", "RequestName"),
            6: ("s", bus),
            8: ("g", "su"),
        }
        sent = bytearray(message(1, 99, fields, (SYSTEMD,)))
        (size,) = struct.unpack_from("<I", sent, 4)
        pad = -size % 4
        struct.pack_into("<I", sent, 4, size + pad + 4)
        self._socket.sendall(bytes(sent) + bytes(pad) + struct.pack("<I", 0))
        while self._receive()[1].get(5) != 99:
            pass

    def _serve(self) -> None:
        try:
            while True:
                head = self._socket.recv(16, 0x100 | 0x2)  # MSG_WAITALL | MSG_PEEK
                if not head:
                    return
                (serial,) = struct.unpack_from("<I", head, 8)
                kind, said, body = self._receive()
                if kind == 1:
                    self._socket.sendall(self._answer(serial, said, body))
        except OSError:
            return

    def _answer(self, serial: int, said: dict[int, Any], body: list[Any]) -> bytes:
        to = said[7]
        if said[3] == "ListUnits":
            return answer(to, serial, 2, "a(ssssssouso)", listed(self.units))
        self.asked.append((said[1], body[1]))
        known = self.properties.get((said[1], body[1]))
        if known is None:
            return answer(to, serial, 3, "s", text("no such property"))
        signature, value = known
        variant = bytes((1,)) + signature.encode() + b"\0"
        return answer(to, serial, 2, "v", append(variant, signature, value))

    def leave(self) -> None:
        """Give the name up."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.close()


class RealBus:
    """The daemon of the reference implementation, at the place of the system bus."""

    def __init__(self) -> None:
        # The path of a socket has at most 107 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="bus"))
        folder = self.root / "run" / "dbus"
        folder.mkdir(parents=True)
        self.path = str(folder / "system_bus_socket")
        config = self.root / "bus.conf"
        config.write_text(CONFIG.format(path=self.path))
        self._process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork"],
            stderr=subprocess.DEVNULL,
        )
        while not self._listens():
            assert self._process.poll() is None
            time.sleep(0.01)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.path) == 0

    def stop(self) -> None:
        """End the daemon."""
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self.root)
