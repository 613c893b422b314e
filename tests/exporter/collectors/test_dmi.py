from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.dmi import Dmi
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_what_may_not_be_read_is_an_empty_label(empty_host: Host) -> None:
    write(empty_host, {"sys/class/dmi/id/sys_vendor": "QEMU\n"})
    collector = Dmi(empty_host, Collector())
    (labels,) = values(collector.collect())["node_dmi_info"]
    assert labels == (*[""] * 19, "QEMU")
    assert collector.collect() is collector.collect()


def test_machines_without_it_have_nothing_to_tell(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no firmware"):
        Dmi(empty_host, Collector()).collect()
