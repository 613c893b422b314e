"""Temperatures, fans, voltages and what else the sensors of the hardware say.

The names of chips are made from the paths of their devices, which stay the same however
the kernel numbers them; two chips of one device are told apart by their own names.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    NothingHere,
    names_in,
    read_attributes,
)
from exporter.collectors.hwmon_sensors import (
    CHIP_NAMES,
    SENSOR_LABEL,
    Reading,
    attributes_of,
    clean,
    readings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime.settings import HwmonCollector as Options

_LOOK_AGAIN_SECONDS: Final = 60.0
"""A driver may add sensors to a chip that is there already."""


class _Source(NamedTuple):
    """A folder with values, and what its files mean."""

    folder: str
    readings: Sequence[Reading]


class _Chip(NamedTuple):
    """What of a chip does not change from scrape to scrape."""

    name: str | None
    labels: Sequence[tuple[str, str]]
    sources: Sequence[_Source]


class Hwmon:
    """Reads /sys/class/hwmon; names and labels only when a chip comes or goes."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._excluded = re.compile(options.exclude_chips)
        self._excluded_sensors = re.compile(options.exclude_sensors)
        self._seen: dict[str, int] = {}
        self._looked = 0.0
        self._chips: dict[str, _Chip] = {}

    def collect(self) -> list[Family]:
        """Return a family for each kind of value, a sample for each sensor."""
        self._look()
        found = Gathered()
        for label, chip in self._chips.items():
            if chip.name is not None:
                found.add(CHIP_NAMES, (label, chip.name), 1)
            for sensor, text in chip.labels:
                found.add(SENSOR_LABEL, (label, sensor, text), 1)
            for source in chip.sources:
                _read(found, source)
        return found.families()

    def _look(self) -> None:
        folder = f"{self._host.sysfs}/class/hwmon"
        try:
            paths = [f"{folder}/{name}" for name in names_in(folder)]
        except FileNotFoundError as error:
            raise NothingHere("no sensors of the hardware") from error
        # A chip that takes the place of another has its name, and another inode.
        seen = {path: inode for path in paths if (inode := _inode(path))}
        now = self._host.clock.monotonic()
        if seen == self._seen and now < self._looked + _LOOK_AGAIN_SECONDS:
            return
        self._chips = {
            label: chip
            for label, path in _labels(seen).items()
            if not self._excluded.search(label)
            and (chip := self._chip(label, path)) is not None
        }
        self._seen, self._looked = seen, now

    def _chip(self, label: str, path: str) -> _Chip | None:
        folders = [path, f"{path}/device"]
        contents = [(folder, attributes_of(folder)) for folder in folders]
        plan = readings(label, contents, self._excluded_sensors)
        return _Chip(_own_name(path), plan.labels, [_Source(*one) for one in plan.read])


def _read(found: Gathered, source: _Source) -> None:
    try:
        values = read_attributes(source.folder, [one.file for one in source.readings])
    except OSError:
        return  # the chip has just gone
    for file, metric, labels, divisor in source.readings:
        try:
            value = float(values[file])
        except (KeyError, ValueError):
            continue  # a sensor that is not connected
        found.add(metric, labels, value / divisor)


def _labels(paths: Iterable[str]) -> dict[str, str]:
    """Return the path of each chip by the label that is its alone."""
    named = [(path, _stable_name(path), _text(f"{path}/name")) for path in paths]
    labelled = {}
    for path, base, own in named:
        alike = [other for _, name, other in named if name == base]
        label = base
        if len(alike) > 1:
            told_apart = clean(own) and alike.count(own) == 1
            label = f"{base}_{clean(own) if told_apart else clean(Path(path).name)}"
        labelled[label] = path
    return labelled


def _stable_name(path: str) -> str:
    try:
        device = Path(path, "device").resolve(strict=True)
    except OSError:
        return clean(_text(f"{path}/name")) or clean(Path(path).resolve().name)
    return "_".join(filter(None, (clean(device.parent.name), clean(device.name))))


def _own_name(path: str) -> str | None:
    return clean(_text(f"{path}/name")) or None


def _inode(path: str) -> int:
    """Return what tells a chip from another of its path, 0 if it is gone."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - half the price of a Path
    except OSError:
        return 0


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""
