"""`/live`: Server-Sent Events of what is measured, every few seconds.

Clients that ask for the same collectors at the same interval share one measuring. It
begins with the first of them and goes on for a while after the last, so that whoever
was cut off and comes back with `Last-Event-ID` misses nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from exporter.collectors.base import Family, Metric
from exporter.live.readings import Reading, written

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from exporter.live.wire import Wire
    from exporter.registry import Registry
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

CLIENTS: Final = Metric(
    "epimetheus_exporter_live_clients", "gauge", "Clients that watch /live now."
)
REFUSED: Final = Metric(
    "epimetheus_exporter_live_refused_total",
    "counter",
    "Clients of /live that were one too many.",
)
SLOW: Final = Metric(
    "epimetheus_exporter_live_slow_total",
    "counter",
    "Clients of /live that were cut off because they read too slowly.",
)

KEPT: Final = 12
"""Events that are kept for clients that come back."""

_LINGER_SECONDS: Final = 12.0
_RETRY_MS: Final = 2000
_STOP_SECONDS: Final = 1.0
_DIGITS: Final = 20


class Topic(NamedTuple):
    """What clients share: every how many seconds which collectors are asked."""

    interval: int
    collectors: tuple[str, ...]


class TooMany(Exception):  # noqa: N818 - an outcome, not an error
    """There are as many clients as there may be."""


class Live:
    """Measures for whoever watches, at most `most` at once."""

    def __init__(
        self, registry: Registry, wire: Wire, clock: Clock, *, most: int
    ) -> None:
        self._registry = registry
        self._wire = wire
        self._clock = clock
        self.most = most
        self._changed = threading.Lock()
        self._beats: dict[Topic, _Beat] = {}
        self._stopping = threading.Event()
        self._refused = 0

    def start(self) -> None:
        """Answer clients from now on."""
        self._stopping.clear()
        self._wire.start()

    def stop(self) -> None:
        """Measure no more, and say goodbye to all clients."""
        self._stopping.set()
        with self._changed:
            threads = [beat.thread for beat in self._beats.values()]
            for beat in self._beats.values():
                beat.over.set()
            self._beats.clear()
        for thread in threads:
            thread.join(_STOP_SECONDS)
        self._wire.stop()

    def families(self) -> list[Family]:
        """Return what became of clients."""
        return [
            CLIENTS.of(len(self._wire)),
            REFUSED.of(self._refused),
            SLOW.of(self._wire.slow),
        ]

    def join(
        self, topic: Topic, last_id: str, take: Callable[[], socket.socket]
    ) -> None:
        """Have a client watch; raise TooMany before its connection is taken.

        Of the events after `last_id` those that are kept are sent at once, else the
        newest.
        """
        with self._changed:
            if len(self._wire) >= self.most or self._stopping.is_set():
                self._refused += 1
                raise TooMany
            beat = self._beats.get(topic)
            if beat is None:
                self._make_room()
                beat = self._beats[topic] = _Beat(topic, self._clock)
                beat.thread = threading.Thread(
                    target=self._measure, args=(beat,), name="live beat", daemon=True
                )
                beat.thread.start()
            self._wire.add(take(), topic, _head() + beat.after(last_id))

    def _make_room(self) -> None:
        """End a measuring that nobody watches if there are as many as may be watched.

        Else clients that come and go with ever other wishes would leave a thread each.
        """
        if len(self._beats) < self.most:
            return
        for topic, beat in self._beats.items():
            if not self._wire.listeners(topic):
                beat.over.set()
                del self._beats[topic]
                return

    def _measure(self, beat: _Beat) -> None:
        """Measure on a grid of the interval, until nobody has watched for a while."""
        interval = beat.topic.interval
        due = watched = self._clock.monotonic()
        while not beat.over.is_set():
            found = self._registry.scrape(beat.topic.collectors)
            reading = Reading.of(
                self._clock.now(), self._clock.monotonic(), found.families
            )
            with self._changed:
                if beat.over.is_set():
                    return
                self._wire.publish(beat.topic, beat.add(reading))
                now = self._clock.monotonic()
                if self._wire.listeners(beat.topic):
                    watched = now
                elif now - watched >= _LINGER_SECONDS:
                    del self._beats[beat.topic]
                    return
            # What was missed is left out, and the grid stays.
            due += interval * max(1, -int(-(now - due) // interval))
            self._clock.wait(beat.over, due - now)


class _Beat:
    """What is measured for one topic: the newest reading, and the last events."""

    thread: threading.Thread

    def __init__(self, topic: Topic, clock: Clock) -> None:
        self.topic = topic
        self.over = threading.Event()
        self._began = int(clock.now() * 1000)
        self._number = 0
        self._events: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._newest: Reading | None = None

    def add(self, reading: Reading) -> bytes:
        """Return the event of a reading, and keep both."""
        self._number += 1
        text = written(reading, self._newest)
        said = f"id: {self._began}-{self._number}\ndata: {text}\n\n"
        # Names of files may be no UTF-8.
        event = said.encode("utf-8", "replace")
        self._newest = reading
        self._events.append((self._number, event))
        return event

    def after(self, last_id: str) -> bytes:
        """Return the kept events after one; the newest if that is none of these."""
        began, _, number = last_id.partition("-")
        if began == str(self._began) and number.isdecimal() and len(number) < _DIGITS:
            last = int(number)
            first = self._events[0][0] if self._events else last + 1
            lost = max(first - last - 1, 0)
            said = f": {lost} events are no longer kept\n\n" if lost else ""
            return said.encode() + b"".join(
                event for at, event in self._events if at > last
            )
        return self._events[-1][1] if self._events else b""


def headers() -> tuple[tuple[str, str], ...]:
    """Return the headers of a stream."""
    return (
        ("Content-Type", "text/event-stream; charset=utf-8"),
        ("Cache-Control", "no-store"),
        # Some proxies would else hold events back to send them together.
        ("X-Accel-Buffering", "no"),
        ("X-Content-Type-Options", "nosniff"),
    )


def _head() -> bytes:
    """Return the head of an answer that ends with its connection."""
    lines = [
        "HTTP/1.1 200 OK",
        *(f"{name}: {value}" for name, value in headers()),
        f"Date: {formatdate(usegmt=True)}",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + f"\r\n\r\nretry: {_RETRY_MS}\n\n").encode()
