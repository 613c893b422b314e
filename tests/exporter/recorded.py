"""The recorded machine: its filesystems, laid out so that collectors can read them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.collectors.base import Host
from tests.exporter.ttar import unpack

if TYPE_CHECKING:
    from runtime.clock import Clock

RECORDED = Path(__file__).parent.parent / "data" / "node_exporter"


def lay_out(folder: Path) -> None:
    """Write the proc, sys and root of the recorded machine into an empty folder."""
    shutil.copytree(RECORDED / "proc", folder / "proc")
    unpack(RECORDED / "sys.ttar", folder)
    unpack(RECORDED / "udev.ttar", folder / "root" / "run")
    (folder / "root" / "usr" / "lib").mkdir(parents=True)
    shutil.copy(RECORDED / "os-release", folder / "root" / "usr" / "lib")


def host_of(folder: Path, clock: Clock) -> Host:
    """Return the host whose filesystems were laid out there."""
    return Host(
        procfs=str(folder / "proc"),
        sysfs=str(folder / "sys"),
        rootfs=str(folder / "root"),
        clock=clock,
        linux=True,
    )
