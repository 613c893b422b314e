from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.prober.starvation import Starvation
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


class Host:
    """A host whose signs a test sets."""

    def __init__(self, procfs: Path) -> None:
        self.procfs = procfs
        self.clock = FakeClock()
        (procfs / "pressure").mkdir()
        self.waited = 0.0
        self.steal = 0
        self.idle = 1000
        self.write()

    def write(self) -> None:
        total = round(self.waited * 1e6)
        (self.procfs / "pressure" / "cpu").write_text(
            f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        )
        (self.procfs / "stat").write_text(
            f"cpu  10 0 5 {self.idle} 0 0 0 {self.steal} 7 0\ncpu0 1 2 3\n"
        )

    def later(self, seconds: float, waited: float = 0.0, steal: int = 0) -> None:
        self.clock.advance(seconds)
        self.waited += waited
        self.steal += steal
        self.idle += round(200 * seconds) - steal
        self.write()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def judge(host: Host, percent: int = 20) -> Starvation:
    judging = Starvation(host.clock, str(host.procfs), percent)
    judging.sample()
    return judging


@pytest.mark.setting("exporter.prober.starved")
@pytest.mark.parametrize(
    ("signs", "starved"),
    [
        ({}, False),
        ({"waited": 0.19}, False),
        ({"waited": 0.2}, True),
        ({"steal": 39}, False),
        ({"steal": 40}, True),
    ],
)
def test_a_host_is_starved_from_the_configured_share_on(
    host: Host, signs: dict[str, float], *, starved: bool
) -> None:
    judging = judge(host)
    host.later(1.0, **signs)  # type: ignore[arg-type]  # numbers all
    assert judging.since(host.clock.monotonic()) is starved
    judging.sample()
    assert judging.lately is starved


def test_a_loop_that_comes_late_is_a_sign(host: Host) -> None:
    judging = judge(host, percent=50)
    for _ in range(10):
        judging.late(0.049)
    host.later(1.0)
    assert judging.since(host.clock.monotonic()) is False
    judging.late(0.011)
    assert judging.since(host.clock.monotonic()) is True


def test_only_the_time_of_a_run_counts(host: Host) -> None:
    judging = judge(host)
    host.later(1.0, waited=0.9)
    judging.sample()
    began = host.clock.monotonic()
    host.later(1.0)
    assert judging.since(began) is False
    assert judging.since(began - 0.5) is True


def test_hosts_without_these_files_are_never_starved(tmp_path: Path) -> None:
    judging = Starvation(FakeClock(), str(tmp_path), 1)
    assert (judging.lately, judging.since(0.0)) == (False, False)
    judging.sample()
    judging.sample()
    assert (judging.lately, judging.since(0.0)) == (False, False)
