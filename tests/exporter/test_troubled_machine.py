"""Whole scrapes of machines on which something hangs, hides, grows or goes back."""

from __future__ import annotations

import dataclasses
import os
import threading
from typing import TYPE_CHECKING

import pytest
import structlog.testing

from exporter.collectors import COLLECTORS, build, processes
from exporter.collectors.cpu import Cpu
from exporter.collectors.processes import Processes
from exporter.registry import Registry
from runtime.clock import SystemClock
from runtime.settings import Collector, Collectors, SampledCollector
from tests.exporter.collectors.test_proc_stat import REST
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.collectors.base import Host

LIMITS = {"proc/sys/kernel/pid_max": "9999\n", "proc/sys/kernel/threads-max": "9999\n"}

Found = dict[str, dict[tuple[str, ...], float]]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Tracebacks of what fails here are long, and written with care."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def troubled(empty_host: Host) -> Host:
    """A machine that is written by the test and measured in real time."""
    return dataclasses.replace(empty_host, clock=SystemClock(), deadline=0.5)


def _registry(host: Host) -> Registry:
    return Registry(build(host, Collectors()), deadline=0.5, clock=host.clock)


def _scrape(registry: Registry) -> tuple[Found, dict[str, str]]:
    scrape = registry.scrape(registry.names)
    states = {report.name: report.state for report in scrape.reports}
    return values(scrape.families), dict(states)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What hangs does so until the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def _mounts(*paths: str) -> dict[str, str]:
    lines = [
        f"{number} 1 8:1 / {path} rw - ext4 /dev/{number} rw"
        for number, path in enumerate(paths)
    ]
    return {"proc/1/mountinfo": "\n".join(lines) + "\n"}


def test_a_mount_that_hangs_is_said_to_and_costs_the_others_nothing(
    troubled: Host, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(troubled, _mounts("/good", "/hung") | {"proc/loadavg": "1 2 3 1/2 3\n"})
    for name in ("good", "hung"):
        os.mkdir(f"{troubled.rootfs}/{name}")  # noqa: PTH102
    statvfs = os.statvfs

    def hangs(path: bytes) -> os.statvfs_result:
        if path.endswith(b"hung"):
            released.wait()
        return statvfs(path)

    monkeypatch.setattr(os, "statvfs", hangs)
    for _ in range(2):
        found, states = _scrape(_registry(troubled))
        assert states["filesystem"] == states["load"] == "ok"
        assert found["node_load1"] == {(): 1}
        assert found["node_filesystem_device_error"] == {
            ("/dev/0", "/good", "ext4"): 0,
            ("/dev/1", "/hung", "ext4"): 1,
        }
        assert set(found["node_filesystem_size_bytes"]) == {("/dev/0", "/good", "ext4")}


def test_a_file_of_the_kernel_that_hangs_costs_its_collector_alone(
    troubled: Host, released: threading.Event
) -> None:
    write(troubled, {"proc/loadavg": "1 2 3 1/2 3\n"})
    os.mkfifo(f"{troubled.procfs}/vmstat")
    registry = _registry(troubled)
    found, states = _scrape(registry)
    assert (states["vmstat"], states["load"]) == ("hung", "ok")
    assert found["node_scrape_collector_success"]["vmstat",] == 0
    assert found["node_load1"] == {(): 1}
    # Who hangs is not started again, and now it comes back.
    released.set()
    with open(f"{troubled.procfs}/vmstat", "w", encoding="ascii") as pipe:  # noqa: PTH123
        pipe.write("oom_kill 1\n")


def test_processes_that_hang_are_old_samples_and_no_slow_scrape(
    troubled: Host, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(troubled, LIMITS | {"proc/1/stat": f"1 (init) {REST.decode()}"})
    sampled = threading.Event()

    def reads(path: str) -> bytes:
        if sampled.is_set():
            released.wait()
        sampled.set()
        return b"1 (init) " + REST

    monkeypatch.setattr(processes, "read_line", reads)
    collector = Processes(
        troubled, SampledCollector.model_validate({"interval": "10ms"})
    )
    registry = Registry({"processes": collector}, deadline=0.5, clock=troubled.clock)
    registry.start()
    found, states = _scrape(registry)
    while collector.age is None or collector.age < 0.6:
        found, states = _scrape(registry)
    assert found["epimetheus_exporter_sample_age_seconds"]["processes",] > 0.5
    found, states = _scrape(registry)
    assert states == {"processes": "failed"}
    assert "node_processes_pids" not in found
    released.set()
    registry.stop()


def test_a_thousand_processes_cost_a_scrape_nothing(
    troubled: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"proc/{pid}/stat": f"{pid} (x) {REST.decode()}" for pid in range(1, 1001)}
    write(troubled, LIMITS | files)
    patient = dataclasses.replace(troubled, deadline=30.0)
    registry = Registry(
        {"processes": Processes(patient, SampledCollector())},
        deadline=30.0,
        clock=patient.clock,
    )
    registry.start()
    assert _scrape(registry)[0]["node_processes_pids"] == {(): 1000}
    looked: list[str] = []
    monkeypatch.setattr(processes, "numbers_in", looked.append)
    found, states = _scrape(registry)
    assert found["node_processes_pids"] == {(): 1000}
    assert (states, looked) == ({"processes": "ok"}, [])
    registry.stop()


def test_hidden_processes_are_no_failure(troubled: Host) -> None:
    write(troubled, {**LIMITS, "proc/loadavg": "1 2 3 1/2 3\n"})
    found, states = _scrape(_registry(troubled))
    assert (states["processes"], states["load"]) == ("nothing here", "ok")
    assert "node_processes_pids" not in found


def _stat(cpus: dict[int, int]) -> dict[str, str]:
    lines = [f"cpu{cpu} {ticks} 0 0 {ticks} 0 0 0 0 0 0" for cpu, ticks in cpus.items()]
    return {"proc/stat": "\n".join(["cpu 0 0", *lines, "btime 1", ""])}


def test_256_cpus_are_all_measured(troubled: Host) -> None:
    schedstat = [f"cpu{cpu} 0 0 0 0 0 0 1 2 3" for cpu in range(256)]
    softnet = [f"{cpu:08x} " + "00000000 " * 11 + f"{cpu:08x}" for cpu in range(256)]
    write(troubled, _stat(dict.fromkeys(range(256), 100)))
    write(troubled, {"proc/schedstat": "version 15\n" + "\n".join(schedstat) + "\n"})
    write(troubled, {"proc/net/softnet_stat": "\n".join(softnet) + "\n"})
    found, states = _scrape(
        Registry(build(troubled, Collectors()), deadline=30.0, clock=troubled.clock)
    )
    assert {states[name] for name in ("cpu", "schedstat", "softnet")} == {"ok"}
    assert len(found["node_cpu_seconds_total"]) == 256 * 8
    assert len(found["node_schedstat_running_seconds_total"]) == 256
    assert len(found["node_softnet_processed_total"]) == 256


def test_a_cpu_goes_offline_and_comes_back(troubled: Host) -> None:
    registry = Registry(
        {"cpu": Cpu(troubled, Collector())}, deadline=30.0, clock=troubled.clock
    )

    def seconds() -> dict[str, float]:
        found, _ = _scrape(registry)
        return {
            cpu: value
            for (cpu, mode), value in found["node_cpu_seconds_total"].items()
            if mode == "user"
        }

    tick = os.sysconf("SC_CLK_TCK")
    write(troubled, _stat({0: tick, 1: tick}))
    assert seconds() == {"0": 1, "1": 1}
    write(troubled, _stat({0: 2 * tick}))
    assert seconds() == {"0": 2}
    write(troubled, _stat({0: 3 * tick, 1: tick}))
    assert seconds() == {"0": 3, "1": 1}


def test_counters_that_go_back_are_kept_until_they_are_passed(troubled: Host) -> None:
    registry = Registry(
        {"cpu": Cpu(troubled, Collector())}, deadline=30.0, clock=troubled.clock
    )
    tick = os.sysconf("SC_CLK_TCK")
    seen = []
    for ticks in (5 * tick, 5 * tick - 1, 6 * tick):
        write(troubled, _stat({0: ticks}))
        found, _ = _scrape(registry)
        seen.append(found["node_cpu_seconds_total"]["0", "idle"])
    assert seen == [5, 5, 6]


def test_a_container_without_sys_says_what_it_has(
    troubled: Host, tmp_path: Path
) -> None:
    without = dataclasses.replace(troubled, sysfs=str(tmp_path / "nowhere"))
    write(without, _stat({0: 100}) | {"proc/loadavg": "1 2 3 1/2 3\n"})
    every = {name: {"enabled": True} for name in Collectors.model_fields}
    collectors = build(without, Collectors.model_validate(every))
    registry = Registry(collectors, deadline=5.0, clock=without.clock)
    found, states = _scrape(registry)
    assert (states["cpu"], states["load"]) == ("ok", "ok")
    assert states["cgroups"] == states["perf"] == "nothing here"
    assert "hung" not in states.values()
    assert found["node_load1"] == {(): 1}


@pytest.mark.parametrize(
    ("name", "folder", "there", "gone"),
    [
        ("fibrechannel", "fc_host", "host1/speed", "host0"),
        ("infiniband", "infiniband", "mlx5_1/ports/1/rate", "mlx5_0"),
        ("nvme", "nvme", "nvme1/model", "nvme0"),
        ("thermal_zone", "thermal", "thermal_zone1/temp", "thermal_zone0"),
        ("thermal_zone", "thermal", "cooling_device1/max_state", "cooling_device0"),
        ("watchdog", "watchdog", "watchdog1/state", "watchdog0"),
    ],
)
def test_a_device_that_goes_after_it_was_listed_costs_the_others_nothing(
    troubled: Host, name: str, folder: str, there: str, gone: str
) -> None:
    write(troubled, {f"sys/class/{folder}/{there}": "1\n"})
    os.symlink("nowhere", f"{troubled.sysfs}/class/{folder}/{gone}")  # noqa: PTH211
    found = values(COLLECTORS[name](troubled, Collector()).collect())
    assert any(labels for samples in found.values() for labels in samples)
