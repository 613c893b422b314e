"""Processes and threads as /proc/PID/stat tells of them, see proc_pid_stat(5)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 4096
"""Bytes of the file; the kernel's lines have some 400."""

_KERNEL_THREAD: Final = 0x00200000
"""PF_KTHREAD of the flags."""


class Stat(NamedTuple):
    """The fields that collectors need; times are in clock ticks, `rss` in pages.

    `start` is counted from boot. With the number it tells apart two processes that
    had the same number one after the other.
    """

    pid: int
    name: str
    state: str
    is_kernel: bool
    user: int
    system: int
    threads: int
    start: int
    rss: int


def numbers_in(folder: str) -> list[str]:
    """Return the numbers of the processes or threads listed in a folder of procfs."""
    names = os.listdir(folder)  # noqa: PTH208 - half the price of Path objects
    return [name for name in names if name.isdigit()]


def stats_of(procfs: str) -> Iterator[Stat]:
    """Yield the processes that may be seen; one that vanishes meanwhile is left out."""
    for number in numbers_in(procfs):
        line = read_line(f"{procfs}/{number}/stat")
        if line:
            yield parse_stat(line)


def read_line(path: str) -> bytes:
    """Return the content of a stat file; nothing if it is gone or hidden.

    Raises OSError for whatever else goes wrong. A process may go between open and
    read, of which the read tells by ESRCH.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            return os.read(handle, _LONGEST)
        finally:
            os.close(handle)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def state_in(line: bytes) -> str:
    """Return the letter of the state; the name before it may hold any character."""
    at = line.rindex(b")")
    return chr(line[at + 2])


def parse_stat(line: bytes) -> Stat:
    """Return the fields of a line; a name may hold spaces and parentheses.

    Raises ValueError for what is no such line.
    """
    before, bracket, after = line.rpartition(b")")
    pid, _, name = before.partition(b" (")
    fields = after.split(None, 22)
    if not bracket or len(fields) < 22:  # noqa: PLR2004 - up to rss
        raise ValueError(f"no line of a process: {line[:60]!r}")
    return Stat(
        pid=int(pid),
        name=name.decode("utf-8", "replace"),
        state=fields[0].decode(),
        is_kernel=bool(int(fields[6]) & _KERNEL_THREAD),
        user=int(fields[11]),
        system=int(fields[12]),
        threads=int(fields[17]),
        start=int(fields[19]),
        rss=int(fields[21]),
    )
