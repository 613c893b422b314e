from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.ksmd import Ksmd
from runtime.settings import OptionalCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_what_the_kernel_tells_is_in_base_units(empty_host: Host) -> None:
    folder = "sys/kernel/mm/ksm"
    files = {f"{folder}/sleep_millisecs": "20\n", f"{folder}/general_profit": "-8\n"}
    write(empty_host, files)
    found = values(Ksmd(empty_host, OptionalCollector()).collect())
    assert found == {
        "node_ksmd_sleep_seconds": {(): 0.02},
        "node_ksmd_general_profit_bytes": {(): -8},
    }


def test_kernels_may_lack_it(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="without KSM"):
        Ksmd(empty_host, OptionalCollector()).collect()
