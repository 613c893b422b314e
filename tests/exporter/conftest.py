"""The recorded machine that all collectors can be pointed at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.exporter.recorded import host_of, lay_out

if TYPE_CHECKING:
    from exporter.collectors.base import Host
    from tests.fakes import FakeClock


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the proc, sys and root of the recorded machine."""
    folder = tmp_path_factory.mktemp("machine")
    lay_out(folder)
    return folder


@pytest.fixture
def host(machine: Path, clock: FakeClock) -> Host:
    return host_of(machine, clock)


@pytest.fixture
def empty_host(tmp_path: Path, clock: FakeClock) -> Host:
    """A host whose procfs and sysfs are there to be written by the test."""
    for name in ("proc", "sys", "root"):
        (tmp_path / name).mkdir()
    return host_of(tmp_path, clock)


def write(host: Host, files: dict[str, str]) -> None:
    """Write files such as `proc/stat` below the filesystems of an empty host."""
    roots = {"proc": host.procfs, "sys": host.sysfs, "root": host.rootfs}
    for name, text in files.items():
        filesystem, _, rest = name.partition("/")
        path = Path(roots[filesystem], rest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
