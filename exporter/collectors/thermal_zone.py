"""How warm the zones of the machine are, and how much it throttles to cool them."""

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

TEMPERATURE = Metric(
    "node_thermal_zone_temp", "gauge", "Zone temperature in Celsius", ("zone", "type")
)
CURRENT = Metric(
    "node_cooling_device_cur_state",
    "gauge",
    "Current throttle state of the cooling device",
    ("name", "type"),
)
MAXIMUM = Metric(
    "node_cooling_device_max_state",
    "gauge",
    "Maximum throttle state of the cooling device",
    ("name", "type"),
)
_MILLI: Final = 1000


class ThermalZone:
    """Reads /sys/class/thermal."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/thermal"

    def collect(self) -> list[Family]:
        """Return the zones, and the cooling devices, that answer."""
        found = Gathered()
        for name, number in numbered(self._folder, "thermal_zone"):
            with suppress(FileNotFoundError):  # its driver was taken out just now
                _zone(found, f"{self._folder}/{name}", number)
        for name, number in numbered(self._folder, "cooling_device"):
            with suppress(FileNotFoundError):
                _cooling(found, f"{self._folder}/{name}", number)
        families = found.families()
        if not families:
            raise NothingHere("no thermal zones and no cooling devices")
        return families


def _zone(found: Gathered, folder: str, number: str) -> None:
    zone = read_attributes(folder, ("type", "temp"))
    if zone.get("temp"):
        labels = (number, zone.get("type", ""))
        found.add(TEMPERATURE, labels, int(zone["temp"]) / _MILLI)


def _cooling(found: Gathered, folder: str, number: str) -> None:
    device = read_attributes(folder, ("type", "cur_state", "max_state"))
    labels = (number, device.get("type", ""))
    if "cur_state" in device:
        found.add(CURRENT, labels, int(device["cur_state"]))
    if "max_state" in device:
        found.add(MAXIMUM, labels, int(device["max_state"]))
