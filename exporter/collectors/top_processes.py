"""The programs that use most CPU time, memory or disk, by name.

Processes of one name are counted together, as a number means nothing a minute later
and would be a series of its own. Command lines are not read: they hold passwords. Sums
of a name only rise while one of its processes lives, since what an ended one had used
stays in it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.collectors.base import Family, Host, Metric, NothingHere, read
from exporter.collectors.proc_stat import Stat, stats_of
from exporter.collectors.sampling import Sampled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runtime.settings import TopProcessesCollector as Options

_LABELS: Final = ("groupname",)


def _gauge(name: str, text: str) -> Metric:
    return Metric(f"epimetheus_process_{name}", "gauge", text, _LABELS)


CPU = Metric(
    "epimetheus_process_cpu_seconds_total",
    "counter",
    "CPU time used by processes of this name.",
    ("groupname", "mode"),
)
RESIDENT = _gauge(
    "resident_memory_bytes",
    "Resident memory of processes of this name; what they share counts for each.",
)
READ = Metric(
    "epimetheus_process_read_bytes_total",
    "counter",
    "Bytes that processes of this name had read from disks.",
    _LABELS,
)
WRITTEN = Metric(
    "epimetheus_process_written_bytes_total",
    "counter",
    "Bytes that processes of this name had written to disks.",
    _LABELS,
)
INSTANCES = _gauge("instances", "Processes of this name.")
THREADS = _gauge("threads", "Threads of processes of this name.")
OPEN_FDS = _gauge("open_fds", "Files that processes of this name have open.")
START = _gauge("start_time_seconds", "Start of the oldest process of this name.")


class Used(NamedTuple):
    """What a process has used since its start: ticks and bytes."""

    user: int
    system: int
    read: int
    written: int


_NOTHING: Final = Used(0, 0, 0, 0)


@dataclass(slots=True)
class Group:
    """Processes of one name: sums since they are known, and those of this sample."""

    total: Used = _NOTHING
    lately: Used = _NOTHING
    rss: int = 0
    threads: int = 0
    start: int = 0
    pids: list[int] = field(default_factory=list)


class TopProcesses(Sampled):
    """Reads every process, and tells of the names that are first in something."""

    def __init__(self, host: Host, options: Options) -> None:
        super().__init__(host, options.interval)
        self._limit = options.limit
        self._tick = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._known: dict[tuple[int, int], Used] = {}
        self._groups: dict[str, Group] = {}
        self._reads_io = True

    def measure(self) -> list[Family]:
        """Return what the first of each rank use; NothingHere if none may be seen."""
        self._count()
        if not self._groups:
            raise NothingHere("no process may be seen; is /proc mounted with hidepid?")
        chosen = top(self._groups, self._limit)
        return self._families({name: self._groups[name] for name in sorted(chosen)})

    def _count(self) -> None:
        """Add what was used since the last time; forget names without a process."""
        before, self._known = self._known, {}
        groups: dict[str, Group] = {}
        self._reads_io = False
        for stat in stats_of(self._host.procfs):
            used = Used(stat.user, stat.system, *self._io(stat))
            key = (stat.pid, stat.start)
            self._known[key] = used
            name = group_name(stat)
            group = groups.get(name)
            if group is None:
                old = self._groups.get(name)
                group = groups[name] = Group(old.total if old else _NOTHING)
            step = _minus(used, before.get(key, _NOTHING))
            group.total = _plus(group.total, step)
            group.lately = _plus(group.lately, step)
            group.rss += stat.rss
            group.threads += stat.threads
            group.start = min(group.start or stat.start, stat.start)
            group.pids.append(stat.pid)
        self._groups = groups

    def _io(self, stat: Stat) -> tuple[int, int]:
        """Return the bytes read and written, which only root is told of others."""
        if stat.is_kernel:
            return 0, 0
        try:
            text = read(f"{self._host.procfs}/{stat.pid}/io")
        except OSError:
            return 0, 0
        self._reads_io = True
        lines = dict(line.split(": ") for line in text.splitlines())
        return int(lines["read_bytes"]), int(lines["write_bytes"])

    def _families(self, groups: Mapping[str, Group]) -> list[Family]:
        def each(
            value: Callable[[Group], float],
        ) -> list[tuple[tuple[str, ...], float]]:
            return [((name,), value(group)) for name, group in groups.items()]

        boot = self._boot_time()
        cpu = [
            ((name, mode), ticks / self._tick)
            for name, group in groups.items()
            for mode, ticks in (
                ("user", group.total.user),
                ("system", group.total.system),
            )
        ]
        families = [
            Family(CPU, cpu),
            Family(RESIDENT, each(lambda group: group.rss * self._page)),
            Family(INSTANCES, each(lambda group: len(group.pids))),
            Family(THREADS, each(lambda group: group.threads)),
            Family(START, each(lambda group: boot + group.start / self._tick)),
        ]
        if self._reads_io:
            families += [
                Family(READ, each(lambda group: group.total.read)),
                Family(WRITTEN, each(lambda group: group.total.written)),
            ]
        if files := self._open_files(groups):
            families.append(Family(OPEN_FDS, files))
        return families

    def _open_files(
        self, groups: Mapping[str, Group]
    ) -> list[tuple[tuple[str, ...], float]]:
        """Return the open files of the names whose processes all show them."""
        samples: list[tuple[tuple[str, ...], float]] = []
        for name, group in groups.items():
            try:
                count = sum(
                    len(os.listdir(f"{self._host.procfs}/{pid}/fd"))  # noqa: PTH208
                    for pid in group.pids
                )
            except OSError:
                continue
            samples.append(((name,), count))
        return samples

    def _boot_time(self) -> int:
        for line in self._host.proc("stat").splitlines():
            if line.startswith("btime "):
                return int(line.split()[1])
        raise ValueError("/proc/stat has no btime")


def group_name(stat: Stat) -> str:
    """Return the name to count under: that of threads of the kernel without a number.

    There are hundreds of `kworker/3:1-events`, `migration/3` and the like.
    """
    return stat.name.split("/", 1)[0] if stat.is_kernel else stat.name


def top(groups: Mapping[str, Group], limit: int) -> set[str]:
    """Return the first names by CPU time, by memory and by bytes of disks.

    Time and bytes are those since the last sample, and where equal since the start.
    """
    ranks: tuple[Callable[[Group], tuple[int, int]], ...] = (
        lambda one: (_time(one.lately), _time(one.total)),
        lambda one: (one.rss, 0),
        lambda one: (_bytes(one.lately), _bytes(one.total)),
    )
    chosen: set[str] = set()
    for rank in ranks:
        ranked = sorted((rank(group), name) for name, group in groups.items())
        chosen.update(name for place, name in ranked[-limit:] if any(place))
    return chosen


def _time(used: Used) -> int:
    return used.user + used.system


def _bytes(used: Used) -> int:
    return used.read + used.written


def _plus(one: Used, other: Used) -> Used:
    return Used(*map(int.__add__, one, other))


def _minus(one: Used, other: Used) -> Used:
    """Return the difference; what goes back, as the kernel's I/O may, is nothing."""
    return Used(*(max(a - b, 0) for a, b in zip(one, other, strict=True)))
