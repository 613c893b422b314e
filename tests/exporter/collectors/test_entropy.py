from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.entropy import Entropy
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_bits_are_read(empty_host: Host) -> None:
    folder = "proc/sys/kernel/random"
    write(
        empty_host, {f"{folder}/entropy_avail": "256\n", f"{folder}/poolsize": "4096\n"}
    )
    assert values(Entropy(empty_host, Collector()).collect()) == {
        "node_entropy_available_bits": {(): 256},
        "node_entropy_pool_size_bits": {(): 4096},
    }


def test_a_container_may_hide_them(empty_host: Host) -> None:
    with pytest.raises(NothingHere):
        Entropy(empty_host, Collector()).collect()
