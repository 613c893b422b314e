"""What the exporter says about itself: its process, its build, its scrapes."""

from __future__ import annotations

import os
import platform
import threading
import time
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

from exporter.collectors.base import Family, Metric, names_in, read

if TYPE_CHECKING:
    from runtime.clock import Clock

BUILD: Final = Metric(
    "epimetheus_exporter_build_info",
    "gauge",
    "The version of the exporter and of what it runs on, value is always 1.",
    ("version", "python"),
)
SCRAPES: Final = Metric(
    "epimetheus_exporter_scrapes_total",
    "counter",
    "Requests for metrics, by what became of them.",
    ("outcome",),
)
IN_FLIGHT: Final = Metric(
    "epimetheus_exporter_scrapes_in_flight",
    "gauge",
    "Scrapes that are being answered now.",
)
CPU: Final = Metric(
    "process_cpu_seconds_total",
    "counter",
    "Total user and system CPU time spent in seconds.",
)
START: Final = Metric(
    "process_start_time_seconds",
    "gauge",
    "Start time of the process since unix epoch in seconds.",
)
OPEN_FDS: Final = Metric(
    "process_open_fds", "gauge", "Number of open file descriptors."
)
MAX_FDS: Final = Metric(
    "process_max_fds", "gauge", "Maximum number of open file descriptors."
)
RESIDENT: Final = Metric(
    "process_resident_memory_bytes", "gauge", "Resident memory size in bytes."
)
VIRTUAL: Final = Metric(
    "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes."
)
VIRTUAL_MAX: Final = Metric(
    "process_virtual_memory_max_bytes",
    "gauge",
    "Maximum amount of virtual memory available in bytes.",
)

Outcome = Literal["answered", "busy", "unauthorized", "bad_request", "failed"]
_OUTCOMES: Final[tuple[Outcome, ...]] = (
    "answered",
    "busy",
    "unauthorized",
    "bad_request",
    "failed",
)

_UNLIMITED: Final = 2**64 - 1
"""What the kernel's limits call infinity, and Go's exporters report."""

_PROC: Final = "/proc/self"
"""Not procfs of the settings: in a container this process has another number there."""


def version() -> str:
    """Return the version of the installed package, from its metadata."""
    try:
        return metadata.version("epimetheus")
    except metadata.PackageNotFoundError:
        return "unknown"


class Telemetry:
    """Counts scrapes and measures the process; safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._started = clock.now()
        self._changed = threading.Lock()
        self._counts = dict.fromkeys(_OUTCOMES, 0)
        self._in_flight = 0
        self._build = Family(BUILD, (((version(), platform.python_version()), 1),))

    def begin(self, limit: int) -> bool:
        """Note a scrape in flight, unless there are that many already."""
        with self._changed:
            if self._in_flight >= limit:
                return False
            self._in_flight += 1
        return True

    def end(self) -> None:
        """Note that a scrape is no longer in flight."""
        with self._changed:
            self._in_flight -= 1

    def count(self, outcome: Outcome) -> None:
        """Count what became of a request for metrics."""
        with self._changed:
            self._counts[outcome] += 1

    def families(self) -> list[Family]:
        """Return everything as of now."""
        counts = [((outcome,), count) for outcome, count in self._counts.items()]
        return [
            self._build,
            Family(SCRAPES, counts),
            IN_FLIGHT.of(self._in_flight),
            CPU.of(time.process_time()),
            START.of(self._started),
            *_process(),
        ]


def _process() -> list[Family]:
    try:
        virtual, resident = read(f"{_PROC}/statm").split()[:2]
        limits = _limits()
        # One of them is the descriptor that lists them.
        open_fds = len(names_in(f"{_PROC}/fd")) - 1
    except FileNotFoundError:
        return []
    page = os.sysconf("SC_PAGE_SIZE")
    return [
        OPEN_FDS.of(open_fds),
        MAX_FDS.of(limits["Max open files"]),
        RESIDENT.of(int(resident) * page),
        VIRTUAL.of(int(virtual) * page),
        VIRTUAL_MAX.of(limits["Max address space"]),
    ]


def _limits() -> dict[str, int]:
    """Return the soft limits of this process by the kernel's name for them."""
    limits = {}
    for line in read(f"{_PROC}/limits").splitlines()[1:]:
        name, soft = line[:26].rstrip(), line[26:].split()[0]
        limits[name] = _UNLIMITED if soft == "unlimited" else int(soft)
    return limits
