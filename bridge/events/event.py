"""What a recorded failure is, and what finds failures in rows."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT_ERROR: Final = "client_error"
"""Category of requests that were answered with 4xx."""
SERVER_ERROR: Final = "server_error"
"""Category of requests that were answered with 5xx."""
AVAILABILITY: Final = "availability"
"""Category of targets and sources that did not answer."""
ALERT: Final = "alert"
"""Category of alerts that fired."""
COVERAGE: Final = "coverage"
"""Category of windows whose samples are missing."""

CERTIFICATE: Final = "certificate"
"""Category of certificates that were changed or end soon."""
ROUTING: Final = "routing"
"""Category of paths through the network that were changed."""
LATENCY: Final = "latency"
"""Category of destinations that are slower, or lose more, than they usually do."""

_MOST: Final = 2**63 - 1
"""The largest number that a BIGINT column holds."""


@dataclass(frozen=True, slots=True)
class Event:
    """A failure, once per (source, fingerprint, time), however often it is found (R84).

    `time` is UTC milliseconds: when it happened or, for failures that were counted in
    a window, the window's start. `metadata` is a JSON object.
    """

    source: str
    fingerprint: str
    time: int
    detector: str
    category: str
    type: str
    message: str
    occurrences: int = 1
    status: int | None = None
    endpoint: str = ""
    trace_id: str = ""
    span_id: str = ""
    client: str = ""
    workspace: str = ""
    environment: str = ""
    metadata: str = "{}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a detector sees: the row of one series in one window.

    `start` is the window's first second, UTC; None stands for NULL as in rows.
    """

    metric: str
    labels: Mapping[str, str]
    start: int
    count: int
    sum: float | None
    min: float | None
    max: float | None
    first: float | None
    last: float | None
    increase: float | None
    source: str
    workspace: str
    environment: str
    expected: int = 0

    @property
    def is_histogram(self) -> bool:
        """Whether the series is a histogram, whose increase are observations."""
        return self.increase is not None and self.min is None

    @property
    def time(self) -> int:
        """The time of the window's events, UTC milliseconds."""
        return self.start * 1000


class Detector(Protocol):
    """Finds failures in rows, one at a time, remembering nothing.

    The same row always gives an equal event, so that a window done again gives the
    same events (R84).
    """

    @property
    def name(self) -> str:
        """What its events say recorded them."""

    def wants(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether rows of this series may show a failure; asked once per series."""

    def detect(self, seen: Seen) -> Event | None:
        """Return the failure that a row of a wanted series shows, if any."""


def occurrences(amount: float | None) -> int:
    """Return how often something happened that a float counts.

    Nothing, NULL, an infinity and what is not positive are 0. Fractions, which only
    odd counters have, are rounded, but to no less than 1: something did happen.
    """
    if amount is None or not math.isfinite(amount) or amount <= 0:
        return 0
    return min(max(round(amount), 1), _MOST)


def as_metadata(**facts: Any) -> str:
    """Return facts as a JSON object whose text depends on nothing but the facts."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
