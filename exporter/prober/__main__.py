"""The prober's process: `python -m exporter.prober FD PID`, started by the exporter.

FD is its end of the tie, PID the process that it ends with.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import socket
import struct
import sys
from typing import Final

import msgspec

from exporter.prober.messages import Begin, ToProber
from exporter.prober.station import Station
from runtime import logs
from runtime.prober_settings import Prober
from runtime.process import die_with_parent
from runtime.settings import Log

_PR_SET_TIMERSLACK: Final = 29
_NICE: Final = -5


def main() -> None:
    """Probe until told to stop, or until the exporter is gone."""
    descriptor, parent = map(int, sys.argv[1:])
    # A terminal's Ctrl-C reaches all its processes; the exporter says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)
    with socket.socket(fileno=descriptor) as end:
        begin = _first_word(end)
        log = Log.model_validate_json(begin.log)
        logs.configure(log, sys.stderr)
        _make_way()
        asyncio.run(_live(end, Prober.model_validate_json(begin.prober), begin.procfs))


async def _live(end: socket.socket, settings: Prober, procfs: str) -> None:
    station = Station(end, settings, procfs)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, station.stop)
    await station.live()


def _first_word(end: socket.socket) -> Begin:
    (length,) = struct.unpack("!I", _exactly(end, 4))
    word = msgspec.msgpack.decode(_exactly(end, length), type=ToProber)
    if not isinstance(word, Begin):
        raise SystemExit("the exporter did not begin with Begin")
    return word


def _exactly(end: socket.socket, length: int) -> bytes:
    text = b""
    while len(text) < length:
        piece = end.recv(length - len(text))
        if not piece:
            raise SystemExit("the exporter is gone")
        text += piece
    return text


def _make_way() -> None:
    """Have this process woken on time, and give it files, as far as permitted."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
