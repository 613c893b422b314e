from __future__ import annotations

import pytest

from exporter import blackbox
from exporter.blackbox.base import address_hash
from runtime.probing.jobs import BUILT_IN
from runtime.probing.wire import Result
from tests.exporter.blackbox.results import told


@pytest.mark.parametrize("kind", BUILT_IN)
def test_some_things_are_said_of_every_result(kind: str) -> None:
    found = told(kind, address="::1", phases={"resolve": 0.1})
    assert found["probe_success"] == {(): 1}
    assert found["probe_duration_seconds"] == {(): 0.5}
    assert found["probe_dns_lookup_time_seconds"] == {(): 0.1}
    assert found["probe_ip_protocol"] == {(): 6}
    assert "probe_failure_info" not in found


@pytest.mark.parametrize("kind", [*BUILT_IN, "dns"])
def test_a_probe_that_found_nothing_is_told_as_well(kind: str) -> None:
    settings = BUILT_IN.get(kind, BUILT_IN["tcp"])
    found = told(kind, settings=settings, reason="not_resolved", seconds=0.0)
    assert found["probe_success"] == {(): 0}
    assert found["probe_failure_info"] == {("not_resolved",): 1}
    assert found["probe_ip_protocol"] == {(): 0}
    assert found["probe_ip_addr_hash"] == {(): 0}


@pytest.mark.parametrize(
    ("ip", "number"),
    [("127.0.0.1", 3668918509), ("::1", 1751717746), ("::1%lo", 1751717746), ("", 0)],
)
def test_addresses_are_hashed_as_blackbox_exporter_does(ip: str, number: int) -> None:
    assert address_hash(ip) == number


def test_families_are_in_the_order_of_their_names() -> None:
    result = Result(destination="it", probe="http", kind="http", began_ms=0, seconds=1)
    names = [one.metric.name for one in blackbox.families(result, BUILT_IN["http"])]
    assert names == sorted(names)
