"""The exporter where there is no Linux: what psutil says there is played back."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple
from typing import TYPE_CHECKING, Any, Final

import psutil
import pytest

from exporter.collectors import ALIASES, COLLECTORS, build
from exporter.collectors.base import Host, NothingHere
from exporter.collectors.portable import PORTABLE
from exporter.registry import Registry
from exporter.render import openmetrics_renderer, text_renderer
from runtime.clock import SystemClock
from runtime.settings import Collectors
from tests.exporter.exposition import parse, values

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.collectors.base import Collector


def _said(**fields: Any) -> Any:
    """Return what psutil returns: a named tuple with the fields of its system."""
    return namedtuple("_Said", fields)(**fields)  # noqa: PYI024 - names at run time


IO: Final = {
    "read_count": 1,
    "write_count": 2,
    "read_bytes": 3,
    "write_bytes": 4,
    "read_time": 5,
    "write_time": 6,
}
NET: Final = {
    "bytes_sent": 1,
    "bytes_recv": 2,
    "packets_sent": 3,
    "packets_recv": 4,
    "errin": 5,
    "errout": 6,
    "dropin": 7,
    "dropout": 8,
}
SWAP: Final = {"total": 9, "used": 8, "free": 1, "percent": 88.9, "sin": 0, "sout": 0}
VIRTUAL: Final = {"total": 9, "available": 4, "percent": 55.0, "used": 5, "free": 3}

SYSTEMS: Final[dict[str, dict[str, Any]]] = {
    "macOS": {
        "cpu": _said(user=1.5, nice=0.0, system=2.5, idle=3.5),
        "memory": _said(**VIRTUAL, active=2, inactive=1, wired=3),
        "partition": ("/dev/disk3s1s1", "/", "apfs", "ro,local,rootfs,journaled"),
    },
    "FreeBSD": {
        "cpu": _said(user=1.5, nice=0.0, system=2.5, idle=3.5, irq=0.5),
        "memory": _said(
            **VIRTUAL, active=2, inactive=1, buffers=0, cached=1, shared=0, wired=3
        ),
        "partition": ("zroot/ROOT/default", "/", "zfs", "rw,noatime,nfsv4acls"),
    },
    "Windows": {
        "cpu": _said(user=1.5, system=2.5, idle=3.5, interrupt=0.5, dpc=0.1),
        "memory": _said(**VIRTUAL),
        "partition": ("C:\\", "C:\\", "NTFS", "rw,fixed"),
    },
}

MODES: Final = {
    "macOS": {"user", "nice", "system", "idle"},
    "FreeBSD": {"user", "nice", "system", "idle", "irq"},
    "Windows": {"user", "system", "idle", "irq"},
}


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a system whose psutil is played back."""
    name: str = request.param
    said = SYSTEMS[name]
    device, mountpoint, kind, options = said["partition"]
    partition = _said(device=device, mountpoint=mountpoint, fstype=kind, opts=options)
    link = _said(isup=True, duplex=2, speed=1000, mtu=1500, flags="up")
    answers: dict[str, Any] = {
        "cpu_times": [said["cpu"]] * 2,
        "cpu_stats": _said(ctx_switches=7, interrupts=8, soft_interrupts=9, syscalls=1),
        "boot_time": 1_700_000_000.0,
        "virtual_memory": said["memory"],
        "swap_memory": _said(**SWAP),
        "getloadavg": (0.1, 0.2, 0.3),
        "disk_io_counters": {"disk0": _said(**IO)},
        "disk_partitions": [partition],
        "disk_usage": _said(total=10, used=4, free=5, percent=44.4),
        "net_io_counters": {"en0": _said(**NET)},
        "net_if_stats": {"en0": link},
    }
    for function, answer in answers.items():
        monkeypatch.setattr(psutil, function, lambda *_, _answer=answer, **__: _answer)
    return name


def _collectors() -> dict[str, Collector]:
    host = Host("/nowhere", "/nowhere", "/nowhere", SystemClock(), linux=False)
    enabled = {name: {"enabled": True} for name in COLLECTORS}
    return build(host, Collectors.model_validate(enabled))


@pytest.mark.parametrize("name", sorted(COLLECTORS.keys() - PORTABLE.keys()))
def test_collectors_of_linux_say_that_they_are_not_on_this_system(name: str) -> None:
    with pytest.raises(NothingHere, match="not on this system"):
        _collectors()[name].collect()


def test_portable_collectors_are_collectors_of_linux_too() -> None:
    assert PORTABLE.keys() <= COLLECTORS.keys()
    assert _collectors().keys() == COLLECTORS.keys()


def test_no_collector_fails_on_another_system(system: str) -> None:
    registry = Registry(
        _collectors(),
        deadline=10.0,
        clock=SystemClock(),
        known=COLLECTORS,
        aliases=ALIASES,
    )
    registry.start()
    try:
        found = registry.scrape(registry.names)
    finally:
        registry.stop()
    states = {report.name: report.state for report in found.reports}
    assert states == {
        name: "ok" if name in PORTABLE else "nothing here" for name in COLLECTORS
    }, system
    assert "node_load1" in parse(text_renderer().render(found.families).decode())
    assert openmetrics_renderer().render(found.families).endswith(b"# EOF\n")


def test_processors_have_the_modes_of_their_system(system: str) -> None:
    found = values(_collectors()["cpu"].collect())["node_cpu_seconds_total"]
    assert found.keys() == {
        (number, mode) for number in ("0", "1") for mode in MODES[system]
    }
    assert found["0", "user"] == 1.5


def test_memory_has_the_fields_of_its_system(system: str) -> None:
    found = values(_collectors()["memory"].collect())
    assert found["node_memory_total_bytes"] == {(): 9}
    assert found["node_memory_swap_used_bytes"] == {(): 8}
    assert ("node_memory_wired_bytes" in found) is (system != "Windows")


def test_filesystems_have_sizes_and_may_be_readonly(system: str) -> None:
    found = values(_collectors()["filesystem"].collect())
    ((labels, size),) = found["node_filesystem_size_bytes"].items()
    assert labels[:3] == SYSTEMS[system]["partition"][:3]
    assert size == 10
    assert found["node_filesystem_avail_bytes"] == {labels: 5}
    assert found["node_filesystem_free_bytes"] == {labels: 6}
    assert found["node_filesystem_readonly"] == {labels: system == "macOS"}


@pytest.mark.usefixtures("system")
def test_devices_have_their_counters() -> None:
    collectors = _collectors()
    disk, network = (values(collectors[one].collect()) for one in ("disk", "network"))
    assert disk["node_disk_written_bytes_total"] == {("disk0",): 4}
    assert network["node_network_receive_drop_total"] == {("en0",): 7}
    assert network["node_network_mtu_bytes"] == {("en0",): 1500}
    assert network["node_network_up"] == {("en0",): 1}


def test_files_of_scripts_are_read_on_every_system(tmp_path: Path) -> None:
    (tmp_path / "backup.prom").write_text("backup_size_bytes 7\n", encoding="ascii")
    host = Host("/nowhere", "/nowhere", "/nowhere", SystemClock(), linux=False)
    section = {"directories": [str(tmp_path)]}
    collectors = build(host, Collectors.model_validate({"textfile": section}))
    found = values(collectors["textfile"].collect())
    assert found["backup_size_bytes"] == {(): 7}
    assert found["node_textfile_scrape_error"] == {(): 0}


PROGRAM: Final = """
import os, select, signal, socket, sys, time
import asyncio, multiprocessing, subprocess, urllib.request, zoneinfo
import click, msgspec, psutil, pydantic.fields, structlog, yaml

for module, prefixes in (
    (socket, ("AF_NETLINK", "NETLINK_", "AF_PACKET", "AF_VSOCK", "SO_BINDTODEVICE",
              "CAN_", "ALG_", "VM_")),
    (os, ("sched_", "posix_fadvise", "memfd_create", "eventfd", "pidfd_open",
          "setns", "unshare", "getrandom", "O_TMPFILE", "splice")),
    (select, ("epoll", "EPOLL")),
    (time, ("CLOCK_BOOTTIME", "CLOCK_TAI")),
):
    for name in [one for one in dir(module) if one.startswith(prefixes)]:
        delattr(module, name)
sys.platform = "darwin"
sys.argv = ["epimetheus-exporter", "--once"]
from exporter.__main__ import main
main()
"""
"""Starts the program with what only Linux has taken from Python's own modules."""


def test_the_program_runs_without_what_only_linux_has() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = parse(done.stdout)
    assert {"node_cpu_seconds_total", "node_load1", "node_uname_info"} <= found.keys()
    assert not any(name.startswith("node_netstat_") for name in found)
