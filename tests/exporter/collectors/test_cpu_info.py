from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.cpu_info import CpuInfo
from runtime.settings import CpuInfoCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


TEXT = """\
processor	: 0
model name	: Fast: 2 GHz
flags		: fpu aes
bugs		: mds

processor	: 1
flags		: fpu

"""


def test_what_a_processor_does_not_tell_is_empty(empty_host: Host) -> None:
    write(empty_host, {"proc/cpuinfo": TEXT})
    found = values(CpuInfo(empty_host, CpuInfoCollector()).collect())
    assert found == {
        "node_cpu_info": {
            ("", "", "0", "", "", "", "Fast: 2 GHz", "", "", ""): 1,
            ("", "", "1", "", "", "", "", "", "", ""): 1,
        }
    }


@pytest.mark.setting("exporter.collectors.cpu_info.flags")
def test_flags_are_told_on_request(empty_host: Host) -> None:
    write(empty_host, {"proc/cpuinfo": TEXT})
    found = values(CpuInfo(empty_host, CpuInfoCollector(flags="^a")).collect())
    assert found["node_cpu_flag_info"] == {("aes",): 1}


@pytest.mark.setting("exporter.collectors.cpu_info.bugs")
def test_bugs_are_told_on_request(empty_host: Host) -> None:
    write(empty_host, {"proc/cpuinfo": TEXT})
    found = values(CpuInfo(empty_host, CpuInfoCollector(bugs=".")).collect())
    assert found["node_cpu_bug_info"] == {("mds",): 1}


def test_processors_may_tell_nothing(empty_host: Host) -> None:
    write(empty_host, {"proc/cpuinfo": "Hardware: odd\n"})
    with pytest.raises(NothingHere, match="tell nothing"):
        CpuInfo(empty_host, CpuInfoCollector()).collect()
