from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
from typing import TYPE_CHECKING

from exporter import telemetry
from exporter.telemetry import Telemetry, version
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.fakes import FakeClock


def test_requests_are_counted_by_what_became_of_them(clock: FakeClock) -> None:
    own = Telemetry(clock)
    own.count("answered")
    own.count("answered")
    own.count("busy")
    assert values(own.families())["epimetheus_exporter_scrapes_total"] == {
        ("answered",): 2,
        ("busy",): 1,
        ("unauthorized",): 0,
        ("bad_request",): 0,
        ("failed",): 0,
    }


def test_no_more_scrapes_begin_than_the_limit(clock: FakeClock) -> None:
    own = Telemetry(clock)

    def in_flight() -> float:
        return values(own.families())["epimetheus_exporter_scrapes_in_flight"][()]

    assert [own.begin(2), own.begin(2), own.begin(2)] == [True, True, False]
    assert in_flight() == 2
    own.end()
    assert in_flight() == 1
    assert own.begin(2)


def test_the_build_says_version_and_python(clock: FakeClock) -> None:
    found = values(Telemetry(clock).families())["epimetheus_exporter_build_info"]
    assert found == {(version(), platform.python_version()): 1}


def test_the_version_is_the_package_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"{name} 1.2")
    assert version() == "epimetheus 1.2"

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert version() == "unknown"


def test_the_process_is_measured(clock: FakeClock) -> None:
    found = values(Telemetry(clock).families())
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert found["process_start_time_seconds"] == {(): clock.now()}
    assert found["process_max_fds"] == {(): soft}
    assert found["process_cpu_seconds_total"][()] > 0
    resident = found["process_resident_memory_bytes"][()]
    assert 2**20 < resident < found["process_virtual_memory_bytes"][()]
    assert found["process_virtual_memory_max_bytes"][()] >= resident


def test_open_descriptors_are_counted(clock: FakeClock) -> None:
    own = Telemetry(clock)
    before = values(own.families())["process_open_fds"][()]
    read_end, write_end = os.pipe()
    after = values(own.families())["process_open_fds"][()]
    os.close(read_end)
    os.close(write_end)
    assert after == before + 2


def test_a_system_without_procfs_tells_what_it_can(
    clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_PROC", str(tmp_path))
    found = values(Telemetry(clock).families())
    assert "process_cpu_seconds_total" in found
    assert "process_open_fds" not in found
