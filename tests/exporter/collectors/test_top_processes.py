from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.collectors.base import Host, NothingHere
from exporter.collectors.top_processes import TopProcesses
from runtime.clock import SystemClock
from runtime.settings import TopProcessesCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Mapping

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
KERNEL = 0x200000

Found = dict[str, dict[tuple[str, ...], float]]


def _process(
    pid: int,
    name: str,
    ticks: int = 0,
    *,
    rss: int = 0,
    start: int = 100,
    flags: int = 0,
    io: tuple[int, int] | None = (0, 0),
) -> dict[str, str]:
    rest = f"S 1 1 1 0 -1 {flags} 0 0 0 0 {ticks} {ticks} 0 0 20 0 2 0 {start} 0 {rss}"
    files = {f"proc/{pid}/stat": f"{pid} ({name}) {rest} 1\n"}
    if io is not None:
        text = f"rchar: 9\nread_bytes: {io[0]}\nwrite_bytes: {io[1]}\n"
        files[f"proc/{pid}/io"] = text
    return files


def _collector(host: Host, **options: Any) -> TopProcesses:
    write(host, {"proc/stat": "cpu 1\nbtime 1000000\n"})
    return TopProcesses(host, TopProcessesCollector.model_validate(options))


def _found(collector: TopProcesses) -> Found:
    return {
        name.removeprefix("epimetheus_process_"): found
        for name, found in values(collector.collect()).items()
    }


def _end(host: Host, pid: int) -> None:
    for path in Path(host.procfs, str(pid)).iterdir():
        path.unlink()


def _cpu(found: Mapping[str, Mapping[tuple[str, ...], float]], name: str) -> float:
    return round(found["cpu_seconds_total"][name, "user"] * TICK)


def test_processes_of_one_name_are_one_group(empty_host: Host) -> None:
    write(empty_host, _process(1, "web (x)", 10, rss=3, io=(5, 6)))
    write(empty_host, _process(2, "web (x)", 20, rss=4, start=50, io=(1, 1)))
    write(empty_host, {"proc/1/fd/0": "", "proc/1/fd/1": "", "proc/2/fd/0": ""})
    name = ("web (x)",)
    assert _found(_collector(empty_host)) == {
        "cpu_seconds_total": {
            (*name, "user"): 30 / TICK,
            (*name, "system"): 30 / TICK,
        },
        "resident_memory_bytes": {name: 7 * PAGE},
        "instances": {name: 2},
        "threads": {name: 4},
        "start_time_seconds": {name: 1_000_000 + 50 / TICK},
        "read_bytes_total": {name: 6},
        "written_bytes_total": {name: 7},
        "open_fds": {name: 3},
    }


def test_a_sum_does_not_fall_when_a_process_ends(empty_host: Host) -> None:
    write(empty_host, _process(1, "web", 100) | _process(2, "web", 5))
    collector = _collector(empty_host)
    assert _cpu(_found(collector), "web") == 105
    _end(empty_host, 1)
    write(empty_host, _process(2, "web", 7))
    assert _cpu(_found(collector), "web") == 107
    # The number again, of another process.
    write(empty_host, _process(2, "web", 3, start=900))
    assert _cpu(_found(collector), "web") == 110


def test_a_counter_of_the_kernel_that_goes_back_adds_nothing(empty_host: Host) -> None:
    collector = _collector(empty_host)
    for written, total in ((10, 10), (4, 10), (9, 15)):
        write(empty_host, _process(1, "web", io=(0, written), rss=1))
        assert _found(collector)["written_bytes_total"] == {("web",): total}


def test_names_without_a_process_are_forgotten(empty_host: Host) -> None:
    write(empty_host, _process(1, "web", 1) | _process(2, "job", 1))
    collector = _collector(empty_host)
    collector.collect()
    _end(empty_host, 2)
    assert set(_found(collector)["instances"]) == {("web",)}
    assert set(collector._groups) == {"web"}


def test_threads_of_the_kernel_are_counted_without_their_numbers(
    empty_host: Host,
) -> None:
    for pid, name in enumerate(("kworker/0:1-events", "kworker/u4:2", "kthreadd")):
        write(empty_host, _process(pid + 2, name, 1, flags=KERNEL, io=None))
    write(empty_host, _process(9, "app/x", 1))
    assert set(_found(_collector(empty_host))["instances"]) == {
        ("kworker",),
        ("kthreadd",),
        ("app/x",),
    }


@pytest.mark.setting("exporter.collectors.top_processes.limit")
def test_the_first_by_time_memory_and_bytes_are_told(empty_host: Host) -> None:
    files: dict[str, str] = {}
    for number in range(1, 21):
        files |= _process(
            number,
            f"cpu{number}",
            number,
            rss=20 - number,
            io=(1 if number == 9 else 0, 0),
        )
    write(empty_host, files)
    found = _found(_collector(empty_host, limit=2))
    assert set(found["instances"]) == {
        ("cpu20",),
        ("cpu19",),
        ("cpu1",),
        ("cpu2",),
        ("cpu9",),
    }


def test_what_was_used_lately_counts_first(empty_host: Host) -> None:
    write(empty_host, _process(1, "old", 1000) | _process(2, "new", 1))
    collector = _collector(empty_host, limit=1)
    assert set(_found(collector)["instances"]) == {("old",)}
    write(empty_host, _process(2, "new", 5))
    assert set(_found(collector)["instances"]) == {("new",)}


def test_what_only_root_may_see_is_left_out(empty_host: Host) -> None:
    write(empty_host, _process(1, "web", 1, io=None))
    found = _found(_collector(empty_host))
    assert {"read_bytes_total", "written_bytes_total", "open_fds"}.isdisjoint(found)
    assert found["instances"] == {("web",): 1}


def test_without_any_process_there_is_nothing(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="hidepid"):
        _collector(empty_host).collect()


@pytest.mark.setting("exporter.collectors.top_processes.interval")
def test_the_interval_is_that_of_samples(empty_host: Host) -> None:
    assert _collector(empty_host, interval="7s")._interval == 7


def test_this_machine_has_processes() -> None:
    host = Host("/proc", "/sys", "/", SystemClock())
    found = _found(TopProcesses(host, TopProcessesCollector()))
    assert 1 <= len(found["instances"]) <= 30
    assert sum(found["resident_memory_bytes"].values()) > 0
