from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.os_release import OsRelease, parse
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def found(collector: OsRelease) -> dict[str, dict[tuple[str, ...], float]]:
    return values(collector.collect())


def test_an_update_is_noticed(empty_host: Host) -> None:
    collector = OsRelease(empty_host, Collector())
    write(empty_host, {"root/usr/lib/os-release": "ID=debian\nVERSION_ID=12\n"})
    assert found(collector)["node_os_version"] == {("debian", "", ""): 12}
    write(empty_host, {"root/etc/os-release": "ID=debian\nVERSION_ID=13.1.2\n"})
    assert found(collector)["node_os_version"] == {("debian", "", ""): 13.1}


def test_the_end_of_support_is_a_moment(empty_host: Host) -> None:
    write(empty_host, {"root/etc/os-release": "SUPPORT_END=1970-01-02\n"})
    told = found(OsRelease(empty_host, Collector()))
    assert told["node_os_support_end_timestamp_seconds"] == {(): 86_400}
    assert "node_os_version" not in told


def test_values_are_quoted_as_in_a_shell() -> None:
    text = """# ID=no
ID="a b"
NAME='c'
VERSION=d
nonsense
"""
    assert parse(text) == {"ID": "a b", "NAME": "c", "VERSION": "d"}


def test_machines_without_it_have_nothing_to_tell(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no os-release"):
        OsRelease(empty_host, Collector()).collect()
