"""Reading many datagrams by one call: recvmmsg(2) into arrays that stay."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Numbers = NDArray[np.int64]

BATCH: Final = 128
"""Datagrams that are read at once."""
_NAME: Final = 32
_CONTROL: Final = 256
_CONTROL_HEADER: Final = ctypes.sizeof(ctypes.c_size_t) + 8
_MSG_TRUNC: Final = int(socket.MSG_TRUNC)

# struct mmsghdr of 64-bit Linux: name, format, offset.
_FIELDS: Final = (
    ("name", "u8", 0),
    ("namelen", "u4", 8),
    ("iov", "u8", 16),
    ("iovlen", "u8", 24),
    ("control", "u8", 32),
    ("controllen", "u8", 40),
    ("flags", "u4", 48),
    ("length", "u4", 56),
)
_MMSGHDR: Final = np.dtype(
    {
        "names": [name for name, _, _ in _FIELDS],
        "formats": [form for _, form, _ in _FIELDS],
        "offsets": [offset for _, _, offset in _FIELDS],
        "itemsize": 64,
    }
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Datagrams that were read together, as rows; they stay until the next read.

    `data` are the bytes of each, the first `sizes` of which count; a datagram that is
    larger than a row is `cut`. `names` are socket addresses as the kernel writes them.
    """

    data: Bytes
    sizes: Numbers
    cut: NDArray[np.bool_]
    names: Bytes
    control: Bytes
    control_sizes: Numbers

    def __len__(self) -> int:
        return len(self.sizes)

    def messages(self, row: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield the control messages of a row: level, type, offset and size of data."""
        yield from _messages(self.control[row], int(self.control_sizes[row]))

    def find(self, level: int, kind: int) -> NDArray[np.int64]:
        """Return by row where the data of a control message begin, -1 if it is not in.

        The kernel writes the same ones in the same order, so that the first row mostly
        tells where they are in all.
        """
        words = self.control.view(np.int32)
        first = _offset(self.control[0], int(self.control_sizes[0]), level, kind)
        found = np.full(len(self), first, np.int64)
        if first >= 0:
            at = first // 4
            same = (words[:, at - 2] == level) & (words[:, at - 1] == kind)
            # What is behind the end are left-overs of a reading before.
            same &= self.control_sizes >= first
        else:
            same = self.control_sizes == self.control_sizes[0]
        for row in np.flatnonzero(~same):
            found[row] = _offset(
                self.control[row], int(self.control_sizes[row]), level, kind
            )
        return found


def _messages(control: Bytes, size: int) -> Iterator[tuple[int, int, int, int]]:
    at = 0
    while at + _CONTROL_HEADER <= size:
        length = int(control[at : at + 8].view(np.uint64)[0])
        if length < _CONTROL_HEADER:
            return
        level, kind = control[at + 8 : at + 16].view(np.int32).tolist()
        yield level, kind, at + _CONTROL_HEADER, length - _CONTROL_HEADER
        at += (length + 7) & ~7


def _offset(control: Bytes, size: int, level: int, kind: int) -> int:
    for its_level, its_kind, at, _ in _messages(control, size):
        if (its_level, its_kind) == (level, kind):
            return at
    return -1


class Reader:
    """Reads a socket's datagrams, or its error queue, in batches.

    `room` are the bytes of a datagram that are kept. Raises RuntimeError where Linux
    has other layouts than those of 64 bits.
    """

    def __init__(self, room: int) -> None:
        if ctypes.sizeof(ctypes.c_size_t) != 8 or sys.byteorder != "little":  # noqa: PLR2004
            raise RuntimeError("echo requests need Linux on 64 bits, little-endian")
        self.room = -(-room // 64) * 64
        self._data = np.zeros((BATCH, self.room), np.uint8)
        self._names = np.zeros((BATCH, _NAME), np.uint8)
        self._control = np.zeros((BATCH, _CONTROL), np.uint8)
        self._vectors = np.zeros((BATCH, 2), np.uint64)
        self._vectors[:, 0] = _addresses(self._data)
        self._vectors[:, 1] = self.room
        self._headers = np.zeros(BATCH, _MMSGHDR)
        self._headers["name"] = _addresses(self._names)
        self._headers["iov"] = _addresses(self._vectors)
        self._headers["iovlen"] = 1
        self._headers["control"] = _addresses(self._control)
        self._name_sizes = self._headers["namelen"]
        self._control_sizes = self._headers["controllen"]
        self._name_sizes[:] = _NAME
        self._control_sizes[:] = _CONTROL
        self._at = ctypes.c_void_p(self._headers.ctypes.data)
        self._call = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._used = 0

    def read(self, descriptor: int, *, errors: bool = False) -> Batch | None:
        """Return what is there, at most BATCH datagrams; None if nothing is.

        Raises OSError, which on a datagram socket may be that of a request before.
        """
        self._name_sizes[: self._used] = _NAME
        self._control_sizes[: self._used] = _CONTROL
        flags = socket.MSG_DONTWAIT | (socket.MSG_ERRQUEUE if errors else 0)
        count = self._call(descriptor, self._at, BATCH, int(flags), None)
        self._used = max(count, 0)
        if count < 0:
            number = ctypes.get_errno()
            if number in {11, 4}:  # EAGAIN, EINTR
                return None
            raise OSError(number, os.strerror(number))
        if count == 0:
            return None
        headers = self._headers[:count]
        return Batch(
            self._data[:count],
            headers["length"].astype(np.int64),
            (headers["flags"] & _MSG_TRUNC) != 0,
            self._names[:count],
            self._control[:count],
            headers["controllen"].astype(np.int64),
        )


def _addresses(array: NDArray[Any]) -> NDArray[np.uint64]:
    start = array.ctypes.data
    return start + np.arange(len(array), dtype=np.uint64) * np.uint64(array.strides[0])
