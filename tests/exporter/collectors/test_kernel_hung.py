from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.kernel_hung import KernelHung
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_hung_tasks_are_counted(empty_host: Host) -> None:
    write(empty_host, {"proc/sys/kernel/hung_task_detect_count": "3\n"})
    found = values(KernelHung(empty_host, Collector()).collect())
    assert found == {"node_kernel_hung_tasks_total": {(): 3}}


def test_older_kernels_do_not_count_them(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="does not count hung tasks"):
        KernelHung(empty_host, Collector()).collect()
