from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.nvme import Nvme
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_what_a_controller_does_not_tell_is_empty(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "sys/class/nvme/nvme1/model": "Fast \n",
            "sys/class/nvme/nvme1/nvme1c1n7/size": "8\n",
        },
    )
    found = values(Nvme(empty_host, Collector()).collect())
    assert found["node_nvme_info"] == {("nvme1", "", "Fast", "", "", ""): 1}
    assert found["node_nvme_namespace_info"] == {("nvme1", "7", "unknown"): 1}
    assert found["node_nvme_namespace_size_bytes"] == {("nvme1", "7"): 0}


def test_machines_without_nvme_have_nothing_to_tell(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no NVMe"):
        Nvme(empty_host, Collector()).collect()
