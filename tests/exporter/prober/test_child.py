from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.prober.child import Child, Gone
from exporter.prober.messages import Begin, Health, Stop
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from exporter.prober.messages import FromProber

START = """
import os, socket, sys, time, msgspec
from exporter.prober.messages import *
from exporter.prober.frames import frame
end = socket.socket(fileno=int(sys.argv[1]))
read, write = os.pipe()
"""
HELLO = f"{START}socket.send_fds(end, [b'x'], [read, write])\n"


class Listening:
    """Hears a process, and keeps what it heard."""

    def __init__(self) -> None:
        self.ups = 0
        self.downs: list[bool] = []
        self.messages: list[FromProber] = []
        self.changed = threading.Event()

    def up(self, board: int, tally: int) -> None:
        os.close(board)
        os.close(tally)
        self.ups += 1
        self.changed.set()

    def heard(self, message: FromProber) -> None:
        self.messages.append(message)
        self.changed.set()

    def down(self, *, asked: bool) -> None:
        self.downs.append(asked)
        self.changed.set()

    def until(self, count: int, of: str) -> None:
        deadline = time.monotonic() + 30
        while len(getattr(self, of)) < count:
            assert time.monotonic() < deadline
            self.changed.wait(0.01)
            self.changed.clear()


def made(program: str, listening: Listening) -> Child:
    begin = Begin(log=b"{}", prober=b"{}", procfs="/proc")
    command = (sys.executable, "-c", program)
    return Child(begin, listening, SystemClock(), command)


def test_what_it_says_is_heard_and_it_ends_when_told() -> None:
    listening = Listening()
    child = made(
        f"{HELLO}end.sendall(frame(Health(waits=3)))\nend.recv(1)\n"
        "while end.recv(2**16): break\n",
        listening,
    )
    with pytest.raises(Gone, match="does not run"):
        child.tell(Stop())
    child.start()
    listening.until(1, "messages")
    assert listening.messages == [Health(waits=3)]
    child.stop()
    assert listening.downs == [True]


def test_it_is_started_again_ever_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.prober.child._SHORTEST_PAUSE", 0.01)
    listening = Listening()
    child = made(HELLO, listening)
    with capture_logs() as logs:
        child.start()
        listening.until(3, "downs")
        child.stop()
    pauses = [line["again_in"] for line in logs if "again_in" in line]
    assert pauses[:3] == [0.01, 0.02, 0.04]
    assert listening.ups >= 3


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        (f"{HELLO}end.sendall(b'GET / HTTP/1.0')\ntime.sleep(60)", "too long"),
        (f"{HELLO}time.sleep(60)", "said nothing for 2 s"),
        (f"{START}end.sendall(b'x')\ntime.sleep(60)", "did not hand over"),
    ],
)
def test_one_that_talks_nonsense_or_not_at_all_is_ended(
    monkeypatch: pytest.MonkeyPatch, program: str, problem: str
) -> None:
    monkeypatch.setattr("exporter.prober.child._SILENCE", 2)
    monkeypatch.setattr("exporter.prober.child._PATIENCE", 0.1)
    listening = Listening()
    child = made(program, listening)
    with capture_logs() as logs:
        child.start()
        listening.until(1, "downs")
        child.stop()
    assert listening.downs[0] is False
    told, *_ = [line for line in logs if line["event"] == "the prober ended unasked"]
    assert problem in told["problem"]


@pytest.mark.parametrize(("program", "level"), [("", "info"), ("1 / 0", "error")])
def test_only_an_end_out_of_order_is_an_error(program: str, level: str) -> None:
    listening = Listening()
    child = made(f"{HELLO}{program}", listening)
    with capture_logs() as logs:
        child.start()
        listening.until(1, "downs")
        child.stop()
    told, *_ = [line for line in logs if line["event"] == "the prober ended unasked"]
    assert told["log_level"] == level
