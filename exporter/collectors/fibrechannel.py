"""Ports of Fibre Channel: their state, what they carried, and what went wrong."""

from __future__ import annotations

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

_TEXTS: Final = (
    "speed",
    "port_state",
    "port_type",
    "port_id",
    "port_name",
    "fabric_name",
    "symbolic_name",
    "supported_classes",
    "supported_speeds",
    "dev_loss_tmo",
)
_NUMBERS: Final = {"port_id", "port_name", "fabric_name"}
"""Texts that are hexadecimal numbers, told without their 0x."""

INFO = Metric(
    "node_fibrechannel_info",
    "gauge",
    "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.",
    ("fc_host", *_TEXTS),
)


def _counter(name: str, text: str) -> Metric:
    return Metric(f"node_fibrechannel_{name}_total", "counter", text, ("fc_host",))


COUNTERS: Final = {
    "dumped_frames": _counter("dumped_frames", "Number of dumped frames"),
    "error_frames": _counter("error_frames", "Number of errors in frames"),
    "fcp_packet_aborts": _counter("fcp_packet_aborts", "Number of aborted packets"),
    "invalid_crc_count": _counter(
        "invalid_crc", "Invalid Cyclic Redundancy Check count"
    ),
    "invalid_tx_word_count": _counter(
        "invalid_tx_words", "Number of invalid words transmitted by host port"
    ),
    "link_failure_count": _counter(
        "link_failure", "Number of times the host port link has failed"
    ),
    "loss_of_signal_count": _counter(
        "loss_of_signal", "Number of times signal has been lost"
    ),
    "loss_of_sync_count": _counter(
        "loss_of_sync",
        "Number of failures on either bit or transmission word boundaries",
    ),
    "nos_count": _counter(
        "nos", "Number Not_Operational Primitive Sequence received by host port"
    ),
    "rx_frames": _counter("rx_frames", "Number of frames received"),
    "rx_words": _counter("rx_words", "Number of words received by host port"),
    "seconds_since_last_reset": _counter(
        "seconds_since_last_reset", "Number of seconds since last host port reset"
    ),
    "tx_frames": _counter("tx_frames", "Number of frames transmitted by host port"),
    "tx_words": _counter("tx_words", "Number of words transmitted by host port"),
}
"""Metrics by the file below `statistics`."""
_NOT_COUNTED: Final = 2**64 - 1
"""What the firmware says of a counter that it does not have."""


class Fibrechannel:
    """Reads /sys/class/fc_host."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/fc_host"

    def collect(self) -> list[Family]:
        """Return the state and the counters of each port."""
        found = Gathered()
        for host, _ in numbered(self._folder, "host"):
            folder = f"{self._folder}/{host}"
            try:
                told = read_attributes(folder, _TEXTS)
            except FileNotFoundError:
                continue  # it was unplugged just now
            texts = (
                text.removeprefix("0x") if name in _NUMBERS else text
                for name in _TEXTS
                for text in (told.get(name, ""),)
            )
            found.add(INFO, (host, *texts), 1)
            try:
                counts = read_attributes(f"{folder}/statistics", COUNTERS)
            except FileNotFoundError:
                continue  # a port that is disabled counts nothing
            for name, text in counts.items():
                if (count := int(text, 16)) != _NOT_COUNTED:
                    found.add(COUNTERS[name], (host,), count)
        families = found.families()
        if not families:
            raise NothingHere("no ports of Fibre Channel")
        return families
