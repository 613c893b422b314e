"""InfiniBand: the state of ports, what they carried, and what went wrong.

Counters of single drivers (`hw_counters`) are not read.
"""

from __future__ import annotations

import re
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
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

INFO = Metric(
    "node_infiniband_info",
    "gauge",
    "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.",
    ("device", "board_id", "firmware_version", "hca_type"),
)
_TEXTS: Final = ("board_id", "fw_ver", "hca_type")


def _metric(name: str, text: str) -> Metric:
    is_counter = name.endswith("_total")
    kind: Kind = "counter" if is_counter else "gauge"
    return Metric(f"node_infiniband_{name}", kind, text, ("device", "port"))


STATE = _metric(
    "state_id",
    "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, "
    "4: active, 5: act defer)",
)
PHYSICAL_STATE = _metric(
    "physical_state_id",
    "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: "
    "polling, 3: disable, 4: shift, 5: link up, 6: link error recover, 7: "
    "phytest)",
)
RATE = _metric("rate_bytes_per_second", "Maximum signal transfer rate")
COUNTERS: Final = {
    "counters_ext/port_multicast_rcv_packets": _metric(
        "legacy_multicast_packets_received_total",
        "Number of multicast packets received",
    ),
    "counters_ext/port_multicast_xmit_packets": _metric(
        "legacy_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted",
    ),
    "counters_ext/port_rcv_data_64": _metric(
        "legacy_data_received_bytes_total",
        "Number of data octets received on all links",
    ),
    "counters_ext/port_rcv_packets_64": _metric(
        "legacy_packets_received_total",
        "Number of data packets received on all links",
    ),
    "counters_ext/port_unicast_rcv_packets": _metric(
        "legacy_unicast_packets_received_total",
        "Number of unicast packets received",
    ),
    "counters_ext/port_unicast_xmit_packets": _metric(
        "legacy_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted",
    ),
    "counters_ext/port_xmit_data_64": _metric(
        "legacy_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
    ),
    "counters_ext/port_xmit_packets_64": _metric(
        "legacy_packets_transmitted_total",
        "Number of data packets received on all links",
    ),
    "counters/excessive_buffer_overrun_errors": _metric(
        "excessive_buffer_overrun_errors_total",
        "Number of times that OverrunErrors consecutive flow control update "
        "periods occurred, each having at least one overrun error.",
    ),
    "counters/link_downed": _metric(
        "link_downed_total",
        "Number of times the link failed to recover from an error state and went down",
    ),
    "counters/link_error_recovery": _metric(
        "link_error_recovery_total",
        "Number of times the link successfully recovered from an error state",
    ),
    "counters/local_link_integrity_errors": _metric(
        "local_link_integrity_errors_total",
        "Number of times that the count of local physical errors exceeded the "
        "threshold specified by LocalPhyErrors.",
    ),
    "counters/multicast_rcv_packets": _metric(
        "multicast_packets_received_total",
        "Number of multicast packets received (including errors)",
    ),
    "counters/multicast_xmit_packets": _metric(
        "multicast_packets_transmitted_total",
        "Number of multicast packets transmitted (including errors)",
    ),
    "counters/port_rcv_constraint_errors": _metric(
        "port_constraint_errors_received_total",
        "Number of packets received on the switch physical port that are discarded",
    ),
    "counters/port_xmit_constraint_errors": _metric(
        "port_constraint_errors_transmitted_total",
        "Number of packets not transmitted from the switch physical port",
    ),
    "counters/port_rcv_data": _metric(
        "port_data_received_bytes_total",
        "Number of data octets received on all links",
    ),
    "counters/port_xmit_data": _metric(
        "port_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
    ),
    "counters/port_rcv_discards": _metric(
        "port_discards_received_total",
        "Number of inbound packets discarded by the port because the port is "
        "down or congested",
    ),
    "counters/port_xmit_discards": _metric(
        "port_discards_transmitted_total",
        "Number of outbound packets discarded by the port because the port is "
        "down or congested",
    ),
    "counters/port_rcv_errors": _metric(
        "port_errors_received_total",
        "Number of packets containing an error that were received on this port",
    ),
    "counters/port_rcv_packets": _metric(
        "port_packets_received_total",
        "Number of packets received on all VLs by this port (including errors)",
    ),
    "counters/port_xmit_packets": _metric(
        "port_packets_transmitted_total",
        "Number of packets transmitted on all VLs from this port (including errors)",
    ),
    "counters/port_xmit_wait": _metric(
        "port_transmit_wait_total",
        "Number of ticks during which the port had data to transmit but no data "
        "was sent during the entire tick",
    ),
    "counters/unicast_rcv_packets": _metric(
        "unicast_packets_received_total",
        "Number of unicast packets received (including errors)",
    ),
    "counters/unicast_xmit_packets": _metric(
        "unicast_packets_transmitted_total",
        "Number of unicast packets transmitted (including errors)",
    ),
    "counters/port_rcv_remote_physical_errors": _metric(
        "port_receive_remote_physical_errors_total",
        "Number of packets marked with the EBP (End of Bad Packet) delimiter "
        "received on the port.",
    ),
    "counters/port_rcv_switch_relay_errors": _metric(
        "port_receive_switch_relay_errors_total",
        "Number of packets that could not be forwarded by the switch.",
    ),
    "counters/symbol_error": _metric(
        "symbol_error_total",
        "Number of minor link errors detected on one or more physical lanes.",
    ),
    "counters/VL15_dropped": _metric(
        "vl15_dropped_total",
        "Number of incoming VL15 packets dropped due to resource limitations.",
    ),
}
"""Metrics by their file below the folder of a port."""

_WORD_BYTES: Final = 4
"""Data are counted in words of 32 bits."""
_RATE: Final = re.compile(r"([0-9.]+) Gb/sec")
_GIGABIT_BYTES: Final = 125_000_000


class Infiniband:
    """Reads /sys/class/infiniband."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/infiniband"

    def collect(self) -> list[Family]:
        """Return what devices there are, and the state and counters of their ports."""
        try:
            devices = names_in(self._folder)
        except FileNotFoundError:
            devices = []
        if not devices:
            raise NothingHere("no InfiniBand")
        found = Gathered()
        for device in devices:
            # It may go meanwhile, or be in another namespace of the network.
            with suppress(FileNotFoundError):
                _device(found, f"{self._folder}/{device}", device)
        return found.families()


def _device(found: Gathered, folder: str, device: str) -> None:
    told = read_attributes(folder, _TEXTS)
    found.add(INFO, (device, *(told.get(text, "") for text in _TEXTS)), 1)
    for port in names_in(f"{folder}/ports"):
        _port(found, f"{folder}/ports/{port}", (device, port))


def _port(found: Gathered, folder: str, labels: tuple[str, str]) -> None:
    told = read_attributes(folder, ("state", "phys_state", "rate", *COUNTERS))
    for name, metric in (("state", STATE), ("phys_state", PHYSICAL_STATE)):
        if text := told.get(name):
            found.add(metric, labels, int(text.partition(":")[0]))
    if rate := _RATE.match(told.get("rate", "")):
        found.add(RATE, labels, round(float(rate[1]) * _GIGABIT_BYTES))
    for name, metric in COUNTERS.items():
        # A driver that does not count says so in words.
        if (text := told.get(name, "")).isdigit():
            is_data = metric.name.endswith("_bytes_total")
            found.add(metric, labels, int(text) * (_WORD_BYTES if is_data else 1))
