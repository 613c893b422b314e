from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.nfsd import Nfsd
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_lines_that_the_kernel_has_no_more_are_left_out(empty_host: Host) -> None:
    write(empty_host, {"proc/net/rpc/nfsd": "th 8 0 0.000\nrpc 10 6 1 2 3\n"})
    assert values(Nfsd(empty_host, Collector()).collect()) == {
        "node_nfsd_server_threads": {(): 8},
        "node_nfsd_server_rpcs_total": {(): 10},
        "node_nfsd_rpc_errors_total": {("fmt",): 1, ("auth",): 2, ("cInt",): 3},
    }


def test_operations_of_version_4_have_their_numbers(empty_host: Host) -> None:
    numbers = " ".join(str(number) for number in range(72))
    text = f"proc4ops 72 {numbers}\nwdeleg_getattr 15\n"
    write(empty_host, {"proc/net/rpc/nfsd": text})
    requests = values(Nfsd(empty_host, Collector()).collect())[
        "node_nfsd_requests_total"
    ]
    # The numbers of RFC 7530, section 16.
    expected = {"Access": 3, "GetAttr": 9, "Read": 25, "Write": 38, "RelLockOwner": 39}
    assert {name: requests["4", name] for name in expected} == expected
    assert requests["4", "WdelegGetattr"] == 15


def test_machines_may_have_no_server(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no server of NFS"):
        Nfsd(empty_host, Collector()).collect()
