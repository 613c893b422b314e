from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exporter.live.wire import GOODBYE, HEARTBEAT, Wire
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def wired(room: int = 1 << 20, heartbeat: float = 60.0) -> Iterator[Wire]:
    wire = Wire(SystemClock(), room=room, heartbeat=heartbeat)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    theirs.settimeout(30)
    return ours, theirs


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def everything(theirs: socket.socket) -> bytes:
    with theirs, theirs.makefile("rb") as reader:
        return reader.read()


def test_messages_of_a_topic_reach_those_who_listen_to_it() -> None:
    with wired() as wire:
        ends = [pair(), pair(), pair()]
        for topic, (ours, _) in zip("aab", ends, strict=True):
            wire.add(ours, topic, b"head\n")
        assert (len(wire), wire.listeners("a"), wire.listeners("b")) == (3, 2, 1)
        wire.publish("a", b"one\n")
        wire.publish("b", b"two\n")
        wire.publish("a", b"three\n")
    heard = [everything(theirs) for _, theirs in ends]
    assert heard == [
        b"head\none\nthree\n" + GOODBYE,
        b"head\none\nthree\n" + GOODBYE,
        b"head\ntwo\n" + GOODBYE,
    ]


def test_who_goes_is_forgotten() -> None:
    with wired() as wire:
        ours, theirs = pair()
        wire.add(ours, "a", b"")
        theirs.send(b"whatever")
        theirs.close()
        until(lambda: len(wire) == 0)
        wire.publish("a", b"nobody hears it")
        assert wire.slow == 0


def test_who_reads_too_slowly_is_cut_off_and_counted() -> None:
    with wired(room=4096) as wire:
        slow_end, slow = pair()
        quick_end, quick = pair()
        wire.add(slow_end, "a", b"")
        wire.add(quick_end, "a", b"")
        sent = 0
        while not wire.slow:
            wire.publish("a", b"x" * 1024)
            sent += 1024
            got = 0
            while got < 1024:
                got += len(quick.recv(1024 - got))
            assert sent < 1 << 22
        until(lambda: len(wire) == 1)
        # What was sent before is there, and then the connection ends.
        assert len(everything(slow)) < sent
        wire.publish("a", b"still here")
        assert quick.recv(100) == b"still here"
        assert wire.slow == 1
        quick.close()


def test_what_the_kernel_does_not_take_at_once_is_sent_later() -> None:
    with wired() as wire:
        ours, theirs = pair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        wire.add(ours, "a", b"")
        message = b"y" * 900_000
        wire.publish("a", message)
        got = b""
        while len(got) < len(message):
            got += theirs.recv(65536)
        assert got == message
        theirs.close()


def test_who_hears_nothing_for_long_is_told_so() -> None:
    with wired(heartbeat=0.02) as wire:
        ours, theirs = pair()
        wire.add(ours, "a", b"")
        assert theirs.recv(len(HEARTBEAT)) == HEARTBEAT
        theirs.close()


def test_stopping_what_was_not_started_or_twice_does_nothing() -> None:
    wire = Wire(SystemClock())
    wire.stop()
    wire.start()
    wire.stop()
    wire.stop()
