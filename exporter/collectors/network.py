"""What network interfaces carried, and their state: /proc/net/dev and sysfs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.collectors.base import (
    Family,
    Host,
    Metric,
    NothingHere,
    names_in,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import NetworkCollector as Options

_DEVICE = ("device",)
_MEGABIT_BYTES = 125_000
_SPEED_UNKNOWN = {-1, 2**32 - 1}
"""Speeds that drivers give while the link is down or virtual."""


def _statistic(name: str) -> Metric:
    return Metric(
        f"node_network_{name}_total",
        "counter",
        f"Network device statistic {name}.",
        _DEVICE,
    )


def _property(name: str) -> Metric:
    return Metric(
        f"node_network_{name}",
        "counter" if name.endswith("_total") else "gauge",
        f"Network device property: {name}",
        _DEVICE,
    )


STATISTICS = tuple(
    _statistic(name)
    for name in (
        "receive_bytes",
        "receive_packets",
        "receive_errs",
        "receive_drop",
        "receive_fifo",
        "receive_frame",
        "receive_compressed",
        "receive_multicast",
        "transmit_bytes",
        "transmit_packets",
        "transmit_errs",
        "transmit_drop",
        "transmit_fifo",
        "transmit_colls",
        "transmit_carrier",
        "transmit_compressed",
    )
)
"""In the order of the columns of /proc/net/dev."""

PROPERTIES = {
    "addr_assign_type": _property("address_assign_type"),
    "carrier": _property("carrier"),
    "carrier_changes": _property("carrier_changes_total"),
    "carrier_up_count": _property("carrier_up_changes_total"),
    "carrier_down_count": _property("carrier_down_changes_total"),
    "dev_id": _property("device_id"),
    "dormant": _property("dormant"),
    "flags": _property("flags"),
    "ifindex": _property("iface_id"),
    "iflink": _property("iface_link"),
    "link_mode": _property("iface_link_mode"),
    "mtu": _property("mtu_bytes"),
    "name_assign_type": _property("name_assign_type"),
    "netdev_group": _property("net_dev_group"),
    "tx_queue_len": _property("transmit_queue_length"),
    "type": _property("protocol_type"),
    "statistics/rx_nohandler": _statistic("receive_nohandler"),
}
"""Metrics by the attribute below /sys/class/net/<device>, numbers as they are."""

SPEED = _property("speed_bytes")
UP = Metric(
    "node_network_up",
    "gauge",
    "Value is 1 if operstate is 'up', 0 otherwise.",
    _DEVICE,
)
INFO = Metric(
    "node_network_info",
    "gauge",
    "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
    (
        "device",
        "address",
        "broadcast",
        "duplex",
        "operstate",
        "adminstate",
        "ifalias",
    ),
)
_TEXTS = ("address", "broadcast", "duplex", "operstate", "ifalias")
_ATTRIBUTES = (*PROPERTIES, *_TEXTS, "speed")

_Samples = dict[Metric, list[tuple[tuple[str, ...], float]]]


class Network:
    """Reads /proc/net/dev and /sys/class/net."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._excluded = re.compile(options.exclude_devices)

    def collect(self) -> list[Family]:
        """Return the counters and the state of each device that is not excluded."""
        samples: _Samples = {}
        found = self._statistics(samples) | self._states(samples)
        if not found:
            raise NothingHere("neither /proc/net/dev nor /sys/class/net can be read")
        return [Family(metric, values) for metric, values in samples.items()]

    def _statistics(self, samples: _Samples) -> bool:
        try:
            text = self._host.proc("net/dev")
        except (FileNotFoundError, PermissionError):
            return False
        for line in text.splitlines()[2:]:
            name, _, values = line.rpartition(":")
            device = name.strip()
            if self._excluded.search(device):
                continue
            labels = (device,)
            for metric, value in zip(STATISTICS, values.split(), strict=False):
                samples.setdefault(metric, []).append((labels, int(value)))
        return True

    def _states(self, samples: _Samples) -> bool:
        folder = f"{self._host.sysfs}/class/net"
        try:
            devices = names_in(folder)
        except (FileNotFoundError, PermissionError):
            return False
        for device in devices:
            if self._excluded.search(device):
                continue
            try:
                state = read_attributes(f"{folder}/{device}", _ATTRIBUTES)
            except (FileNotFoundError, NotADirectoryError):
                # It went away, or is the file bonding_masters.
                continue
            _state(samples, device, state)
        return True


def _state(samples: _Samples, device: str, state: dict[str, str]) -> None:
    labels = (device,)
    for name, metric in PROPERTIES.items():
        if text := state.get(name):
            samples.setdefault(metric, []).append((labels, int(text, 0)))
    if (speed := state.get("speed")) and int(speed) not in _SPEED_UNKNOWN:
        samples.setdefault(SPEED, []).append((labels, int(speed) * _MEGABIT_BYTES))
    is_up = state.get("operstate") == "up"
    samples.setdefault(UP, []).append((labels, int(is_up)))
    address, broadcast, duplex, operstate, alias = (
        state.get(name, "") for name in _TEXTS
    )
    facts = (device, address, broadcast, duplex, operstate, _admin(state), alias)
    samples.setdefault(INFO, []).append((facts, 1))


def _admin(state: dict[str, str]) -> str:
    flags = state.get("flags")
    if not flags:
        return "unknown"
    return "up" if int(flags, 0) & 1 else "down"
