from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.mdadm import Array, Mdadm, parse_mdstat
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


TEXT = """\
Personalities : [raid1] [raid0]
md5 : active raid5 sda1[0] sdb1[1] sdc1[2](S)
      1000 blocks super 1.2 level 5, 64k chunk, algorithm 2 [3/2] [UU_]
      [>....................]  reshape =  1.0% (10/1000) finish=17.0min
      bitmap: 0/30 pages [0KB], 65536KB chunk

unused devices: <none>
"""


def test_an_array_that_is_reshaped_tells_its_progress() -> None:
    (array,) = parse_mdstat(TEXT)
    assert array == Array(
        name="md5",
        state="reshape",
        required=3,
        active=2,
        failed=0,
        spare=1,
        blocks=1000,
        synced=10,
    )


def test_a_kernel_with_nothing_to_tell_has_no_arrays(empty_host: Host) -> None:
    text = "Personalities : \nunused devices: <none>\n"
    write(empty_host, {"proc/mdstat": text})
    assert parse_mdstat(text) == []
    assert Mdadm(empty_host, Collector()).collect() == []


def test_levels_that_cannot_be_degraded_are_not(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "proc/mdstat": "Personalities : \n",
            "sys/block/md0/md/raid_disks": "4 (3)\n",
            "sys/block/md1/size": "8\n",
            "sys/block/sda/size": "8\n",
        },
    )
    found = values(Mdadm(empty_host, Collector()).collect())
    assert found == {
        "node_md_raid_disks": {("md0",): 4},
        "node_md_degraded": {("md0",): 0},
    }


def test_kernels_without_software_raid_are_quiet(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="without software RAID"):
        Mdadm(empty_host, Collector()).collect()
