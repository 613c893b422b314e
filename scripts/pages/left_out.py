"""What node_exporter tells of the recorded machine and this exporter does not, and why.

A test holds that each of node_exporter's families is either served with the same values
or named here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from scripts.pages.markdown import table
from tests.exporter.exposition import parse
from tests.exporter.recorded import RECORDED

_RARE: Final = "hardware or a filesystem that few hosts have"
_OWN: Final = "about the program itself, which tells `epimetheus_exporter_*` instead"
_OFF: Final = "off by default there, and in no dashboard or alert known to us"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Families by regular expression on the whole name."""

    names: str
    collector: str
    reason: str

    def __contains__(self, name: str) -> bool:
        """Return whether the family is one of these."""
        return re.fullmatch(self.names, name) is not None


LEFT_OUT: Final = (
    LeftOut("promhttp_.*|node_exporter_.*", "", _OWN),
    LeftOut("node_bcachefs_.*", "bcachefs", _RARE),
    LeftOut("node_bcache_.*", "bcache", _RARE),
    LeftOut("node_btrfs_.*", "btrfs", "needs an ioctl per filesystem"),
    LeftOut("node_cgroups_.*", "cgroups", _OFF),
    LeftOut(
        "node_cpu_frequency_hertz",
        "cpu",
        "of `cpu.info`; the name is that of `cpufreq`, which has other labels",
    ),
    LeftOut("node_dmmultipath_.*", "dmmultipath", _RARE),
    LeftOut("node_drbd_.*", "drbd", _RARE),
    LeftOut("node_ipvs_.*", "ipvs", _RARE),
    LeftOut("node_lnstat_.*", "lnstat", _OFF),
    LeftOut("node_mountstats_.*", "mountstats", _OFF),
    LeftOut("node_network_receive_nohandler_total", "netdev", "see `netclass`"),
    LeftOut("node_pcidevice_.*", "pcidevice", _OFF),
    LeftOut("node_qdisc_.*", "qdisc", _OFF),
    LeftOut("node_scrape_collector_.*", "", "there, with the names of collectors here"),
    LeftOut("node_sysctl_.*", "sysctl", _OFF),
    LeftOut("node_tape_.*", "tapestats", _RARE),
    LeftOut(
        "testmetric.*",
        "textfile",
        "of a file of the test; served once `directories` names its place",
    ),
    LeftOut("node_wifi_.*", "wifi", "needs netlink; off by default there"),
    LeftOut("node_xfrm_.*", "xfrm", _OFF),
    LeftOut("node_xfs_.*", "xfs", _RARE),
)


def render() -> str:
    """Return the table for docs/metrics.md."""
    names = parse((RECORDED / "e2e-output.txt").read_text(encoding="utf-8"))
    rows = []
    for one in LEFT_OUT:
        found = sorted(name for name in names if name in one)
        if found:
            shown = f"`{found[0]}`" + (", ..." if len(found) > 1 else "")
            collector = f"`{one.collector}`" if one.collector else ""
            rows.append((collector, shown, str(len(found)), one.reason))
    return table(("node_exporter's collector", "names", "how many", "why"), rows)
