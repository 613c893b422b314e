from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.cgroups import Cgroups
from runtime.settings import CgroupsCollector
from tests.exporter.collectors.test_cgroup_names import ID
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

SSH = {
    "cpu.stat": "usage_usec 3500000\nuser_usec 3000000\nsystem_usec 500000\n"
    "core_sched.force_idle_usec 0\nnr_periods 10\nnr_throttled 4\n"
    "throttled_usec 250000\nnr_bursts 0\n",
    "memory.current": "4096\n",
    "memory.max": "max\n",
    "memory.swap.current": "512\n",
    "memory.swap.max": "1024\n",
    "memory.events": "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\n",
    "pids.current": "7\n",
    "pids.max": "100\n",
    "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"
    "9:9 rbytes=5 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n253:0 \n",
    "cpu.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n",
    "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
}
PATH = "/system.slice/ssh.service"
LABELS = (PATH, "")


def _write(host: Host, path: str, files: dict[str, str], root: str = "") -> None:
    folder = f"sys/fs/cgroup{root}"
    write(host, {f"{folder}/cgroup.controllers": "cpu io memory pids\n"})
    write(host, {f"{folder}{path}/{name}": text for name, text in files.items()})


def _collect(host: Host, **options: Any) -> dict[str, dict[tuple[str, ...], float]]:
    collector = Cgroups(host, CgroupsCollector.model_validate(options))
    return {
        name.removeprefix("epimetheus_cgroup_"): found
        for name, found in values(collector.collect()).items()
    }


def _paths(host: Host, **options: Any) -> set[str]:
    return {labels[0] for labels in _collect(host, **options).get("info", {})}


@pytest.mark.parametrize("root", ["", "/unified"])
def test_what_a_service_uses_is_measured(empty_host: Host, root: str) -> None:
    _write(empty_host, PATH, SSH, root)
    if root:
        Path(empty_host.sysfs, "fs/cgroup/cgroup.controllers").unlink(missing_ok=True)
    disk = Path(empty_host.sysfs, "devices/sda")
    disk.mkdir(parents=True)
    Path(empty_host.sysfs, "dev/block").mkdir(parents=True)
    Path(empty_host.sysfs, "dev/block/8:0").symlink_to(disk)
    found = _collect(empty_host)
    assert found.pop("info") == {
        ("/system.slice", "", "systemd", ""): 1,
        (*LABELS, "systemd", ""): 1,
    }
    assert found.pop("epimetheus_cgroups") == {("measured",): 2, ("left_out",): 0}
    assert found == {
        "cpu_usage_seconds_total": {LABELS: 3.5},
        "cpu_user_seconds_total": {LABELS: 3},
        "cpu_system_seconds_total": {LABELS: 0.5},
        "cpu_cfs_periods_total": {LABELS: 10},
        "cpu_cfs_throttled_periods_total": {LABELS: 4},
        "cpu_cfs_throttled_seconds_total": {LABELS: 0.25},
        "memory_usage_bytes": {LABELS: 4096},
        "swap_usage_bytes": {LABELS: 512},
        "swap_limit_bytes": {LABELS: 1024},
        "memory_events_total": {
            (*LABELS, "low"): 0,
            (*LABELS, "high"): 0,
            (*LABELS, "max"): 3,
            (*LABELS, "oom"): 2,
            (*LABELS, "oom_kill"): 1,
        },
        "tasks": {LABELS: 7},
        "tasks_limit": {LABELS: 100},
        "io_read_bytes_total": {(*LABELS, "sda"): 10, (*LABELS, "9:9"): 5},
        "io_written_bytes_total": {(*LABELS, "sda"): 20, (*LABELS, "9:9"): 0},
        "io_reads_total": {(*LABELS, "sda"): 1, (*LABELS, "9:9"): 1},
        "io_writes_total": {(*LABELS, "sda"): 2, (*LABELS, "9:9"): 0},
        "pressure_waiting_seconds_total": {
            (*LABELS, "cpu"): 1.5,
            (*LABELS, "memory"): 0,
        },
        "pressure_stalled_seconds_total": {(*LABELS, "cpu"): 0.5},
    }


def test_figures_belong_to_the_last_device_of_a_line(empty_host: Host) -> None:
    _write(empty_host, PATH, {"io.stat": "7:1 7:0 8:0 rbytes=10 wbytes=20\n7:3 \n"})
    assert _collect(empty_host)["io_read_bytes_total"] == {(*LABELS, "8:0"): 10}


def test_a_device_may_take_the_number_of_another(empty_host: Host) -> None:
    _write(empty_host, PATH, {"io.stat": "259:0 rbytes=10\n"})
    link = Path(empty_host.sysfs, "dev/block/259:0")
    link.parent.mkdir(parents=True)
    collector = Cgroups(empty_host, CgroupsCollector())
    for name in ("nvme0n1", "nvme1n1"):
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../devices/{name}")
        found = values(collector.collect())["epimetheus_cgroup_io_read_bytes_total"]
        assert found == {(*LABELS, name): 10}


def test_containers_are_known_by_their_paths(empty_host: Host) -> None:
    path = f"/system.slice/docker-{ID}.scope"
    _write(empty_host, path, {"memory.current": "1\n"})
    found = _collect(empty_host)
    assert found["memory_usage_bytes"] == {(path, ID[:12]): 1}


@pytest.mark.setting("exporter.collectors.cgroups.depth")
def test_the_tree_is_walked_to_a_depth(empty_host: Host) -> None:
    _write(empty_host, "/a/b/c", SSH)
    assert _paths(empty_host, depth=2) == {"/a", "/a/b"}


@pytest.mark.setting("exporter.collectors.cgroups.include")
@pytest.mark.setting("exporter.collectors.cgroups.exclude")
def test_groups_can_be_chosen(empty_host: Host) -> None:
    for path in ("/system.slice/ssh.service", "/system.slice/x.mount", "/init.scope"):
        _write(empty_host, path, SSH)
    assert _paths(empty_host) == {"/system.slice", "/system.slice/ssh.service"}
    assert _paths(empty_host, exclude="^$", include="[.]mount$") == {
        "/system.slice/x.mount"
    }


@pytest.mark.setting("exporter.collectors.cgroups.limit")
def test_groups_beyond_the_limit_are_counted(empty_host: Host) -> None:
    for number in range(5):
        _write(empty_host, f"/{number}", SSH)
    found = _collect(empty_host, limit=2)
    assert found["tasks"] == {("/0", ""): 7, ("/1", ""): 7}
    assert found["epimetheus_cgroups"] == {("measured",): 2, ("left_out",): 3}


@pytest.mark.setting("exporter.collectors.cgroups.interval")
def test_the_interval_is_that_of_samples(empty_host: Host) -> None:
    options = CgroupsCollector.model_validate({"interval": "7s"})
    assert Cgroups(empty_host, options)._interval == 7


def test_a_group_that_goes_meanwhile_is_no_failure(
    empty_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(empty_host, PATH, SSH)
    collector = Cgroups(empty_host, CgroupsCollector())
    walk = collector._walk

    def then_gone(folder: str, path: str, depth: int) -> Any:
        for group in list(walk(folder, path, depth)):
            shutil.rmtree(group.folder, ignore_errors=True)
            yield group

    monkeypatch.setattr(collector, "_walk", then_gone)
    assert set(values(collector.collect())) == {
        "epimetheus_cgroup_info",
        "epimetheus_cgroups",
    }


def test_groups_of_version_1_are_not_measured(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="version 2"):
        _collect(empty_host)
