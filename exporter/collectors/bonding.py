"""How many interfaces each bond has, and how many of them are up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import (
    Family,
    Host,
    Metric,
    NothingHere,
    read,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

SLAVES = Metric(
    "node_bonding_slaves",
    "gauge",
    "Number of configured slaves per bonding interface.",
    ("master",),
)
ACTIVE = Metric(
    "node_bonding_active",
    "gauge",
    "Number of active slaves per bonding interface.",
    ("master",),
)


class Bonding:
    """Reads /sys/class/net/bonding_masters and what it leads to."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/class/net"

    def collect(self) -> list[Family]:
        """Return two families, a sample for each bond."""
        try:
            masters = read(f"{self._folder}/bonding_masters").split()
        except FileNotFoundError as error:
            raise NothingHere("no bonds") from error
        slaves, active = [], []
        for master in masters:
            try:
                members = read(f"{self._folder}/{master}/bonding/slaves").split()
            except FileNotFoundError:
                continue  # the bond has just been taken apart
            up = [one for one in members if self._is_up(master, one)]
            slaves.append(((master,), len(members)))
            active.append(((master,), len(up)))
        return [Family(SLAVES, slaves), Family(ACTIVE, active)]

    def _is_up(self, master: str, member: str) -> bool:
        # Older kernels call the link slave_.
        for prefix in ("lower_", "slave_"):
            folder = f"{self._folder}/{master}/{prefix}{member}/bonding_slave"
            try:
                told = read_attributes(folder, ("mii_status",))
            except FileNotFoundError:
                continue
            # One that is just being taken out of the bond tells nothing.
            return told.get("mii_status") == "up"
        return False
