"""As much of D-Bus as asking a service of this machine takes: calls, and their answers.

By the specification, https://dbus.freedesktop.org/doc/dbus-specification.html.
Arguments are texts, answers may be anything.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Any, Final

_BUS: Final = "org.freedesktop.DBus"
_CALL, _ERROR = 1, 3
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY, _TO, _SIGNATURE = 1, 2, 3, 4, 5, 6, 8
_LARGEST: Final = 1 << 27
"""Bytes of a message, by the specification."""

_FIXED: Final = dict(zip("ybnqiuxtdh", "BIhHiIqQdI", strict=True))
_CONTAINERS: Final = {"a": 4, "s": 4, "o": 4, "g": 1, "v": 1, "(": 8, "{": 8}
_CLOSING: Final = {"(": ")", "{": "}"}


class Refused(Exception):  # noqa: N818 - what the other side did
    """The answer is an error; `name` is that of D-Bus."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class Bus:
    """A connection to a bus, good for one question after the other."""

    def __init__(self, path: str, timeout: float) -> None:
        """Connect; raises OSError, also if the bus does not answer in time."""
        self._serial = 0
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
            self._log_in()
            self.call(_BUS, "/org/freedesktop/DBus", _BUS, "Hello")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the bus."""
        self._socket.close()

    def call(
        self, destination: str, path: str, interface: str, member: str, *texts: str
    ) -> list[Any]:
        """Return what a method answers; raise Refused if that is an error.

        Raises OSError if the bus is gone or late.
        """
        self._serial += 1
        fields = {
            _PATH: ("o", path),
            _INTERFACE: ("s", interface),
            _MEMBER: ("s", member),
            _TO: ("s", destination),
        }
        if texts:
            fields[_SIGNATURE] = ("g", "s" * len(texts))
        self._socket.sendall(message(_CALL, self._serial, fields, texts))
        while True:
            kind, said, body = self._receive()
            if said.get(_REPLY) != self._serial:
                continue  # A signal, such as that a name was acquired.
            if kind == _ERROR:
                raise Refused(said[_ERROR_NAME], str(body[0]) if body else "")
            return body

    def _log_in(self) -> None:
        who = str(os.geteuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {who}\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n"):
            answer += self._exactly(1)
        if not answer.startswith(b"OK "):
            raise PermissionError(f"the bus refuses this user: {answer!r}")
        self._socket.sendall(b"BEGIN\r\n")

    def _receive(self) -> tuple[int, dict[int, Any], list[Any]]:
        head = self._exactly(16)
        order = "<" if head[:1] == b"l" else ">"
        size, _, fields = struct.unpack_from(f"{order}III", head, 4)
        if size + fields > _LARGEST:
            raise ConnectionError(f"a message of {size + fields} bytes")
        start = 16 + fields + -fields % 8
        content = head + self._exactly(start - 16 + size)
        reader = Reader(content, order, at=12)
        said = dict(reader.value("a(yv)"))
        reader.at = start
        return head[1], said, reader.values(said.get(_SIGNATURE, ""))

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self._socket.recv(size - len(content))
            if not piece:
                raise ConnectionError("the bus hung up")
            content += piece
        return content


def message(
    kind: int, serial: int, fields: dict[int, tuple[str, str]], texts: tuple[str, ...]
) -> bytes:
    """Return a message with header fields of texts, and a body of texts."""
    header = b""
    for code, (signature, text) in fields.items():
        header += bytes(-len(header) % 8) + bytes((code, 1)) + signature.encode()
        header += b"\0" + _text(text, "<B" if signature == "g" else "<I")
    body = b""
    for text in texts:
        body += bytes(-len(body) % 4) + _text(text, "<I")
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(header))
    return head + header + bytes(-len(header) % 8) + body


def _text(text: str, length: str) -> bytes:
    content = text.encode()
    return struct.pack(length, len(content)) + content + b"\0"


class Reader:
    """Takes values out of a message, by the signature of what is in it."""

    def __init__(self, content: bytes, order: str, at: int) -> None:
        self._content = content
        self._order = order
        self.at = at

    def values(self, signature: str) -> list[Any]:
        """Return a value for each complete type of a signature."""
        return [self.value(one) for one in complete_types(signature)]

    def value(self, signature: str) -> Any:
        """Return a value of one complete type; raises struct.error if it is cut off."""
        kind = signature[0]
        if kind in _FIXED:
            return self._number(_FIXED[kind])
        self._align(_CONTAINERS[kind])
        if kind in "sog":
            return self._text(self._number("B" if kind == "g" else "I"))
        if kind == "v":
            return self.value(self._text(self._number("B")))
        if kind == "a":
            return self._array(signature[1:])
        return tuple(self.values(signature[1:-1]))

    def _array(self, element: str) -> list[Any]:
        size = self._number("I")
        first = element[0]
        self._align(_CONTAINERS.get(first) or struct.calcsize(_FIXED[first]))
        end = self.at + size
        found = []
        while self.at < end:
            found.append(self.value(element))
        return found

    def _number(self, code: str) -> Any:
        size = struct.calcsize(code)
        self._align(size)
        (number,) = struct.unpack_from(f"{self._order}{code}", self._content, self.at)
        self.at += size
        return number

    def _text(self, size: int) -> str:
        self.at += size + 1
        return self._content[self.at - size - 1 : self.at - 1].decode(
            "utf-8", "replace"
        )

    def _align(self, size: int) -> None:
        self.at += -self.at % size


def complete_types(signature: str) -> list[str]:
    """Return the complete types that a signature is made of."""
    found, start, depth = [], 0, 0
    for at, kind in enumerate(signature):
        depth += (kind in _CLOSING) - (kind in ")}")
        if depth == 0 and kind != "a":
            found.append(signature[start : at + 1])
            start = at + 1
    return found
