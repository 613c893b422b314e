"""Errors in memory that were corrected, and that could not be."""

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
    numbered,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import Collector as Options


def _errors(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"node_edac_{name}_errors_total", "counter", text, labels)


CORRECTABLE = _errors("correctable", "Total correctable memory errors.", "controller")
UNCORRECTABLE = _errors(
    "uncorrectable", "Total uncorrectable memory errors.", "controller"
)
ROW_CORRECTABLE = _errors(
    "csrow_correctable",
    "Total correctable memory errors for this csrow.",
    "controller",
    "csrow",
)
ROW_UNCORRECTABLE = _errors(
    "csrow_uncorrectable",
    "Total uncorrectable memory errors for this csrow.",
    "controller",
    "csrow",
)
CHANNEL_CORRECTABLE = _errors(
    "channel_correctable",
    "Total correctable memory errors for this channel.",
    "controller",
    "csrow",
    "channel",
    "dimm_label",
)
CHANNEL_UNCORRECTABLE = _errors(
    "channel_uncorrectable",
    "Total uncorrectable memory errors for this channel.",
    "controller",
    "csrow",
    "channel",
    "dimm_label",
)
_COUNTS: Final = ("ce_count", "ue_count", "ce_noinfo_count", "ue_noinfo_count")
_CHANNEL: Final = re.compile(r"ch(\d+)_(ce_count|ue_count|dimm_label)")


class Edac:
    """Reads /sys/devices/system/edac: controllers, their rows, and channels of rows."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/devices/system/edac/mc"

    def collect(self) -> list[Family]:
        """Return the errors, of rows and channels too where the driver tells them."""
        found = Gathered()
        for name, controller in numbered(self._folder, "mc"):
            folder = f"{self._folder}/{name}"
            counts = read_attributes(folder, _COUNTS)
            for attribute, metric, labels in (
                ("ce_count", CORRECTABLE, (controller,)),
                ("ue_count", UNCORRECTABLE, (controller,)),
                ("ce_noinfo_count", ROW_CORRECTABLE, (controller, "unknown")),
                ("ue_noinfo_count", ROW_UNCORRECTABLE, (controller, "unknown")),
            ):
                if attribute in counts:
                    found.add(metric, labels, int(counts[attribute]))
            for row, number in numbered(folder, "csrow"):
                _row(found, f"{folder}/{row}", (controller, number))
        families = found.families()
        if not families:
            raise NothingHere("no memory controller that counts errors")
        return families


def _row(found: Gathered, folder: str, labels: tuple[str, str]) -> None:
    names = names_in(folder)
    told = read_attributes(
        folder, ["ce_count", "ue_count", *filter(_CHANNEL.fullmatch, names)]
    )
    if "ce_count" in told:
        found.add(ROW_CORRECTABLE, labels, int(told["ce_count"]))
    if "ue_count" in told:
        found.add(ROW_UNCORRECTABLE, labels, int(told["ue_count"]))
    for name, text in told.items():
        if match := _CHANNEL.fullmatch(name):
            channel, what = match.groups()
            label = _label(told.get(f"ch{channel}_dimm_label", "unknown"))
            if what == "ce_count":
                found.add(CHANNEL_CORRECTABLE, (*labels, channel, label), int(text))
            elif what == "ue_count" and f"ch{channel}_ce_count" in told:
                found.add(CHANNEL_UNCORRECTABLE, (*labels, channel, label), int(text))


def _label(text: str) -> str:
    """Return `mc0_csrow1_channel0` for the kernel's `mc#0csrow#1channel#0`."""
    plain = text.replace("#", "")
    return plain.replace("csrow", "_csrow").replace("channel", "_channel")
