"""NVMe controllers: what they are, their state and the sizes of their namespaces."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    Metric,
    NothingHere,
    names_in,
    numbered,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

INFO = Metric(
    "node_nvme_info",
    "gauge",
    "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
    ("device", "firmware_revision", "model", "serial", "state", "cntlid"),
)
NAMESPACE_INFO = Metric(
    "node_nvme_namespace_info",
    "gauge",
    "Information about NVMe namespaces. Value is always 1",
    ("device", "nsid", "ana_state"),
)


def _bytes(name: str, text: str) -> Metric:
    return Metric(
        f"node_nvme_namespace_{name}_bytes", "gauge", text, ("device", "nsid")
    )


CAPACITY = _bytes(
    "capacity",
    "Capacity of the NVMe namespace in bytes. "
    "Computed as namespace_size * namespace_logical_block_size",
)
SIZE = _bytes(
    "size",
    "Size of the NVMe namespace in bytes. "
    "Available in /sys/class/nvme/<device>/<namespace>/size",
)
USED = _bytes(
    "used",
    "Used space of the NVMe namespace in bytes. "
    "Available in /sys/class/nvme/<device>/<namespace>/nuse",
)
BLOCK = _bytes(
    "logical_block_size",
    "Logical block size of the NVMe namespace in bytes. Usually 4Kb. "
    "Available in /sys/class/nvme/<device>/<namespace>/queue/logical_block_size",
)
_TEXTS: Final = ("firmware_rev", "model", "serial", "state", "cntlid")
_NAMESPACE: Final = re.compile(r"nvme\d+(?:c\d+)?n(\d+)")
_BLOCK_SIZE: Final = "queue/logical_block_size"
_SIZES: Final = ("size", "nuse", _BLOCK_SIZE, "ana_state")


class Nvme:
    """Reads /sys/class/nvme."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/nvme"

    def collect(self) -> list[Family]:
        """Return the controllers and their namespaces; NothingHere without any."""
        found = Gathered()
        for device, _ in numbered(self._folder, "nvme"):
            with suppress(FileNotFoundError):  # it was unplugged just now
                _controller(found, f"{self._folder}/{device}", device)
        families = found.families()
        if not families:
            raise NothingHere("no NVMe controllers")
        return families


def _controller(found: Gathered, folder: str, device: str) -> None:
    told = read_attributes(folder, _TEXTS)
    found.add(INFO, (device, *(told.get(text, "") for text in _TEXTS)), 1)
    for name in names_in(folder):
        if match := _NAMESPACE.fullmatch(name):
            _namespace(found, f"{folder}/{name}", (device, match[1]))


def _namespace(found: Gathered, folder: str, labels: tuple[str, str]) -> None:
    told = read_attributes(folder, _SIZES)
    found.add(NAMESPACE_INFO, (*labels, told.get("ana_state", "unknown")), 1)
    block = int(told.get(_BLOCK_SIZE) or 0)
    size = int(told.get("size") or 0) * block
    found.add(CAPACITY, labels, size)
    found.add(SIZE, labels, size)
    found.add(USED, labels, int(told.get("nuse") or 0) * block)
    found.add(BLOCK, labels, block)
