from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Never

import pytest

from exporter.collectors.base import Host, NothingHere
from exporter.collectors.pressure import Pressure
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from pathlib import Path


def _line(name: str, total: int) -> str:
    return f"{name} avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n"


def test_stall_times_are_seconds(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "proc/pressure/cpu": _line("some", 14_036_781) + _line("full", 7),
            "proc/pressure/io": _line("some", 2_000_000) + _line("full", 1_000_000),
            "proc/pressure/memory": _line("some", 20) + _line("full", 10),
            "proc/pressure/irq": _line("full", 8494),
        },
    )
    assert values(Pressure(empty_host, Collector()).collect()) == {
        "node_pressure_cpu_waiting_seconds_total": {(): 14.036781},
        "node_pressure_io_waiting_seconds_total": {(): 2},
        "node_pressure_io_stalled_seconds_total": {(): 1},
        "node_pressure_memory_waiting_seconds_total": {(): 0.00002},
        "node_pressure_memory_stalled_seconds_total": {(): 0.00001},
        "node_pressure_irq_stalled_seconds_total": {(): 0.008494},
    }


def test_resources_that_the_kernel_does_not_watch_are_left_out(
    empty_host: Host,
) -> None:
    write(empty_host, {"proc/pressure/cpu": _line("some", 1_000_000)})
    assert values(Pressure(empty_host, Collector()).collect()) == {
        "node_pressure_cpu_waiting_seconds_total": {(): 1}
    }


def test_a_kernel_without_pressure_has_nothing_to_measure(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match=r"4\.20"):
        Pressure(empty_host, Collector()).collect()


def test_a_kernel_with_pressure_switched_off_has_nothing_to_measure(
    empty_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(self: Host, name: str) -> Never:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(Host, "proc", off)
    with pytest.raises(NothingHere, match="psi=1"):
        Pressure(empty_host, Collector()).collect()


def test_pressure_that_may_not_be_read_is_a_failure(
    empty_host: Host, tmp_path: Path
) -> None:
    (tmp_path / "proc" / "pressure" / "cpu").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        Pressure(empty_host, Collector()).collect()
