"""The recorded machine that all collectors can be pointed at."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import Host
from tests.exporter.ttar import unpack

if TYPE_CHECKING:
    from tests.fakes import FakeClock

RECORDED = Path(__file__).parent.parent / "data" / "node_exporter"


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the proc, sys and root of the recorded machine."""
    folder = tmp_path_factory.mktemp("machine")
    shutil.copytree(RECORDED / "proc", folder / "proc")
    unpack(RECORDED / "sys.ttar", folder)
    unpack(RECORDED / "udev.ttar", folder / "root" / "run")
    return folder


@pytest.fixture
def host(machine: Path, clock: FakeClock) -> Host:
    return Host(
        procfs=str(machine / "proc"),
        sysfs=str(machine / "sys"),
        rootfs=str(machine / "root"),
        clock=clock,
        linux=True,
    )


@pytest.fixture
def empty_host(tmp_path: Path, clock: FakeClock) -> Host:
    """A host whose procfs and sysfs are there to be written by the test."""
    for name in ("proc", "sys", "root"):
        (tmp_path / name).mkdir()
    return Host(
        procfs=str(tmp_path / "proc"),
        sysfs=str(tmp_path / "sys"),
        rootfs=str(tmp_path / "root"),
        clock=clock,
        linux=True,
    )


def write(host: Host, files: dict[str, str]) -> None:
    """Write files such as `proc/stat` below the filesystems of an empty host."""
    roots = {"proc": host.procfs, "sys": host.sysfs, "root": host.rootfs}
    for name, text in files.items():
        filesystem, _, rest = name.partition("/")
        path = Path(roots[filesystem], rest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
