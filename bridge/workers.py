"""The API's worker processes: started, watched and stopped by the engine's process.

They are processes of their own because reading many rows from SQLite in several
threads of one process makes all of them slow; each worker has one database thread.
Run as a module this is the server itself.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

import structlog

from runtime.process import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.clock import Clock
    from runtime.quantities import Address

log = structlog.get_logger(__name__)

PARENT: Final = "EPIMETHEUS_PARENT"
"""Environment variable with the process id of what has to be there still."""
_PATIENCE: Final = 10.0
"""Seconds that a server gets to end."""
_WORKER_PATIENCE: Final = 3
"""Seconds that a worker gets to end, by the server."""
_PORT_PATIENCE: Final = 10.0
"""Seconds that a port gets to become free."""
_LONGEST_PAUSE: Final = 30.0


class PortTaken(Exception):  # noqa: N818 - a state of the machine
    """The address is in use or may not be used; the message says which."""


class Workers:
    """The web server and its workers, restarted when they end unasked."""

    def __init__(
        self,
        listen: Address,
        count: int,
        environ: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._listen = listen
        self._count = count
        self._environ = dict(environ)
        self._clock = clock
        self._stop = threading.Event()
        self._started = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the server answers."""
        return self._listen.url

    @property
    def pid(self) -> int | None:
        """The server's process id, None before start."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the server; raises PortTaken if the address cannot be used."""
        self._await_port()
        # The thread that starts a process must outlive it: the kernel tells a child
        # that its parent has died when the thread that made it ends.
        self._thread = threading.Thread(
            target=self._supervise, name="workers", daemon=True
        )
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """End the server and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _await_port(self) -> None:
        """Wait for the port: a server that was killed may be about to let go of it."""
        deadline = self._clock.monotonic() + _PORT_PATIENCE
        waiting = False
        while error := unusable(self._listen):
            if self._clock.monotonic() >= deadline:
                raise PortTaken(f"bridge.listen: {error}")
            if not waiting:
                log.warning(
                    "waiting for the port",
                    address=str(self._listen),
                    reason=error,
                    seconds=_PORT_PATIENCE,
                )
                waiting = True
            self._clock.wait(self._stop, 0.1)

    def _supervise(self) -> None:
        pause = 1.0
        while not self._stop.is_set():
            began = self._clock.monotonic()
            code = self._run_once()
            if self._stop.is_set():
                return
            if self._clock.monotonic() - began > _LONGEST_PAUSE:
                pause = 1.0
            log.error("the web server ended", code=code, restart_seconds=pause)
            self._clock.wait(self._stop, pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _run_once(self) -> int | str:
        """Start the server and return how it ended, or why it could not begin."""
        try:
            self._process = self._spawn()
        except OSError as error:
            return str(error)
        finally:
            self._started.set()
        return self._wait(self._process)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "bridge.workers",
            self._listen.host,
            str(self._listen.port),
            str(self._count),
        ]
        environ = {**self._environ, PARENT: str(os.getpid())}
        return subprocess.Popen(  # noqa: S603 - our own module
            command,
            env=environ,
            # A terminal's Ctrl-C is for the engine, which ends the server in order.
            start_new_session=True,
        )

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while not self._stop.is_set():
            try:
                return process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
        process.terminate()
        try:
            return process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            log.warning("the web server did not end in time and is killed")
            process.kill()
            return process.wait()


def unusable(address: Address) -> str | None:
    """Say why an address cannot be listened on, None if it can."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return (
                f"{address} is in use by another program; "
                "stop it, or set bridge.listen to another port"
            )
        return f"{address}: {os.strerror(error.errno) if error.errno else error}"
    return None


def serve(host: str, port: int, workers: int) -> None:
    """Serve the API until a signal ends it."""
    from granian import Granian  # noqa: PLC0415 - only the server needs it
    from granian.constants import Interfaces  # noqa: PLC0415 - same
    from granian.log import LogLevels  # noqa: PLC0415 - same

    Granian(
        "bridge.wsgi:create",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=1,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_WORKER_PATIENCE,
        log_level=LogLevels.warning,
    ).serve()


def main() -> None:
    """Be the server: `python -m bridge.workers HOST PORT WORKERS`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("workers", type=int)
    arguments = parser.parse_args()
    parent = os.environ.get(PARENT)
    # Killed and not asked: the signal comes once for each thread of the parent, and
    # a server that is asked again while it reacts hangs for ever. There is nothing to
    # finish: workers only read.
    die_with_parent(int(parent) if parent else None, signal.SIGKILL)
    os.environ[PARENT] = str(os.getpid())
    serve(arguments.host, arguments.port, arguments.workers)


if __name__ == "__main__":
    main()
