"""`/metrics` of the real program with everything on, before promtool's lint.

Names of the kernel are no better than the kernel's; node_exporter's own check leaves
them out, and so does this one, where theirs has the same finding.
"""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from exporter.collectors import COLLECTORS
from tests.exporter.recorded import RECORDED
from tests.exporter.test_main import running
from tests.servers import PATIENCE, RealNodeExporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KERNEL_NAMES: Final = re.compile(r"node_(entropy|memory|netstat|wifi_station)_")
"""What the check of node_exporter, `checkmetrics.sh`, leaves out."""

MORE: Final = {
    "node_netstat_TcpExt_TCPOFOQueue",
    "node_netstat_TcpExt_TCPRcvQDrop",
    "node_netstat_Tcp_MaxConn",
}
"""Fields that dashboards ask for, and that theirs shows when it is told to."""

PROBES: Final = {
    "modules": [{"name": "open", "kind": "tcp", "port": 1}],
    "destinations": [{"name": "here", "host": "127.0.0.1"}],
    "jobs": [
        {
            "name": "all",
            "probes": ["icmp", "open"],
            "destinations": ["here"],
            "interval": "1s",
            "splay": "0s",
        }
    ],
}


class Theirs(RealNodeExporter):
    """A node_exporter with all collectors that it has in common with ours."""

    def arguments(self) -> Sequence[str]:
        more = (
            *("buddyinfo", "interrupts", "ksmd", "meminfo_numa", "perf", "processes"),
            *("slabinfo", "systemd", "tcpstat", "zoneinfo"),
        )
        return (*super().arguments(), *(f"--collector.{name}" for name in more))


def _findings(exposition: str) -> set[str]:
    """Return promtool's findings; what it cannot parse fails the test."""
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=exposition,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # 3 means that it has read everything, and has findings.
    assert checked.returncode in {0, 3}, checked.stderr
    return set(checked.stderr.splitlines())


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def _everything(folder: Path, **paths: str) -> str:
    """Return `/metrics` with all collectors, jobs and smokeping_prober's names."""
    exporter = {
        "listen": "127.0.0.1:0",
        "collectors": {name: {"enabled": True} for name in COLLECTORS},
        "prober": {"smokeping": True},
        "paths": paths,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"exporter": exporter, "probes": PROBES}))
    with running(folder) as program:
        give_up = time.monotonic() + PATIENCE
        while "smokeping_requests_total{" not in (text := _get(program.url)):
            assert time.monotonic() < give_up
            time.sleep(0.2)
    return text


def _names(findings: set[str]) -> set[str]:
    return {finding.partition(" ")[0] for finding in findings}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with Theirs(tmp_path_factory.mktemp("theirs")) as server:
        return _findings(_get(f"{server.url}/metrics"))


def test_here_every_finding_is_one_of_node_exporter_s_too(
    tmp_path: Path, theirs: set[str]
) -> None:
    text = _everything(tmp_path)
    assert "netprobe_icmp_requests_total{" in text
    ours = _findings(text)
    assert {one for one in ours if not KERNEL_NAMES.match(one)} == set()
    assert _names(ours - theirs) <= MORE
    # Without any, nothing would have been compared.
    assert len(ours) > 20


def test_on_the_recorded_machine_every_finding_is_one_of_the_golden_file_too(
    tmp_path: Path, machine: Path
) -> None:
    text = _everything(
        tmp_path,
        procfs=str(machine / "proc"),
        sysfs=str(machine / "sys"),
        rootfs=str(machine / "root"),
    )
    ours = _findings(text)
    golden = _findings((RECORDED / "e2e-output.txt").read_text(encoding="utf-8"))
    assert {one for one in ours if not KERNEL_NAMES.match(one)} == set()
    assert _names(ours - golden) <= MORE
    assert len(ours) > 20
