from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.cpu import Cpu, parse_cpu_list, parse_ticks, risen
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def _stat(**cpus: str) -> dict[str, str]:
    lines = "".join(f"{name} {ticks}\n" for name, ticks in cpus.items())
    return {"proc/stat": f"cpu  0 0 0 0\n{lines}intr 5\n"}


@pytest.fixture
def cpu(empty_host: Host) -> Cpu:
    return Cpu(empty_host, Collector())


def test_ticks_become_seconds_per_mode(empty_host: Host, cpu: Cpu) -> None:
    write(empty_host, _stat(cpu0="100 200 300 400 500 600 700 800 50 25"))
    assert values(cpu.collect()) == {
        "node_cpu_seconds_total": {
            ("0", "user"): 1,
            ("0", "nice"): 2,
            ("0", "system"): 3,
            ("0", "idle"): 4,
            ("0", "iowait"): 5,
            ("0", "irq"): 6,
            ("0", "softirq"): 7,
            ("0", "steal"): 8,
        },
        "node_cpu_guest_seconds_total": {("0", "user"): 0.5, ("0", "nice"): 0.25},
    }


def test_columns_that_old_kernels_lack_are_zero() -> None:
    assert parse_ticks("cpu 1 2 3 4\ncpu0 1 2 3 4\nctxt 1\n") == {
        "0": (1, 2, 3, 4, 0, 0, 0, 0, 0, 0)
    }


def test_a_value_that_goes_back_is_kept_until_it_is_passed(
    empty_host: Host, cpu: Cpu
) -> None:
    def idle_and_iowait(text: str) -> tuple[float, float]:
        write(empty_host, _stat(cpu0=text))
        seconds = values(cpu.collect())["node_cpu_seconds_total"]
        return seconds["0", "idle"], seconds["0", "iowait"]

    assert idle_and_iowait("0 0 0 1000 500") == (10, 5)
    assert idle_and_iowait("0 0 0 900 450") == (10, 5)
    assert idle_and_iowait("0 0 0 1100 499") == (11, 5)
    assert idle_and_iowait("0 0 0 1101 501") == (11.01, 5.01)


def test_a_cpu_that_was_away_begins_anew(empty_host: Host, cpu: Cpu) -> None:
    write(empty_host, _stat(cpu0="900 0 0 1000"))
    cpu.collect()
    write(empty_host, _stat(cpu0="5 0 0 700"))
    seconds = values(cpu.collect())["node_cpu_seconds_total"]
    assert (seconds["0", "user"], seconds["0", "idle"]) == (0.05, 7)


def test_a_cpu_that_is_gone_is_gone_and_one_that_comes_is_there(
    empty_host: Host, cpu: Cpu
) -> None:
    write(empty_host, _stat(cpu0="1 0 0 0", cpu1="1 0 0 0"))
    cpu.collect()
    write(empty_host, _stat(cpu0="1 0 0 0", cpu2="1 0 0 0"))
    found = values(cpu.collect())["node_cpu_seconds_total"]
    assert {number for number, _ in found} == {"0", "2"}


@given(st.lists(st.lists(st.integers(0, 2000), min_size=10, max_size=10), min_size=1))
def test_counters_only_rise_or_begin_anew_with_idle(readings: list[list[int]]) -> None:
    before: tuple[int, ...] | None = None
    for reading in readings:
        now = tuple(reading)
        highest = risen(before, now, 300)
        if before is not None and before[3] - now[3] < 300:
            assert all(new >= old for new, old in zip(highest, before, strict=True))
            assert all(new >= read for new, read in zip(highest, now, strict=True))
        else:
            assert highest == now
        before = highest


def test_throttling_is_counted_once_per_core_and_package(
    empty_host: Host, cpu: Cpu
) -> None:
    folder = "sys/devices/system/cpu/cpu"
    write(empty_host, _stat(cpu0="1 0 0 0"))
    for number, core, count in ((0, 0, 7), (1, 0, 8), (2, 1, 9)):
        write(
            empty_host,
            {
                f"{folder}{number}/topology/physical_package_id": "0\n",
                f"{folder}{number}/topology/core_id": f"{core}\n",
                f"{folder}{number}/thermal_throttle/core_throttle_count": f"{count}\n",
                f"{folder}{number}/thermal_throttle/package_throttle_count": "30\n",
            },
        )
    # It has no counts, as most virtual machines.
    write(empty_host, {f"{folder}3/topology/core_id": "3\n"})
    found = values(cpu.collect())
    assert found["node_cpu_core_throttles_total"] == {("0", "0"): 7, ("0", "1"): 9}
    assert found["node_cpu_package_throttles_total"] == {("0",): 30}


def test_isolated_cpus_are_said_and_no_others(empty_host: Host, cpu: Cpu) -> None:
    write(empty_host, _stat(cpu0="1 0 0 0"))
    write(empty_host, {"sys/devices/system/cpu/isolated": "1,3-4\n"})
    isolated = values(cpu.collect())["node_cpu_isolated"]
    assert isolated == {("1",): 1, ("3",): 1, ("4",): 1}


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("\n", []),
        ("7\n", [7]),
        ("0,2-4,9", [0, 2, 3, 4, 9]),
        ("1-8:2", [1, 3, 5, 7]),
    ],
)
def test_cpu_lists_are_read_as_the_kernel_writes_them(
    text: str, cpus: list[int]
) -> None:
    assert parse_cpu_list(text) == cpus


def test_a_machine_without_stat_is_a_failure(cpu: Cpu) -> None:
    with pytest.raises(FileNotFoundError):
        cpu.collect()
