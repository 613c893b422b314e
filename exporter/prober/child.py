"""The prober's process from outside: started, listened to, started again."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from exporter.prober.frames import Frames, TieError, frame
from exporter.prober.messages import FromProber, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.prober.messages import Begin, ToProber
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

COMMAND: Final = (sys.executable, "-m", "exporter.prober")
_ROOT: Final = str(Path(__file__).parents[2])

_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_LIVED: Final = 60.0
"""Seconds after which a process that ends counts as one that had worked."""

_SILENCE: Final = 30
"""Seconds without a word after which it hangs, as it says how it is every second."""

_DEAF: Final = 5
"""Seconds after which it hangs that does not take what it is told."""

_PATIENCE: Final = 5.0
"""Seconds that it has to end."""

_PIECE: Final = 2**18


class Gone(Exception):  # noqa: N818 - what happened
    """The process is not there, or does not listen."""


class Listener(Protocol):
    """Hears of the process, in the thread that looks after it."""

    def up(self, board: int, tally: int) -> None:
        """Hear that it runs; board and tally are descriptors to be closed."""

    def heard(self, message: FromProber) -> None:
        """Hear what it says."""

    def down(self, *, asked: bool) -> None:
        """Hear that it has ended, asked to or not."""


@dataclass(frozen=True, slots=True)
class _Life:
    """One process, from start to end."""

    process: subprocess.Popen[bytes]
    end: socket.socket


class Child:
    """Keeps the prober's process running from start to stop.

    One thread starts the process and listens to it for as long as it lives: the kernel
    ends the process with the thread that started it.
    """

    def __init__(
        self,
        begin: Begin,
        listener: Listener,
        clock: Clock,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._begin = begin
        self._listener = listener
        self._clock = clock
        self._command = command
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._talking = threading.Lock()
        self._life: _Life | None = None

    @property
    def is_started(self) -> bool:
        """Whether `start` was called."""
        return self._thread is not None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._look_after, name="prober")
        self._thread.daemon = True
        self._thread.start()

    def stop(self) -> None:
        """Have it end, listening to its last words; returns when it has."""
        self._stop.set()
        with contextlib.suppress(Gone):
            self.tell(Stop())
        if self._thread is not None:
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                log.error("the prober does not end", remedy="it is killed")
                self._kill()
                self._thread.join(_PATIENCE)

    def tell(self, message: ToProber) -> None:
        """Say something to the process; raises Gone."""
        with self._talking:
            life = self._life
            if life is None:
                raise Gone("the prober does not run")
            try:
                life.end.sendall(frame(message))
            except OSError as error:
                life.process.kill()
                raise Gone("the prober does not listen") from error

    def _kill(self) -> None:
        life = self._life
        if life is not None:
            life.process.kill()

    def _look_after(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._stop.is_set():
            began = self._clock.monotonic()
            problem, code = "", -1
            try:
                code = self._live()
            except (OSError, TieError) as error:
                problem = str(error)
            except Exception as error:
                log.exception("what the prober says was not understood")
                problem = repr(error)
            asked = self._stop.is_set()
            self._listener.down(asked=asked)
            if asked:
                return
            lived = self._clock.monotonic() - began
            pause = _SHORTEST_PAUSE if lived > _LIVED else pause
            # It ends in order when somebody sends SIGTERM to all of a service at once.
            tell = log.info if code == 0 and not problem else log.error
            tell(
                "the prober ended unasked",
                lived=round(lived, 1),
                again_in=pause,
                problem=problem,
            )
            self._clock.wait(self._stop, pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _live(self) -> int:
        """Start the process, listen until it has ended, and return its exit code.

        Raises OSError and TieError.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = self._spawn(theirs)
            try:
                _limit(ours)
                ours.sendall(frame(self._begin))
                self._listen(_Life(process, ours))
            finally:
                with self._talking:
                    self._life = None
                _end(process)
        return process.returncode

    def _spawn(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        path = os.environ.get("PYTHONPATH")
        number = theirs.fileno()
        return subprocess.Popen(  # noqa: S603 - our own program
            [*self._command, str(number), str(os.getpid())],
            pass_fds=(number,),
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": f"{_ROOT}:{path}" if path else _ROOT},
        )

    def _listen(self, life: _Life) -> None:
        word, descriptors, _, _ = socket.recv_fds(life.end, 1, 2)
        if not word:
            return
        if len(descriptors) != 2:  # noqa: PLR2004 - board and tally
            raise TieError("the prober did not hand over its board and tally")
        with self._talking:
            self._life = life
        self._listener.up(*descriptors)
        if self._stop.is_set():
            self.tell(Stop())
        frames: Frames[FromProber] = Frames(FromProber)  # type: ignore[arg-type]  # a union
        while piece := _heard(life.end):
            for message in frames.feed(piece):
                self._listener.heard(message)


def _limit(end: socket.socket) -> None:
    """Have a process that hangs be an error, instead of hanging with it."""
    for option, seconds in (
        (socket.SO_RCVTIMEO, _SILENCE),
        (socket.SO_SNDTIMEO, _DEAF),
    ):
        end.setsockopt(socket.SOL_SOCKET, option, _timeval(seconds))


def _timeval(seconds: int) -> bytes:
    return seconds.to_bytes(8, sys.byteorder) + bytes(8)


def _heard(end: socket.socket) -> bytes:
    try:
        return end.recv(_PIECE)
    except ConnectionError:
        return b""
    except BlockingIOError:
        raise TieError(f"it said nothing for {_SILENCE} s") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a process that has hung up, or make it end."""
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
