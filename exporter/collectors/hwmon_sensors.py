"""What the files of a hwmon chip mean: metric, labels and unit of each.

After https://docs.kernel.org/hwmon/sysfs-interface.html, with the names of
node_exporter.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.collectors.base import Metric, names_in, read_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHIP_NAMES = Metric(
    "node_hwmon_chip_names",
    "gauge",
    "Annotation metric for human-readable chip names",
    ("chip", "chip_name"),
)
SENSOR_LABEL = Metric(
    "node_hwmon_sensor_label",
    "gauge",
    "Label for given chip and sensor",
    ("chip", "sensor", "label"),
)

_FILE: Final = re.compile(r"(?P<kind>[^0-9]+)(?P<number>[0-9]*)(_(?P<element>.+))?")
_KINDS: Final = {
    *("vrm", "beep_enable", "update_interval", "in", "cpu", "fan", "pwm", "temp"),
    *("curr", "power", "energy", "humidity", "intrusion", "freq"),
}
_MILLI: Final = 1000.0
_MICRO: Final = 1_000_000.0


class Reading(NamedTuple):
    """A file with a value: its metric and labels, and what to divide it by."""

    file: str
    metric: Metric
    labels: tuple[str, ...]
    divisor: float


class Plan(NamedTuple):
    """What a chip has: the labels of sensors, and by folder what is to be read."""

    labels: Sequence[tuple[str, str]]
    read: Sequence[tuple[str, Sequence[Reading]]]


class _File(NamedTuple):
    """A file of a sensor: in which folder, its name, what it holds."""

    place: int
    name: str
    text: str


class _Unit(NamedTuple):
    """How a value is named and scaled."""

    suffix: str
    divisor: float
    text: str


def clean(name: str) -> str:
    """Return a name in the characters that labels of chips are made of."""
    return re.sub(r"[^a-z0-9:_]", "_", name.lower()).strip("_")


def attributes_of(folder: str) -> dict[str, str]:
    """Return what the files of sensors in a folder hold; none if it is not there."""
    try:
        names = [name for name in names_in(folder) if _meaning(name)]
        return read_attributes(folder, names) if names else {}
    except OSError:
        return {}


def readings(
    chip: str,
    contents: Sequence[tuple[str, Mapping[str, str]]],
    excluded: re.Pattern[str],
) -> Plan:
    """Return what to read of a chip, given the files of its folders.

    A sensor is left out if `chip;sensor` matches `excluded`.
    """
    sensors = _by_sensor(contents)
    labels = []
    read: list[dict[tuple[Metric, tuple[str, ...]], Reading]] = [{} for _ in contents]
    for sensor, elements in sensors.items():
        if excluded.search(f"{chip};{sensor}"):
            continue
        if "label" in elements:
            labels.append((sensor, elements["label"].text))
        for element, one in elements.items():
            reading = _reading(chip, sensor, element, elements)
            if reading is not None:
                key = (reading.metric, reading.labels)
                read[one.place].setdefault(key, reading)
    return Plan(
        labels,
        [
            (folder, list(found.values()))
            for (folder, _), found in zip(contents, read, strict=True)
            if found
        ],
    )


def _by_sensor(
    contents: Sequence[tuple[str, Mapping[str, str]]],
) -> dict[str, dict[str, _File]]:
    """Return the files by sensor and element; those of later folders win."""
    sensors: dict[str, dict[str, _File]] = {}
    for place, (_, files) in enumerate(contents):
        for file, text in files.items():
            if meaning := _meaning(file):
                sensor, element = meaning
                sensors.setdefault(sensor, {})[element] = _File(place, file, text)
    return sensors


def _meaning(file: str) -> tuple[str, str] | None:
    """Return sensor and element of a file such as temp1_input."""
    match = _FILE.fullmatch(file)
    if match is None or match["kind"] not in _KINDS:
        return None
    return f"{match['kind']}{int(match['number'] or 0)}", match["element"] or ""


def _reading(
    chip: str,
    sensor: str,
    element: str,
    elements: Mapping[str, _File],
) -> Reading | None:
    kind = sensor.rstrip("0123456789")
    labels = (chip, sensor)
    if element == "label":
        return None
    if kind == "freq" and element == "input":
        if "label" not in elements:
            return None
        labels = (chip, clean(elements["label"].text))
    metric, divisor = _metric(kind, element, has_bare="" in elements)
    return Reading(elements[element].name, metric, labels, divisor)


@cache
def _metric(kind: str, element: str, *, has_bare: bool) -> tuple[Metric, float]:
    if kind in _SETTINGS:
        name, divisor, text = _SETTINGS[kind]
    else:
        name = f"node_hwmon_{kind}"
        if element == "input":
            name += "_input" if has_bare else ""
        elif element:
            name += f"_{clean(element)}"
        suffix, divisor, text = _unit(kind, element)
        name += suffix
    is_counter = name.endswith("_total")
    labels = ("chip", "sensor")
    return Metric(name, "counter" if is_counter else "gauge", text, labels), divisor


_SETTINGS: Final = {
    "beep_enable": _Unit("node_hwmon_beep_enabled", 1, "Hardware beep enabled"),
    "vrm": _Unit(
        "node_hwmon_voltage_regulator_version", 1, "Hardware voltage regulator"
    ),
    "update_interval": _Unit(
        "node_hwmon_update_interval_seconds", _MILLI, "Hardware monitor update interval"
    ),
}
"""Names of what is said of a chip as a whole, not of a sensor."""

_UNITS: Final = {
    "in": _Unit("_volts", _MILLI, "Hardware monitor for voltage ({})"),
    "cpu": _Unit("_volts", _MILLI, "Hardware monitor for voltage ({})"),
    "temp": _Unit("_celsius", _MILLI, "Hardware monitor for temperature ({})"),
    "curr": _Unit("_amps", _MILLI, "Hardware monitor for current ({})"),
    "energy": _Unit(
        "_joule_total", _MICRO, "Hardware monitor for joules used so far ({})"
    ),
    "power": _Unit("_watt", _MICRO, "Hardware monitor for power usage in watts ({})"),
    "humidity": _Unit(
        "",
        _MICRO,
        "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the "
        "humidity as a percentage) ({})",
    ),
}


_UNITS_OF_ELEMENTS: Final = {
    **{
        ("fan", element): _Unit(
            "_rpm", 1, f"Hardware monitor for fan revolutions per minute ({element})"
        )
        for element in ("input", "min", "max", "target")
    },
    **{
        ("power", element): _Unit(
            "_seconds",
            _MILLI,
            f"Hardware monitor power usage update interval ({element})",
        )
        for element in (
            "average_interval",
            "average_interval_min",
            "average_interval_max",
        )
    },
    ("power", "accuracy"): _Unit(
        "", _MICRO, "Hardware monitor power meter accuracy, as a ratio"
    ),
    ("freq", "input"): _Unit(
        "_freq_mhz", _MICRO, "Hardware monitor for GPU frequency in MHz"
    ),
    ("temp", "type"): _Unit("", 1, "Hardware monitor temp element type"),
}
"""Units of single elements, which go before those of their kind."""


def _unit(kind: str, element: str) -> _Unit:
    if element in {"fault", "alarm"}:
        return _Unit("", 1, f"Hardware sensor {element} status ({kind})")
    if element == "beep":
        return _Unit("_enabled", 1, "Hardware monitor sensor has beeping enabled")
    if unit := _UNITS_OF_ELEMENTS.get((kind, element)):
        return unit
    if unit := _UNITS.get(kind):
        shown = "input" if kind == "temp" and not element else element
        return unit._replace(text=unit.text.format(shown))
    return _Unit("", 1, f"Hardware monitor {kind} element {element}")
