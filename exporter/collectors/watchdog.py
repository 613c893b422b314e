"""Hardware watchdogs: whether they run, and how soon they would restart the machine."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    Metric,
    NothingHere,
    numbered,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import Collector as Options


def _value(attribute: str, suffix: str = "") -> Metric:
    text = f"Value of /sys/class/watchdog/<watchdog>/{attribute}"
    return Metric(f"node_watchdog_{attribute}{suffix}", "gauge", text, ("name",))


VALUES: Final = {
    "bootstatus": _value("bootstatus"),
    "fw_version": _value("fw_version"),
    "nowayout": _value("nowayout"),
    "timeleft": _value("timeleft", "_seconds"),
    "timeout": _value("timeout", "_seconds"),
    "pretimeout": _value("pretimeout", "_seconds"),
    "access_cs0": _value("access_cs0"),
}
_TEXTS: Final = ("options", "identity", "state", "status", "pretimeout_governor")
INFO = Metric(
    "node_watchdog_info",
    "gauge",
    "Info of /sys/class/watchdog/<watchdog>",
    ("name", *_TEXTS),
)


class Watchdog:
    """Reads /sys/class/watchdog."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/watchdog"

    def collect(self) -> list[Family]:
        """Return what each watchdog tells; NothingHere without any."""
        found = Gathered()
        for name, _ in numbered(self._folder, "watchdog"):
            with suppress(FileNotFoundError):  # its driver was taken out just now
                _one(found, f"{self._folder}/{name}", name)
        families = found.families()
        if not families:
            raise NothingHere("no watchdogs")
        return families


def _one(found: Gathered, folder: str, name: str) -> None:
    told = read_attributes(folder, (*VALUES, *_TEXTS))
    for attribute, metric in VALUES.items():
        if text := told.get(attribute):
            found.add(metric, (name,), int(text, 0))
    found.add(INFO, (name, *(told.get(text, "") for text in _TEXTS)), 1)
