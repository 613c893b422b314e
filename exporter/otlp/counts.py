"""What pushing counts, as metrics of the exporter."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from exporter.collectors.base import Family, Metric

OUTCOMES: Final = (
    *("accepted", "partial", "unreachable", "busy"),
    *("unauthorized", "refused", "failed", "garbage"),
)
"""What can become of sending; see `exporter.otlp.receiver`."""
REASONS: Final = ("queue_full", "refused", "rejected", "stopped", "failed")
"""Why points are dropped: no room to wait, refused with all of their push, rejected by
a receiver that took the rest, unsent when the exporter was stopped, not encoded."""

PUSHES: Final = Metric(
    "epimetheus_exporter_otlp_pushes_total",
    "counter",
    "Requests with metrics that were sent, by what became of them.",
    ("outcome",),
)
SENT: Final = Metric(
    "epimetheus_exporter_otlp_points_sent_total",
    "counter",
    "Points that a receiver has taken.",
)
DROPPED: Final = Metric(
    "epimetheus_exporter_otlp_points_dropped_total",
    "counter",
    "Points that no receiver has taken and that were given up, by the reason.",
    ("reason",),
)
LAST: Final = Metric(
    "epimetheus_exporter_otlp_last_success_timestamp_seconds",
    "gauge",
    "When a receiver took metrics last, 0 if never.",
)
DURATION: Final = Metric(
    "epimetheus_exporter_otlp_push_duration_seconds",
    "gauge",
    "How long the last request with metrics took, answered or not.",
)
QUEUED: Final = Metric(
    "epimetheus_exporter_otlp_queued_pushes",
    "gauge",
    "Pushes that wait to be sent, the one that is being sent included.",
)


class Counts:
    """Numbers about pushes; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pushes = Counter(dict.fromkeys(OUTCOMES, 0))
        self._dropped = Counter(dict.fromkeys(REASONS, 0))
        self._sent = 0
        self._last = 0.0
        self._seconds = 0.0

    def pushed(self, outcome: str, seconds: float) -> None:
        """Count a request, answered or not."""
        with self._lock:
            self._pushes[outcome] += 1
            self._seconds = seconds

    def sent(self, points: int, now: float) -> None:
        """Count points that a receiver has taken, as of `now` in seconds since 1970."""
        with self._lock:
            self._sent += points
            self._last = now

    def dropped(self, reason: str, points: int) -> None:
        """Count points that are given up."""
        with self._lock:
            self._dropped[reason] += points

    def families(self, queued: int) -> list[Family]:
        """Return everything as of now."""
        with self._lock:
            return [
                Family(PUSHES, [((name,), n) for name, n in self._pushes.items()]),
                SENT.of(self._sent),
                Family(DROPPED, [((name,), n) for name, n in self._dropped.items()]),
                LAST.of(self._last),
                DURATION.of(self._seconds),
                QUEUED.of(queued),
            ]
