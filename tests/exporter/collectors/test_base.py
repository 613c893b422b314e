from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import (
    Family,
    Host,
    Kind,
    Metric,
    names_in,
    read,
    read_attributes,
    read_bytes,
)
from runtime.settings import Paths
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "kind"), [("node_forks", "counter"), ("node_load1_total", "gauge")]
)
def test_counters_and_only_they_end_in_total(name: str, kind: Kind) -> None:
    message = re.escape(f"{name}: counters, and only they, end in _total")
    with pytest.raises(ValueError, match=message):
        Metric(name, kind, "")


def test_a_metric_makes_the_family_of_one_value() -> None:
    metric = Metric("node_load1", "gauge", "1m load average.")
    assert metric.of(0.5) == Family(metric, (((), 0.5),))


@pytest.mark.setting("exporter.paths.procfs")
@pytest.mark.setting("exporter.paths.sysfs")
def test_a_host_reads_below_the_paths_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "s").mkdir()
    (tmp_path / "p" / "loadavg").write_text("from procfs", encoding="ascii")
    (tmp_path / "s" / "loadavg").write_text("from sysfs", encoding="ascii")
    paths = Paths(procfs=tmp_path / "p", sysfs=tmp_path / "s")
    host = Host.at(paths, FakeClock(), deadline=3.0)
    assert host.proc("loadavg") == "from procfs"
    assert host.sys("loadavg") == "from sysfs"
    assert host.deadline == 3.0


def test_a_file_longer_than_one_read_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"0123456789" * 30_000)
    assert read_bytes(str(path)) == b"0123456789" * 30_000


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_bytes(b"a\xffb")
    assert read(str(path)) == "a\N{REPLACEMENT CHARACTER}b"


def test_names_come_in_order(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).touch()
    assert names_in(str(tmp_path)) == ["a", "b", "c"]


def test_attributes_that_are_absent_or_unreadable_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "mtu").write_text("1500\n", encoding="ascii")
    # Reading a folder fails as the speed of a link that is down does.
    (tmp_path / "speed").mkdir()
    found = read_attributes(str(tmp_path), ("mtu", "speed", "carrier"))
    assert found == {"mtu": "1500"}


def test_a_folder_of_attributes_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_attributes(str(tmp_path / "eth7"), ("mtu",))
