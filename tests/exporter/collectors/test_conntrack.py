from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.conntrack import Conntrack
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

FOLDER = "proc/sys/net/netfilter/nf_conntrack"
SIZE = {f"{FOLDER}_count": "123\n", f"{FOLDER}_max": "65536\n"}


def test_statistics_of_all_cpus_are_added_up(empty_host: Host) -> None:
    lines = (
        "entries found drop\n00000021 0000000a 00000001\n00000021 00000001 00000000\n"
    )
    write(empty_host, {**SIZE, "proc/net/stat/nf_conntrack": lines})
    assert values(Conntrack(empty_host, Collector()).collect()) == {
        "node_nf_conntrack_entries": {(): 123},
        "node_nf_conntrack_entries_limit": {(): 65536},
        "node_nf_conntrack_stat_found": {(): 11},
        "node_nf_conntrack_stat_drop": {(): 1},
    }


def test_newer_kernels_tell_the_size_only(empty_host: Host) -> None:
    write(empty_host, SIZE)
    assert len(Conntrack(empty_host, Collector()).collect()) == 2


def test_connections_may_not_be_tracked(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="not tracked"):
        Conntrack(empty_host, Collector()).collect()
