from __future__ import annotations

import dataclasses
import os
import threading

import pytest

from exporter.collectors.base import Host, NothingHere
from exporter.collectors.processes import Processes
from runtime.clock import SystemClock
from runtime.settings import SampledCollector
from tests.exporter.collectors.test_proc_stat import REST
from tests.exporter.conftest import write
from tests.exporter.exposition import values

LIMITS = {"proc/sys/kernel/pid_max": "123\n", "proc/sys/kernel/threads-max": "456\n"}


def _line(pid: int, state: str = "S", threads: int = 1) -> str:
    rest = REST.decode().replace("S", state, 1).replace(" 3 0 29", f" {threads} 0 29")
    return f"{pid} (a (b) c) {rest}"


def test_processes_and_threads_are_counted_by_state(empty_host: Host) -> None:
    write(
        empty_host,
        LIMITS
        | {
            "proc/1/stat": _line(1),
            "proc/7/stat": _line(7, "R", threads=3),
            "proc/7/task/7/stat": _line(7, "R"),
            "proc/7/task/8/stat": _line(8, "D"),
            "proc/7/task/9/stat": _line(9, "S"),
            "proc/8/comm": "one that has ended meanwhile",
            "proc/9/stat": _line(9, "S", threads=2),
            "proc/self/stat": _line(7),
        },
    )
    assert values(Processes(empty_host, SampledCollector()).collect()) == {
        "node_processes_max_processes": {(): 123},
        "node_processes_max_threads": {(): 456},
        "node_processes_pids": {(): 3},
        "node_processes_state": {("R",): 1, ("S",): 2},
        "node_processes_threads": {(): 6},
        "node_processes_threads_state": {("D",): 1, ("R",): 1, ("S",): 3},
    }


def test_the_threads_of_this_process_are_among_those_that_run() -> None:
    host = Host("/proc", "/sys", "/", SystemClock())
    found = values(Processes(host, SampledCollector()).collect())
    assert found["node_processes_pids"][()] >= 1
    total = sum(found["node_processes_threads_state"].values())
    assert total >= len(os.listdir("/proc/self/task"))  # noqa: PTH208


def test_processes_that_hide_are_no_failure(empty_host: Host) -> None:
    write(empty_host, {**LIMITS, "proc/1/comm": "hidden"})
    with pytest.raises(NothingHere, match="hidepid"):
        Processes(empty_host, SampledCollector()).collect()


@pytest.mark.setting("exporter.collectors.processes.interval")
def test_samples_are_taken_at_the_interval(empty_host: Host) -> None:
    class Waits(SystemClock):
        """Notes for how long it should wait, and does not."""

        def __init__(self) -> None:
            self.waits: list[float] = []
            self.waited = threading.Event()

        def wait(self, event: threading.Event, seconds: float) -> bool:
            self.waits.append(seconds)
            self.waited.set()
            return True

    clock = Waits()
    host = dataclasses.replace(empty_host, clock=clock)
    collector = Processes(host, SampledCollector.model_validate({"interval": "42s"}))
    collector.start()
    assert clock.waited.wait(30)
    collector.stop()
    assert clock.waits == [42]
