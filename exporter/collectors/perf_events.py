"""The kernel's interface to counters of CPUs: perf_event_open(2) and what it returns.

Numbers and layouts are those of linux/perf_event.h, which never change.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Final, NamedTuple, Protocol

HARDWARE: Final = 0
SOFTWARE: Final = 1
CACHE: Final = 3
"""Kinds of events, PERF_TYPE_*."""

L1D, L1I, LL, DTLB, ITLB, BPU = range(6)
"""Caches, PERF_COUNT_HW_CACHE_*."""

READ, WRITE = range(2)
ACCESS, MISS = range(2)

ATTRIBUTES: Final = struct.Struct("=IIQQQQQIIQ")
"""The first version of struct perf_event_attr, which every kernel takes: type, size,
config, sample_period, sample_type, read_format, flags, wakeup_events, bp_type, config1.
"""

_TIME_ENABLED, _TIME_RUNNING, _GROUP = 1, 2, 8
READ_FORMAT: Final = _TIME_ENABLED | _TIME_RUNNING | _GROUP

_CLOSE_ON_EXEC: Final = 8
_EVERY_PROCESS: Final = -1

_SYSCALLS: Final = {
    "aarch64": 241,
    "armv7l": 364,
    "ppc64le": 319,
    "riscv64": 241,
    "s390x": 331,
    "x86_64": 298,
}


class Event(NamedTuple):
    """What is counted."""

    kind: int
    config: int

    @classmethod
    def of_cache(cls, cache: int, operation: int, result: int) -> Event:
        """Return the event of a cache: what is done with it, and what comes of it."""
        return cls(CACHE, cache | operation << 8 | result << 16)

    def attributes(self) -> bytes:
        """Return the struct that asks to count this from now on, read by groups."""
        return ATTRIBUTES.pack(
            self.kind, ATTRIBUTES.size, self.config, 0, 0, READ_FORMAT, 0, 0, 0, 0
        )


class Reading(NamedTuple):
    """A group at one moment: nanoseconds it was wanted and counted, and its counts."""

    enabled: int
    running: int
    counts: tuple[int, ...]


class Kernel(Protocol):
    """What counts; the tests have another one."""

    def open(self, event: Event, cpu: int, leader: int) -> int:
        """Return a descriptor of a counter, in the group of a leader unless it is -1.

        Raises OSError if the event cannot be counted.
        """

    def read(self, descriptor: int, events: int) -> Reading | None:
        """Return what the group of a leader counted, None if its CPU is gone."""

    def close(self, descriptor: int) -> None:
        """Count no more."""


class Linux:
    """The kernel of this machine."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._number = _SYSCALLS.get(platform.machine())

    def open(self, event: Event, cpu: int, leader: int) -> int:
        """Return a descriptor of a counter of all processes on a CPU."""
        if self._number is None:
            raise OSError(f"perf_event_open is not known on {platform.machine()}")
        attributes = ctypes.create_string_buffer(event.attributes(), ATTRIBUTES.size)
        descriptor: int = self._libc.syscall(
            ctypes.c_long(self._number),
            attributes,
            ctypes.c_int(_EVERY_PROCESS),
            ctypes.c_int(cpu),
            ctypes.c_int(leader),
            ctypes.c_ulong(_CLOSE_ON_EXEC),
        )
        if descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return descriptor

    def read(self, descriptor: int, events: int) -> Reading | None:
        """Return what the group counted."""
        size = 8 * (3 + events)
        return parse_reading(os.read(descriptor, size))

    def close(self, descriptor: int) -> None:
        """Close the descriptor."""
        os.close(descriptor)


def parse_reading(content: bytes) -> Reading | None:
    """Return what was read of a leader; nothing is read once its CPU is offline."""
    if not content:
        return None
    number, enabled, running, *counts = struct.unpack(f"={len(content) // 8}Q", content)
    return Reading(enabled, running, tuple(counts[:number]))
