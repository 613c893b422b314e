from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.watchdog import Watchdog
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_what_a_watchdog_does_not_tell_is_left_out(empty_host: Host) -> None:
    write(empty_host, {"sys/class/watchdog/watchdog0/timeout": "60\n"})
    assert values(Watchdog(empty_host, Collector()).collect()) == {
        "node_watchdog_timeout_seconds": {("watchdog0",): 60},
        "node_watchdog_info": {("watchdog0", "", "", "", "", ""): 1},
    }


def test_machines_without_one_have_nothing_to_tell(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no watchdogs"):
        Watchdog(empty_host, Collector()).collect()
