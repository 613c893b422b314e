"""What ZFS counts: its caches and queues, its pools and their datasets."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    Kind,
    Metric,
    NothingHere,
    names_in,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.settings import Collector as Options

_SUBSYSTEMS: Final = {
    "abdstats": "abd",
    "arcstats": "arc",
    "dbufstats": "dbuf",
    "dmu_tx": "dmu_tx",
    "dnodestats": "dnode",
    "fm": "fm",
    "vdev_cache_stats": "vdev_cache",
    "vdev_mirror_stats": "vdev_mirror",
    "xuio_stats": "xuio",
    "zfetchstats": "zfetch",
    "zil": "zil",
}
"""Names of metrics by file; versions of ZFS differ in which they have."""

STATE = Metric(
    "node_zfs_zpool_state", "gauge", "kstat.zfs.misc.state", ("zpool", "state")
)
STATES: Final = (
    "online",
    "degraded",
    "faulted",
    "offline",
    "removed",
    "unavail",
    "suspended",
)
_NUMBERS: Final = {"3", "4"}
"""Types of a kstat that are integers of 64 bits."""


class Zfs:
    """Reads /proc/spl/kstat/zfs."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.procfs}/spl/kstat/zfs"
        self._metrics: dict[tuple[str, str, str], Metric] = {}

    def collect(self) -> list[Family]:
        """Return a family for each figure; types are unknown, as ZFS tells none."""
        try:
            names = names_in(self._folder)
        except FileNotFoundError as error:
            raise NothingHere("no ZFS") from error
        found = Gathered()
        for name in names:
            if name in _SUBSYSTEMS:
                self._figures(found, name)
            elif os.path.isdir(f"{self._folder}/{name}"):  # noqa: PTH112 - see names_in
                # A pool may be exported while it is read.
                with suppress(FileNotFoundError):
                    self._pool(found, name)
        return found.families()

    def _figures(self, found: Gathered, file: str) -> None:
        for name, kind, text in _kstats(read(f"{self._folder}/{file}")):
            if kind in _NUMBERS:
                metric = self._metric(_SUBSYSTEMS[file], file, name)
                found.add(metric, (), int(text))

    def _pool(self, found: Gathered, pool: str) -> None:
        folder = f"{self._folder}/{pool}"
        for name in names_in(folder):
            if name == "io":
                *_, fields, figures = read(f"{folder}/io").splitlines()
                for field, text in zip(fields.split(), figures.split(), strict=True):
                    metric = self._metric("zpool", "io", field, "zpool")
                    found.add(metric, (pool,), int(text))
            elif name == "state":
                state = read(f"{folder}/state").strip().lower()
                for one in STATES:
                    found.add(STATE, (pool, one), int(one == state))
            elif name.startswith("objset-"):
                self._dataset(found, pool, read(f"{folder}/{name}"))

    def _dataset(self, found: Gathered, pool: str, text: str) -> None:
        dataset = ""
        for name, kind, figure in _kstats(text):
            if name == "dataset_name":
                dataset = figure
            elif kind in _NUMBERS:
                labels = ("zpool", "dataset")
                metric = self._metric("zpool_dataset", "objset", name, *labels)
                found.add(metric, (pool, dataset), int(figure))

    def _metric(self, subsystem: str, file: str, name: str, *labels: str) -> Metric:
        key = (subsystem, file, name)
        if key not in self._metrics:
            full = f"node_zfs_{subsystem}_{name.replace('-', '_')}"
            text = f"kstat.zfs.misc.{file}.{name}"
            is_counter = full.endswith("_total")
            kind: Kind = "counter" if is_counter else "unknown"
            self._metrics[key] = Metric(full, kind, text, labels)
        return self._metrics[key]


def _kstats(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and data of a table of kstat, which has two lines of heads."""
    for line in text.splitlines()[2:]:
        words = line.split(maxsplit=2)
        if len(words) == len(("name", "type", "data")):
            name, kind, data = words
            yield name, kind, data
