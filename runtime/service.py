"""Ordered start and reverse stop of the parts that a program is made of."""

from __future__ import annotations

import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


class Service(Protocol):
    """A part that does something between start and stop; building it has no effect."""

    def start(self) -> None:
        """Begin; raise when that is not possible, leaving nothing behind."""

    def stop(self) -> None:
        """Finish what is at hand and release everything; return when that is done."""


def run(services: Sequence[Service], stop: threading.Event) -> None:
    """Start the services in order, wait for the event, stop them in reverse.

    When one cannot start, those before it are stopped and its error is raised. A
    service that fails to stop keeps no other from stopping; raises ExceptionGroup at
    the end.
    """
    started: list[Service] = []
    try:
        for service in services:
            service.start()
            started.append(service)
        stop.wait()
    finally:
        _stop_in_reverse(started)


def _stop_in_reverse(started: list[Service]) -> None:
    failures: list[Exception] = []
    for service in reversed(started):
        try:
            service.stop()
        except Exception as error:
            log.exception("service did not stop", service=type(service).__name__)
            failures.append(error)
    if failures:
        raise ExceptionGroup("services did not stop", failures)


def stop_on_signals(stop: threading.Event) -> None:
    """Set the event on the first SIGTERM or SIGINT; a second one ends at once.

    To be called from the main thread.
    """
    # A handler in Python waits for the main thread, which may be about to wait itself
    # and then never hears of it. What the interpreter writes at once, a thread reads.
    received, written = socket.socketpair()
    written.setblocking(False)  # noqa: FBT003 - the library's signature
    signal.set_wakeup_fd(written.detach(), warn_on_full_buffer=False)

    def on_signal(number: int, frame: Any) -> None:
        del frame
        signal.signal(number, signal.SIG_DFL)

    def listen() -> None:
        # Read on for as long as the program lives: the other end is written to.
        while number := received.recv(1):
            if number[0] in _STOPPING and not stop.is_set():
                log.info("stopping", signal=signal.Signals(number[0]).name)
                stop.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    for number in _STOPPING:
        signal.signal(number, on_signal)
