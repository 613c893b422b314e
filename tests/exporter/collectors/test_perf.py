from __future__ import annotations

import errno
import os
import resource
import time
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import perf
from exporter.collectors.base import Host, NothingHere
from exporter.collectors.perf import GROUPS, Perf, make_room
from exporter.collectors.perf_events import CACHE, HARDWARE, SOFTWARE, Event, Reading
from runtime.clock import SystemClock
from runtime.settings import PerfCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = {
    "proc/sys/kernel/perf_event_paranoid": "2\n",
    "sys/devices/system/cpu/online": "0-1\n",
}


class Machine:
    """A kernel with a PMU of `room` counters a group, where time goes as it is told."""

    def __init__(self, room: int = 8) -> None:
        self.room = room
        self.refuse: Callable[[Event, int], int] = lambda _event, _cpu: 0
        self.opened: dict[int, tuple[Event, int, int]] = {}
        self.offline: set[int] = set()
        self.enabled = self.running = 0
        self.counted = 0

    def go(self, enabled: int, running: int, counted: int) -> None:
        """Let that much time pass, and each event be seen that often in it."""
        self.enabled += enabled
        self.running += running
        self.counted += counted

    def open(self, event: Event, cpu: int, leader: int) -> int:
        if number := self.refuse(event, cpu):
            raise OSError(number, os.strerror(number))
        group = [one for one in self.opened.values() if one[2] == leader]
        if leader >= 0 and len(group) + 1 >= self.room:
            raise OSError(errno.EINVAL, "Invalid argument")
        descriptor = len(self.opened) + 1000
        while descriptor in self.opened:
            descriptor += 1
        self.opened[descriptor] = (event, cpu, leader)
        return descriptor

    def read(self, descriptor: int, events: int) -> Reading | None:
        _, cpu, leader = self.opened[descriptor]
        assert leader == -1
        if cpu in self.offline:
            return None
        return Reading(self.enabled, self.running, (self.counted,) * events)

    def close(self, descriptor: int) -> None:
        del self.opened[descriptor]


@pytest.fixture
def pmu(empty_host: Host) -> Machine:
    write(empty_host, FILES)
    return Machine()


def _no_pmu(event: Event, cpu: int) -> int:
    del cpu
    return 0 if event.kind == SOFTWARE else errno.ENOENT


def test_every_event_of_every_cpu_is_counted(empty_host: Host, pmu: Machine) -> None:
    collector = Perf(empty_host, PerfCollector(), pmu)
    collector.collect()
    pmu.go(enabled=100, running=100, counted=7)
    found = values(collector.collect())
    events = [
        metric for kind in GROUPS.values() for each in kind.values() for metric in each
    ]
    assert {metric.name for metric in events} == {
        name for name in found if name.startswith("node_perf_")
    }
    for metric in events:
        assert found[metric.name] == {("0",): 7, ("1",): 7}
    assert set(found["epimetheus_perf_running_ratio"].values()) == {1}
    assert found["epimetheus_perf_paranoid_level"] == {(): 2}


def test_groups_are_led_by_their_first_event(empty_host: Host, pmu: Machine) -> None:
    Perf(empty_host, PerfCollector(events=("hardware",)), pmu).collect()
    cycles = {
        descriptor
        for descriptor, (event, _, _) in pmu.opened.items()
        if event == Event(HARDWARE, 0)
    }
    assert len(cycles) == 2
    instructions = [one for one in pmu.opened.values() if one[0] == Event(HARDWARE, 1)]
    assert {leader for _, _, leader in instructions} == cycles


def test_what_was_missed_while_others_were_counted_is_added(
    empty_host: Host, pmu: Machine
) -> None:
    collector = Perf(empty_host, PerfCollector(events=("hardware",)), pmu)
    collector.collect()
    pmu.go(enabled=100, running=25, counted=10)
    found = values(collector.collect())
    assert found["node_perf_cpucycles_total"]["0",] == 40
    assert found["epimetheus_perf_running_ratio"]["0", "cycles"] == 0.25
    # A count that is scaled as a whole would fall here, from 40 to 22.
    pmu.go(enabled=100, running=100, counted=1)
    found = values(collector.collect())
    assert found["node_perf_cpucycles_total"]["0",] == 41
    pmu.go(enabled=100, running=0, counted=0)
    found = values(collector.collect())
    assert found["node_perf_cpucycles_total"]["0",] == 41
    assert found["epimetheus_perf_running_ratio"]["0", "cycles"] == 0


def test_a_count_that_goes_back_adds_nothing(empty_host: Host, pmu: Machine) -> None:
    collector = Perf(empty_host, PerfCollector(), pmu)
    for counted in (10, -5, 2):
        pmu.go(enabled=10, running=10, counted=counted)
        found = values(collector.collect())
    assert found["node_perf_page_faults_total"]["0",] == 12


def test_events_that_have_no_room_get_a_group_of_their_own(
    empty_host: Host, pmu: Machine
) -> None:
    pmu.room = 3
    collector = Perf(empty_host, PerfCollector(events=("hardware",)), pmu)
    found = values(collector.collect())
    assert len([name for name in found if name.startswith("node_perf_")]) == 9
    groups = {group for _, group in found["epimetheus_perf_running_ratio"]}
    assert groups == {"cycles", "cycles_more", "caches", "caches_more"}


def test_without_a_pmu_events_of_the_kernel_are_left(
    empty_host: Host, pmu: Machine
) -> None:
    pmu.refuse = _no_pmu
    found = values(Perf(empty_host, PerfCollector(), pmu).collect())
    assert "node_perf_context_switches_total" in found
    assert "node_perf_cpucycles_total" not in found


@pytest.mark.setting("exporter.collectors.perf.events")
@pytest.mark.parametrize(
    ("chosen", "kind"),
    [("hardware", HARDWARE), ("software", SOFTWARE), ("cache", CACHE)],
)
def test_kinds_of_events_can_be_chosen(
    empty_host: Host, pmu: Machine, chosen: str, kind: int
) -> None:
    options = PerfCollector.model_validate({"events": [chosen]})
    Perf(empty_host, options, pmu).collect()
    assert {event.kind for event, _, _ in pmu.opened.values()} == {kind}


def test_without_anything_to_count_there_is_nothing(
    empty_host: Host, pmu: Machine
) -> None:
    pmu.refuse = _no_pmu
    collector = Perf(empty_host, PerfCollector(events=("hardware", "cache")), pmu)
    with pytest.raises(NothingHere, match="no PMU"):
        collector.collect()
    assert pmu.opened == {}


def test_a_kernel_may_count_no_events(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="without performance events"):
        Perf(empty_host, PerfCollector(), Machine()).collect()


@pytest.mark.setting("exporter.collectors.perf.cpus")
def test_cpus_can_be_chosen(empty_host: Host, pmu: Machine) -> None:
    write(empty_host, {"sys/devices/system/cpu/online": "0-3,5"})
    Perf(empty_host, PerfCollector(cpus="1-9:2"), pmu).collect()
    assert {cpu for _, cpu, _ in pmu.opened.values()} == {1, 3, 5}


@pytest.mark.parametrize("text", ["x", "1-", "0-3:0", "1,,2"])
def test_what_is_no_list_of_cpus_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no list of CPUs"):
        PerfCollector(cpus=text)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_kernel_that_forbids_it_is_a_failure_that_says_what_to_do(
    empty_host: Host, pmu: Machine, number: int
) -> None:
    pmu.refuse = lambda event, cpu: number if cpu == 1 and event.config == 8 else 0
    with pytest.raises(PermissionError, match="is 2: give the exporter CAP_PERFMON"):
        Perf(empty_host, PerfCollector(), pmu).collect()
    assert {cpu for _, cpu, _ in pmu.opened.values()} == {0}


def test_a_cpu_goes_offline_and_comes_back(empty_host: Host, pmu: Machine) -> None:
    collector = Perf(empty_host, PerfCollector(), pmu)

    def faults() -> dict[tuple[str, ...], float]:
        pmu.go(enabled=1, running=1, counted=0)
        return values(collector.collect())["node_perf_page_faults_total"]

    pmu.go(10, 10, 5)
    assert faults() == {("0",): 5, ("1",): 5}
    write(empty_host, {"sys/devices/system/cpu/online": "0"})
    assert faults() == {("0",): 5}
    assert {cpu for _, cpu, _ in pmu.opened.values()} == {0}
    write(empty_host, FILES)
    pmu.go(10, 10, 1)
    assert faults()["1",] == 11
    pmu.offline = {1}
    assert faults() == {("0",): 6}
    collector.close()
    assert pmu.opened == {}


@pytest.mark.parametrize("events", [4, None])
def test_a_cpu_that_was_offline_between_scrapes_is_counted_again(
    empty_host: Host, pmu: Machine, events: int | None
) -> None:
    collector = Perf(empty_host, PerfCollector(events=("software",)), pmu)
    collector.collect()
    pmu.go(enabled=100, running=100, counted=7)
    collector.collect()
    before = set(pmu.opened)
    stale = pmu.read(min(before), events or len(GROUPS["software"]["software"]))
    with pytest.MonkeyPatch.context() as patch:
        # Siblings leave the group of an event that is off, and its time stands still.
        patch.setattr(pmu, "read", lambda *_: stale)
        if events:
            pmu.go(enabled=1, running=1, counted=1)
        with pytest.raises(NothingHere):
            collector.collect()
    assert pmu.opened == {}
    pmu.enabled = pmu.running = pmu.counted = 0
    collector.collect()
    pmu.go(enabled=10, running=10, counted=3)
    found = values(collector.collect())
    assert found["node_perf_page_faults_total"] == {("0",): 10, ("1",): 10}


def test_there_is_room_for_descriptors_or_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits: list[tuple[int, int]] = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _what: limits[-1])
    monkeypatch.setattr(
        resource, "setrlimit", lambda _what, limit: limits.append(limit)
    )
    make_room(700)
    assert limits == [(1024, 4096)]
    make_room(2000)
    assert limits[1:] == [(2256, 4096)]
    with pytest.raises(OSError, match="7680 events need 7936 open files and 4096 are"):
        make_room(256 * 30)
    limits.append((resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    make_room(10**6)
    assert limits[-1] == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def test_256_cpus_are_counted_within_the_limit(
    empty_host: Host, pmu: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(perf, "make_room", asked.append)
    write(empty_host, {"sys/devices/system/cpu/online": "0-255"})
    collector = Perf(empty_host, PerfCollector(), pmu)
    found = values(collector.collect())
    assert len(found["node_perf_cpucycles_total"]) == 256
    collector.collect()
    assert asked == [len(pmu.opened)]


@pytest.fixture
def live() -> Iterator[Perf]:
    """The counters of this machine, which may have no PMU."""
    host = Host("/proc", "/sys", "/", SystemClock())
    collector = Perf(host, PerfCollector(events=("software",)))
    yield collector
    collector.close()


def test_this_machine_counts_context_switches(live: Perf) -> None:
    before = values(live.collect())["node_perf_context_switches_total"]
    time.sleep(0.05)  # which gives the CPU to somebody else
    after = values(live.collect())["node_perf_context_switches_total"]
    assert before.keys() == after.keys()
    assert all(before[cpu] <= after[cpu] for cpu in before)
    assert sum(after.values()) > 0
