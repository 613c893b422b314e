"""What the CPUs and the kernel count of the work: cycles, cache misses, page faults.

Counters are few, so that the kernel lets groups of events take turns. Each group is
read at once, so that its ratios are true; what it missed while others had their turn
is added by the share of time that it counted, step by step, so that nothing falls.
"""

from __future__ import annotations

import errno
import resource
from typing import TYPE_CHECKING, Final

import structlog

from exporter.collectors.base import Family, Host, Metric, NothingHere
from exporter.collectors.cpu import parse_cpu_list
from exporter.collectors.perf_events import (
    ACCESS,
    BPU,
    DTLB,
    HARDWARE,
    ITLB,
    L1D,
    L1I,
    LL,
    MISS,
    READ,
    SOFTWARE,
    WRITE,
    Event,
    Kernel,
    Linux,
    Reading,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.settings import PerfCollector as Options

log = structlog.get_logger(__name__)


def _counter(name: str, text: str) -> Metric:
    return Metric(f"node_perf_{name}_total", "counter", f"Number {text}", ("cpu",))


CYCLES = _counter("cpucycles", "of CPU cycles (frequency scaled)")
INSTRUCTIONS = _counter("instructions", "of CPU instructions")
REF_CYCLES = _counter("ref_cpucycles", "of CPU cycles")
BRANCHES = _counter("branch_instructions", "of CPU branch instructions")
BRANCH_MISSES = _counter("branch_misses", "of CPU branch misses")
CACHE_REFS = _counter("cache_refs", "of cache references (non frequency scaled)")
CACHE_MISSES = _counter("cache_misses", "of cache misses")
STALLED_FRONTEND = _counter("stalled_cycles_frontend", "of stalled frontend CPU cycles")
STALLED_BACKEND = _counter("stalled_cycles_backend", "of stalled backend CPU cycles")
PAGE_FAULTS = _counter("page_faults", "of page faults")
SWITCHES = _counter("context_switches", "of context switches")
MIGRATIONS = _counter("cpu_migrations", "of CPU process migrations")
MINOR_FAULTS = _counter("minor_faults", "of minor page faults")
MAJOR_FAULTS = _counter("major_faults", "of major page faults")
L1D_READS = _counter("cache_l1d_read_hits", "L1 data cache read hits")
L1D_MISSES = _counter("cache_l1d_read_misses", "L1 data cache read misses")
L1D_WRITES = _counter("cache_l1d_write_hits", "L1 data cache write hits")
L1I_MISSES = _counter(
    "cache_l1_instr_read_misses", "instruction L1 instruction read misses"
)
ITLB_READS = _counter("cache_tlb_instr_read_hits", "instruction TLB read hits")
ITLB_MISSES = _counter("cache_tlb_instr_read_misses", "instruction TLB read misses")
DTLB_READS = _counter("cache_tlb_data_read_hits", "of data TLB read hits")
DTLB_MISSES = _counter("cache_tlb_data_read_misses", "of data TLB read misses")
DTLB_WRITES = _counter("cache_tlb_data_write_hits", "of data TLB write hits")
DTLB_WRITE_MISSES = _counter("cache_tlb_data_write_misses", "of data TLB write misses")
LL_READS = _counter("cache_ll_read_hits", "last level read hits")
LL_MISSES = _counter("cache_ll_read_misses", "last level read misses")
LL_WRITES = _counter("cache_ll_write_hits", "last level write hits")
LL_WRITE_MISSES = _counter("cache_ll_write_misses", "last level write misses")
BPU_READS = _counter("cache_bpu_read_hits", "BPU read hits")
BPU_MISSES = _counter("cache_bpu_read_misses", "BPU read misses")

RUNNING = Metric(
    "epimetheus_perf_running_ratio",
    "gauge",
    "Share of the time since the last scrape in which a group of events was counted; "
    "the rest was reckoned from it.",
    ("cpu", "group"),
)
PARANOID = Metric(
    "epimetheus_perf_paranoid_level",
    "gauge",
    "The kernel's perf_event_paranoid: from 1 on, counting a CPU needs CAP_PERFMON.",
)

Events = dict[Metric, Event]

GROUPS: Final[Mapping[str, Mapping[str, Events]]] = {
    "hardware": {
        "cycles": {
            CYCLES: Event(HARDWARE, 0),
            INSTRUCTIONS: Event(HARDWARE, 1),
            REF_CYCLES: Event(HARDWARE, 9),
            BRANCHES: Event(HARDWARE, 4),
            BRANCH_MISSES: Event(HARDWARE, 5),
        },
        "caches": {
            CACHE_REFS: Event(HARDWARE, 2),
            CACHE_MISSES: Event(HARDWARE, 3),
            STALLED_FRONTEND: Event(HARDWARE, 7),
            STALLED_BACKEND: Event(HARDWARE, 8),
        },
    },
    "software": {
        "software": {
            PAGE_FAULTS: Event(SOFTWARE, 2),
            SWITCHES: Event(SOFTWARE, 3),
            MIGRATIONS: Event(SOFTWARE, 4),
            MINOR_FAULTS: Event(SOFTWARE, 5),
            MAJOR_FAULTS: Event(SOFTWARE, 6),
        },
    },
    "cache": {
        "l1": {
            L1D_READS: Event.of_cache(L1D, READ, ACCESS),
            L1D_MISSES: Event.of_cache(L1D, READ, MISS),
            L1D_WRITES: Event.of_cache(L1D, WRITE, ACCESS),
            L1I_MISSES: Event.of_cache(L1I, READ, MISS),
        },
        "tlb_instructions": {
            ITLB_READS: Event.of_cache(ITLB, READ, ACCESS),
            ITLB_MISSES: Event.of_cache(ITLB, READ, MISS),
            BPU_READS: Event.of_cache(BPU, READ, ACCESS),
            BPU_MISSES: Event.of_cache(BPU, READ, MISS),
        },
        "tlb_data": {
            DTLB_READS: Event.of_cache(DTLB, READ, ACCESS),
            DTLB_MISSES: Event.of_cache(DTLB, READ, MISS),
            DTLB_WRITES: Event.of_cache(DTLB, WRITE, ACCESS),
            DTLB_WRITE_MISSES: Event.of_cache(DTLB, WRITE, MISS),
        },
        "last_level": {
            LL_READS: Event.of_cache(LL, READ, ACCESS),
            LL_MISSES: Event.of_cache(LL, READ, MISS),
            LL_WRITES: Event.of_cache(LL, WRITE, ACCESS),
            LL_WRITE_MISSES: Event.of_cache(LL, WRITE, MISS),
        },
    },
}
"""What is counted, by the word of the settings and by what takes its turn together."""

_NOT_COUNTED: Final = {
    errno.EINVAL,
    errno.ENODEV,
    errno.ENOENT,
    errno.EOPNOTSUPP,
}
"""What the kernel answers where the hardware does not count an event."""

_OTHER_DESCRIPTORS: Final = 256
"""Which the exporter needs for everything else."""


class Group:
    """Events of one CPU that are counted together, their descriptors and sums.

    For those that are `left` the CPU has too few counters to count them as well.
    """

    def __init__(self, kernel: Kernel, cpu: int, events: Events) -> None:
        self._kernel = kernel
        self._descriptors: dict[Metric, int] = {}
        self.left: Events = {}
        self.ratio = 0.0
        self._last = Reading(0, 0, ())
        for metric, event in events.items():
            leader = next(iter(self._descriptors.values()), -1)
            try:
                self._descriptors[metric] = kernel.open(event, cpu, leader)
            except OSError as error:
                if error.errno == errno.EINVAL and leader >= 0:
                    self.left[metric] = event
                elif error.errno not in _NOT_COUNTED:
                    self.close()
                    raise
        self.sums = dict.fromkeys(self._descriptors, 0.0)

    def read(self) -> bool:
        """Add what was counted since the last time; return whether it goes on.

        It does not once the CPU went offline, even if it is there again: an event that
        counts is enabled for longer at each reading, and in a group of the same size.
        """
        leader = next(iter(self._descriptors.values()))
        reading = self._kernel.read(leader, len(self._descriptors))
        if reading is None or len(reading.counts) != len(self._descriptors):
            return False
        last, self._last = self._last, reading
        enabled = reading.enabled - last.enabled
        if last.enabled and enabled <= 0:
            return False
        running = reading.running - last.running
        self.ratio = running / enabled if enabled > 0 else 1.0
        if running > 0:
            before = last.counts or (0,) * len(reading.counts)
            for metric, count, was in zip(
                self.sums, reading.counts, before, strict=True
            ):
                self.sums[metric] += max(count - was, 0) * enabled / running
        return True

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in self._descriptors.values():
            self._kernel.close(descriptor)
        self._descriptors = {}


class Perf:
    """Opens counters on every CPU that is online, and reads them."""

    def __init__(
        self, host: Host, options: Options, kernel: Kernel | None = None
    ) -> None:
        self._host = host
        self._chosen = parse_cpu_list(options.cpus) if options.cpus else None
        self._wanted = {
            name: events
            for kind in options.events
            for name, events in GROUPS[kind].items()
        }
        self._kernel: Kernel = kernel or Linux()
        self._open: dict[int, dict[str, Group]] = {}
        self._kept: dict[tuple[Metric, int], float] = {}

    def collect(self) -> list[Family]:
        """Return the counts of every CPU; NothingHere if nothing can be counted.

        Raises PermissionError if the kernel forbids it, OSError if there are too few
        descriptors; the message says what to do.
        """
        try:
            level = int(self._host.proc("sys/kernel/perf_event_paranoid"))
        except FileNotFoundError as error:
            raise NothingHere("a kernel without performance events") from error
        self._follow(self._online(), level)
        for cpu in list(self._open):
            if not _read_all(self._open[cpu]):
                self._drop(cpu)
        families = self._families()
        if not families:
            raise NothingHere("no event can be counted; virtual machines have no PMU")
        return [*families, PARANOID.of(level)]

    def close(self) -> None:
        """Count no more."""
        for cpu in list(self._open):
            self._drop(cpu)

    def _online(self) -> list[int]:
        online = parse_cpu_list(self._host.sys("devices/system/cpu/online"))
        chosen = self._chosen
        return [cpu for cpu in online if chosen is None or cpu in chosen]

    def _follow(self, online: list[int], level: int) -> None:
        """Count on the CPUs that are online, and on no others."""
        for cpu in self._open.keys() - set(online):
            self._drop(cpu)
        if new := [cpu for cpu in online if cpu not in self._open]:
            make_room(sum(map(len, self._wanted.values())) * len(online))
        for cpu in new:
            try:
                self._open[cpu] = self._groups(cpu)
            except PermissionError as error:
                raise PermissionError(
                    f"perf_event_paranoid is {level}: give the exporter CAP_PERFMON, "
                    "or set kernel.perf_event_paranoid to 0"
                ) from error

    def _groups(self, cpu: int) -> dict[str, Group]:
        groups: dict[str, Group] = {}
        try:
            todo = list(self._wanted.items())
            while todo:
                name, events = todo.pop(0)
                group = Group(self._kernel, cpu, events)
                if group.sums:
                    groups[name] = group
                if group.left:
                    todo.append((f"{name}_more", group.left))
        except OSError:
            for group in groups.values():
                group.close()
            raise
        return groups

    def _drop(self, cpu: int) -> None:
        """Count no more on a CPU; what it has counted goes on if it comes back."""
        for group in self._open.pop(cpu).values():
            for metric, value in group.sums.items():
                self._kept[metric, cpu] = self._kept.get((metric, cpu), 0.0) + value
            group.close()

    def _families(self) -> list[Family]:
        found: dict[Metric, list[tuple[tuple[str, ...], float]]] = {}
        ratios: list[tuple[tuple[str, ...], float]] = []
        for cpu, groups in sorted(self._open.items()):
            for name, group in groups.items():
                ratios.append(((str(cpu), name), group.ratio))
                for metric, value in group.sums.items():
                    kept = self._kept.get((metric, cpu), 0.0)
                    found.setdefault(metric, []).append(((str(cpu),), kept + value))
        families = [Family(metric, samples) for metric, samples in found.items()]
        return [*families, Family(RUNNING, ratios)] if families else []


def make_room(descriptors: int) -> None:
    """Raise the limit of open files so that these fit; raise OSError if they cannot."""
    needed = descriptors + _OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise OSError(
            errno.EMFILE,
            f"{descriptors} events need {needed} open files and {hard} are allowed; "
            "raise LimitNOFILE of the service, or choose fewer CPUs or events",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    log.info("raised the limit of open files", limit=needed, events=descriptors)


def _read_all(groups: Mapping[str, Group]) -> bool:
    """Read every group, also once one has said that its CPU is gone."""
    return min([group.read() for group in groups.values()], default=True)
