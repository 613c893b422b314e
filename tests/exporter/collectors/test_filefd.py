from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.filefd import Filefd
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_allocated_and_maximum_are_read(empty_host: Host) -> None:
    write(empty_host, {"proc/sys/fs/file-nr": "1024\t0\t9223372036854775807\n"})
    assert values(Filefd(empty_host, Collector()).collect()) == {
        "node_filefd_allocated": {(): 1024},
        "node_filefd_maximum": {(): 9223372036854775807},
    }
