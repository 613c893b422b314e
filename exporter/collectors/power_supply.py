"""Mains, batteries and what they tell of charge, voltage, power and health."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    Metric,
    NothingHere,
    names_in,
    read_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.settings import PowerSupplyCollector as Options

_UNITS: Final[Mapping[float, Mapping[str, str]]] = {
    1: {
        "authentic": "authentic",
        "calibrate": "calibrate",
        "capacity": "capacity",
        "capacity_alert_max": "capacity_alert_max",
        "capacity_alert_min": "capacity_alert_min",
        "cycle_count": "cyclecount",
        "online": "online",
        "present": "present",
        "time_to_empty_now": "time_to_empty_seconds",
        "time_to_full_now": "time_to_full_seconds",
    },
    1e6: {
        "current_boot": "current_boot",
        "current_max": "current_max",
        "current_now": "current_ampere",
        "energy_empty": "energy_empty",
        "energy_empty_design": "energy_empty_design",
        "energy_full": "energy_full",
        "energy_full_design": "energy_full_design",
        "energy_now": "energy_watthour",
        "voltage_boot": "voltage_boot",
        "voltage_max": "voltage_max",
        "voltage_max_design": "voltage_max_design",
        "voltage_min": "voltage_min",
        "voltage_min_design": "voltage_min_design",
        "voltage_now": "voltage_volt",
        "voltage_ocv": "voltage_ocv",
        "charge_control_limit": "charge_control_limit",
        "charge_control_limit_max": "charge_control_limit_max",
        "charge_counter": "charge_counter",
        "charge_empty": "charge_empty",
        "charge_empty_design": "charge_empty_design",
        "charge_full": "charge_full",
        "charge_full_design": "charge_full_design",
        "charge_now": "charge_ampere",
        "charge_term_current": "charge_term_current",
        "constant_charge_current": "constant_charge_current",
        "constant_charge_current_max": "constant_charge_current_max",
        "constant_charge_voltage": "constant_charge_voltage",
        "constant_charge_voltage_max": "constant_charge_voltage_max",
        "precharge_current": "precharge_current",
        "input_current_limit": "input_current_limit",
        "power_now": "power_watt",
    },
    10: {
        "temp": "temp_celsius",
        "temp_alert_max": "temp_alert_max_celsius",
        "temp_alert_min": "temp_alert_min_celsius",
        "temp_ambient": "temp_ambient_celsius",
        "temp_ambient_max": "temp_ambient_max_celsius",
        "temp_ambient_min": "temp_ambient_min_celsius",
        "temp_max": "temp_max_celsius",
        "temp_min": "temp_min_celsius",
    },
}
"""Names of metrics by attribute, by what the kernel's numbers are divided by."""

_TEXTS: Final = (
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
    "scope",
)


def _metric(name: str) -> Metric:
    text = f"{name} value of /sys/class/power_supply/<power_supply>."
    return Metric(f"node_power_supply_{name}", "gauge", text, ("power_supply",))


_VALUES: Final = {
    attribute: (_metric(name), divisor)
    for divisor, names in _UNITS.items()
    for attribute, name in names.items()
}
_KNOWN: Final = frozenset((*_VALUES, *_TEXTS))
INFO = Metric(
    "node_power_supply_info",
    "gauge",
    "info of /sys/class/power_supply/<power_supply>.",
    ("power_supply", *_TEXTS),
)
"""Where a supply does not tell a text, its label is empty, which is as good as none."""


class PowerSupply:
    """Reads /sys/class/power_supply, of each supply what it has."""

    def __init__(self, host: Host, options: Options) -> None:
        self._folder = f"{host.sysfs}/class/power_supply"
        self._excluded = re.compile(options.exclude_supplies)

    def collect(self) -> list[Family]:
        """Return a family for each kind of value, and the texts as labels."""
        found = Gathered()
        for supply in self._supplies():
            folder = f"{self._folder}/{supply}"
            try:
                names = [name for name in names_in(folder) if name in _KNOWN]
                told = read_attributes(folder, names)
            except FileNotFoundError:
                continue  # it was unplugged just now
            for attribute, text in told.items():
                if text and attribute in _VALUES:
                    metric, divisor = _VALUES[attribute]
                    found.add(metric, (supply,), int(text) / divisor)
            texts = (told.get(name, "") for name in _TEXTS)
            found.add(INFO, (supply, *texts), 1)
        return found.families()

    def _supplies(self) -> list[str]:
        try:
            names = names_in(self._folder)
        except FileNotFoundError:
            names = []
        supplies = [name for name in names if not self._excluded.search(name)]
        if not supplies:
            raise NothingHere("no power supply that tells of itself")
        return supplies
