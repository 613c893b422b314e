"""What the firmware says that the machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Host,
    Metric,
    NothingHere,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

_LABELS: Final = (
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
    "system_vendor",
)
INFO = Metric(
    "node_dmi_info",
    "gauge",
    f"A metric with a constant '1' value labeled by {', '.join(_LABELS)} "
    "if provided by DMI.",
    _LABELS,
)
"""A label is empty, which is as good as missing, where the exporter may not read it."""


class Dmi:
    """Reads /sys/class/dmi/id once: it stays as it is until the next boot."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/dmi/id"
        self._families: list[Family] = []

    def collect(self) -> list[Family]:
        """Return one sample of value 1 whose labels are the facts."""
        if not self._families:
            names = [label.replace("system_", "sys_") for label in _LABELS]
            try:
                told = read_attributes(self._folder, names)
            except FileNotFoundError as error:
                raise NothingHere("no firmware that tells what it runs on") from error
            labels = tuple(told.get(name, "") for name in names)
            self._families = [Family(INFO, ((labels, 1),))]
        return self._families
