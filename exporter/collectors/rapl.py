"""How much energy processors and their parts have used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

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
    from runtime.settings import Collector as Options

_MICROJOULES: Final = 1e6
_NUMBERED: Final = re.compile(r"([^-]*)-(\d+)")


class _Zone(NamedTuple):
    """A zone that measures, and its labels."""

    folder: str
    metric: Metric
    labels: tuple[str, str]


class Rapl:
    """Reads /sys/class/powercap; the kernel lets only root read how much was used."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/powercap"
        self._metrics: dict[str, Metric] = {}
        self._names: list[str] = []
        self._zones: list[_Zone] = []

    def collect(self) -> list[Family]:
        """Return a counter in joules for each kind of zone."""
        try:
            names = names_in(self._folder)
        except (FileNotFoundError, PermissionError):
            names = []
        if names != self._names:
            self._zones = self._look(names)
            self._names = names
        found = Gathered()
        for zone in self._zones:
            used = read_attributes(zone.folder, ("energy_uj",)).get("energy_uj")
            if used:
                found.add(zone.metric, zone.labels, int(used) / _MICROJOULES)
        families = found.families()
        if not families:
            raise NothingHere("no zone whose energy may be read")
        return families

    def _look(self, names: list[str]) -> list[_Zone]:
        zones = []
        used: dict[str, int] = {}
        for entry in names:
            folder = f"{self._folder}/{entry}"
            if name := read_attributes(folder, ("name",)).get("name"):
                numbered = _NUMBERED.fullmatch(name)
                name = numbered[1] if numbered else name
                index = int(numbered[2]) if numbered else used.get(name, 0)
                used[name] = index + 1
                zones.append(_Zone(folder, self._metric(name), (str(index), folder)))
        return zones

    def _metric(self, name: str) -> Metric:
        if name not in self._metrics:
            self._metrics[name] = Metric(
                f"node_rapl_{re.sub('[^a-zA-Z0-9_]', '_', name)}_joules_total",
                "counter",
                f"Current RAPL {name} value in joules",
                ("index", "path"),
            )
        return self._metrics[name]
