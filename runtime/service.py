"""Ordered start and reverse stop of the parts that a program is made of."""

from __future__ import annotations

import queue
import signal
import threading
from typing import TYPE_CHECKING, Any, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)


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
    # Event.set takes a lock that the interrupted code may hold; SimpleQueue.put is the
    # one hand-over that the standard library allows in a signal handler.
    received: queue.SimpleQueue[int] = queue.SimpleQueue()

    def on_signal(number: int, frame: Any) -> None:
        del frame
        signal.signal(number, signal.SIG_DFL)
        received.put(number)

    def wait_for_one() -> None:
        name = signal.Signals(received.get()).name
        log.info("stopping", signal=name)
        stop.set()

    threading.Thread(target=wait_for_one, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
