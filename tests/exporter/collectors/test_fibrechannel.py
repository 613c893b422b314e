from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.fibrechannel import Fibrechannel
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_what_the_firmware_does_not_count_is_left_out(empty_host: Host) -> None:
    folder = "sys/class/fc_host/host3"
    write(
        empty_host,
        {
            f"{folder}/port_name": "0x1000e0071bce95f2\n",
            f"{folder}/statistics/rx_frames": "0x10\n",
            f"{folder}/statistics/tx_frames": "0xffffffffffffffff\n",
        },
    )
    found = values(Fibrechannel(empty_host, Collector()).collect())
    assert found.pop("node_fibrechannel_rx_frames_total") == {("host3",): 16}
    (labels,) = found.pop("node_fibrechannel_info")
    assert labels[5] == "1000e0071bce95f2"
    assert found == {}


def test_a_port_that_is_disabled_counts_nothing(empty_host: Host) -> None:
    write(empty_host, {"sys/class/fc_host/host3/port_state": "Unknown\n"})
    found = values(Fibrechannel(empty_host, Collector()).collect())
    assert set(found) == {"node_fibrechannel_info"}


def test_machines_may_have_no_ports(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no ports"):
        Fibrechannel(empty_host, Collector()).collect()
