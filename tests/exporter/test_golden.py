"""The whole exposition of the real program on the recorded machine."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.exporter.test_main import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

VOLATILE = re.compile(
    r"node_scrape_collector_duration_seconds|node_time_seconds|node_timex_.*|process_.*"
    r"|epimetheus_exporter_sample_age_seconds"
    r"|node_filesystem_(size|free|avail)_bytes|node_filesystem_files(_free)?"
)
"""Series whose values are of the moment, or of the disk that the tests run on."""

OF_THE_TEST_MACHINE = re.compile(r"node_uname_info|epimetheus_exporter_build_info")
"""Series whose labels are of the machine that the tests run on."""


@pytest.fixture(scope="module")
def exposition(machine: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "--once"],
        cwd=machine,
        env={
            "PATH": "/usr/bin",
            "PYTHONPATH": str(ROOT),
            "TZ": "UTC",
            # Which states there are depends on what else runs now.
            "EPIMETHEUS__EXPORTER__COLLECTORS__TCPSTAT__ENABLED": "false",
            "EPIMETHEUS__EXPORTER__PATHS__PROCFS": str(machine / "proc"),
            "EPIMETHEUS__EXPORTER__PATHS__SYSFS": str(machine / "sys"),
            "EPIMETHEUS__EXPORTER__PATHS__ROOTFS": str(machine / "root"),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.replace(str(machine), "")


def _steady(line: str) -> str:
    """Return a line with what changes between two runs or two machines left out."""
    series, _, _ = line.rpartition(" ")
    name = series.partition("{")[0]
    if line.startswith("#"):
        return line
    if OF_THE_TEST_MACHINE.fullmatch(name):
        return name
    return f"{series} _" if VOLATILE.fullmatch(name) else line


def test_the_exposition_of_the_recorded_machine_is_the_accepted_one(
    exposition: str, golden: Golden
) -> None:
    lines = "".join(f"{_steady(line)}\n" for line in exposition.splitlines())
    golden("exporter.txt", lines)


def test_promtool_finds_nothing_that_node_exporter_does_not_have_too(
    exposition: str,
) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=exposition,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # node_exporter's own check leaves these out: their names are the kernel's.
    kernel_names = re.compile(r"node_(entropy|memory|netstat|wifi_station)_")
    findings = [
        line for line in checked.stderr.splitlines() if not kernel_names.match(line)
    ]
    assert findings == []
    # 3 means that there are findings at all, so that the line above means something.
    assert checked.returncode == 3
