from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.zfs import Zfs
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


FOLDER = "proc/spl/kstat/zfs"
HEAD = "5 1 0x01 91 4368 5266997922 97951858082072\nname type data\n"


def test_figures_have_the_names_that_zfs_gives_them(empty_host: Host) -> None:
    write(
        empty_host,
        {
            f"{FOLDER}/fm": f"{HEAD}erpt-dropped 4 18\nreset_total 4 1\n",
            f"{FOLDER}/arcstats": f"{HEAD}memory_available_bytes 3 -922\nodd 7 text\n",
            f"{FOLDER}/unknown": f"{HEAD}figure 4 1\n",
        },
    )
    assert values(Zfs(empty_host, Collector()).collect()) == {
        "node_zfs_fm_erpt_dropped": {(): 18},
        "node_zfs_fm_reset_total": {(): 1},
        "node_zfs_arc_memory_available_bytes": {(): -922},
    }


def test_a_pool_tells_its_state_and_datasets(empty_host: Host) -> None:
    write(
        empty_host,
        {
            f"{FOLDER}/tank/state": "DEGRADED\n",
            f"{FOLDER}/tank/io": "12 3 0x00\nnread nwritten\n1 2\n",
            f"{FOLDER}/tank/objset-0x36": (
                f"{HEAD}dataset_name 7 tank/my data\nreads 4 28\n"
            ),
            f"{FOLDER}/tank/txgs": "nothing that is told\n",
        },
    )
    found = values(Zfs(empty_host, Collector()).collect())
    states = found.pop("node_zfs_zpool_state")
    assert [labels for labels, value in states.items() if value] == [
        ("tank", "degraded")
    ]
    assert found == {
        "node_zfs_zpool_nread": {("tank",): 1},
        "node_zfs_zpool_nwritten": {("tank",): 2},
        "node_zfs_zpool_dataset_reads": {("tank", "tank/my data"): 28},
    }


def test_machines_may_have_no_zfs(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no ZFS"):
        Zfs(empty_host, Collector()).collect()
