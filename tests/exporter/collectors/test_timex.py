from __future__ import annotations

import ctypes
import errno
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.timex import Timex, Told, families
from runtime.settings import Collector
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def told(state: int = 0, **fields: int) -> dict[str, float]:
    return {
        name.removeprefix("node_timex_"): samples[()]
        for name, samples in values(families(Told(**fields), state)).items()
    }


def test_the_clock_of_this_machine_is_read(host: Host) -> None:
    found = values(Timex(host, Collector()).collect())
    assert len(found) == 17
    assert 0.009 < found["node_timex_tick_seconds"][()] < 0.011
    assert 0.999 < found["node_timex_frequency_adjustment_ratio"][()] < 1.001


def test_offsets_are_in_what_the_status_says() -> None:
    assert told(offset=5000)["offset_seconds"] == 0.005
    assert told(offset=5000, status=0x2000)["offset_seconds"] == 5e-6
    assert told(jitter=7, status=0x2000)["pps_jitter_seconds"] == 7e-9


def test_frequencies_are_parts_per_million_with_sixteen_more_bits() -> None:
    found = told(freq=65536, ppsfreq=65536, stabil=131072)
    assert found["frequency_adjustment_ratio"] == 1.000001
    assert found["pps_frequency_hertz"] == 1e-6
    assert found["pps_stability_hertz"] == 2e-6


def test_a_clock_in_error_is_not_synchronized() -> None:
    assert told(0)["sync_status"] == 1
    assert told(5, maxerror=16_000_000)["sync_status"] == 0
    assert told(5, maxerror=16_000_000)["maxerror_seconds"] == 16


def test_a_forbidden_call_is_nothing_here(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(told: object) -> int:
        del told
        ctypes.set_errno(errno.EPERM)
        return -1

    libc = SimpleNamespace(adjtimex=forbidden)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: libc)
    with pytest.raises(NothingHere, match="forbidden"):
        Timex(host, Collector()).collect()
