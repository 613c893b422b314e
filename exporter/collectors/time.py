"""What time the machine thinks it is, and by which clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric, names_in

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

SECONDS = Metric(
    "node_time_seconds", "gauge", "System time in seconds since epoch (1970)."
)
ZONE = Metric(
    "node_time_zone_offset_seconds",
    "gauge",
    "System time zone offset in seconds.",
    ("time_zone",),
)
AVAILABLE = Metric(
    "node_time_clocksource_available_info",
    "gauge",
    "Available clocksources read from '/sys/devices/system/clocksource'.",
    ("device", "clocksource"),
)
CURRENT = Metric(
    "node_time_clocksource_current_info",
    "gauge",
    "Current clocksource read from '/sys/devices/system/clocksource'.",
    ("device", "clocksource"),
)

_CLOCKSOURCES = "devices/system/clocksource"


class Time:
    """Asks the clock, the time zone and /sys/devices/system/clocksource."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the time, the offset of local time, and the clock sources."""
        now = self._host.clock.now()
        local = time.localtime(now)
        return [
            SECONDS.of(now),
            Family(ZONE, (((local.tm_zone,), local.tm_gmtoff),)),
            *self._clocksources(),
        ]

    def _clocksources(self) -> list[Family]:
        available: list[tuple[tuple[str, ...], float]] = []
        current: list[tuple[tuple[str, ...], float]] = []
        try:
            devices = names_in(f"{self._host.sysfs}/{_CLOCKSOURCES}")
        except FileNotFoundError:
            return []
        for device in devices:
            number = device.removeprefix("clocksource")
            if not number.isdigit():
                continue
            name = f"{_CLOCKSOURCES}/{device}"
            sources = self._host.sys(f"{name}/available_clocksource").split()
            available += [((number, source), 1) for source in sources]
            source = self._host.sys(f"{name}/current_clocksource").strip()
            current.append(((number, source), 1))
        if not current:
            return []
        return [Family(AVAILABLE, available), Family(CURRENT, current)]
