from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.nfs import Nfs
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_versions_that_the_kernel_does_not_speak_are_left_out(empty_host: Host) -> None:
    text = "net 3 1 2 4\nrpc 9 8 7\nproc3 2 5 6\n"
    write(empty_host, {"proc/net/rpc/nfs": text})
    found = values(Nfs(empty_host, Collector()).collect())
    assert found["node_nfs_packets_total"] == {("udp",): 1, ("tcp",): 2}
    assert found["node_nfs_rpc_retransmissions_total"] == {(): 8}
    requests = found["node_nfs_requests_total"]
    assert {version for version, _ in requests} == {"3"}
    assert requests["3", "GetAttr"] == 6


def test_machines_may_have_no_client(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no client of NFS"):
        Nfs(empty_host, Collector()).collect()
